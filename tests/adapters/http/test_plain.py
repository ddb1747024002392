"""One GET: asked again until something answers, and no longer than its patience."""

from __future__ import annotations

import http.server
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.http.plain import fetch
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Answering(http.server.BaseHTTPRequestHandler):
    """Fails as often as it was told, then answers."""

    failures = 0

    def do_GET(self) -> None:
        """Answer."""
        kind = type(self)
        if kind.failures > 0:
            kind.failures -= 1
            self.send_error(503)
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"x" * (1 << 17) if self.path == "/much" else b"hello \xff")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """Give a server's address."""
    server = http.server.HTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_answer_is_text(url: str) -> None:
    """Bytes that are no UTF-8 are replaced."""
    assert fetch(url) == "hello \ufffd"


def test_no_more_than_its_share(url: str) -> None:
    """Only the first 64 KiB are read."""
    assert len(fetch(f"{url}/much")) == 1 << 16


def test_it_is_asked_again(url: str) -> None:
    """A server that is not ready yet is asked until it is."""
    Answering.failures = 2
    assert fetch(url).startswith("hello")


def test_silence_is_an_error() -> None:
    """Where nothing listens, patience has an end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ShipwayError) as caught:
        fetch(f"http://127.0.0.1:{port}", patience=0.2)

    assert (caught.value.id, caught.value.kind) == ("demo.silent", Kind.TRANSIENT)
