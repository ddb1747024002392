"""HTTP as the other hands use it: kept connections, bounded answers, prompt cancellation.

Only adapters call this, and import it where they speak, since urllib3 is slow to load. It knows
nothing of what is said: no authentication, no status is an error here, and nothing is repeated.
Foreign exceptions end here, as ``SERVICE.unreachable``, ``SERVICE.untrusted`` and ``SERVICE.cut``.
"""

from __future__ import annotations

import contextlib
import threading
import urllib.parse
from typing import IO, TYPE_CHECKING, Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationParseError,
    NewConnectionError,
    ProxyError,
    SSLError,
)
from urllib3.util import make_headers

from shipway import scope
from shipway.adapters.http import trust
from shipway.adapters.http.network import hide_login
from shipway.adapters.http.sockets import shut
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Iterator, Mapping

    from urllib3 import BaseHTTPResponse, PoolManager

    from shipway.adapters.http.network import Network

CONNECT = 10.0
"""Seconds until a server must have accepted."""
READ = 60.0
"""Seconds between two pieces of an answer."""
PIECE = 1 << 20
_KEPT = 8
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HOPS = 5
_NO_URL = "it is no URL, or / ? # in its login are not escaped"
_line = threading.local()


class Http:
    """Requests to any server, for one ``service`` whose name stands in the error ids."""

    def __init__(self, network: Network, service: str) -> None:
        self._network = network
        self._service = service
        self._pools: dict[tuple[str, bool], PoolManager] = {}
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None = None,
        follow: bool = False,
    ) -> Iterator[Answer]:
        """Yield the answer to one request; its connection is kept if it was read to its end.

        ``follow`` goes after redirects, without credentials where they lead to another host, and
        never from https to http.

        Raises:
            ShipwayError: ``SERVICE.unreachable`` or ``SERVICE.cut`` (transient),
                ``SERVICE.untrusted`` (integrity), ``network.roots``, ``network.proxy`` (config),
                ``run.cancelled``.
        """
        current = scope.current()
        current.check()
        flight = _Flight()
        with current.on_cancel(flight.interrupt), self._translated(url):
            raw = self._start(flight, method, url, headers, body)
            for _ in range(_HOPS if follow else 0):
                target = _redirected(raw, url)
                if target is None:
                    break
                raw.drain_conn()
                headers = _without_credentials(headers, url, target)
                url = target
                raw = self._start(flight, method, url, headers, body)
            try:
                yield Answer(raw, url)
            except BaseException:
                raw.close()
                raise
            finally:
                raw.release_conn()

    def close(self) -> None:
        """Close every kept connection."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()

    def _start(
        self,
        flight: _Flight,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | IO[bytes] | None,
    ) -> BaseHTTPResponse:
        _line.flight = flight
        left = scope.current().remaining(READ)
        timeout = urllib3.Timeout(connect=min(CONNECT, left or CONNECT), read=left)
        return self._pool(url).request(
            method,
            url,
            headers=dict(headers),
            body=body,
            timeout=timeout,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )

    def _pool(self, url: str) -> PoolManager:
        proxy = self._network.proxy(url)
        checked = url.startswith("https:") or proxy.startswith("https:")
        with self._lock:
            if (proxy, checked) not in self._pools:
                self._pools[proxy, checked] = _pool_manager(self._network, proxy, checked=checked)
            return self._pools[proxy, checked]

    @contextlib.contextmanager
    def _translated(self, url: str) -> Iterator[None]:
        """Turn what urllib3 and the sockets raise into our errors."""
        try:
            yield
        except (HTTPError, OSError) as error:
            scope.current().check()
            raise _failure(self._service, url, error) from error


class Answer:
    """What a server answered: its status and headers at once, its bytes on request."""

    def __init__(self, raw: BaseHTTPResponse, url: str) -> None:
        self._raw = raw
        self.url = url
        self.status = raw.status
        self.headers: Mapping[str, str] = raw.headers

    def read(self, most: int) -> bytes:
        """Return the body, or its first ``most`` + 1 bytes where it has more than ``most``."""
        data = bytearray()
        for piece in self._raw.stream(PIECE):
            data += piece
            if len(data) > most:
                self._raw.close()
                return bytes(data[: most + 1])
        return bytes(data)

    def stream(self, size: int = PIECE) -> Iterator[bytes]:
        """Yield the body in pieces."""
        return self._raw.stream(size)


class _Flight:
    """One request under way, which another thread can interrupt."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._over = False

    def attach(self, found: socket.socket | None) -> None:
        self._socket = found
        if self._over:
            self.interrupt()

    def interrupt(self) -> None:
        """Shut the socket down, so that whoever waits for it returns at once."""
        self._over = True
        if self._socket is not None:
            shut(self._socket)


