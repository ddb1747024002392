"""What a log entry is about: signature, signer and digest, which must be those of the bundle.

Rekor v1: hashedrekord 0.0.1, dsse 0.0.1, intoto 0.0.2 (sigstore/rekor, pkg/types). Rekor v2:
hashedrekord 0.0.2 and dsse 0.0.2 (sigstore/rekor-tiles). The entry is what the log signed, so
whatever it says of another signature or artifact is another entry.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence.envelope import Envelope
from shipway.core.sigstore.artifact import KNOWN
from shipway.core.wire import decode, unambiguous, unbase64
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.sigstore.artifact import Artifact
    from shipway.core.sigstore.bundle import Bundle
    from shipway.core.sigstore.logentry import Entry

_ID = "bundle.entry"
_SUBJECT = "a log entry"
_LIMIT = 1 << 20


class _Body(msgspec.Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    spec: dict[str, Any]


class _Hash(msgspec.Struct, frozen=True):
    """A digest as v1 writes it (hex) or as v2 does (base64)."""

    algorithm: str
    value: str = ""
    digest: str = ""

    def parts(self) -> tuple[str, bytes]:
        if self.value:
            return self.algorithm, _hex(self.value)
        return self.algorithm.replace("SHA2_", "sha"), _bytes(self.digest)


class _Pem(msgspec.Struct, frozen=True):
    content: str


class _Raw(msgspec.Struct, frozen=True, rename="camel"):
    raw_bytes: str


class _Verifier(msgspec.Struct, frozen=True, rename="camel"):
    public_key: _Raw | None = None
    x509_certificate: _Raw | None = None

    def der(self) -> bytes:
        raw = self.x509_certificate or self.public_key
        return b"" if raw is None else _bytes(raw.raw_bytes)


class _OldSignature(msgspec.Struct, frozen=True, rename="camel"):
    content: str
    public_key: _Pem


class _OldData(msgspec.Struct, frozen=True):
    hash: _Hash


class _OldRecord(msgspec.Struct, frozen=True):
    data: _OldData
    signature: _OldSignature


class _OldSigned(msgspec.Struct, frozen=True):
    signature: str
    verifier: str


class _OldDsse(msgspec.Struct, frozen=True, rename="camel"):
    payload_hash: _Hash
    signatures: tuple[_OldSigned]


class _IntotoSignature(msgspec.Struct, frozen=True, rename="camel"):
    sig: str
    public_key: str


class _IntotoEnvelope(msgspec.Struct, frozen=True, rename="camel"):
    payload_type: str
    signatures: tuple[_IntotoSignature]


class _IntotoContent(msgspec.Struct, frozen=True, rename="camel"):
    envelope: _IntotoEnvelope
    payload_hash: _Hash


class _Intoto(msgspec.Struct, frozen=True):
    content: _IntotoContent


class _Signature(msgspec.Struct, frozen=True):
    content: str
    verifier: _Verifier


class _Record(msgspec.Struct, frozen=True):
    data: _Hash
    signature: _Signature


class _NewRecord(msgspec.Struct, frozen=True, rename={"record": "hashedRekordV002"}):
    record: _Record


class _Dsse(msgspec.Struct, frozen=True, rename="camel"):
    payload_hash: _Hash
    signatures: tuple[_Signature]


class _NewDsse(msgspec.Struct, frozen=True, rename={"dsse": "dsseV002"}):
    dsse: _Dsse


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry says, whatever its kind."""

    over: str
    """``artifact``, ``payload`` or ``envelope`` (the pre-authentication encoding)."""
    algorithm: str
    digest: bytes
    signature: bytes
    verifier: bytes
    """DER of the signer's certificate or key."""
    payload_type: str | None = None


def read(entry: Entry) -> Said:
    """Return what an entry says.

    Raises:
        ShipwayError: ``bundle.entry`` (integrity) for a kind that is not read, and where the
            bundle names another kind than the entry has.
    """
    unambiguous(entry.body, error=_ID, subject=_SUBJECT, limit=_LIMIT)
    found = decode(entry.body, _Body, error=_ID, subject=_SUBJECT)
    if (found.kind, found.api_version) != (entry.kind, entry.version):
        raise _refused("the entry is of another kind than the bundle says")
    reader = _READERS.get((entry.kind, entry.version))
    if reader is None:
        raise _refused(f"entries of kind {entry.kind[:40]!r} {entry.version[:20]!r} are not read")
    try:
        return reader(found.spec)
    except msgspec.ValidationError as cause:
        raise _refused(str(cause)[:200]) from cause


