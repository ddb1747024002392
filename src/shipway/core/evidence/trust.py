"""Whose signature counts for what: keys given by the caller, roles given by the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.key import PublicKey, from_pem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shipway.core.evidence.bundle import Bundle
    from shipway.core.evidence.policy import Policy

EVERY_ROLE = ("*",)


class TrustedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A public key that the caller configured, and what it may say."""

    key: PublicKey
    roles: tuple[str, ...] = EVERY_ROLE
    """Names of roles; ``*`` stands for all."""
    passphrase: bool = True
    """False for a key known to lie on this machine without one."""
    name: str = ""

    def holds(self, roles: tuple[str, ...]) -> bool:
        """Return whether this key holds one of ``roles``."""
        return "*" in self.roles or any(role in self.roles for role in roles)


class Trust(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that count in one environment."""

    keys: tuple[TrustedKey, ...]
    protected: bool = False
    """In a protected environment a key without passphrase never counts."""

    def signer(self, bundle: Bundle) -> TrustedKey | None:
        """Return the trusted key that signed ``bundle``; its hint says which to try first."""
        ordered = sorted(self.keys, key=lambda one: one.key.hint != bundle.hint)
        for trusted in ordered:
            if _signed(trusted.key, bundle):
                return trusted
        return None

    def knows(self, hint: str) -> bool:
        """Return whether a hint is that of a trusted key."""
        return any(trusted.key.hint == hint for trusted in self.keys)


def narrow(
    keys: tuple[TrustedKey, ...], named: Iterable[str], read: Callable[[str], str]
) -> tuple[TrustedKey, ...]:
    """Return those of ``keys`` that a released tree's ``[trust]`` names; all if it names none.

    It names fingerprints (``SHA256:...``) or files, whose PEM text ``read`` gives. It can only
    take away: a key that the caller does not trust stays untrusted.

    Raises:
        ShipwayError: ``key.invalid`` (config) for a file that is no public key.
    """
    wanted = {
        one if one.startswith("SHA256:") else from_pem(read(one), subject=one).fingerprint
        for one in named
    }
    return tuple(one for one in keys if not wanted or one.key.fingerprint in wanted)


def judge(
    bundle: Bundle, predicate_type: str, *, trust: Trust, policy: Policy, subject: str
) -> TrustedKey | Finding:
    """Return who signed, or why that does not count.

    A signature that fails under the very key it hints at is an altered link; one by a key that is
    not trusted, or not in this role, or without passphrase where that matters, is not allowed.
    """
    signer = trust.signer(bundle)
    if signer is None:
        if trust.knows(bundle.hint):
            return Finding(Answer.ALTERED, subject, "its signature does not verify")
        return Finding(Answer.NOT_ALLOWED, subject, "signed by a key that is not trusted here")
    roles = policy.roles_for(predicate_type)
    if not roles or not signer.holds(roles):
        needed = " or ".join(roles) or "none that this policy has"
        why = f"{signer.key.fingerprint} may not sign {types.name(predicate_type)} (role {needed})"
        return Finding(Answer.NOT_ALLOWED, subject, why)
    if trust.protected and not signer.passphrase:
        why = f"{signer.key.fingerprint} has no passphrase, and the environment is protected"
        return Finding(Answer.NOT_ALLOWED, subject, why)
    return signer


def _signed(key: PublicKey, bundle: Bundle) -> bool:
    signed = bundle.envelope.signed
    return any(key.verifies(one.sig, signed) for one in bundle.envelope.signatures)
