"""Walking the chain without touching the world.

A walk says which bytes it wants, is fed them, and wants more until it wants nothing; then
:meth:`Walk.evidence` is what was found. ``verify``, ``trace`` and an export drive the same walk,
a whole frontier at a time, over a registry, the store or a file. It judges signatures and roles as
it goes; what must be present is the policy's question (``verdict.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import artifact, bundle, release, statement, trust
from shipway.core.evidence import predicate as types
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.link import Edge, Verified
from shipway.core.oci.descriptor import Descriptor
from shipway.core.oci.digest import Digest, of
from shipway.core.oci.digest import parse as check_form
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.core.evidence.policy import Policy
    from shipway.core.evidence.trust import Trust

MOST_REFERRERS = 1000
"""Links that one subject may have."""
MOST_BYTES = 256 << 20
"""Bytes that one walk may be fed."""
MOST_BUNDLE = 32 << 20
"""Bytes that one bundle may have."""


class Want(msgspec.Struct, frozen=True, order=True):
    """Bytes that a walk asks for.

    ``kind`` is ``referrers`` (a JSON list of descriptors), ``manifest`` or ``blob``.
    """

    kind: str
    repository: str
    digest: Digest
    size: int = 0
    """Of a blob, in bytes."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a walk; only what was verified is in ``links``."""

    links: tuple[Verified, ...] = ()
    findings: tuple[Finding, ...] = ()
    releases: dict[Digest, release.Contents] = msgspec.field(default_factory=dict)
    manifests: dict[Digest, artifact.Artifact] = msgspec.field(default_factory=dict)
    blobs: dict[Digest, bytes] = msgspec.field(default_factory=dict)

    def about(self, subject: Digest, kind: str = "") -> tuple[Verified, ...]:
        """Return the links attached to ``subject``, of one kind or of all."""
        return tuple(one for one in self.links if one.subject == subject and kind in {"", one.kind})

    def named(self, payload: Digest) -> Verified | None:
        """Return the link whose payload has this digest."""
        return next((one for one in self.links if one.edge.payload == payload), None)


