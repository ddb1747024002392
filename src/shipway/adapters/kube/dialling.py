"""Connections to an API server for what is no request: opened as those of requests are.

Only :mod:`shipway.adapters.kube.transport` calls it. urllib3 connects, so that proxies, names and
certificates are judged by the same rules, whoever speaks over the connection afterwards.
"""

from __future__ import annotations

import contextlib
import socket
import urllib.parse
from typing import TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection, ProxyConfig
from urllib3.exceptions import SSLError
from urllib3.util import parse_url
from urllib3.util.ssl_match_hostname import CertificateError

from shipway.adapters.http import client, trust
from shipway.adapters.kube import credentials
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.adapters.http.network import Network
    from shipway.core.kube.contexts import Access

ALIVE = (
    (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
    (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 15),
    (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 5),
    (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
    (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 30_000),
)
"""A connection that died without a word, as while a laptop slept, is known after 30 s (tcp(7))."""


def proxy_of(access: Access, network: Network) -> str:
    """Return the proxy to the server: the context's own, or else the network's."""
    return access.proxy_url or network.proxy(access.server)


def settings(
    access: Access, credential: credentials.Credential, network: Network
) -> dict[str, Any]:
    """Return what urllib3 is told about sockets, and TLS with the server.

    Raises:
        ShipwayError: as :func:`credentials.tls`.
    """
    alive = [
        (level, getattr(socket, name), value)
        for level, name, value in ALIVE
        if hasattr(socket, name)  # not every kernel has each
    ]
    options = [*HTTPConnection.default_socket_options, *alive]
    found: dict[str, Any] = {"socket_options": options}
    if not access.server.startswith("https:"):
        return found
    found["ssl_context"] = credentials.tls(access, credential, network)
    if access.tls_server_name:
        found["server_hostname"] = access.tls_server_name
        found["assert_hostname"] = access.tls_server_name
    if access.insecure:
        found["assert_hostname"] = False
        found["cert_reqs"] = "CERT_NONE"
        urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    return found


def dial(
    access: Access, credential: credentials.Credential, network: Network, *, seconds: float
) -> socket.socket:
    """Return a connection to the server, through TLS and its proxy where there are such.

    Each step of it waits at most ``seconds``, which stay its timeout.

    Raises:
        ShipwayError: as :func:`settings`, and ``network.proxy`` (config).
        urllib3.exceptions.HTTPError, http.client.HTTPException, OSError: where it does not come
            about.
    """
    parts = urllib.parse.urlsplit(access.server)
    secure = parts.scheme == "https"
    far = (parts.hostname or "", parts.port or (443 if secure else 80))
    make: Any = HTTPSConnection if secure else HTTPConnection
    more = settings(access, credential, network)
    proxy = proxy_of(access, network)
    if not proxy:
        line = make(*far, timeout=seconds, **more)
    else:
        login = client.through(proxy, None, {}).proxy_headers
        way = parse_url(proxy)
        tls = way.scheme == "https"
        if tls and not secure:
            raise _no_way(proxy)
        more |= {"proxy": way, "proxy_config": _config(network)} if tls else {}
        line = make(way.host, way.port or (443 if tls else 80), timeout=seconds, **more)
        line.set_tunnel(*far, headers=login, scheme=way.scheme)
    with contextlib.ExitStack() as undo:
        undo.callback(line.close)
        try:
            line.connect()
        except CertificateError as error:  # of a name that urllib3 compares by itself
            raise SSLError(error) from error
        undo.pop_all()
    found: socket.socket = line.sock
    return found


def _config(network: Network) -> ProxyConfig:
    """Return how an https proxy is judged: by the network's authorities, by its own name."""
    return ProxyConfig(
        ssl_context=trust.context(network),
        use_forwarding_for_https=False,
        assert_hostname=None,
        assert_fingerprint=None,
    )


def _no_way(proxy: str) -> ShipwayError:
    return ShipwayError(
        "network.proxy",
        Kind.CONFIG,
        "nothing is forwarded to a plain http:// server through an https:// proxy",
        operation="connecting through the proxy",
        subject=f"https://{proxy.rpartition('@')[2].removeprefix('https://')}",
        hint="write http://HOST:PORT in proxy-url or HTTP_PROXY",
    )
