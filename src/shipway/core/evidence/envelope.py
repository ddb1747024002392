"""DSSE envelopes: bytes, what they are, and signatures over both (secure-systems-lab/dsse v1)."""

from __future__ import annotations

import base64

import msgspec

from shipway.core.evidence.statement import MEDIA_TYPE
from shipway.core.oci.digest import Digest, of
from shipway.core.wire import decode, unbase64
from shipway.errors import Kind, ShipwayError

_INVALID = "envelope.invalid"
_MOST_SIGNATURES = 16


class Signature(msgspec.Struct, frozen=True):
    """One signature over the pre-authentication encoding; ``keyid`` is an unsigned hint."""

    sig: bytes
    keyid: str = ""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """A payload as signed."""

    payload: bytes
    payload_type: str = MEDIA_TYPE
    signatures: tuple[Signature, ...]

    @property
    def identity(self) -> Digest:
        """Return the digest of the payload bytes, by which a link is named."""
        return of(self.payload)

    @property
    def signed(self) -> bytes:
        """Return the bytes that the signatures are over."""
        return pae(self.payload_type, self.payload)


class WireSignature(msgspec.Struct, frozen=True, omit_defaults=True):
    """A signature as JSON carries it."""

    sig: str
    keyid: str = ""


class WireEnvelope(msgspec.Struct, frozen=True, rename="camel"):
    """An envelope as JSON carries it."""

    payload: str
    payload_type: str
    signatures: tuple[WireSignature, ...]


def pae(payload_type: str, payload: bytes) -> bytes:
    """Return the pre-authentication encoding: what is really signed."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def to_wire(envelope: Envelope) -> WireEnvelope:
    """Return the JSON form, in standard base64."""
    signatures = tuple(
        WireSignature(base64.b64encode(one.sig).decode(), one.keyid) for one in envelope.signatures
    )
    payload = base64.b64encode(envelope.payload).decode()
    return WireEnvelope(payload, envelope.payload_type, signatures)


def from_wire(wire: WireEnvelope) -> Envelope:
    """Return the envelope that ``wire`` carries.

    Raises:
        ShipwayError: ``envelope.invalid`` (integrity) for bad base64, no signature or too many.
    """
    if not 1 <= len(wire.signatures) <= _MOST_SIGNATURES:
        raise ShipwayError(
            _INVALID,
            Kind.INTEGRITY,
            f"it has {len(wire.signatures)} signatures",
            operation="reading",
            subject="a DSSE envelope",
        )
    return Envelope(
        payload=_bytes(wire.payload),
        payload_type=wire.payload_type,
        signatures=tuple(Signature(_bytes(one.sig), one.keyid) for one in wire.signatures),
    )


def parse(data: bytes) -> Envelope:
    """Return the envelope in ``data`` (JSON).

    Raises:
        ShipwayError: ``envelope.invalid`` (integrity).
    """
    return from_wire(decode(data, WireEnvelope, error=_INVALID, subject="a DSSE envelope"))


def encode(envelope: Envelope) -> bytes:
    """Return the envelope as JSON."""
    return msgspec.json.encode(to_wire(envelope))


def _bytes(text: str) -> bytes:
    return unbase64(text, error=_INVALID, subject="a DSSE envelope")
