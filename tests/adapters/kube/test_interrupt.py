"""A call over TLS that is interrupted: its reader sees its end, and nothing that is no answer."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.http.network import from_environment
from shipway.adapters.kube.transport import Transport
from shipway.core.kube.contexts import Access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.apiserver import ApiServer

LINE = json.dumps({"text": "x" * 3000}).encode() + b"\n"
MANY = (f"{len(LINE):x}\r\n".encode() + LINE + b"\r\n") * 300
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def talking(apiserver: ApiServer) -> Iterator[str]:
    """Return the address of a server that goes on sending lines over TLS to all who ask."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(apiserver.folder / "server.crt", apiserver.folder / "server.key")
    over = threading.Event()

    def talk(plain: socket.socket) -> None:
        with (
            plain,
            contextlib.suppress(OSError),
            context.wrap_socket(plain, server_side=True) as secure,
        ):
            secure.recv(65536)
            secure.sendall(HEAD)
            while not over.is_set():
                secure.sendall(MANY)

    def serve(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                one, _ = listener.accept()
                threading.Thread(target=talk, args=(one,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def test_an_interrupted_stream_only_ends(apiserver: ApiServer, talking: str) -> None:
    """However often it is cut in the middle, every line that was given is a whole one."""
    access = Access(context="test", namespace="default", server=talking, ca_file=apiserver.ca_file)
    broken: list[bytes] = []
    for turn in range(40):
        transport = Transport(access, None, {}, from_environment({}))
        with transport.stream("/", operation="watching", subject="x", query={}, seconds=5) as (
            call,
            lines,
        ):
            timer = threading.Timer(0.002 * (turn % 10), call.interrupt)
            timer.start()
            ends = time.monotonic() + 5
            for line in lines:
                assert time.monotonic() < ends, "it was not interrupted"
                if line != LINE.rstrip():
                    broken.append(line[:40])
            timer.join()
        transport.close()

    assert broken == []
