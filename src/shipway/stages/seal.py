"""Seal: one release over every service's image and the links about it, as an OCI artifact.

On every ``up``, for one service or a dirty tree too. The release names no environment; its signed
link, which says the channel, is made by ``attest`` right after. :func:`keep` stores a rendered set
the same way, so that a verifier finds it in the registry.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import artifact, release
from shipway.core.evidence.link import Link  # noqa: TC001  msgspec reads types
from shipway.core.evidence.release import Contents, Release, Service
from shipway.core.oci.descriptor import MANIFEST, Descriptor
from shipway.core.oci.image import Placed  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from shipway.core.ports.content import Content
    from shipway.core.ports.registry import Registry


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """One service as ``make`` left it."""

    name: str
    published: Placed
    links: tuple[Link, ...]


class SealRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a release holds, and where it goes."""

    project: str
    version: str
    channel: str = "dev"
    tests: str
    """``passed``, ``warned``, ``failed``, ``pending`` or ``off``."""
    services: tuple[Sealed, ...]
    also: tuple[Service, ...] = ()
    """Services that stay as an earlier release in the same repository has them."""
    repository: str
    """The evidence repository, ``HOST[:PORT]/NAME``."""


class KeepRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A rendered set in the store, the release it is about, and where it goes."""

    rendered: Descriptor
    release: Descriptor
    repository: str


def seal(request: SealRequest, *, content: Content, registry: Registry | None) -> Release:
    """Store the release, and push it by digest when ``registry`` is given."""
    services = tuple(_service(one, request.repository) for one in request.services) + request.also
    contents = Contents(
        project=request.project,
        version=request.version,
        channel=request.channel,
        tests=request.tests,
        services=services,
    )
    layer = content.put(release.encode(contents), release.MEDIA_TYPE)
    manifest = _store(artifact.encode(layer, artifact_type=release.MEDIA_TYPE), content)
    if registry is not None:
        _push(request.repository, layer, manifest, content=content, registry=registry)
    where = request.repository if registry is not None else ""
    return Release(contents=contents, manifest=manifest, repository=where)


def keep(request: KeepRequest, *, content: Content, registry: Registry) -> Descriptor:
    """Push a rendered set as an artifact that refers to its release; return its manifest."""
    layer = request.rendered
    data = artifact.encode(layer, artifact_type=layer.media_type, subject=request.release)
    manifest = _store(data, content)
    _push(request.repository, layer, manifest, content=content, registry=registry)
    registry.attach(request.repository, request.release.digest, [manifest])
    return manifest


def _service(one: Sealed, repository: str) -> Service:
    published = one.published
    return Service(
        name=one.name,
        repository=release.relative(published.repository, repository),
        image=published.manifest.digest,
        size=published.manifest.size,
        media_type=published.manifest.media_type,
        links=tuple(sorted((link.edge for link in one.links), key=lambda edge: edge.payload)),
    )


def _store(data: bytes, content: Content) -> Descriptor:
    content.put(artifact.EMPTY_BYTES, artifact.EMPTY_CONFIG.media_type)
    return content.put(data, MANIFEST)


def _push(
    repository: str,
    layer: Descriptor,
    manifest: Descriptor,
    *,
    content: Content,
    registry: Registry,
) -> None:
    registry.push_blob(repository, artifact.EMPTY_CONFIG, content)
    registry.push_blob(repository, layer, content)
    registry.push_manifest(repository, content.read(manifest.digest), MANIFEST)
