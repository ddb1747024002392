"""Logins for registries, as Docker keeps them: ``config.json`` and credential helpers.

Called within ``adapters.registry`` only. Nothing is written, nothing is asked from a person. A
helper goes before what the file itself holds, as in docker/cli.
"""

from __future__ import annotations

import base64
import binascii
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.adapters.registry.helpers import Helper
from shipway.core.oci import dockerconfig
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.process import Processes


class Login(msgspec.Struct, frozen=True):
    """A user with a password, or an identity token without a user."""

    user: str
    password: Secret
    identity: bool = False


class _Auth(msgspec.Struct, frozen=True):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""


class _Config(msgspec.Struct, frozen=True, rename="camel"):
    auths: dict[str, _Auth] = msgspec.field(default_factory=dict)
    cred_helpers: dict[str, str] = msgspec.field(default_factory=dict)
    creds_store: str = ""


class Source(Protocol):
    """Who knows logins."""

    def login(self, domain: str) -> Login | None:
        """Return the login for a registry, or none."""
        ...


class Credentials:
    """Where logins come from; each registry is looked up once."""

    def __init__(self, environment: Mapping[str, str], processes: Processes | None) -> None:
        self._environment = environment
        self._processes = processes
        self._lock = threading.Lock()
        self._known: dict[str, Login | None] = {}

    def login(self, domain: str) -> Login | None:
        """Return the login for a registry, or none.

        Raises:
            ShipwayError: ``registry.config`` where Docker's file cannot be read,
                ``registry.helper`` where a helper fails.
        """
        with self._lock:
            if domain not in self._known:
                self._known[domain] = self._find(domain)
            return self._known[domain]

    def _find(self, domain: str) -> Login | None:
        path = self._path()
        config = _read(path)
        names = (domain, dockerconfig.key(domain))
        own = [config.cred_helpers[name] for name in names if name in config.cred_helpers]
        helper = (own or [config.creds_store])[0]
        helped = self._ask(helper, domain) if helper else None
        return helped or _stored(config, domain, path)

    def _path(self) -> Path:
        folder = self._environment.get("DOCKER_CONFIG")
        home = self._environment.get("HOME") or "~"
        return Path(folder or f"{home}/.docker").expanduser() / "config.json"

    def _ask(self, name: str, domain: str) -> Login | None:
        found = Helper(name, self._processes, self._environment).get(domain)
        return None if found is None else _login(*found)


def _read(path: Path) -> _Config:
    try:
        data = path.read_bytes()
        return msgspec.json.decode(data, type=_Config) if data.strip() else _Config()
    except (FileNotFoundError, NotADirectoryError):
        return _Config()
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _bad_config(path, str(error)) from error


def _stored(config: _Config, domain: str, path: Path) -> Login | None:
    """Return the login kept in the file itself; its keys may be hosts or URLs."""
    for key, auth in config.auths.items():
        if not dockerconfig.stands_for(key, domain):
            continue
        if auth.identitytoken:
            return _login(dockerconfig.TOKEN_USER, auth.identitytoken)
        if auth.auth:
            user, password = _decoded(auth.auth, path)
            return _login(user, password)
        if auth.username:
            return _login(auth.username, auth.password)
    return None


def _decoded(auth: str, path: Path) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _bad_config(path, "an auth value is not base64 of USER:PASSWORD") from error
    if not colon:
        raise _bad_config(path, "an auth value is not base64 of USER:PASSWORD")
    return user, password.rstrip("\0")


def _login(user: str, password: str) -> Login | None:
    if not password:
        return None
    return Login(user, Secret(password), identity=user == dockerconfig.TOKEN_USER)


def _bad_config(path: Path, reason: str) -> ShipwayError:
    return ShipwayError(
        "registry.config",
        Kind.CONFIG,
        reason,
        operation="reading Docker's configuration",
        subject=str(path),
        hint="repair the file, or name another folder in DOCKER_CONFIG",
    )
