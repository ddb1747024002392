"""Identity tokens from where a job or a person has them; each is looked at before it is used.

Wiring makes one :class:`Tokens`. A token is a :class:`~shipway.redaction.Secret` from the moment
it is read, and lies nowhere but in this process.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

import msgspec

from shipway.adapters.sigstore.asking import Server
from shipway.core.keyless import identity
from shipway.core.keyless.instance import check_address
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shipway.adapters.http.network import Network
    from shipway.core.keyless.identity import Identity
    from shipway.core.ports.clock import Clock

USUAL = ("SHIPWAY_ID_TOKEN", "SIGSTORE_ID_TOKEN")
"""Variables that hold a token; GitLab CI sets the second where ``id_tokens`` names it."""
GITHUB_URL = "ACTIONS_ID_TOKEN_REQUEST_URL"
GITHUB_BEARER = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"
"""What GitHub Actions gives a job with ``id-token: write``; the second is a secret."""
PROJECTED = "/var/run/sigstore/cosign/oidc-token"
"""Where cosign, too, looks for a token that Kubernetes projects into a pod."""
_FRESH = 30.0
"""Seconds that a token must still hold to be used once more."""


class Token(NamedTuple):
    """A token and what it claims."""

    secret: Secret
    identity: Identity


class _Given(msgspec.Struct, frozen=True):
    value: str


class Tokens:
    """One source of tokens for one audience; safe to use from several threads at once."""

    def __init__(self, find: Callable[[], Secret], *, audience: str, clock: Clock) -> None:
        self._find = find
        self._audience = audience
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: Token | None = None

    def token(self) -> Token:
        """Return a token that holds now and is meant for the audience alone.

        Raises:
            ShipwayError: ``identity.*``.
        """
        with self._lock:
            now = self._clock.now()
            if self._kept is None or self._kept.identity.expires < now + _FRESH:
                secret = self._find()
                claimed = identity.read(secret.reveal())
                identity.check(claimed, audience=self._audience, now=now)
                self._kept = Token(secret, claimed)
            return self._kept


def source(
    said: str,
    *,
    audience: str,
    held: Mapping[str, Secret],
    variables: Mapping[str, str],
    network: Network,
    projected: str = PROJECTED,
) -> Callable[[], Secret]:
    """Return how to get a token.

    Args:
        said: ``env:NAME``, ``file:PATH`` (absolute), ``github``; empty for the first of: a usual
            variable, GitHub Actions, a projected token.
        audience: For whom GitHub is asked to make one.
        held: Secrets that were in the environment, taken out of it.
        variables: The rest of the environment.
        network: How GitHub is reached.
        projected: Where Kubernetes projects a token to.

    Raises:
        ShipwayError: ``identity.missing`` (missing) if there is none; ``keyless.unset`` (config)
            for a word that is none of these.
    """
    kind, _, name = said.partition(":")
    if kind == "env" and name:
        return lambda: _held(name, held)
    if kind == "file" and name:
        return lambda: _read(name)
    if said == "github":
        return lambda: _github(audience, held, variables, network)
    if said:
        raise ShipwayError(
            "keyless.unset",
            Kind.CONFIG,
            f"token = {said!r} is none of env:NAME, file:PATH and github",
            operation="choosing",
            subject="where to sign without a key",
            hint="without the line, the job's own token is used",
        )
    usual = next((one for one in USUAL if one in held), "")
    if usual:
        return lambda: _held(usual, held)
    if GITHUB_BEARER in held:
        return lambda: _github(audience, held, variables, network)
    if Path(projected).exists():
        return lambda: _read(projected)
    raise _missing("no job, variable or file gives one")


def _held(name: str, held: Mapping[str, Secret]) -> Secret:
    if name not in held:
        raise _missing(f"{name} is not set")
    return held[name]


def _read(path: str) -> Secret:
    try:
        with Path(path).open("rb") as file:
            data = file.read(identity.MOST + 1)
    except OSError as cause:
        raise _missing(f"{path}: {cause.strerror or cause}") from cause
    return Secret(data.strip())


def _github(
    audience: str, held: Mapping[str, Secret], variables: Mapping[str, str], network: Network
) -> Secret:
    """Ask GitHub Actions for a token (its documentation, "OpenID Connect", custom actions)."""
    url = variables.get(GITHUB_URL, "")
    if not url or GITHUB_BEARER not in held:
        raise _missing("this is no job of GitHub Actions with the permission id-token: write")
    check_address(GITHUB_URL, url, query=True)
    joined = "&" if "?" in url else "?"
    data = Server("identity", network).ask(
        "GET",
        f"{url}{joined}audience={quote(audience, safe='')}",
        headers={"Authorization": f"Bearer {held[GITHUB_BEARER].reveal_text()}"},
    )
    given = decode(data, _Given, error="identity.invalid", subject=identity.SUBJECT)
    return Secret(given.value)


def _missing(why: str) -> ShipwayError:
    return ShipwayError(
        "identity.missing",
        Kind.MISSING,
        why,
        operation="looking for",
        subject=identity.SUBJECT,
        hint="shipway explain identity.missing has the lines for each kind of job",
    )
