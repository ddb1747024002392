"""Asking Fulcio for a certificate, and whether the one it gave is ours (its API, version 2)."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from shipway.core.sigstore import certificate, sct
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

    from shipway.core.evidence.key import PublicKey
    from shipway.core.keyless.identity import Identity
    from shipway.core.sigstore.trustedroot import TrustedRoot

PATH = "/api/v2/signingCert"
SUBJECT = "the answer of the certificate authority"
SKEW = 60.0
"""Seconds that its clock may differ from this one's."""
_CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
_INVALID = "fulcio.certificate"


class _Chain(msgspec.Struct, frozen=True):
    certificates: tuple[str, ...] = ()


class _Signed(msgspec.Struct, frozen=True):
    chain: _Chain = _Chain()


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    signed_certificate_embedded_sct: _Signed = _Signed()
    signed_certificate_detached_sct: _Signed = _Signed()


def ask(request: bytes) -> bytes:
    """Return the body that asks for a certificate by a signing request (PKCS#10, PEM)."""
    return msgspec.json.encode({"certificateSigningRequest": base64.b64encode(request).decode()})


def answered(data: bytes) -> bytes:
    """Return the new certificate in an answer as DER; what comes with it is not used.

    Raises:
        ShipwayError: ``fulcio.certificate`` (integrity).
    """
    found = decode(data, _Answer, error=_INVALID, subject=SUBJECT, limit=1 << 20)
    chain = (
        found.signed_certificate_embedded_sct.chain.certificates
        or found.signed_certificate_detached_sct.chain.certificates
    )
    if not chain:
        raise wrong("it holds no certificate")
    from cryptography import x509  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415

    try:
        return x509.load_pem_x509_certificate(chain[0].encode()).public_bytes(Encoding.DER)
    except ValueError as cause:
        raise wrong("it holds something that is no certificate") from cause


def check(
    leaf: bytes, *, key: PublicKey, identity: Identity, name: str, root: TrustedRoot, now: float
) -> str:
    """Return the name that a certificate gives us, after everything about it was looked at.

    It must be for ``key``, for code signing, valid ``now``, say the issuer of ``identity`` and
    ``name`` (where that is empty, one that Fulcio makes of the token), come from an authority of
    the trusted root that counts, and be logged where the root names a certificate log.

    Raises:
        ShipwayError: ``fulcio.certificate`` (integrity).
    """
    try:
        found = certificate.load(leaf)
        _ours(found, key, identity, name)
        authorities = [one for one in root.authorities if one.window.covers(now)]
        authority = certificate.issued(found, (), authorities)
        if not any(certificate.counted(found, authority, now + late) for late in (-SKEW, 0, SKEW)):
            raise wrong("it is not valid now, by this machine's clock")
        if root.ct_logs:
            sct.check(found, authority, root)
    except ShipwayError as error:
        if error.id == _INVALID:
            raise
        raise wrong(error.message) from error
    return certificate.identities(found)[0]


def _ours(found: Certificate, key: PublicKey, identity: Identity, name: str) -> None:
    """Refuse a certificate that is for another key, use, issuer or name."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  slow to load

    der = found.public_key().public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    if der != key.der:
        raise wrong("it is for another key")
    if not certificate.purpose(found, _CODE_SIGNING) or not certificate.signs(found):
        raise wrong("it is not for signing code")
    says = certificate.issuer(found)
    if says != identity.issuer:
        raise wrong(f"it says issuer {says[:200] or 'none'}, the token {identity.issuer[:200]}")
    names = certificate.identities(found)
    allowed = (name,) if name else identity.names
    if len(names) != 1 or names[0] not in allowed:
        told = ", ".join(names)[:200] or "nobody"
        raise wrong(f"it is for {told}, not for {' or '.join(allowed)[:400]}")


def wrong(why: str) -> ShipwayError:
    """Return the error of a certificate that is not ours."""
    return ShipwayError(
        _INVALID,
        Kind.INTEGRITY,
        why,
        operation="looking at",
        subject=SUBJECT,
        hint="nothing was signed; is this the Fulcio that the trusted root is of?",
    )
