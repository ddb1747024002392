"""A Sigstore bundle 0.1 to 0.3 as it was read: every field, and nothing believed yet.

The form is that of sigstore/protobuf-specs (sigstore_bundle.proto) in protobuf's JSON. A field that
the specification does not have is refused, as is base64 that could be written in another way: so
``fields`` can say of each field what covers it.
"""

from __future__ import annotations

import base64

import msgspec

from shipway.core.evidence.envelope import Envelope, Signature
from shipway.core.sigstore.logentry import Entry, Proof
from shipway.core.wire import decode, unambiguous, unbase64
from shipway.errors import Kind, ShipwayError

MEDIA_TYPES = (
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
)
LIMIT = 32 << 20
"""Bytes that a bundle may have; SBOMs are long."""
MOST = 8
"""Log entries, timestamps or certificates that a bundle may bring."""
_INVALID = "bundle.invalid"
_SUBJECT = "a Sigstore bundle"


class MessageSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature over the artifact itself."""

    algorithm: str
    """``sha256``, as the bundle says of the artifact's digest."""
    digest: bytes
    """Empty where the bundle does not say it; the signature is over the artifact in any case."""
    signature: bytes


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """What was signed, and what shall show by whom and when."""

    content: Envelope | MessageSignature
    certificates: tuple[bytes, ...] = ()
    """DER, the signer's first; none where it names a key."""
    entries: tuple[Entry, ...] = ()
    timestamps: tuple[bytes, ...] = ()
    """DER of RFC 3161 responses."""

    @property
    def signature(self) -> bytes:
        """Return the one signature."""
        if isinstance(self.content, Envelope):
            return self.content.signatures[0].sig
        return self.content.signature


