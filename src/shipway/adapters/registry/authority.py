"""Who we are to a registry: Basic, or a token for one scope, renewed before it ends.

Called by :mod:`.session` only. Credentials go to the registry itself, or to the token server it
names if that speaks TLS (or both are this machine).
"""

from __future__ import annotations

import base64
import threading
import time
import urllib.parse
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters.registry import faults
from shipway.core.oci import challenge as challenges
from shipway.core.oci.challenge import Challenge, Token
from shipway.core.oci.reference import is_loopback
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from shipway.adapters.http.client import Http
    from shipway.adapters.registry.credentials import Login, Source

_TOKEN_BYTES = 1 << 20
_OK = 200


class Authority:
    """The ``Authorization`` header for each registry and scope, once it was asked for."""

    def __init__(self, credentials: Source) -> None:
        self._credentials = credentials
        self._lock = threading.Lock()
        self._basic: dict[str, Secret] = {}
        self._tokens: dict[tuple[str, str], tuple[Secret, float]] = {}

    def header(self, domain: str, scope: str) -> str | None:
        """Return what is known to be asked for; none before the first 401."""
        with self._lock:
            token, until = self._tokens.get((domain, scope), (None, 0.0))
            if token is not None and time.monotonic() < until:
                return f"Bearer {token.reveal_text()}"
            basic = self._basic.get(domain)
            return f"Basic {basic.reveal_text()}" if basic is not None else None

    def answer(self, http: Http, domain: str, scope: str, asked: str) -> str | None:
        """Return what to send after a 401 with the header ``asked``; none where we have nothing."""
        login = self._credentials.login(domain)
        for challenge in challenges.parse(asked):
            if challenge.scheme == "bearer":
                return self._fetch(http, domain, scope, challenge, login)
            if challenge.scheme == "basic" and login is not None and not login.identity:
                encoded = _encoded(login)
                with self._lock:
                    self._basic[domain] = encoded
                return f"Basic {encoded.reveal_text()}"
        return None

    def _fetch(
        self, http: Http, domain: str, scope: str, challenge: Challenge, login: Login | None
    ) -> str:
        """Get a token for ``scope`` from the server that the challenge names."""
        realm = challenge.parameters.get("realm", "")
        _check_realm(realm, domain)
        asked = {"service": challenge.parameters.get("service", ""), "scope": scope}
        asked = {name: value for name, value in asked.items() if value}
        token = _exchange(http, realm, asked, login)
        with self._lock:
            until = time.monotonic() + token.life
            self._tokens[domain, scope] = (Secret(token.value), until)
        return f"Bearer {token.value}"


def _exchange(http: Http, realm: str, asked: dict[str, str], login: Login | None) -> Token:
    """Ask the token server: by GET with Basic, or with an identity token by OAuth 2."""
    headers = {"Accept": "application/json"}
    query = [("scope", one) for one in asked.get("scope", "").split()]
    query += [(name, value) for name, value in asked.items() if name != "scope"]
    method, url, body = "GET", f"{realm}?{urllib.parse.urlencode(query)}", None
    if login is not None and login.identity:
        grant = {"grant_type": "refresh_token", "refresh_token": login.password.reveal_text()}
        method, url = "POST", realm
        body = urllib.parse.urlencode(asked | grant | {"client_id": "shipway"}).encode()
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif login is not None:
        headers["Authorization"] = f"Basic {_encoded(login).reveal_text()}"
    with http.send(method, url, headers=headers, body=body) as found:
        data = found.read(_TOKEN_BYTES)
    if found.status != _OK:
        raise faults.refused(
            found.status, found.headers, data, operation="asking for a token at", subject=realm
        )
    try:
        token = msgspec.json.decode(data, type=Token)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _unusable(realm, "its answer holds no token") from error
    if not token.value:
        raise _unusable(realm, "its answer holds no token")
    return token


def _check_realm(realm: str, domain: str) -> None:
    parts = urllib.parse.urlsplit(realm)
    local = is_loopback(parts.netloc.lower()) and is_loopback(domain)
    if parts.scheme == "https" or (parts.scheme == "http" and local):
        return
    raise _unusable(realm[:200], "a token server must speak https")


def _unusable(realm: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "registry.token",
        Kind.DENIED,
        reason,
        operation="asking for a token at",
        subject=realm,
        hint="the registry names a token server that cannot be used; check its configuration",
    )


def _encoded(login: Login) -> Secret:
    return Secret(base64.b64encode(login.user.encode() + b":" + login.password.reveal()))
