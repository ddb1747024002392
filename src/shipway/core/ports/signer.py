"""Signing with a private key that stays where it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.core.evidence.envelope import Signature
    from shipway.core.evidence.key import PublicKey


class Signer(Protocol):
    """One identity; safe to use from several threads at once."""

    @property
    def public_key(self) -> PublicKey:
        """Return the key by which others check."""
        ...

    @property
    def fingerprint(self) -> str:
        """Return ``SHA256:HEX`` of the public key."""
        ...

    @property
    def has_passphrase(self) -> bool:
        """Return whether the key lies encrypted; one that does not never counts where protected."""
        ...

    def sign(self, pae: bytes) -> Signature:
        """Return the signature over a pre-authentication encoding (``envelope.pae``)."""
        ...