class _Strict(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    pass


class WireCertificate(_Strict, frozen=True):
    """X509Certificate."""

    raw_bytes: str


class WireChain(_Strict, frozen=True):
    """X509CertificateChain."""

    certificates: tuple[WireCertificate, ...]


class WireKey(_Strict, frozen=True):
    """PublicKeyIdentifier."""

    hint: str = ""


class WireLogId(_Strict, frozen=True):
    """LogId."""

    key_id: str


class WireKindVersion(_Strict, frozen=True):
    """KindVersion."""

    kind: str
    version: str


class WirePromise(_Strict, frozen=True):
    """InclusionPromise."""

    signed_entry_timestamp: str


class WireCheckpoint(_Strict, frozen=True):
    """Checkpoint."""

    envelope: str


class WireProof(_Strict, frozen=True, kw_only=True):
    """InclusionProof."""

    log_index: str | int = 0
    root_hash: str
    tree_size: str | int
    hashes: tuple[str, ...] = ()
    checkpoint: WireCheckpoint | None = None


class WireEntry(_Strict, frozen=True, kw_only=True):
    """TransparencyLogEntry."""

    log_index: str | int = 0
    log_id: WireLogId
    kind_version: WireKindVersion
    integrated_time: str | int = 0
    inclusion_promise: WirePromise | None = None
    inclusion_proof: WireProof | None = None
    canonicalized_body: str


class WireTimestamp(_Strict, frozen=True):
    """RFC3161SignedTimestamp."""

    signed_timestamp: str


class WireTimestamps(_Strict, frozen=True):
    """TimestampVerificationData."""

    rfc3161_timestamps: tuple[WireTimestamp, ...] = ()


class WireMaterial(_Strict, frozen=True, kw_only=True):
    """VerificationMaterial."""

    public_key: WireKey | None = None
    x509_certificate_chain: WireChain | None = None
    certificate: WireCertificate | None = None
    tlog_entries: tuple[WireEntry, ...] = ()
    timestamp_verification_data: WireTimestamps | None = None


class WireDigest(_Strict, frozen=True):
    """HashOutput."""

    algorithm: str = ""
    digest: str = ""


class WireMessage(_Strict, frozen=True, kw_only=True):
    """MessageSignature."""

    message_digest: WireDigest | None = None
    signature: str


class WireSignature(_Strict, frozen=True):
    """Signature of a DSSE envelope."""

    sig: str
    keyid: str = ""


class WireEnvelope(_Strict, frozen=True):
    """Envelope of DSSE."""

    payload: str
    payload_type: str
    signatures: tuple[WireSignature, ...]


class WireBundle(_Strict, frozen=True, kw_only=True):
    """Bundle."""

    media_type: str
    verification_material: WireMaterial
    message_signature: WireMessage | None = None
    dsse_envelope: WireEnvelope | None = None


def parse(data: bytes) -> Bundle:
    """Return the bundle in ``data``.

    Raises:
        ShipwayError: ``bundle.invalid`` (integrity).
    """
    unambiguous(data, error=_INVALID, subject=_SUBJECT, limit=LIMIT)
    wire = decode(data, WireBundle, error=_INVALID, subject=_SUBJECT, limit=LIMIT)
    if wire.media_type not in MEDIA_TYPES:
        raise _refused(f"its media type is {wire.media_type[:80]!r}")
    material = wire.verification_material
    timestamps = material.timestamp_verification_data or WireTimestamps()
    brought = timestamps.rfc3161_timestamps
    if len(material.tlog_entries) > MOST or len(brought) > MOST:
        raise _refused(f"it brings more than {MOST} log entries or timestamps")
    return Bundle(
        content=_content(wire),
        certificates=_certificates(material),
        entries=tuple(_entry(one) for one in material.tlog_entries),
        timestamps=tuple(_bytes(one.signed_timestamp) for one in brought),
    )


def _content(wire: WireBundle) -> Envelope | MessageSignature:
    message, envelope = wire.message_signature, wire.dsse_envelope
    if (message is None) == (envelope is None):
        raise _refused("it has not one of messageSignature and dsseEnvelope")
    if envelope is not None:
        if len(envelope.signatures) != 1:
            raise _refused(f"its envelope has {len(envelope.signatures)} signatures, not one")
        return Envelope(
            payload=_bytes(envelope.payload),
            payload_type=envelope.payload_type,
            signatures=(Signature(_bytes(envelope.signatures[0].sig)),),
        )
    assert message is not None  # noqa: S101  the type checker cannot see it
    digest = message.message_digest or WireDigest()
    algorithm = digest.algorithm.removeprefix("SHA2_")
    if bool(digest.algorithm) != bool(digest.digest):
        raise _refused("its digest lacks algorithm or value")
    if digest.algorithm not in {"", "SHA2_256", "SHA2_384", "SHA2_512"}:
        raise _refused(f"its digest is a {digest.algorithm[:40]!r}")
    return MessageSignature(
        algorithm=f"sha{algorithm}",
        digest=_bytes(digest.digest),
        signature=_bytes(message.signature),
    )


def _certificates(material: WireMaterial) -> tuple[bytes, ...]:
    kinds = (material.public_key, material.x509_certificate_chain, material.certificate)
    if sum(one is not None for one in kinds) != 1:
        raise _refused("it has not one of publicKey, certificate and x509CertificateChain")
    if material.certificate is not None:
        return (_bytes(material.certificate.raw_bytes),)
    if material.x509_certificate_chain is None:
        return ()
    chain = material.x509_certificate_chain.certificates
    if not 1 <= len(chain) <= MOST:
        raise _refused(f"its certificate chain has {len(chain)} certificates")
    return tuple(_bytes(one.raw_bytes) for one in chain)


def _entry(wire: WireEntry) -> Entry:
    promise = wire.inclusion_promise
    return Entry(
        index=_number(wire.log_index),
        log=_bytes(wire.log_id.key_id),
        kind=wire.kind_version.kind,
        version=wire.kind_version.version,
        time=_number(wire.integrated_time),
        promise=None if promise is None else _bytes(promise.signed_entry_timestamp),
        proof=None if wire.inclusion_proof is None else _proof(wire.inclusion_proof),
        body=_bytes(wire.canonicalized_body),
    )


def _proof(wire: WireProof) -> Proof:
    return Proof(
        index=_number(wire.log_index),
        size=_number(wire.tree_size),
        root=_bytes(wire.root_hash),
        hashes=tuple(_bytes(one) for one in wire.hashes),
        checkpoint="" if wire.checkpoint is None else wire.checkpoint.envelope,
    )


def _number(value: str | int) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > len(str(1 << 63)):
        raise _refused(f"{text[:40]!r} is no number that a log could give")
    if text != str(int(text)) or int(text) >= 1 << 63:
        raise _refused(f"{text[:40]!r} is not how that number is written")
    return int(text)


def _bytes(text: str) -> bytes:
    """Return the bytes of base64 that could be written in no other way."""
    found = unbase64(text, error=_INVALID, subject=_SUBJECT)
    plain = text.replace("-", "+").replace("_", "/").rstrip("=")
    if base64.b64encode(found).decode().rstrip("=") != plain:
        raise _refused("base64 with bits that stand for nothing")
    return found


def _refused(why: str) -> ShipwayError:
    return ShipwayError(_INVALID, Kind.INTEGRITY, why, operation="reading", subject=_SUBJECT)
