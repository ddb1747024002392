"""Signed certificate timestamps: a log of certificates took in the signer's (RFC 6962, 3.2)."""

from __future__ import annotations

import hashlib
import struct
from typing import TYPE_CHECKING

from shipway.core.sigstore import algorithm, certificate
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from cryptography.x509.certificate_transparency import SignedCertificateTimestamp

    from shipway.core.sigstore.trustedroot import Authority, Log, TrustedRoot

_PRECERTIFICATE = 1


def check(leaf: Certificate, authority: Authority, root: TrustedRoot) -> str:
    """Return what shows that a log of the root took in the certificate.

    One timestamp of a known log is enough, but those of known logs must all verify.

    Raises:
        ShipwayError: ``bundle.sct`` (integrity) if it has none or one is forged;
            ``trust.ct-key`` (config) if they are all of logs that the root does not name.
    """
    found = [(one, root.ct_log(one.log_id)) for one in _timestamps(leaf)]
    if not found:
        raise _refused("the certificate has no signed certificate timestamp")
    known = [(one, log) for one, log in found if log is not None]
    if not known:
        raise ShipwayError(
            "trust.ct-key",
            Kind.CONFIG,
            f"the trusted root does not name the certificate log {found[0][0].log_id.hex()[:16]}",
        )
    for one, log in known:
        _check(one, log, leaf, authority)
    return ", ".join(f"{log.url or log.id.hex()[:8]} {_milliseconds(one)} ms" for one, log in known)


def _check(
    one: SignedCertificateTimestamp, log: Log, leaf: Certificate, authority: Authority
) -> None:
    milliseconds = _milliseconds(one)
    if not log.window.covers(milliseconds / 1000):
        raise _refused("the log's key did not count at the time of the certificate's timestamp")
    key = algorithm.load(log.key)
    if not algorithm.verifies(key, one.signature, _signed(one, milliseconds, leaf, authority)):
        raise _refused("the certificate's timestamp does not verify")


def _signed(
    one: SignedCertificateTimestamp, milliseconds: int, leaf: Certificate, authority: Authority
) -> bytes:
    """Return what the log signed (RFC 6962, 3.2, precert_entry)."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  slow to load

    issuer = certificate.trusted(authority.chain[0]).public_key()
    spki = issuer.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    body, extra = leaf.tbs_precertificate_bytes, one.extension_bytes
    return b"".join(
        (
            struct.pack(">BBQH", 0, 0, milliseconds, _PRECERTIFICATE),
            hashlib.sha256(spki).digest(),
            len(body).to_bytes(3, "big"),
            body,
            len(extra).to_bytes(2, "big"),
            extra,
        )
    )


def _timestamps(leaf: Certificate) -> tuple[SignedCertificateTimestamp, ...]:
    from cryptography import x509  # noqa: PLC0415  slow to load

    kind = x509.PrecertificateSignedCertificateTimestamps
    try:
        return tuple(leaf.extensions.get_extension_for_class(kind).value)
    except x509.ExtensionNotFound:
        return ()


def _milliseconds(one: SignedCertificateTimestamp) -> int:
    """Return the time without loss; it comes as a naive time in UTC."""
    import datetime as dt  # noqa: PLC0415  beside the slow ones

    since = one.timestamp.replace(tzinfo=dt.UTC) - dt.datetime.fromtimestamp(0, dt.UTC)
    return since // dt.timedelta(milliseconds=1)


def _refused(why: str) -> ShipwayError:
    return ShipwayError("bundle.sct", Kind.INTEGRITY, why)
