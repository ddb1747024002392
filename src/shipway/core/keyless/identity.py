"""OIDC identity tokens: whom they name, for whom they are meant, and how long they hold.

A token is looked at before it is sent anywhere, so that one for another service, or an old one,
never leaves. Its signature is not checked here: the certificate authority, which knows the
issuer's keys, does that (OpenID Connect Core 1.0, section 2; RFC 7519).
"""

from __future__ import annotations

from typing import Any, NoReturn

import msgspec

from shipway.core.wire import decode, unbase64
from shipway.errors import Kind, ShipwayError

MOST = 64 << 10
"""Bytes that a token may have."""
LEEWAY = 60.0
"""Seconds that an issuer's clock may be ahead of this one's."""
SUBJECT = "an identity token"
GITHUB = "https://token.actions.githubusercontent.com"
_INVALID = "identity.invalid"
_PARTS = 3


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a token claims."""

    issuer: str
    subject: str
    audiences: tuple[str, ...]
    expires: float
    """Seconds since the epoch."""
    begins: float | None = None
    """Seconds since the epoch, where it says from when on it holds."""
    names: tuple[str, ...] = ()
    """Alternative names that a certificate for it may have, in the order of likelihood."""


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    sub: str
    aud: str | tuple[str, ...]
    exp: float
    nbf: float | None = None
    email: str = ""
    job_workflow_ref: str = ""
    ci_config_ref_uri: str = ""
    cluster: dict[str, Any] = msgspec.field(name="kubernetes.io", default_factory=dict)


def read(token: bytes) -> Identity:
    """Return what a token (a signed JWT in its compact form) claims.

    Raises:
        ShipwayError: ``identity.invalid`` (integrity); its words never quote the token.
    """
    parts = token.decode("ascii", "replace").strip().split(".")
    if len(parts) != _PARTS or len(token) > MOST:
        raise _invalid("it is no signed JSON web token")
    claims = decode(
        unbase64(parts[1], error=_INVALID, subject=SUBJECT),
        _Claims,
        error=_INVALID,
        subject=SUBJECT,
        limit=MOST,
    )
    return Identity(
        issuer=claims.iss,
        subject=claims.sub,
        audiences=(claims.aud,) if isinstance(claims.aud, str) else claims.aud,
        expires=claims.exp,
        begins=claims.nbf,
        names=_names(claims),
    )


def check(identity: Identity, *, audience: str, now: float) -> None:
    """Refuse a token that is not for ``audience`` alone, or does not hold at ``now``.

    A token that other services accept too would let whoever receives it act there.

    Raises:
        ShipwayError: ``identity.audience`` or ``identity.expired`` (denied).
    """
    if identity.audiences != (audience,):
        named = ", ".join(identity.audiences) or "nobody"
        _refuse(
            "identity.audience",
            f"it is meant for {named[:200]}, not for {audience} alone",
            f"ask the issuer for a token with the audience {audience}",
        )
    if identity.expires <= now:
        late = now - identity.expires
        _refuse(
            "identity.expired",
            f"it expired {late:.0f} s ago",
            "get a new token, and look at this machine's clock",
        )
    if identity.begins is not None and identity.begins > now + LEEWAY:
        early = identity.begins - now
        _refuse(
            "identity.expired", f"it holds only in {early:.0f} s", "look at this machine's clock"
        )


def _names(claims: _Claims) -> tuple[str, ...]:
    """Return the names by which Fulcio may certify a token (its docs/oidc.md).

    People are named by their mail address, workflows by the file that defines them, workloads by
    their service account, everything else by the subject.
    """
    found = []
    if claims.job_workflow_ref:
        found.append(f"{_forge(claims.iss)}/{claims.job_workflow_ref}")
    if claims.ci_config_ref_uri:
        found.append(f"https://{claims.ci_config_ref_uri.removeprefix('//')}")
    if account := _account(claims.cluster):
        found.append(account)
    return (*found, *filter(None, (claims.email, claims.sub)))


def _forge(issuer: str) -> str:
    """Return where the repositories of a GitHub issuer lie; of a server of one's own, its host."""
    if issuer == GITHUB or issuer.startswith(f"{GITHUB}/"):
        return "https://github.com"
    return "/".join(issuer.split("/")[:3])


def _account(cluster: dict[str, Any]) -> str:
    space, account = cluster.get("namespace"), cluster.get("serviceaccount")
    name = account.get("name") if isinstance(account, dict) else None
    if not isinstance(space, str) or not isinstance(name, str):
        return ""
    return f"https://kubernetes.io/namespaces/{space}/serviceaccounts/{name}"


def _refuse(error: str, why: str, hint: str) -> NoReturn:
    raise ShipwayError(error, Kind.DENIED, why, operation="looking at", subject=SUBJECT, hint=hint)


def _invalid(why: str) -> ShipwayError:
    return ShipwayError(_INVALID, Kind.INTEGRITY, why, operation="reading", subject=SUBJECT)
