"""Signers that live in memory: the same number always gives the same key."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec

from shipway.core.evidence import bundle
from shipway.core.evidence.envelope import Signature
from shipway.core.evidence.key import PublicKey


class MemorySigner:
    """An ECDSA P-256 key made from a number."""

    def __init__(self, number: int = 1, *, has_passphrase: bool = True) -> None:
        self._private = ec.derive_private_key(number + 1000, ec.SECP256R1())
        self.has_passphrase = has_passphrase
        der = self._private.public_key().public_bytes(
            form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
        )
        self.public_key = PublicKey(der)

    @property
    def fingerprint(self) -> str:
        """Return ``SHA256:HEX`` of the public key."""
        return self.public_key.fingerprint

    def sign(self, pae: bytes) -> Signature:
        """Return a signature."""
        return Signature(self._private.sign(pae, ec.ECDSA(hashes.SHA256())))

    def seal(self, payload: bytes) -> bytes:
        """Return a bundle in which ``payload`` is signed."""
        return bundle.by_key(self, payload)
