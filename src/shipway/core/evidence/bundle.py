"""Sigstore bundles v0.3 that carry a DSSE envelope signed by a key (sigstore protobuf-specs).

Written as cosign v3 writes them. The hint only selects among keys that are already trusted; a
public key is never taken from a bundle. Certificates are recognised, and refused by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence import statement
from shipway.core.evidence.envelope import Envelope, WireEnvelope, from_wire, pae, to_wire
from shipway.core.wire import decode, unambiguous
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.signer import Signer

MEDIA_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
_READ = frozenset({MEDIA_TYPE, "application/vnd.dev.sigstore.bundle+json;version=0.3"})
_INVALID = "bundle.invalid"


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """An envelope and which key may have signed it."""

    envelope: Envelope
    hint: str
    """base64(sha256(PKIX DER)) of the public key, unsigned."""


class _PublicKey(msgspec.Struct, frozen=True):
    hint: str = ""


class _Material(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    public_key: _PublicKey | None = None
    certificate: dict[str, Any] | None = None
    x509_certificate_chain: dict[str, Any] | None = None


class _Wire(msgspec.Struct, frozen=True, rename="camel"):
    media_type: str
    verification_material: _Material
    dsse_envelope: WireEnvelope


def by_key(signer: Signer, payload: bytes) -> bytes:
    """Return the bundle in which a key signs ``payload``: what a ``Signer`` seals."""
    signature = signer.sign(pae(statement.MEDIA_TYPE, payload))
    envelope = Envelope(payload=payload, signatures=(signature,))
    return encode(Bundle(envelope=envelope, hint=signer.public_key.hint))


def encode(bundle: Bundle) -> bytes:
    """Return the bundle as JSON."""
    material = _Material(public_key=_PublicKey(bundle.hint))
    return msgspec.json.encode(_Wire(MEDIA_TYPE, material, to_wire(bundle.envelope)))


def parse(data: bytes) -> Bundle:
    """Return the bundle in ``data``.

    Raises:
        ShipwayError: ``bundle.invalid`` or ``envelope.invalid`` (integrity).
    """
    unambiguous(data, error=_INVALID, subject="a Sigstore bundle")
    wire = decode(data, _Wire, error=_INVALID, subject="a Sigstore bundle")
    if wire.media_type not in _READ:
        raise _invalid(f"its media type is {wire.media_type[:80]!r}")
    key = wire.verification_material.public_key
    if key is None:
        raise _invalid("it names no public key (certificates are not accepted yet)")
    return Bundle(envelope=from_wire(wire.dsse_envelope), hint=key.hint)


def _invalid(why: str) -> ShipwayError:
    return ShipwayError(
        _INVALID, Kind.INTEGRITY, why, operation="reading", subject="a Sigstore bundle"
    )
