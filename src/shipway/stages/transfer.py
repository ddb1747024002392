"""Transfer: a release with its images and links is copied to other repositories, digest for digest.

Roads say which images and which verified links go; nothing is judged here. What the destination
holds is not sent again. A tag that something is found by is written last, after its links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import artifact
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.content import Content
    from shipway.core.ports.registry import Registry


class Moving(msgspec.Struct, frozen=True, kw_only=True):
    """One manifest with all that it names: an image, an index, an artifact."""

    origin: str
    """``HOST[:PORT]/NAME``."""
    destination: str
    digest: Digest
    subject: Digest | None = None
    """For a link, what it is listed under."""
    tag: str = ""


class TransferRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What goes, in its order: images, the release, links, and what is found by a tag."""

    moving: tuple[Moving, ...]


class Transferred(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent."""

    sent: int
    """Bytes of blobs."""


def transfer(request: TransferRequest, *, content: Content, registry: Registry) -> Transferred:
    """Copy everything, last what is found by a tag; a repeat is harmless.

    Raises:
        ShipwayError: errors of the registries; ``transfer.gone`` (not found) where the origin has
            lost what is to be copied.
    """
    sent = 0
    places = [one for one in request.moving if one.tag and one.subject is None]
    listed: dict[tuple[str, Digest], list[Descriptor]] = {}
    for one in (one for one in request.moving if one not in places):
        described, size = _copy(one, one.digest, content, registry, tag=one.tag)
        sent += size
        if one.subject is not None:
            listed.setdefault((one.destination, one.subject), []).append(described)
    for (repository, subject), manifests in listed.items():
        registry.attach(repository, subject, manifests)
    sent += sum(_copy(one, one.digest, content, registry, tag=one.tag)[1] for one in places)
    return Transferred(sent=sent)


def _copy(
    one: Moving, digest: Digest, content: Content, registry: Registry, *, tag: str = ""
) -> tuple[Descriptor, int]:
    """Copy a manifest, first what it names; return its descriptor and the bytes that were sent."""
    try:
        described, data = registry.pull_manifest(one.origin, digest)
    except ShipwayError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        raise ShipwayError(
            "transfer.gone",
            Kind.NOT_FOUND,
            "it is not there any more",
            operation="copying",
            subject=f"{one.origin}@{digest}",
        ) from error
    found = artifact.parse(data)
    sent = sum(_copy(one, child.digest, content, registry)[1] for child in found.manifests)
    blobs = (*((found.config,) if found.config else ()), *found.layers)

    def blob(descriptor: Descriptor) -> int:
        if registry.has_blob(one.destination, descriptor.digest):
            return 0
        registry.fetch_blob(one.origin, descriptor, content)
        return registry.push_blob(one.destination, descriptor, content)

    sent += sum(scope.each(blob, blobs))
    content.put(data, described.media_type)
    return registry.push_manifest(one.destination, data, described.media_type, tag), sent
