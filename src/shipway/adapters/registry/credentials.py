"""Logins for registries, as Docker keeps them: ``config.json`` and credential helpers.

Called within ``adapters.registry`` only. Nothing is written, nothing is asked from a person; a
helper is run by the protocol of docker-credential-helpers (``get``, host on standard input).
"""

from __future__ import annotations

import base64
import binascii
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.reference import HUB
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.process import Processes

_HUB_KEY = "https://index.docker.io/v1/"
_TOKEN_USER = "<token>"  # noqa: S105  the protocol's marker for an identity token
_HELPER_SECONDS = 20.0
_ABSENT = ("credentials not found", "no credentials server URL", "no credentials username")


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


class _Helped(msgspec.Struct, frozen=True):
    username: str = msgspec.field(name="Username", default="")
    secret: str = msgspec.field(name="Secret", default="")


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
        helper = config.cred_helpers.get(domain) or config.cred_helpers.get(_key(domain))
        if helper:
            return self._ask(helper, domain)
        found = _stored(config, domain, path)
        if found is None and config.creds_store:
            return self._ask(config.creds_store, domain)
        return found

    def _path(self) -> Path:
        folder = self._environment.get("DOCKER_CONFIG")
        home = self._environment.get("HOME") or "~"
        return Path(folder or f"{home}/.docker").expanduser() / "config.json"

    def _ask(self, helper: str, domain: str) -> Login | None:
        """Run ``docker-credential-HELPER get``."""
        program = f"docker-credential-{helper}"
        if self._processes is None:
            raise _helper_failed(program, "programs cannot be run here")
        try:
            done = self._processes.run(
                [program, "get"],
                env=self._environment,
                stdin=_key(domain).encode(),
                timeout=_HELPER_SECONDS,
            )
        except ShipwayError as error:
            raise _helper_failed(program, error.message) from error
        if done.code:
            said = (done.out + done.err).decode(errors="replace").strip()
            if any(words in said for words in _ABSENT):
                return None
            raise _helper_failed(program, f"exit code {done.code}: {said[:200]}")
        try:
            found = msgspec.json.decode(done.out, type=_Helped)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _helper_failed(program, "its answer is not the protocol's") from error
        return _login(found.username, found.secret)


def _key(domain: str) -> str:
    return _HUB_KEY if domain == HUB else domain


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
        if key != _key(domain) and _host(key) != domain:
            continue
        if auth.identitytoken:
            return _login(_TOKEN_USER, auth.identitytoken)
        if auth.auth:
            user, password = _decoded(auth.auth, path)
            return _login(user, password)
        if auth.username:
            return _login(auth.username, auth.password)
    return None


def _host(key: str) -> str:
    return key.partition("://")[2].partition("/")[0] if "://" in key else key.partition("/")[0]


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
    return Login(user, Secret(password), identity=user == _TOKEN_USER)


def _bad_config(path: Path, reason: str) -> ShipwayError:
    return ShipwayError(
        "registry.config",
        Kind.CONFIG,
        reason,
        operation="reading Docker's configuration",
        subject=str(path),
        hint="repair the file, or name another folder in DOCKER_CONFIG",
    )


def _helper_failed(program: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "registry.helper",
        Kind.MISSING,
        reason,
        operation="asking the credential helper",
        subject=program,
        hint="install or repair it, or log in again without a helper",
    )
