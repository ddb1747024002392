"""Servers to talk to: the real API server, and one that misbehaves on command."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver as servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="session")
def apiserver() -> servers.ApiServer:
    """Return the real API server that this test process shares."""
    return servers.shared()


class Misbehaving:
    """A plain HTTP server whose answers a test scripts, in order; the last one repeats."""

    def __init__(self) -> None:
        self.answers: list[Callable[[BaseHTTPRequestHandler], None]] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.url = ""

    def say(self, code: int, body: Any = None, **headers: str) -> None:
        """Answer with this status and JSON."""
        data = json.dumps(body if body is not None else {}).encode()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(code)
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)

        self.answers.append(answer)

    def stream(self, *lines: Any, wait: threading.Event | None = None) -> None:
        """Answer with these lines in chunks, then wait or break off without an end."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Transfer-Encoding", "chunked")
            handler.end_headers()
            for line in lines:
                data = json.dumps(line).encode() + b"\n"
                handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            handler.wfile.flush()
            if wait is not None:
                wait.wait(20)
            handler.close_connection = True

        self.answers.append(answer)

    def hang_up(self) -> None:
        """Close the connection instead of an answer."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.close_connection = True
            handler.connection.close()

        self.answers.append(answer)

    def hang(self, until: threading.Event) -> None:
        """Say nothing until the event."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            until.wait(20)
            handler.close_connection = True

        self.answers.append(answer)


@pytest.fixture
def misbehaving() -> Iterator[Misbehaving]:
    """Return a server that misbehaves on command."""
    found = Misbehaving()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError, ValueError):
                super().handle_one_request()
                return
            self.close_connection = True

        def do_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            found.requests.append((self.command, self.path, dict(self.headers)))
            answer = found.answers.pop(0) if len(found.answers) > 1 else found.answers[0]
            answer(self)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    for verb in ("GET", "POST", "PATCH", "PUT", "DELETE"):
        setattr(Handler, f"do_{verb}", Handler.do_any)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
