"""Attest: statements become signed links, in the store and beside their subjects in a registry.

Roads call :func:`sign` when the subjects are known; :func:`push` sends links that were signed
earlier. All links about one subject are listed by one write, and each lies under a tag of its own,
so that a registry without the referrers API keeps it. No tag of an image is ever moved here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import artifact, bundle, statement
from shipway.core.evidence import predicate as types
from shipway.core.evidence.link import Link
from shipway.core.oci.descriptor import MANIFEST, Descriptor
from shipway.core.oci.digest import Digest, hex_of, of
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.evidence.statement import Statement
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.content import Content
    from shipway.core.ports.evidence import Links
    from shipway.core.ports.registry import Registry
    from shipway.core.ports.signer import Sealer


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One statement to sign, and the manifest it will refer to."""

    payload: bytes
    """As ``statement.encode`` gave it."""
    subject: Descriptor
    tag: str = ""
    """Tag in the repository; by default its kind and payload digest."""


class AttestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Statements of one repository."""

    statements: tuple[Said, ...]
    repository: str = ""
    """``HOST[:PORT]/NAME`` of the subjects; empty keeps the links in the store only."""


def sign(
    request: AttestRequest,
    *,
    signer: Sealer,
    content: Content,
    registry: Registry | None,
    clock: Clock,
    links: Links | None = None,
    there: Callable[[], object] | None = None,
) -> tuple[Link, ...]:
    """Sign each statement, store it, and push all when ``registry`` is given; in their order.

    ``there`` returns when the subjects lie in the registry, if that was not so before, and when
    whatever else the links rely on is settled: until then no more than blobs is sent.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity) for a payload that is no statement about
            its subject; errors of the registry.
    """
    created = statement.timestamp(clock.now())
    parsed = [_parsed(said) for said in request.statements]
    sealed = scope.each(lambda said: signer.seal(said.payload), request.statements)
    signed = tuple(
        _kept(said, told, data, content, created)
        for said, told, data in zip(request.statements, parsed, sealed, strict=True)
    )
    keeping = scope.spawn(links.keep, signed) if links is not None else None
    if registry is not None and request.repository:
        signed = push(
            signed,
            request.repository,
            content=content,
            registry=registry,
            tags=tuple(said.tag for said in request.statements),
            there=there,
        )
    if keeping is not None:
        keeping.join()
    return signed


def push(
    signed: tuple[Link, ...],
    repository: str,
    *,
    content: Content,
    registry: Registry,
    tags: tuple[str, ...] = (),
    there: Callable[[], object] | None = None,
) -> tuple[Link, ...]:
    """Push links and list them under their subjects: one index write a subject.

    Blobs go first; ``there`` is as :func:`sign` has it.

    A repeat is harmless: blobs and entries that are there are not sent again.

    Raises:
        ShipwayError: ``content.missing`` (not found) for a link that is not in the store; errors
            of the registry.
    """
    names = tags or ("",) * len(signed)
    work = list(zip(signed, names, strict=True))
    blobs = {link.bundle.digest: link.bundle for link in signed}
    if work:
        blobs[artifact.EMPTY_CONFIG.digest] = artifact.EMPTY_CONFIG
    scope.each(lambda blob: registry.push_blob(repository, blob, content), blobs.values())
    if there is not None:
        there()

    def send(item: tuple[Link, str]) -> Descriptor:
        link, tag = item
        data = content.read(link.manifest.digest)
        return registry.push_manifest(repository, data, MANIFEST, tag or own_tag(link))

    sent = scope.each(send, work)
    by_subject: dict[Digest, list[Descriptor]] = {}
    for link, manifest in zip(signed, sent, strict=True):
        by_subject.setdefault(link.subject, []).append(manifest)
    for subject, manifests in by_subject.items():
        registry.attach(repository, subject, manifests)
    return tuple(msgspec.structs.replace(link, repository=repository) for link in signed)


def own_tag(link: Link) -> str:
    """Return the tag of its own that a link has unless its road names another."""
    return f"{types.name(link.predicate_type)}-{hex_of(link.payload)}"


def _parsed(said: Said) -> Statement:
    """Return a statement, once it is sure that it is about what it will be attached to."""
    parsed = statement.parse(said.payload)
    if not parsed.about(said.subject.digest):
        raise ShipwayError(
            "statement.invalid",
            Kind.INTEGRITY,
            f"a {parsed.kind} statement does not speak of what it would be attached to",
            operation="signing a statement about",
            subject=said.subject.digest,
        )
    return parsed


def _kept(said: Said, parsed: Statement, data: bytes, content: Content, created: str) -> Link:
    """Put a sealed statement into the store, and return the link."""
    layer = content.put(data, bundle.MEDIA_TYPE)
    content.put(artifact.EMPTY_BYTES, artifact.EMPTY_CONFIG.media_type)
    carrier = artifact.encode(
        layer,
        artifact_type=bundle.MEDIA_TYPE,
        subject=said.subject,
        annotations=artifact.bundle_annotations(parsed.predicate_type, created),
    )
    kept = content.put(carrier, MANIFEST)
    manifest = msgspec.structs.replace(kept, artifact_type=bundle.MEDIA_TYPE)
    return Link(
        predicate_type=types.canonical(parsed.predicate_type),
        payload=of(said.payload),
        bundle=layer,
        manifest=manifest,
        subject=said.subject.digest,
    )
