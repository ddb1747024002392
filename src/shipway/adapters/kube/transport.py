"""HTTP to one API server: connections kept open, credentials, refusals, cancellation.

Only this package calls it. A call blocked in a socket is interrupted by shutting that socket down
when the scope is cancelled. Calls marked as repeatable are repeated when a kept connection turns
out to be dead or the server says it is busy; others never.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
import urllib.parse
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import msgspec
import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError, ProtocolError

from shipway import scope
from shipway.adapters.http import client, trust
from shipway.adapters.http.sockets import shut
from shipway.adapters.kube import credentials, dialling, failures, validity
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from websocket import WebSocket

    from shipway.adapters.http.network import Network
    from shipway.core.kube.contexts import Access
    from shipway.core.ports.process import Processes

_CONNECT = 5.0
_READ = 60.0
_ATTEMPTS = 3
_PATIENCE = 30.0
"""Seconds that a server which has answered before may be away: it is being started again."""
_AWAY = 503
_BAD = 400
_UNAUTHORIZED = 401
_AGAIN = "is it up, and is there a way to it (VPN, HTTPS_PROXY)? Then run the same command again"
_line = threading.local()


class Call:
    """One request under way; :meth:`interrupt` ends it from another thread."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._ended = False

    def attach(self, found: socket.socket | None) -> None:
        """Remember the socket that the answer will come from."""
        self._socket = found
        if self._ended:
            self.interrupt()

    def interrupt(self) -> None:
        """Shut the socket down, so that whoever reads it returns at once."""
        self._ended = True
        if self._socket is not None:
            shut(self._socket)


class _Plain(HTTPConnection):
    def getresponse(self) -> Any:  # noqa: ANN401  urllib3's own answer passes through
        _announce(self.sock)
        return super().getresponse()


class _Secure(HTTPSConnection):
    def getresponse(self) -> Any:  # noqa: ANN401  urllib3's own answer passes through
        _announce(self.sock)
        return super().getresponse()


class _PlainPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Secure


def _announce(found: socket.socket | None) -> None:
    """Tell the call of this thread, which has one whenever it sends, its socket."""
    call: Call = _line.call
    call.attach(found)


