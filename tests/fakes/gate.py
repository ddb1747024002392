"""An HTTP server on a free loopback port that passes on to a real one, and plays faults on request.

``play`` decides what becomes of a request: :data:`PASS` passes it on; a number is answered as that
status; ``cut`` ends the connection half way through the answer, ``mute`` never answers,
``trickle`` sends an answer a byte at a time; a function is given the true answer and returns
another; bytes are the answer.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

PASS = "pass"
Play = str | int | bytes | Callable[[bytes], bytes]


class Gate:
    """A way to a server on ``127.0.0.1:PORT`` or behind a socket file, while in its block.

    Attributes:
        play: What becomes of requests from now on.
        requests: Path, headers and body of every request that came.
    """

    def __init__(self, target: int | str = 0) -> None:
        self.play: Play = PASS
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self._target = target
        self.over = threading.Event()
        handler = type("Handler", (_Handler,), {"gate": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Return where it listens."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        """Start serving."""
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.over.set()
        self._server.shutdown()
        self._server.server_close()

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Return what the real server answers."""
        connection = _connection(self._target)
        with contextlib.closing(connection):
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()


class _Unix(http.client.HTTPConnection):
    """A connection to a socket file."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=30)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(self._path)


def _connection(target: int | str) -> http.client.HTTPConnection:
    if isinstance(target, str):
        return _Unix(target)
    return http.client.HTTPConnection("127.0.0.1", target, timeout=30)


class _Handler(BaseHTTPRequestHandler):
    gate: Gate
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own name
        """Say nothing."""

    def do_GET(self) -> None:
        """Pass on, or play."""
        self.do_POST()

    def do_POST(self) -> None:
        """Pass on, or play."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self._handle(body)
        except ConnectionError:  # one of the two sides is gone
            self.close_connection = True

    def _handle(self, body: bytes) -> None:
        headers = dict(self.headers.items())
        self.gate.requests.append((self.path, headers, body))
        play = self.gate.play
        if play == "mute":
            self.gate.over.wait(30)
            self.close_connection = True
            return
        if isinstance(play, int):
            self._answer(play, b'{"message": "no, said the gate"}')
            return
        if isinstance(play, bytes):
            self._answer(200, play)
            return
        kept = {name: value for name, value in headers.items() if name.lower() != "host"}
        status, _, data = self.gate.ask(self.command, self.path, kept, body)
        self._answer(status, play(data) if callable(play) else data, how=str(play))

    def _answer(self, status: int, data: bytes, how: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if how == "cut":
            self.wfile.write(data[: len(data) // 2])
            self.close_connection = True
        elif how == "trickle":
            self._trickle(data)
        else:
            self.wfile.write(data)

    def _trickle(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            for at in range(len(data)):
                self.wfile.write(data[at : at + 1])
                self.wfile.flush()
                if self.gate.over.wait(0.02):
                    return
