"""Who we are to an API server: client certificates, tokens, token files, exec plugins.

Only this package calls it. Credentials are read when first used and again when they run out; none
is written to disk for longer than it takes OpenSSL to load it.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import os
import ssl
import tempfile
import threading
import time
import urllib.parse
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway import redaction
from shipway.adapters.http import trust
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shipway.adapters.http.network import Network
    from shipway.core.kube.contexts import Access, ExecPlugin
    from shipway.core.ports.process import Completed, Processes

_PLUGIN, _PERSON = 60.0, 300.0
"""Seconds that a plugin may take, alone and with a person."""
_TOKEN_LIFE = 60.0
"""Seconds after which a token file is read again (kubelets rotate projected tokens)."""


class Credential(msgspec.Struct, frozen=True):
    """What one answer of a source holds; ``expires`` is seconds since the epoch."""

    token: str = ""
    cert: str = ""
    key: str = ""
    expires: float = float("inf")

    def __repr__(self) -> str:
        """Show nothing."""
        return "Credential()"


class Terminal(Protocol):
    """Runs a program that may ask the person."""

    def talk(self, argv: Sequence[str], *, env: Mapping[str, str], timeout: float) -> Completed:
        """Run with this process's own standard input and error; what it prints is returned."""
        ...


class Credentials:
    """The current credential of one :class:`Access`, made anew when it runs out."""

    def __init__(
        self,
        access: Access,
        processes: Processes | None,
        environment: Mapping[str, str],
        terminal: Terminal | None = None,
    ) -> None:
        """``terminal`` is there where a person can be asked."""
        self._access = access
        self._terminal = terminal
        self._processes = processes
        self._environment = environment
        self._lock = threading.Lock()
        self._current: Credential | None = None

    @property
    def renewable(self) -> bool:
        """Return whether asking again after a 401 could give another answer."""
        access = self._access
        return bool(access.plugin or access.token_file or access.cert_file)

    def current(self) -> Credential:
        """Return a credential that has not run out.

        Raises:
            ShipwayError: ``kube.credentials`` if a file or plugin does not give one.
        """
        with self._lock:
            if self._current is None or self._current.expires <= time.time():
                self._current = self._obtain()
                for value in (self._current.token, self._current.key, self._access.password):
                    redaction.add(value)
            return self._current

    def forget(self) -> None:
        """Have the next :meth:`current` ask its source again."""
        with self._lock:
            self._current = None

    def shown(self) -> tuple[str, bytes]:
        """Return the token and the client certificate (PEM) in use; empty where there is none."""
        access, now = self._access, self.current()
        try:
            found = _material(now.cert, access.cert_data, access.cert_file, access.context)
        except (ShipwayError, ValueError):
            found = b""
        return now.token, found

    def headers(self) -> list[tuple[str, str]]:
        """Return the headers that authenticate and impersonate; a name may come twice."""
        access = self._access
        headers: list[tuple[str, str]] = []
        if token := self.current().token:
            headers.append(("Authorization", f"Bearer {token}"))
        elif access.username:
            pair = f"{access.username}:{access.password}".encode()
            headers.append(("Authorization", "Basic " + base64.b64encode(pair).decode()))
        if access.impersonate:
            headers.append(("Impersonate-User", access.impersonate))
            headers += [("Impersonate-Group", group) for group in access.impersonate_groups]
            if access.impersonate_uid:
                headers.append(("Impersonate-Uid", access.impersonate_uid))
            headers += [
                (f"Impersonate-Extra-{urllib.parse.quote(key, safe='')}", value)
                for key, value in access.impersonate_extra
            ]
        return headers

    def _obtain(self) -> Credential:
        access = self._access
        if access.token_file:  # it wins over an inline token, as in client-go
            token = _read(access.token_file, access.context).decode().strip()
            return Credential(token=token, expires=time.time() + _TOKEN_LIFE)
        if access.plugin and not access.token:
            return self._ask(access.plugin)
        return Credential(token=access.token)

    def _ask(self, plugin: ExecPlugin) -> Credential:
        if self._processes is None:
            raise _failed(self._access.context, "its exec plugin cannot be run here")
        asks = plugin.interactive != "Never" and self._terminal is not None
        if plugin.interactive == "Always" and not asks:
            text = f"its exec plugin {plugin.command} has to ask a person, and there is no terminal"
            raise _failed(self._access.context, text, plugin.install_hint)
        spec = self._spec(asks=asks)
        info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
        env = {**self._environment, **dict(plugin.env), "KUBERNETES_EXEC_INFO": json.dumps(info)}
        argv = [plugin.command, *plugin.args]
        try:
            if asks and self._terminal is not None:
                done = self._terminal.talk(argv, env=env, timeout=_PERSON)
            else:
                done = self._processes.run(argv, env=env, timeout=_PLUGIN)
        except ShipwayError as error:
            raise _failed(self._access.context, str(error), plugin.install_hint) from error
        if done.code != 0:
            # its output may hold credentials, so it stays out of the message
            text = f"its exec plugin {plugin.command} ended with {done.code}"
            raise _failed(self._access.context, text, plugin.install_hint)
        return _parse(done.out, plugin.api_version, self._access.context)

    def _spec(self, *, asks: bool) -> dict[str, object]:
        access = self._access
        spec: dict[str, object] = {"interactive": asks}
        if access.plugin and access.plugin.provide_cluster_info:
            cluster: dict[str, object] = {"server": access.server}
            if ca := authority(access):
                cluster["certificate-authority-data"] = base64.b64encode(ca).decode()
            if access.tls_server_name:
                cluster["tls-server-name"] = access.tls_server_name
            if access.insecure:
                cluster["insecure-skip-tls-verify"] = True
            if access.proxy_url:
                cluster["proxy-url"] = access.proxy_url
            if access.plugin.cluster_config is not None:
                cluster["config"] = access.plugin.cluster_config
            spec["cluster"] = cluster
        return spec