def check(entry: Entry, bundle: Bundle, verifier: bytes, artifact: Artifact) -> str:
    """Return what shows that an entry is about this bundle.

    Raises:
        ShipwayError: ``bundle.entry`` (integrity) if it is about another signature, signer or
            content; ``bundle.needs-artifact`` (usage) where the digest given is of another kind.
    """
    said = read(entry)
    if said.signature != bundle.signature:
        raise _refused("the entry is of another signature")
    if said.verifier != verifier:
        raise _refused("the entry is of another signer")
    if said.digest != _expected(said, bundle, artifact):
        raise _refused(f"the entry is of another {said.over}")
    return f"{entry.kind} {entry.version}, {said.over} {said.algorithm}:{said.digest.hex()[:12]}"


def _expected(said: Said, bundle: Bundle, artifact: Artifact) -> bytes | None:
    content = bundle.content
    if said.algorithm not in KNOWN:
        return None
    if not isinstance(content, Envelope):
        return artifact.digest(said.algorithm) if said.over in {"artifact", "record"} else None
    if said.over == "artifact":
        return None
    if said.payload_type is not None and said.payload_type != content.payload_type:
        return None
    hashed = content.payload if said.over == "payload" else content.signed
    return hashlib.new(said.algorithm, hashed).digest()


def _old_record(spec: dict[str, Any]) -> Said:
    found = msgspec.convert(spec, _OldRecord)
    return Said(
        over="artifact",
        **_hash(found.data.hash),
        signature=_bytes(found.signature.content),
        verifier=_pem(_bytes(found.signature.public_key.content)),
    )


def _old_dsse(spec: dict[str, Any]) -> Said:
    found = msgspec.convert(spec, _OldDsse)
    (signed,) = found.signatures
    return Said(
        over="payload",
        **_hash(found.payload_hash),
        signature=_bytes(signed.signature),
        verifier=_pem(_bytes(signed.verifier)),
    )


def _intoto(spec: dict[str, Any]) -> Said:
    found = msgspec.convert(spec, _Intoto).content
    (signed,) = found.envelope.signatures
    return Said(
        over="payload",
        **_hash(found.payload_hash),
        signature=_bytes(_text(_bytes(signed.sig))),  # base64 of base64, as v1 wrote it
        verifier=_pem(_bytes(signed.public_key)),
        payload_type=found.envelope.payload_type,
    )


def _new_record(spec: dict[str, Any]) -> Said:
    found = msgspec.convert(spec, _NewRecord).record
    return Said(
        over="record",
        **_hash(found.data),
        signature=_bytes(found.signature.content),
        verifier=found.signature.verifier.der(),
    )


def _new_dsse(spec: dict[str, Any]) -> Said:
    found = msgspec.convert(spec, _NewDsse).dsse
    (signed,) = found.signatures
    return Said(
        over="payload",
        **_hash(found.payload_hash),
        signature=_bytes(signed.content),
        verifier=signed.verifier.der(),
    )


_READERS = {
    ("hashedrekord", "0.0.1"): _old_record,
    ("dsse", "0.0.1"): _old_dsse,
    ("intoto", "0.0.2"): _intoto,
    ("hashedrekord", "0.0.2"): _new_record,
    ("dsse", "0.0.2"): _new_dsse,
}


def _hash(found: _Hash) -> dict[str, Any]:
    algorithm, digest = found.parts()
    return {"algorithm": algorithm, "digest": digest}


def _pem(data: bytes) -> bytes:
    """Return the DER of the one block of a PEM text."""
    lines = _text(data).split()
    text = "".join(_text(data).strip().split("\n")[1:-1])
    if not lines or lines[0] != "-----BEGIN" or text.count("-"):
        raise _refused("its signer is not one PEM block")
    return _bytes(text)


def _text(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as cause:
        raise _refused("text with other than ASCII") from cause


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as cause:
        raise _refused("a digest that is not hex") from cause


def _bytes(text: str) -> bytes:
    return unbase64(text, error=_ID, subject=_SUBJECT)


def _refused(why: str) -> ShipwayError:
    return ShipwayError(_ID, Kind.INTEGRITY, why)
