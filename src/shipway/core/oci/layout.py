"""Images outside of a registry: image layouts (image-spec v1.1.1, image-layout.md), also in a tar.

Pure: says which files there are and what those hold that are no blobs. The tar is at once an OCI
archive and what ``docker load`` reads: ``docker save`` has written both into one since version 25.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci import digest as digests
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.layer import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
"""What containerd, and with it Docker, calls an imported image."""
INDEX_FILE = "index.json"
MARK_FILE = "oci-layout"
DOCKER_FILE = "manifest.json"
MARK = b'{"imageLayoutVersion":"1.0.0"}'


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """An image for one platform."""

    manifest: Descriptor
    config: Descriptor
    layers: tuple[Descriptor, ...]


class Packed(msgspec.Struct, frozen=True, kw_only=True):
    """One service ready to leave: every blob of it lies in the store."""

    name: str
    """What it is called in a layout: the service's name."""
    reference: str
    """``REPOSITORY:TAG``."""
    repository: str
    manifest: Descriptor
    """Of the image, or of an index over several."""
    images: tuple[Form, ...]
    """One a platform; this machine's first, where it is one."""

    @property
    def pinned(self) -> str:
        """Return ``REPOSITORY@sha256:...``."""
        return f"{self.repository}@{self.manifest.digest}"


class _DockerImage(msgspec.Struct, frozen=True, rename="pascal"):
    """One element of ``manifest.json`` (moby, image/tarexport)."""

    config: str
    repo_tags: tuple[str, ...]
    layers: tuple[str, ...]


def place(descriptor: Descriptor) -> str:
    """Return where a blob lies in a layout."""
    return f"blobs/sha256/{digests.hex_of(descriptor.digest)}"


def blobs(images: tuple[Packed, ...]) -> tuple[Descriptor, ...]:
    """Return every blob of the images, each once."""
    return tuple({blob.digest: blob for one in images for blob in _blobs(one)}.values())


def index(images: tuple[Packed, ...], before: bytes | None = None) -> bytes:
    """Return ``index.json`` with the images beside what was there under other names.

    Raises:
        ShipwayError: ``manifest.invalid`` (integrity) where ``before`` is no index.
    """
    kept = manifest.parse_index(before).manifests if before is not None else ()
    names = {one.name for one in images}
    others = (one for one in kept if one.annotations.get(REF_NAME) not in names)
    return manifest.index((*others, *(_described(one) for one in images)))


def docker(images: tuple[Packed, ...]) -> bytes:
    """Return ``manifest.json``, which ``docker load`` reads; it knows one platform an image."""
    return msgspec.json.encode(
        [
            _DockerImage(
                config=place(one.images[0].config),
                repo_tags=(one.reference,),
                layers=tuple(place(layer) for layer in one.images[0].layers),
            )
            for one in images
        ]
    )


def entries(images: tuple[Packed, ...]) -> tuple[Entry, ...]:
    """Return the files of a tar that holds the images."""
    written = {MARK_FILE: MARK, INDEX_FILE: index(images), DOCKER_FILE: docker(images)}
    return (
        *(Entry(path=place(blob), blob=blob) for blob in blobs(images)),
        *(Entry(path=path, data=data) for path, data in written.items()),
    )


def _blobs(one: Packed) -> Iterator[Descriptor]:
    for form in one.images:
        yield from (*form.layers, form.config, form.manifest)
    yield one.manifest


def _described(one: Packed) -> Descriptor:
    names = {IMAGE_NAME: one.reference, REF_NAME: one.name}
    return msgspec.structs.replace(one.manifest, annotations=names)
