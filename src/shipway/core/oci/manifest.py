"""Image, index and artifact manifests (image-spec v1.1.1, manifest.md and image-index.md).

Pure: bytes in, values out, and back. A digest is always of the bytes that were stored or
received, so nothing that was parsed here is ever serialised again to name it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from shipway.core.oci import digest as digests
from shipway.core.oci.descriptor import (
    CONFIG,
    EMPTY,
    INDEX,
    LAYER_GZIP,
    LAYER_TAR,
    MANIFEST,
    Descriptor,
    Platform,
)
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")

LIMIT = 4 << 20
"""Bytes of a manifest at most (distribution-spec v1.1.1, Pushing Manifests)."""

EMPTY_JSON = b"{}"
"""The bytes of the empty config (manifest.md, Guidance for an Empty Descriptor)."""

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd"

IMAGES = frozenset({MANIFEST, DOCKER_MANIFEST})
INDEXES = frozenset({INDEX, DOCKER_INDEX})
CONFIGS = frozenset({CONFIG, DOCKER_CONFIG})
LAYERS = frozenset({LAYER_TAR, LAYER_GZIP, LAYER_ZSTD, DOCKER_LAYER})


class Manifest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An image or artifact manifest; unknown members are read over."""

    schema_version: int
    config: Descriptor
    layers: tuple[Descriptor, ...]
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class Index(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An image index, or a Docker manifest list."""

    schema_version: int
    manifests: tuple[Descriptor, ...]
    media_type: str = ""
    artifact_type: str = ""
    subject: Descriptor | None = None
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


class _Written(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The members in the order in which we write them, as the spec's examples have it."""

    schema_version: int
    media_type: str
    artifact_type: str | None = None
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] | None = None
    manifests: tuple[Descriptor, ...] | None = None
    subject: Descriptor | None = None
    annotations: dict[str, str] | None = None


def image(config: Descriptor, layers: tuple[Descriptor, ...], annotations: dict[str, str]) -> bytes:
    """Return the JSON of an image manifest; its annotations are sorted by key."""
    return _encode(
        _Written(2, MANIFEST, None, config, layers, annotations=_sorted(annotations) or None)
    )


def artifact(
    artifact_type: str,
    layers: tuple[Descriptor, ...],
    *,
    subject: Descriptor | None = None,
    annotations: dict[str, str] | None = None,
    config: Descriptor | None = None,
) -> bytes:
    """Return the JSON of an artifact manifest, with the empty config unless one is given.

    The bytes of the empty config (:data:`EMPTY_JSON`) and of the layers are pushed by the caller.
    """
    if subject is not None:
        subject = Descriptor(subject.media_type, subject.digest, subject.size)
    written = _Written(
        2,
        MANIFEST,
        artifact_type,
        config or empty(),
        layers,
        subject=subject,
        annotations=_sorted(annotations or {}) or None,
    )
    return _encode(written)


def index(manifests: tuple[Descriptor, ...], annotations: dict[str, str] | None = None) -> bytes:
    """Return the JSON of an image index."""
    annotations = _sorted(annotations or {})
    return _encode(_Written(2, INDEX, manifests=manifests, annotations=annotations or None))


def over(images: Iterable[tuple[Platform, Descriptor]], annotations: dict[str, str]) -> bytes:
    """Return the JSON of an index over one image a platform, in the order of the platforms."""
    pairs = sorted(images, key=lambda pair: str(pair[0]))
    found = (Descriptor(at.media_type, at.digest, at.size, platform=one) for one, at in pairs)
    return index(tuple(found), annotations)


def empty() -> Descriptor:
    """Return the descriptor of the empty config."""
    return Descriptor(EMPTY, digests.of(EMPTY_JSON), len(EMPTY_JSON))


def parse(data: bytes) -> Manifest:
    """Return an image or artifact manifest.

    Raises:
        ShipwayError: ``manifest.invalid`` (integrity) if it is none, naming what is wrong.
    """
    found = _decode(data, Manifest)
    _check(found.schema_version, (found.config, *found.layers, found.subject))
    return found


def parse_index(data: bytes, limit: int | None = LIMIT) -> Index:
    """Return an image index or Docker manifest list, of at most ``limit`` bytes.

    Raises:
        ShipwayError: ``manifest.invalid`` (integrity) if it is none.
    """
    found = _decode(data, Index, limit)
    _check(found.schema_version, (*found.manifests, found.subject))
    return found


def choose(found: Index, platform: Platform) -> Descriptor:
    """Return the index's manifest for ``platform``; the variant counts only if it is asked for.

    Raises:
        ShipwayError: ``manifest.platform`` (not found), naming the platforms there are.
    """
    for entry in found.manifests:
        at = entry.platform
        if at and _fits(at, platform):
            return entry
    names = ", ".join(sorted({str(at.platform) for at in found.manifests if at.platform}))
    raise ShipwayError(
        "manifest.platform",
        Kind.NOT_FOUND,
        f"it has no image for {platform}, only for {names or 'none'}",
        operation="choosing a platform",
        hint="choose a base image that is built for the service's platform",
    )


def _fits(offered: Platform, wanted: Platform) -> bool:
    same = (offered.os, offered.architecture) == (wanted.os, wanted.architecture)
    return same and wanted.variant in {"", offered.variant}


def _check(version: int, descriptors: tuple[Descriptor | None, ...]) -> None:
    """Refuse another schema, malformed digests and negative sizes."""
    if version != 2:  # noqa: PLR2004  the only schema there is
        raise _invalid(f"schemaVersion is {version}, not 2")
    for found in descriptors:
        if found is not None:
            digests.parse(found.digest)
            if found.size < 0:
                raise _invalid(f"the size of {found.digest} is negative")


def _decode(data: bytes, kind: type[_T], limit: int | None = LIMIT) -> _T:
    if limit is not None and len(data) > limit:
        raise _invalid(f"it has {len(data)} bytes, more than {limit}")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(str(error)) from error


def _encode(value: _Written) -> bytes:
    return msgspec.json.encode(value)


def _sorted(annotations: dict[str, str]) -> dict[str, str]:
    return dict(sorted(annotations.items()))


def _invalid(reason: str) -> ShipwayError:
    return ShipwayError("manifest.invalid", Kind.INTEGRITY, reason, operation="reading a manifest")
