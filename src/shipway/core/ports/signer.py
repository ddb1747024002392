"""Signing: statements sealed into bundles, by a key that stays where it is or by none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.core.evidence.envelope import Signature
    from shipway.core.evidence.key import PublicKey


class Sealer(Protocol):
    """Who signs statements, by a key or by an identity; safe to use from several threads."""

    def seal(self, payload: bytes) -> bytes:
        """Return a Sigstore bundle in which ``payload`` (a statement) is signed.

        Raises:
            ShipwayError: of a signer without a key, ``identity.*``, ``keyless.*``, ``fulcio.*``,
                ``rekor.*`` and ``timestamp.*``; nothing is half signed.
        """
        ...


class Signer(Sealer, Protocol):
    """One key; safe to use from several threads at once."""

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
