"""OCI content descriptors (image-spec v1.1.1, descriptor.md)."""

from __future__ import annotations

import msgspec

from shipway.core.oci.digest import Digest, of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
EMPTY = "application/vnd.oci.empty.v1+json"
LAYER_TAR = "application/vnd.oci.image.layer.v1.tar"
LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip"
OCTETS = "application/octet-stream"


class Platform(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An operating system and architecture, in Go's words."""

    architecture: str
    os: str = "linux"
    variant: str = ""

    def __str__(self) -> str:
        """Return ``os/arch`` or ``os/arch/variant``."""
        return "/".join(part for part in (self.os, self.architecture, self.variant) if part)


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A reference to bytes: what they are, their digest and their size in bytes."""

    media_type: str
    digest: Digest
    size: int
    artifact_type: str = ""
    platform: Platform | None = None
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


def describe(data: bytes | bytearray, media_type: str) -> Descriptor:
    """Return the descriptor of ``data``."""
    return Descriptor(media_type, of(data), len(data))