class Transport:
    """Requests to the server of one :class:`Access`."""

    def __init__(
        self,
        access: Access,
        processes: Processes | None,
        environment: Mapping[str, str],
        network: Network,
        terminal: credentials.Terminal | None = None,
    ) -> None:
        self._access = access
        self._network = network
        self._credentials = credentials.Credentials(access, processes, environment, terminal)
        self._lock = threading.Lock()
        self._pool: urllib3.PoolManager | None = None
        self._answered = False

    def json(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        subject: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        media_type: str = "application/json",
        repeatable: bool = False,
    ) -> dict[str, Any]:
        """Return the decoded answer.

        Raises:
            ShipwayError: as :func:`failures.refused`, or ``kube.unreachable`` without an answer.
        """
        data = self.read(
            method, path, operation=operation, subject=subject, query=query, body=body,
            media_type=media_type, repeatable=repeatable,
        )  # fmt: skip
        found = msgspec.json.decode(data)
        return found if isinstance(found, dict) else {}

    def date(self) -> float | None:
        """Return the time that an answer of the server carries (RFC 9110, 5.6.7)."""
        try:
            answer = self._whole("GET", "/version", None, None, "")
        except HTTPError as error:
            scope.current().check()
            raise self._unreachable(error, "asking the time of", "the server") from error
        try:
            return parsedate_to_datetime(answer.headers.get("Date", "")).timestamp()
        except (ValueError, OverflowError):
            return None

    def read(
        self,
        method: str,
        path: str,
        *,
        operation: str,
        subject: str,
        query: Mapping[str, str] | None = None,
        body: bytes | None = None,
        media_type: str = "application/json",
        repeatable: bool = False,
    ) -> bytes:
        """Return the answer's bytes; raises as :meth:`json`."""
        until = 0.0
        for attempt in itertools.count(1):
            away = False
            try:
                answer = self._whole(method, path, query, body, media_type)
                if answer.status < _BAD:
                    self._answered = True
                    return bytes(answer.data)
                failure = self._refused(answer, operation, subject)
                again = repeatable and failure.id in {"kube.busy", "kube.failed"}
                away = repeatable and self._answered and answer.status == _AWAY
            except HTTPError as error:
                scope.current().check()
                failure = self._unreachable(error, operation, subject)
                again = repeatable and isinstance(error, ProtocolError)
                unsent = isinstance(error, NewConnectionError)
                away = failure.id == "kube.unreachable" and self._answered and (again or unsent)
            now = time.monotonic()
            until = until or now + _PATIENCE
            if not (away and now < until) and (not again or attempt >= _ATTEMPTS):
                raise failure
            scope.current().wait(min(failure.delay or 0.2, 2.0) * min(attempt - 0.5, 2.0))
        raise AssertionError  # pragma: no cover  the loop returned or raised

    def _refused(
        self, answer: urllib3.BaseHTTPResponse, operation: str, subject: str
    ) -> ShipwayError:
        """Return what a bad answer means, and where time is the reason for a 401, that."""
        if answer.status == _UNAUTHORIZED:
            token, certificate = self._credentials.shown()
            date = answer.headers.get("Date", "")
            found = validity.refusal(
                token, certificate, date, now=time.time(), operation=operation, subject=subject
            )
            if found is not None:
                return found
        return failures.refused(answer.status, answer.data, operation=operation, subject=subject)

    @contextlib.contextmanager
    def stream(
        self,
        path: str,
        *,
        operation: str,
        subject: str,
        query: Mapping[str, str],
        seconds: float,
        whole: bool = False,
    ) -> Iterator[tuple[Call, Iterator[bytes]]]:
        """Open a long answer and give its call and its lines; leaving the block ends it.

        A broken connection ends the lines; where the ``whole`` answer is wanted it is an error.

        Raises:
            ShipwayError: as :meth:`json`, before the first line and between lines.
        """
        call = Call()

        def broken(error: Exception) -> ShipwayError:
            scope.current().check()
            return self._unreachable(error, operation, subject)

        with scope.current().on_cancel(call.interrupt):
            try:
                answer = self._send("GET", path, query, None, "", call, seconds)
                if answer.status >= _BAD:
                    raise self._refused(answer, operation, subject)
            except HTTPError as error:
                scope.current().check()
                raise self._unreachable(error, operation, subject) from error
            try:
                yield call, _lines(answer, broken if whole else None)
            finally:
                call.interrupt()
                answer.close()

    def upgrade(self, path: str, protocol: str, *, operation: str, subject: str) -> WebSocket:
        """Return a WebSocket of that subprotocol.

        Raises:
            ShipwayError: as :meth:`json`.
        """
        import websocket  # noqa: PLC0415  only what forwards pays for it

        server = self._access.server
        credential = self._credentials.current()
        call = Call()
        with scope.current().on_cancel(call.interrupt):
            try:
                line = dialling.dial(self._access, credential, self._network, seconds=_CONNECT)
                call.attach(line)
                opened = websocket.create_connection(
                    f"ws{server.removeprefix('http')}{path}",
                    socket=line,
                    header=[f"{name}: {value}" for name, value in self._credentials.headers()],
                    subprotocols=[protocol],
                    suppress_origin=True,
                    redirect_limit=0,
                    enable_multithread=True,
                )
            except websocket.WebSocketBadStatusException as error:
                raise failures.refused(
                    error.status_code, error.resp_body or b"", operation=operation, subject=subject
                ) from error
            except (websocket.WebSocketException, HTTPException, HTTPError, OSError) as error:
                scope.current().check()
                raise self._unreachable(error, operation, subject) from error
        opened.settimeout(None)
        return opened

    def close(self) -> None:
        """Close the kept connections."""
        with self._lock:
            if self._pool is not None:
                self._pool.clear()
                self._pool = None

    def _whole(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        media_type: str,
    ) -> urllib3.BaseHTTPResponse:
        """Send, and read the whole answer."""
        call = Call()
        with scope.current().on_cancel(call.interrupt):
            return self._send(method, path, query, body, media_type, call, None)

    def _send(  # noqa: PLR0917  as below
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        media_type: str,
        call: Call,
        seconds: float | None,
    ) -> urllib3.BaseHTTPResponse:
        """Send once, and once more with a fresh credential if that may help."""
        answer = self._once(method, path, query, body, media_type, call, seconds)
        if answer.status == _UNAUTHORIZED and self._credentials.renewable:
            answer.close()
            self._credentials.forget()
            self.close()
            answer = self._once(method, path, query, body, media_type, call, seconds)
        return answer

    def _once(  # noqa: PLR0917  private, one caller line each
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: bytes | None,
        media_type: str,
        call: Call,
        seconds: float | None,
    ) -> urllib3.BaseHTTPResponse:
        scope.current().check()
        headers = urllib3.HTTPHeaderDict(self._credentials.headers())
        headers["Accept"] = "application/json"
        headers["User-Agent"] = "shipway"
        if body is not None:
            headers["Content-Type"] = media_type
        url = f"{self._access.server}{path}"
        if query:
            url += "?" + urllib.parse.urlencode(query)
        _line.call = call
        try:
            return self._connections().request(
                method,
                url,
                body=body,
                headers=headers,
                retries=False,
                redirect=False,
                preload_content=seconds is None,
                timeout=urllib3.Timeout(connect=_CONNECT, read=seconds or _READ),
            )
        finally:
            _line.call = None

    def _connections(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None:
                self._pool = _pool(self._access, self._credentials.current(), self._network)
            return self._pool

    def _unreachable(self, error: Exception, operation: str, subject: str) -> ShipwayError:
        server = self._access.server
        timely = validity.handshake(
            error, server, now=time.time(), operation=operation, subject=subject
        )
        if timely is not None:
            return timely
        if (doubt := trust.untrusted("kube", server, error)) is not None:
            return doubt
        below = getattr(error, "reason", None)
        reason = below if isinstance(below, BaseException) else error
        return ShipwayError(
            "kube.unreachable",
            Kind.TRANSIENT,
            f"no answer from {server} ({type(reason).__name__}: {reason})"[:400],
            operation=operation,
            subject=subject,
            hint="shipway cluster status" if "127.0.0.1" in server else _AGAIN,
            delay=0.2,
        )


def _pool(
    access: Access, credential: credentials.Credential, network: Network
) -> urllib3.PoolManager:
    """Return the connections, through the context's own proxy or else the network's."""
    keywords: dict[str, Any] = {"maxsize": 16, "num_pools": 2}
    keywords |= dialling.settings(access, credential, network)
    proxy = dialling.proxy_of(access, network)
    pool: urllib3.PoolManager
    if proxy:
        checked = trust.context(network) if proxy.startswith("https:") else None
        pool = client.through(proxy, checked, keywords)
    else:
        pool = urllib3.PoolManager(**keywords)
    pool.pool_classes_by_scheme = {"http": _PlainPool, "https": _SecurePool}
    return pool


def _lines(
    answer: urllib3.BaseHTTPResponse, broken: Callable[[Exception], ShipwayError] | None
) -> Iterator[bytes]:
    """Yield whole lines as they come; a broken connection ends them, or is what ``broken`` says."""
    rest = b""
    try:
        for piece in answer.stream(1 << 16, decode_content=True):
            *whole, rest = (rest + piece).split(b"\n")
            yield from whole
    except (HTTPError, OSError, AttributeError, ValueError) as error:
        # urllib3 raises the last two when the socket is shut down while a chunk is being read
        if broken is not None:
            raise broken(error) from error
        return
    if rest:  # it ended well, without a line break
        yield rest
