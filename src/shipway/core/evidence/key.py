"""Public keys: how they are named, and whether they signed something.

Keys come from the caller's configuration, never from a registry or a bundle. The ``cryptography``
library is pure as used here (bytes in, yes or no out) and imported on first use, for it is slow
to load.
"""

from __future__ import annotations

import base64
import hashlib

import msgspec

from shipway.core.sigstore import algorithm
from shipway.errors import Kind, ShipwayError


class PublicKey(msgspec.Struct, frozen=True):
    """A public key as PKIX (SubjectPublicKeyInfo) DER."""

    der: bytes

    @property
    def fingerprint(self) -> str:
        """Return ``SHA256:`` and 64 hex digits of the DER: what people compare."""
        return "SHA256:" + hashlib.sha256(self.der).hexdigest()

    @property
    def hint(self) -> str:
        """Return the hint that cosign writes into a key bundle: base64 of the DER's SHA-256."""
        return base64.b64encode(hashlib.sha256(self.der).digest()).decode()

    def pem(self) -> str:
        """Return the key in PEM, as ``cosign.pub`` holds it."""
        body = base64.encodebytes(self.der).replace(b"\n", b"").decode()
        lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
        return f"-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n"

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether this key made ``signature`` over ``message``.

        A key of a kind that :mod:`shipway.core.sigstore.algorithm` does not list verifies nothing.
        """
        try:
            return algorithm.verifies(algorithm.load(self.der), signature, message)
        except ShipwayError:
            return False


def from_pem(text: str, *, subject: str = "a public key") -> PublicKey:
    """Return the public key in a PEM file.

    Raises:
        ShipwayError: ``key.invalid`` (config) if it is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    try:
        key = form.load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm) as cause:
        raise _invalid(subject) from cause
    der = key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(der)


def _invalid(subject: str) -> ShipwayError:
    return ShipwayError(
        "key.invalid",
        Kind.CONFIG,
        "not a PEM public key of a kind that can be used",
        operation="reading",
        subject=subject,
        hint="give the .pub file that `cosign generate-key-pair` or Shipway wrote",
    )
