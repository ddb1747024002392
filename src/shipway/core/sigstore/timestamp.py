"""RFC 3161 timestamps: that an authority of the root saw the signature at a time it gives.

A token is a CMS SignedData (RFC 5652) around a TSTInfo. One parse gives what was signed and what is
believed; a part that nothing signs and nobody needs (lists of revoked certificates, unsigned
attributes) is refused instead of ignored.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.patterns import late
from shipway.core.sigstore import algorithm, certificate, der
from shipway.core.sigstore.der import CONTEXT, INTEGER, OCTETS, OID, SEQUENCE, SET, TIME
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from shipway.core.sigstore.der import Value
    from shipway.core.sigstore.trustedroot import Authority

_PURPOSE = "1.3.6.1.5.5.7.3.8"
"""id-kp-timeStamping."""
_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TST_INFO = "1.2.840.113549.1.9.16.1.4"
_CONTENT_TYPE = "1.2.840.113549.1.9.3"
_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
_SIGNATURES = {
    "1.2.840.10045.4.3.2": "sha256",  # ecdsa-with-SHA256 and so on
    "1.2.840.10045.4.3.3": "sha384",
    "1.2.840.10045.4.3.4": "sha512",
    "1.2.840.113549.1.1.11": "sha256",  # sha256WithRSAEncryption and so on
    "1.2.840.113549.1.1.12": "sha384",
    "1.2.840.113549.1.1.13": "sha512",
    "1.2.840.113549.1.1.1": "",  # rsaEncryption: the digest is that of the attributes
    "1.3.101.112": "sha512",  # Ed25519, RFC 8419
}
_MOMENT = late(r"(\d{14})(\.\d{0,5}[1-9])?Z\Z", re.ASCII)


class Stamp(msgspec.Struct, frozen=True, kw_only=True):
    """A token that an authority of the root made; what it is over is not judged yet."""

    moment: float
    """Seconds since the epoch."""
    algorithm: str
    imprint: bytes
    who: str
    counted: bool
    """Whether authority and certificates counted at that moment, ends included."""


class _Token(msgspec.Struct, frozen=True, kw_only=True):
    """What a response holds, before anything of it is believed."""

    info: bytes
    certificates: tuple[bytes, ...]
    issuer: bytes
    serial: int
    hash: str
    attributes: bytes
    """As they were signed."""
    content_type: str
    digest: bytes
    algorithm: str
    signature: bytes


def read(data: bytes, authorities: tuple[Authority, ...]) -> Stamp:
    """Return the timestamp in a response, by one of ``authorities``.

    Raises:
        ShipwayError: ``bundle.timestamp`` (integrity) if it is none, or made by nobody known;
            ``bundle.algorithm`` for an algorithm that is not on the list.
    """
    try:
        token = _token(der.read(data, SEQUENCE))
        moment, name, imprint = _info(der.read(token.info, SEQUENCE))
    except ValueError as cause:
        raise _refused(f"not a timestamp: {cause}"[:120]) from cause
    signer, authority = _signer(token, authorities)
    if token.content_type != _TST_INFO or _hashed(token.hash, token.info) != token.digest:
        raise _refused("its signature is over something else")
    if not algorithm.verifies_with(
        certificate.key(signer), token.signature, token.attributes, token.algorithm
    ):
        raise _refused("its signature does not verify")
    path = (signer, *(certificate.trusted(one) for one in authority.chain))
    return Stamp(
        moment=moment,
        algorithm=name,
        imprint=imprint,
        who=signer.subject.rfc4514_string(),
        counted=authority.window.covers(moment)
        and all(certificate.valid(one, moment) for one in path),
    )


def over(stamp: Stamp, signature: bytes) -> bool:
    """Return whether a timestamp is over ``signature``."""
    return _hashed(stamp.algorithm, signature) == stamp.imprint


def _token(response: Value) -> _Token:
    """Return a TimeStampResp's token (RFC 3161, 2.4.2)."""
    status, content = response.parts(SEQUENCE, SEQUENCE)
    if status.parts(INTEGER)[0].number != 0:
        raise ValueError("its authority did not grant it")
    kind, explicit = content.parts(OID, CONTEXT)
    if kind.oid != _SIGNED_DATA:
        raise ValueError("no SignedData")
    version, hashes, wrapped, *more, signers = explicit.only(SEQUENCE).parts(INTEGER, SET, SEQUENCE)
    if version.number != 3 or len(more) > 1:  # noqa: PLR2004  RFC 5652, 5.1, for other content
        raise ValueError("another SignedData than a token has")
    own = more[0].parts() if more else ()
    if any(one.tag != CONTEXT for one in more) or signers.tag != SET:
        raise ValueError("parts that a token does not need")
    kind, explicit = wrapped.parts(OID, CONTEXT)
    if kind.oid != _TST_INFO:
        raise ValueError("no TSTInfo")
    return _signed(signers.only(SEQUENCE), hashes, explicit.only(OCTETS).body, own)