class Walk:
    """One walk; make it, start it at images and releases, feed it, ask for the evidence."""

    def __init__(self, *, trust: Trust, policy: Policy) -> None:
        self._trust = trust
        self._policy = policy
        self._wanted: dict[Want, Callable[[bytes], None]] = {}
        self._seen: set[Want] = set()
        self._names: dict[Want, str] = {}
        self._bytes = 0
        self._links: dict[tuple[Digest, Digest], Verified] = {}
        self._findings: dict[Finding, None] = {}
        self._manifests: dict[Digest, artifact.Artifact] = {}
        self._releases: dict[Digest, release.Contents] = {}
        self._blobs: dict[Digest, bytes] = {}

    def image(self, repository: str, digest: Digest) -> None:
        """Start at an image: its manifest, its links, and those of every child of an index."""

        def read(data: bytes) -> None:
            found = self._manifest(digest, data)
            for child in found.manifests:
                self.image(repository, child.digest)

        self._want(Want("manifest", repository, digest), read)
        self.referrers(repository, digest)

    def release(self, repository: str, digest: Digest) -> None:
        """Start at a release: what it holds, every image of it, and its own links."""

        def read(data: bytes) -> None:
            layer = artifact.only_layer(self._manifest(digest, data))
            if layer.media_type != release.MEDIA_TYPE:
                self._find(Answer.ALTERED, digest, "it is no release")
                return
            want = Want("blob", repository, layer.digest, layer.size)
            self._want(want, lambda blob: self._contents(repository, digest, blob))

        self._want(Want("manifest", repository, digest), read)
        self.referrers(repository, digest)

    def referrers(self, repository: str, subject: Digest) -> None:
        """Want every link about ``subject``."""

        def read(data: bytes) -> None:
            listed = decode(
                data, tuple[Descriptor, ...], error="referrers.invalid", subject=subject
            )
            if len(listed) > MOST_REFERRERS:
                raise _flooded(subject, f"{len(listed)} links")
            for one in listed:
                hint = one.annotations.get(artifact.PREDICATE_TYPE, "")
                self.link(repository, one.digest, subject, hint=hint)

        self._want(Want("referrers", repository, subject), read)

    def link(
        self, repository: str, manifest: Digest, subject: Digest | None = None, *, hint: str = ""
    ) -> None:
        """Want one link by the manifest that carries it, about ``subject`` if that is known.

        ``hint`` is the predicate type it is said to have: it only names what is wrong with it.
        """

        def read(data: bytes) -> None:
            carrier = artifact.parse(data)
            named = _label(carrier.annotations.get(artifact.PREDICATE_TYPE, hint), manifest)
            about = carrier.subject.digest if carrier.subject else None
            if about is None or subject not in {None, about}:
                self._find(Answer.ALTERED, named, f"it is not attached to {subject}")
                return
            if len(carrier.layers) != 1 or carrier.layers[0].media_type != bundle.MEDIA_TYPE:
                return
            layer = carrier.layers[0]
            if layer.size > MOST_BUNDLE:
                raise _flooded(manifest, f"a bundle of {layer.size} bytes")
            want = Want("blob", repository, layer.digest, layer.size)
            self._want(want, lambda blob: self._bundle(repository, manifest, about, blob), named)

        self._want(Want("manifest", repository, manifest), read, _label(hint, manifest))

    def blob(self, repository: str, digest: Digest, size: int) -> None:
        """Want a blob that the caller needs, such as a rendered set."""
        self._want(Want("blob", repository, digest, size), lambda _: None)

    def wants(self) -> tuple[Want, ...]:
        """Return what is wanted now, in a stable order; nothing when the walk has ended."""
        return tuple(sorted(self._wanted))

    def feed(self, answers: Mapping[Want, bytes | None]) -> None:
        """Take answers; ``None`` says that there is no such thing.

        Raises:
            ShipwayError: ``evidence.flooded`` (rejected) if somebody stored too much of it.
        """
        for want, data in answers.items():
            read = self._wanted.pop(want, None)
            if read is not None:
                self._answer(want, data, read)

    def evidence(self) -> Evidence:
        """Return what was found so far."""
        return Evidence(
            links=tuple(self._links.values()),
            findings=tuple(self._findings),
            releases=dict(self._releases),
            manifests=dict(self._manifests),
            blobs=dict(self._blobs),
        )

    def _want(self, want: Want, read: Callable[[bytes], None], named: str = "") -> None:
        check_form(want.digest)
        if want not in self._seen:
            self._seen.add(want)
            self._names[want] = named or want.digest
            self._wanted[want] = read

    def _answer(self, want: Want, data: bytes | None, read: Callable[[bytes], None]) -> None:
        named = self._names[want]
        if data is None:
            if want.kind != "referrers":
                self._find(Answer.MISSING, named, f"the {want.kind} is not there")
            return
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise _flooded(want.digest, f"more than {MOST_BYTES} bytes")
        if want.kind != "referrers" and of(data) != want.digest:
            self._find(Answer.ALTERED, named, f"the {want.kind} has other bytes")
            return
        if want.kind == "blob":
            self._blobs[want.digest] = data
        try:
            read(data)
        except ShipwayError as error:
            if error.kind is not Kind.INTEGRITY:
                raise
            self._find(Answer.ALTERED, named, error.message)

    def _manifest(self, digest: Digest, data: bytes) -> artifact.Artifact:
        found = artifact.parse(data)
        self._manifests[digest] = found
        return found

    def _contents(self, repository: str, digest: Digest, data: bytes) -> None:
        contents = release.parse(data)
        self._releases[digest] = contents
        for service in contents.services:
            place = release.absolute(service.repository, repository)
            self.image(place, service.image)
            for edge in service.links:
                self.link(place, edge.manifest, hint=edge.predicate_type)

    def _bundle(self, repository: str, manifest: Digest, subject: Digest, data: bytes) -> None:
        found = bundle.parse(data)
        said = statement.parse(found.envelope.payload)
        where = f"{said.kind} link {manifest}"
        if found.envelope.payload_type != statement.MEDIA_TYPE:
            self._find(Answer.ALTERED, where, "its payload is no in-toto statement")
            return
        if not said.about(subject):
            self._find(Answer.ALTERED, where, f"it does not speak of {subject}")
            return
        kind = types.canonical(said.predicate_type)
        who = trust.judge(found, kind, trust=self._trust, policy=self._policy, subject=where)
        if isinstance(who, Finding):
            self._findings[who] = None
            return
        edge = Edge(predicate_type=kind, payload=found.envelope.identity, manifest=manifest)
        self._links[edge.payload, subject] = Verified(
            statement=said,
            edge=edge,
            subject=subject,
            repository=repository,
            signer=who.key.fingerprint,
            bundle=of(data),
        )

    def _find(self, answer: Answer, subject: str, detail: str) -> None:
        self._findings[Finding(answer, subject, detail)] = None


def _flooded(subject: str, what: str) -> ShipwayError:
    return ShipwayError(
        "evidence.flooded",
        Kind.REJECTED,
        f"{what} are more than Shipway reads",
        operation="walking the evidence of",
        subject=subject,
        hint="remove what does not belong there from the registry",
    )


def _label(predicate_type: str, manifest: Digest) -> str:
    """Return how a link is named before it was read: by what it is said to be."""
    return f"{types.name(predicate_type)} link {manifest}" if predicate_type else manifest
