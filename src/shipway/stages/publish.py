"""publish: an assembled image goes to a registry, by digest; its tag moves later, by itself.

Roads call :func:`push` through a step, ``attest`` lists its links behind it (:func:`plan` tells it
the digest before), and :func:`tag` comes last, so that a tag never names an image without its
evidence. What the registry holds already is not sent again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.oci import assemble, manifest, reference
from shipway.core.oci.descriptor import INDEX, MANIFEST, Descriptor, Platform
from shipway.core.oci.image import Image, Placed, Published
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.content import Content, LayerStore
    from shipway.core.ports.registry import Registry

_AT_ONCE = 4


class PublishRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An image and where it goes."""

    image: Image
    repository: str
    """``HOST[:PORT]/NAME``."""
    compression: str
    """``none`` towards a registry on this machine, ``fast`` or ``small``."""
    mount: str = ""
    """Another repository of that registry (its NAME) that may hold layers already."""


class JoinRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Images of one service that were pushed, one a platform."""

    repository: str
    images: tuple[tuple[Platform, Descriptor], ...]
    annotations: dict[str, str]


def suggested(repository: str, *, release: bool = False) -> str:
    """Return the compression that suits ``repository``: none here, small for a release."""
    if reference.is_loopback(reference.parse_repository(repository).domain):
        return "none"
    return "small" if release else "fast"


def plan(request: PublishRequest, *, content: LayerStore) -> Published:
    """Return what :func:`push` of this request will make; nothing is sent.

    The layers are encoded; they and the manifest's bytes are kept in ``content``.

    Raises:
        ShipwayError: what the store says, ``reference.invalid``, ``compression.unknown``,
            ``image.invalid`` (internal).
    """
    image, repository = request.image, request.repository
    reference.parse_repository(repository)
    encoded = scope.each(
        lambda layer: content.encode(layer.diff_id, request.compression), image.layers, _AT_ONCE
    )
    layers = tuple(one.layer for one in encoded)
    data = manifest.image(image.config, layers, image.annotations)
    assemble.check(manifest.parse(data), content.read(image.config.digest), repository)
    return Published(
        repository=repository,
        manifest=content.put(data, MANIFEST),
        layers=layers,
        config=image.config,
        compression=request.compression,
        pushed=0,
        compressors=tuple(one.compressor for one in encoded),
    )


def push(request: PublishRequest, *, content: LayerStore, registry: Registry) -> Published:
    """Push the layers that are not there, the configuration and the manifest, by digest.

    Raises:
        ShipwayError: what the registry says, and as :func:`plan` has it.
    """
    planned = plan(request, content=content)

    def send(blob: Descriptor) -> int:
        mount = "" if blob is planned.config else request.mount
        return registry.push_blob(planned.repository, blob, content, mount=mount)

    sent = sum(scope.each(send, (*planned.layers, planned.config), _AT_ONCE))
    _push_manifest(planned, content, registry, known=not sent)
    return msgspec.structs.replace(planned, pushed=sent)


def join(request: JoinRequest, *, content: LayerStore, registry: Registry) -> Placed:
    """Push the index over images of several platforms, by digest; its order is that of their names.

    Raises:
        ShipwayError: what the registry or the store says.
    """
    planned = over(request, content=content)
    found = registry.resolve(request.repository, planned.manifest.digest)
    if found is not None:
        return Placed(repository=request.repository, manifest=found)
    data = content.read(planned.manifest.digest)
    sent = registry.push_manifest(request.repository, data, INDEX)
    return Placed(repository=request.repository, manifest=sent, pushed=len(data))


def over(request: JoinRequest, *, content: Content) -> Placed:
    """Return the index that :func:`join` of this request will push; nothing is sent.

    Raises:
        ShipwayError: what the store says.
    """
    data = manifest.over(request.images, request.annotations)
    return Placed(repository=request.repository, manifest=content.put(data, INDEX))


def tag(published: Placed, name: str, *, registry: Registry, move: bool = True) -> bool:
    """Let ``name`` stand for the published image, as the last write about it; return if it does.

    Where nothing was sent, the tag is looked at first: one that stands there is not written again.
    Without ``move`` a tag that stands for something else is left alone.

    Raises:
        ShipwayError: ``reference.invalid`` (usage) for what is no tag; what the registry says.
    """
    if not reference.is_tag(name):
        raise ShipwayError(
            "reference.invalid",
            Kind.USAGE,
            "not a tag",
            operation="tagging as",
            subject=name[:200],
            hint="a tag has 1 to 128 letters, digits, '_', '.', '-'; the first is no '.' or '-'",
        )
    if not published.pushed or not move:
        found = registry.resolve(published.repository, name)
        if found is not None and found.digest == published.manifest.digest:
            return True
        if found is not None and not move:
            return False
    _, data = registry.pull_manifest(published.repository, published.manifest.digest)
    registry.push_manifest(published.repository, data, published.manifest.media_type, name)
    return True


def _push_manifest(
    planned: Published, content: LayerStore, registry: Registry, *, known: bool
) -> None:
    """Push the manifest; where no blob was new, it is asked for first, which is cheaper."""
    at = planned.manifest.digest
    if not known or registry.resolve(planned.repository, at) is None:
        registry.push_manifest(planned.repository, content.read(at), MANIFEST)