def authority(access: Access) -> bytes:
    """Return the PEM certificates that may have signed the server's; empty for the system's."""
    if access.ca_data:
        return base64.b64decode(access.ca_data)
    return _read(access.ca_file, access.context) if access.ca_file else b""


def tls(access: Access, credential: Credential, network: Network) -> ssl.SSLContext:
    """Return the TLS settings of a connection; without an authority of its own, the network's.

    Raises:
        ShipwayError: ``kube.credentials`` if a certificate or key cannot be read.
    """
    try:
        own = authority(access).decode()
        context = ssl.create_default_context(cadata=own) if own else trust.context(network)
        # clusters' own authorities often lack extensions that Python >= 3.13 insists on
        context.verify_flags &= ~getattr(ssl, "VERIFY_X509_STRICT", 0)
        if access.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        cert = _material(credential.cert, access.cert_data, access.cert_file, access.context)
        if cert:
            key = _material(credential.key, access.key_data, access.key_file, access.context)
            _load(context, cert, key)
    except (ssl.SSLError, ValueError) as error:
        raise _failed(access.context, f"unusable certificate or key ({error})") from error
    return context


def _material(fresh: str, data: str, file: str, context: str) -> bytes:
    if fresh:
        return fresh.encode()
    if data:
        return base64.b64decode(data)
    return _read(file, context) if file else b""


def _load(context: ssl.SSLContext, cert: bytes, key: bytes) -> None:
    """Load a pair through a file of mode 0600 that is gone afterwards: OpenSSL takes only files."""
    handle, name = tempfile.mkstemp(prefix="shipway-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(cert.rstrip() + b"\n" + key)
        context.load_cert_chain(name)
    finally:
        Path(name).unlink()


def _parse(out: bytes, version: str, context: str) -> Credential:
    """Return what a plugin printed (client.authentication.k8s.io, ExecCredential)."""
    try:
        said = msgspec.json.decode(out)
        status = said["status"]
        expires = status.get("expirationTimestamp")
        found = Credential(
            token=status.get("token") or "",
            cert=status.get("clientCertificateData") or "",
            key=status.get("clientKeyData") or "",
            expires=_seconds(expires) if expires else float("inf"),
        )
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, ValueError):
        raise _failed(context, "its exec plugin printed no ExecCredential") from None
    if (said.get("kind"), said.get("apiVersion")) != ("ExecCredential", version):
        raise _failed(context, f"its exec plugin printed something else than {version}")
    if bool(found.cert) != bool(found.key) or not (found.token or found.cert):
        raise _failed(context, "its exec plugin gave neither a token nor a certificate and key")
    return found


def _seconds(text: str) -> float:
    return dt.datetime.fromisoformat(text).timestamp()


def _read(path: str, context: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _failed(context, f"cannot read {path} ({error.strerror})") from error


def _failed(context: str, message: str, hint: str = "") -> ShipwayError:
    return ShipwayError(
        "kube.credentials",
        Kind.DENIED,
        message,
        operation="reading the credentials of context",
        subject=context,
        hint=hint,
    )
