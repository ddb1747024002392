"""Asking parts whether they serve: HTTP, TLS, HTTP/2 over a Unix socket, DNS, ARP."""

from __future__ import annotations

import contextlib
import http.server
import os
import socket
import ssl
import struct
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from fakes.clock import FakeClock
from shipway.adapters.ground.answers import GroundAnswers
from shipway.adapters.ground.keys import GroundKeys
from shipway.adapters.ground.tree import RootTree
from shipway.core.ports.ground import Answer, Ask, Check, Leaf

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers 401 below /v2/, else what was sent."""

    def do_GET(self) -> None:
        """Answer a question."""
        self.send_response(401 if self.path.startswith("/v2/") else 200)
        self.end_headers()
        self.wfile.write(b'{"type":"Ready","status":"True"}')

    def do_PATCH(self) -> None:
        """Answer a request with its own body."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.end_headers()
        self.wfile.write(self.headers["Content-Type"].encode() + b" " + body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its own name
        """Be quiet."""


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Serve on a port of the loopback."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def asked(check: Check) -> Answer:
    """Ask once."""
    return GroundAnswers().ask(check, timeout=0.5)


def test_a_wanted_status_is_ready() -> None:
    """Only the listed statuses count, and only with the wanted text."""
    with serving() as port:
        assert asked(Check(ask=Ask.HTTP, port=port, path="/")) is Answer.READY
        assert asked(Check(ask=Ask.HTTP, port=port, path="/v2/")) is Answer.UNREADY
        wanted = Check(ask=Ask.HTTP, port=port, path="/v2/", statuses=(401,))
        assert asked(wanted) is Answer.READY
        text = Check(ask=Ask.HTTP, port=port, path="/", contains='"Ready","status":"True"')
        assert asked(text) is Answer.READY
        text = Check(ask=Ask.HTTP, port=port, path="/", contains="False")
        assert asked(text) is Answer.UNREADY


def test_nobody_is_silent() -> None:
    """A closed port and one that never answers are silence."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert asked(Check(ask=Ask.HTTP, port=port)) is Answer.SILENT
    assert asked(Check(ask=Ask.HTTP, port=port)) is Answer.SILENT


@pytest.fixture
def pki(tmp_path: Path) -> Callable[[str], str]:
    """Give paths of an authority, of a server that it signed, and of a stranger."""
    tree = RootTree(owner=os.getuid())
    keys = GroundKeys(tree, FakeClock(dt_now()).now)

    def path(name: str) -> str:
        return str(tmp_path / name)

    for name in ("ca", "stranger"):
        keys.authority(path(name), name)
    leaf = Leaf(
        path=path("server"),
        issuer=path("ca"),
        common_name="server",
        addresses=("127.0.0.1",),
        server=True,
        client=True,
    )
    keys.have([leaf])
    return path


def dt_now() -> float:
    """Return the time of now, which TLS compares with."""
    import time  # noqa: PLC0415  only here

    return time.time()


def test_a_server_must_show_the_authoritys_certificate(pki: Callable[[str], str]) -> None:
    """Over TLS the right authority is ready, another is silence; a client certificate is sent."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=pki("ca") + ".crt")
    context.load_cert_chain(pki("server") + ".crt", pki("server") + ".key")
    context.verify_mode = ssl.CERT_REQUIRED
    with serving(context) as port:
        check = Check(
            ask=Ask.HTTP,
            port=port,
            ca=pki("ca") + ".crt",
            certificate=pki("server") + ".crt",
            key=pki("server") + ".key",
        )
        assert asked(check) is Answer.READY
        wrong = Check(ask=Ask.HTTP, port=port, ca=pki("stranger") + ".crt")
        assert asked(wrong) is Answer.SILENT


def test_a_request_brings_status_and_body() -> None:
    """A request carries its body and type; where nobody answers the status is 0."""
    answers = GroundAnswers()
    with serving() as port:
        check = Check(ask=Ask.HTTP, port=port)
        found = answers.request(check, "PATCH", "/x", b"body", content_type="kind")
        assert found == (201, b"kind body")
    assert answers.request(check, "GET", "/") == (0, b"")


@contextlib.contextmanager
def replying(sock: socket.socket, reply: Callable[[bytes], bytes]) -> Iterator[None]:
    """Answer one question on a datagram or stream socket."""

    def serve() -> None:
        if sock.type == socket.SOCK_DGRAM:
            question, sender = sock.recvfrom(512)
            sock.sendto(reply(question), sender)
            return
        connection, _ = sock.accept()
        with connection:
            connection.sendall(reply(connection.recv(100)))

    thread = threading.Thread(target=serve)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize(
    ("first", "answer"), [(b"\0\0\0\4\0\0\0\0\0", Answer.READY), (b"HTTP/1.1 400", Answer.UNREADY)]
)
def test_an_http2_server_sends_its_settings(tmp_path: Path, first: bytes, answer: Answer) -> None:
    """Settings first is a living gRPC server, anything else is not."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "s"))
        sock.listen()
        with replying(sock, lambda _: first):
            assert asked(Check(ask=Ask.GRPC, address=str(tmp_path / "s"))) is answer
    assert asked(Check(ask=Ask.GRPC, address=str(tmp_path / "none"))) is Answer.SILENT


@pytest.mark.parametrize(
    ("code", "answers", "answer"),
    [(0, 1, Answer.READY), (3, 0, Answer.UNREADY), (0, 0, Answer.UNREADY)],
)
def test_a_name_must_resolve(code: int, answers: int, answer: Answer) -> None:
    """No error and at least one record is ready."""

    def reply(question: bytes) -> bytes:
        number = struct.unpack(">H", question[:2])[0]
        assert b"\x02ab\x01c\0" in question
        return struct.pack(">6H", number, 0x8180 | code, 1, answers, 0, 0)

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with replying(sock, reply):
            check = Check(ask=Ask.DNS, port=sock.getsockname()[1], path="ab.c")
            assert asked(check) is answer


def test_a_torn_reply_is_no_answer() -> None:
    """A reply too short for its header is not ready."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        with replying(sock, lambda _: b"x"):
            check = Check(ask=Ask.DNS, port=sock.getsockname()[1], path="a")
            assert asked(check) is Answer.UNREADY


_PROBES = """
import subprocess, sys
for words in ("add near type veth peer name far", "set near up", "set far up"):
    subprocess.run(["ip", "link", *words.split()], check=True)
subprocess.run(["ip", "address", "add", "10.99.0.2/24", "dev", "far"], check=True)
from shipway.adapters.ground.answers import GroundAnswers
from shipway.core.ports.ground import Ask, Check
for link, address in (("near", "10.99.0.2"), ("near", "10.99.0.3"), ("none", "10.99.0.2")):
    check = Check(ask=Ask.ARP, address=link, path=address)
    print(GroundAnswers().ask(check, timeout=1).value)
"""


def test_an_address_must_be_at_the_other_end_of_a_link() -> None:
    """Whoever holds the address answers a probe; another address and no such link are silence."""
    alone = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    asked = [*alone, sys.executable, "-c", _PROBES]
    done = subprocess.run(asked, check=True, capture_output=True, text=True)

    assert done.stdout.split() == ["ready", "silent", "silent"]
