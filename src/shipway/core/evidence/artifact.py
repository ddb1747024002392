"""OCI manifests that carry something other than an image (image-spec v1.1.1, manifest.md).

Links, releases and rendered sets are all stored so: the empty config, one layer, and for a link
the manifest it refers to. Pure bytes; pushing is the stages' business.
"""

from __future__ import annotations

import msgspec

from shipway.core.oci.descriptor import EMPTY, MANIFEST, Descriptor, describe
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError

EMPTY_BYTES = b"{}"
EMPTY_CONFIG = describe(EMPTY_BYTES, EMPTY)

CONTENT = "dev.sigstore.bundle.content"
PREDICATE_TYPE = "dev.sigstore.bundle.predicateType"
CREATED = "org.opencontainers.image.created"
_INVALID = "artifact.invalid"


class Artifact(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An OCI manifest, image manifest or artifact alike."""

    schema_version: int = msgspec.field(default=2)
    media_type: str = ""
    artifact_type: str = ""
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None
    annotations: dict[str, str] = msgspec.field(default_factory=dict)


def encode(
    layer: Descriptor,
    *,
    artifact_type: str,
    subject: Descriptor | None = None,
    annotations: dict[str, str] | None = None,
) -> bytes:
    """Return the manifest bytes of an artifact with one layer; equal arguments, equal bytes."""
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": artifact_type,
        "config": EMPTY_CONFIG,
        "layers": [layer],
    }
    if subject is not None:
        manifest["subject"] = Descriptor(subject.media_type, subject.digest, subject.size)
    if annotations:
        manifest["annotations"] = dict(sorted(annotations.items()))
    return msgspec.json.encode(manifest)


def bundle_annotations(predicate_type: str, created: str) -> dict[str, str]:
    """Return the annotations by which cosign and oras list a bundle."""
    return {CONTENT: "dsse-envelope", PREDICATE_TYPE: predicate_type, CREATED: created}


def parse(data: bytes) -> Artifact:
    """Return a manifest or index; every digest in it has the form of one.

    Raises:
        ShipwayError: ``artifact.invalid`` or ``digest.invalid`` (integrity).
    """
    artifact = decode(data, Artifact, error=_INVALID, subject="an OCI manifest", limit=4 << 20)
    if artifact.schema_version != 2:  # noqa: PLR2004  the only version there is
        raise _invalid(f"its schemaVersion is {artifact.schema_version}")
    return artifact


def only_layer(artifact: Artifact) -> Descriptor:
    """Return the one layer of an artifact.

    Raises:
        ShipwayError: ``artifact.invalid`` (integrity) if it has none or several.
    """
    if len(artifact.layers) != 1:
        raise _invalid(f"it has {len(artifact.layers)} layers instead of one")
    return artifact.layers[0]


def _invalid(why: str) -> ShipwayError:
    return ShipwayError(
        _INVALID, Kind.INTEGRITY, why, operation="reading", subject="an OCI manifest"
    )