def _signed(signer: Value, hashes: Value, info: bytes, own: tuple[Value, ...]) -> _Token:
    """Return the token of its one SignerInfo (RFC 5652, 5.3)."""
    tags = (INTEGER, SEQUENCE, SEQUENCE, CONTEXT, SEQUENCE, OCTETS)
    version, sid, hashed, attributes, method, signature = signer.parts(*tags)
    issuer, serial = sid.parts(SEQUENCE, INTEGER)
    if version.number != 1 or hashes.body != hashed.raw:
        raise ValueError("another signer than a token has")
    said = _attributes(attributes)
    name = _listed(_HASHES, _named(hashed))
    return _Token(
        info=info,
        certificates=tuple(one.raw for one in own),
        issuer=issuer.raw,
        serial=serial.number,
        hash=name,
        attributes=bytes((SET,)) + attributes.raw[1:],
        content_type=said[_CONTENT_TYPE].only(OID).oid,
        digest=said[_MESSAGE_DIGEST].only(OCTETS).body,
        algorithm=_listed(_SIGNATURES, _named(method)) or name,
        signature=signature.body,
    )


def _attributes(attributes: Value) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for one in attributes.parts():
        kind, values = one.parts(OID, SET)
        if kind.oid in found:
            raise ValueError("an attribute twice")
        found[kind.oid] = values
    if not {_CONTENT_TYPE, _MESSAGE_DIGEST} <= set(found):
        raise ValueError("attributes that do not say what was signed")
    return found


def _info(info: Value) -> tuple[float, str, bytes]:
    """Return time, digest and imprint of a TSTInfo (RFC 3161, 2.4.2)."""
    version, _, imprint, _, moment, *_ = info.parts(INTEGER, OID, SEQUENCE, INTEGER, TIME)
    if version.number != 1:
        raise ValueError("another version of TSTInfo")
    hashed, digest = imprint.parts(SEQUENCE, OCTETS)
    found = _MOMENT.match(moment.body.decode("ascii"))
    if found is None:
        raise ValueError("another form of time")
    at = dt.datetime.strptime(f"{found[1]}+0000", "%Y%m%d%H%M%S%z")
    part = float(found[2] or 0)
    return at.timestamp() + part, _listed(_HASHES, _named(hashed)), digest.body


def _named(method: Value) -> str:
    """Return the OID of an AlgorithmIdentifier without parameters."""
    kind, *parameters = method.parts(OID)
    if any(one.raw != b"\x05\x00" for one in parameters) or len(parameters) > 1:
        raise ValueError("an algorithm with parameters")
    return kind.oid


def _listed(table: dict[str, str], oid: str) -> str:
    if oid not in table:
        raise ShipwayError(
            "bundle.algorithm", Kind.INTEGRITY, f"a timestamp with {oid[:40]} does not count"
        )
    return table[oid]


def _signer(token: _Token, authorities: tuple[Authority, ...]) -> tuple[Certificate, Authority]:
    """Return the certificate that signed, and whose it is."""
    for authority in authorities:
        for raw in (*authority.chain, *token.certificates):
            one = certificate.trusted(raw) if raw in authority.chain else certificate.load(raw)
            if (one.issuer.public_bytes(), one.serial_number) != (token.issuer, token.serial):
                continue
            if not _belongs(one, raw, authority):
                continue
            if not set(token.certificates) <= {raw, *authority.chain}:
                raise _refused("it brings a certificate that is not its authority's")
            if not certificate.purpose(one, _PURPOSE, critical=True):
                raise _refused("its signer's certificate is not for timestamps")
            return one, authority
    raise _refused("no timestamp authority of the trusted root made it")


def _belongs(signer: Certificate, raw: bytes, authority: Authority) -> bool:
    """Return whether a signer is an authority's own certificate, or was issued by it."""
    if raw == authority.chain[0]:
        return certificate.linked(authority.chain)
    return certificate.leads(signer, authority.chain)


def _hashed(name: str, data: bytes) -> bytes:
    return hashlib.new(name, data).digest()


def _refused(why: str) -> ShipwayError:
    return ShipwayError("bundle.timestamp", Kind.INTEGRITY, why)
