"""Logging in to a registry and out of it; what is kept was proved before.

Faces call it through wiring. Where a login lies is the business of the hand
(:class:`~shipway.core.ports.logins.Logins`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci import reference
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.logins import Logins
    from shipway.redaction import Secret


def login(registry: str, user: str, password: Secret, *, logins: Logins) -> str:
    """Prove a login at its registry and keep it; return who is logged in, and where it is kept.

    Raises:
        ShipwayError: ``login.password`` (usage) for an empty password, ``registry.unauthorized``
            (denied) where the registry does not take it, and what the hand raises. Nothing is kept
            then.
    """
    domain = reference.registry(registry)
    if not user or not password.is_line() or ":" in user:
        raise ShipwayError(
            "login.password",
            Kind.USAGE,
            "a user (without a colon) and a password of one line are needed",
            operation="logging in to",
            subject=domain,
            hint=f"printf %s PASSWORD | shipway login {domain} --username USER --password-stdin",
        )
    asked = logins.prove(domain, user, password)
    where = logins.keep(domain, user, password)
    doubt = "" if asked else "\nit was not proved: the registry asks nobody for a login"
    return f"logged in to {domain} as {user}; kept by {where}{doubt}"


def logout(registry: str, *, logins: Logins) -> str:
    """Forget the login of a registry; return from where it was taken.

    Raises:
        ShipwayError: ``reference.invalid`` (usage), and what the hand raises.
    """
    domain = reference.registry(registry)
    places = logins.forget(domain)
    if not places:
        return f"there was no login for {domain}"
    return f"logged out of {domain}; taken from {' and '.join(places)}"