class _Plain(HTTPConnection):
    """A connection that says which socket the thread's request goes through."""

    def putrequest(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  urllib3's own passes through
        if self.sock is None:
            self.connect()
        _line.flight.attach(self.sock)
        super().putrequest(*args, **kwargs)


class _Secure(HTTPSConnection):
    """The same over TLS."""

    def putrequest(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  urllib3's own passes through
        if self.sock is None:
            self.connect()
        _line.flight.attach(self.sock)
        super().putrequest(*args, **kwargs)


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


def through(
    proxy: str, checked: ssl.SSLContext | None, settings: Mapping[str, Any]
) -> urllib3.ProxyManager:
    """Return connections through a proxy, by its own URL's login; ``checked`` is for an https one.

    Raises:
        ShipwayError: ``network.proxy`` (config) for a URL that is none of http or https.
    """
    parts = proxy_parts(proxy)
    login = {}
    if parts.username:
        user = urllib.parse.unquote(f"{parts.username}:{parts.password or ''}")
        login = make_headers(proxy_basic_auth=user)
    try:
        return urllib3.ProxyManager(
            proxy, proxy_headers=login, proxy_ssl_context=checked, **dict(settings)
        )
    except LocationParseError:
        raise _no_proxy(proxy, _NO_URL) from None  # its words quote the password


def proxy_parts(proxy: str) -> urllib.parse.SplitResult:
    """Return a proxy's URL in parts; its login is masked in all that is said from now on.

    Raises:
        ShipwayError: ``network.proxy`` (config), without the login, for a URL that is none of http
            or https, has no host or a port that is none, or whose login is not escaped.
    """
    hide_login(proxy)
    try:
        parts = urllib.parse.urlsplit(proxy)
        known = parts.scheme in {"http", "https"} and parts.hostname
        sound = "@" not in f"{parts.path}{parts.query}{parts.fragment}" and parts.port != 0
    except ValueError:
        raise _no_proxy(proxy, _NO_URL) from None  # as above
    if not sound:
        raise _no_proxy(proxy, _NO_URL)
    if not known:
        raise _no_proxy(proxy, "only http:// and https:// proxies are spoken to")
    return parts


def _no_proxy(proxy: str, why: str) -> ShipwayError:
    scheme, _, rest = proxy.rpartition("://")
    return ShipwayError(
        "network.proxy",
        Kind.CONFIG,
        why,
        operation="connecting through the proxy",
        subject=f"{scheme}://{rest.rpartition('@')[2] or '?'}",
        hint="write http://HOST:PORT in HTTPS_PROXY or proxy-url; in a login %2F for /, %23 for #",
    )


def _pool_manager(network: Network, proxy: str, *, checked: bool) -> PoolManager:
    """Return the connections through ``proxy``, or the direct ones.

    Where nothing is ``checked`` (plain HTTP) the authorities are not read, which takes a while.
    """
    tls = trust.context(network) if checked else None
    settings: dict[str, Any] = {"maxsize": _KEPT, "blocksize": PIECE, "ssl_context": tls}
    pool = through(proxy, tls, settings) if proxy else urllib3.PoolManager(**settings)
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return pool


def _redirected(raw: BaseHTTPResponse, url: str) -> str | None:
    location = raw.headers.get("Location")
    if raw.status not in _REDIRECTS or not location:
        return None
    target = urllib.parse.urljoin(url, location)
    if url.startswith("https:") and not target.startswith("https:"):
        return None
    return target


def _without_credentials(headers: Mapping[str, str], url: str, target: str) -> Mapping[str, str]:
    if urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(target).netloc:
        return headers
    return {name: value for name, value in headers.items() if name.lower() != "authorization"}


def _failure(service: str, url: str, error: Exception) -> ShipwayError:
    """Return ``untrusted``, ``unreachable`` where no connection came about, else ``cut``."""
    never = (NewConnectionError, ConnectTimeoutError, ProxyError, SSLError)
    subject = urllib.parse.urlsplit(url).netloc.rpartition("@")[2]
    if (doubt := trust.untrusted(service, subject, error)) is not None:
        return doubt
    cause = error
    while isinstance(cause.__cause__ or cause.__context__, Exception):
        cause = cause.__cause__ or cause.__context__  # type: ignore[assignment]  # just tested
    reason = str(cause)[:256]
    if isinstance(error, (*never, ConnectionRefusedError)):
        return ShipwayError(
            f"{service}.unreachable",
            Kind.TRANSIENT,
            f"no connection: {reason}",
            operation="connecting to",
            subject=subject,
            hint="check that it runs, the address, the proxy variables and the trusted CA roots",
            delay=0.2,
        )
    return ShipwayError(
        f"{service}.cut",
        Kind.TRANSIENT,
        f"the connection ended before the answer was complete: {reason}",
        operation="talking to",
        subject=subject,
        hint="run it again; if it stays, look at the server's log",
        delay=0.2,
    )
