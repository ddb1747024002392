"""HTTP for real: roots that are trusted, proxies, redirects, cuts and prompt cancellation."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shipway import redaction, scope
from shipway.adapters.http.client import Http
from shipway.adapters.http.network import Network, hide_login
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    heard: list[str]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own name
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer, redirect, hang or pass on, by the path."""
        self.server.heard.append(f"{self.path} {self.headers.get('Proxy-Authorization', '')}")  # type: ignore[attr-defined]  # ours
        if self.path.startswith("/to/"):
            self._answer(302, b"", Location=self.path[4:])
        elif self.path == "/hang":
            time.sleep(5)
        elif self.path == "/drip":
            self._drip()
        else:
            self._answer(200, f"said {self.path}".encode())

    def do_CONNECT(self) -> None:
        """Be a proxy: join the two sockets."""
        self.server.heard.append(f"CONNECT {self.path}")  # type: ignore[attr-defined]  # ours
        self.send_response(200)
        self.end_headers()
        port = int(self.path.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as target:
            back = threading.Thread(target=_pump, args=(target, self.connection), daemon=True)
            back.start()
            _pump(self.connection, target)

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        with contextlib.suppress(OSError):
            for _ in range(50):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.1)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)


Start = Callable[..., _Server]


@pytest.fixture
def start() -> Iterator[Start]:
    """Give a way to start servers that end with the test."""
    running = []

    def begin(context: ssl.SSLContext | None = None) -> _Server:
        server = _Server(("127.0.0.1", 0), _Handler)
        server.heard = []
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        running.append(server)
        return server

    yield begin
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, ssl.SSLContext]:
    """Give a self-signed certificate for this machine, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("registry.test"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "roots.pem"
    pem.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    both = tmp_path / "server.pem"
    both.write_bytes(
        pem.read_bytes()
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(both)
    return pem, context


def _get(http: Http, url: str, *, follow: bool = False) -> tuple[int, bytes]:
    with http.send("GET", url, headers={"Authorization": "Basic secret"}, follow=follow) as answer:
        return answer.status, answer.read(10_000)


def test_trusted_roots_are_those_of_ssl_cert_file(
    start: Start, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """With the file the server is trusted; without it nobody knows who answers."""
    pem, context = certificate
    url = f"https://127.0.0.1:{start(context).server_address[1]}/x"

    assert _get(Http(Network(ca_file=str(pem)), "test"), url) == (200, b"said /x")
    with pytest.raises(ShipwayError, match="certificate") as caught:
        _get(Http(Network(), "test"), url)
    assert (caught.value.id, caught.value.kind) == ("test.untrusted", Kind.INTEGRITY)
    assert "SSL_CERT_FILE" in caught.value.hint


def test_plain_http_reads_no_authorities(start: Start, tmp_path: Path) -> None:
    """What only TLS needs is neither read nor missed where nothing is checked."""
    broken = tmp_path / "roots.pem"
    broken.write_text("no certificate")
    http = Http(Network(ca_file=str(broken)), "test")
    port = start().server_address[1]

    assert _get(http, f"http://127.0.0.1:{port}/x") == (200, b"said /x")
    with pytest.raises(ShipwayError) as caught:
        _get(http, f"https://127.0.0.1:{port}/x")
    assert caught.value.id == "network.roots"


def test_plain_http_goes_through_its_proxy(start: Start) -> None:
    """The proxy is asked for the whole URL, with its own login."""
    proxy = start()
    port = proxy.server_address[1]
    network = Network(http_proxy=f"http://u%40x:p@127.0.0.1:{port}")

    status, body = _get(Http(network, "test"), "http://registry.test/x")

    assert (status, body) == (200, b"said http://registry.test/x")
    assert proxy.heard == ["http://registry.test/x Basic dUB4OnA="]


def test_tls_goes_through_a_tunnel(start: Start, certificate: tuple[Path, ssl.SSLContext]) -> None:
    """HTTPS is end to end: the proxy joins sockets and sees no request."""
    pem, context = certificate
    target, proxy = start(context), start()
    port = target.server_address[1]
    at = f"http://127.0.0.1:{proxy.server_address[1]}"
    network = Network(https_proxy=at, ca_file=str(pem))

    assert _get(Http(network, "test"), f"https://registry.test:{port}/x") == (200, b"said /x")
    assert proxy.heard == [f"CONNECT registry.test:{port}"]


def test_a_proxy_that_is_not_there_is_unreachable(start: Start) -> None:
    """The error is the service's."""
    server = start()
    server.shutdown()
    server.server_close()
    at = f"http://127.0.0.1:{server.server_address[1]}"

    with pytest.raises(ShipwayError) as caught:
        _get(Http(Network(http_proxy=at), "test"), "http://registry.test/x")
    assert caught.value.id == "test.unreachable"


def test_redirects_are_followed_only_when_asked(start: Start) -> None:
    """Without it the answer is the redirect itself."""
    at = f"http://127.0.0.1:{start().server_address[1]}"
    http = Http(Network(), "test")

    assert _get(http, f"{at}/to//there")[0] == 302
    assert _get(http, f"{at}/to//there", follow=True) == (200, b"said /there")
    http.close()


def test_tls_is_never_left_by_a_redirect(
    start: Start, certificate: tuple[Path, ssl.SSLContext]
) -> None:
    """A redirect from https to http is not followed."""
    pem, context = certificate
    plain = start()
    to = f"http://127.0.0.1:{plain.server_address[1]}/x"
    url = f"https://127.0.0.1:{start(context).server_address[1]}/to/{to}"

    assert _get(Http(Network(ca_file=str(pem)), "test"), url, follow=True)[0] == 302
    assert plain.heard == []


@pytest.mark.parametrize("path", ["/hang", "/drip"])
def test_cancelling_interrupts_at_once(start: Start, path: str) -> None:
    """A request that waits for headers or bytes ends with its scope."""
    url = f"http://127.0.0.1:{start().server_address[1]}{path}"
    begun = time.monotonic()

    def cancel(inside: scope.Scope) -> None:
        time.sleep(0.2)
        inside.cancel()

    def get() -> None:
        with scope.open() as inside:
            threading.Thread(target=cancel, args=(inside,), daemon=True).start()
            _get(Http(Network(), "test"), url)

    with pytest.raises(ShipwayError) as caught:
        get()

    assert caught.value.id == "run.cancelled"
    assert time.monotonic() - begun < 1.5


def test_a_cancelled_scope_sends_nothing(start: Start) -> None:
    """A request begun after the end is not begun."""
    server = start()

    def get() -> None:
        with scope.open() as inside:
            inside.cancel()
            _get(Http(Network(), "test"), f"http://127.0.0.1:{server.server_address[1]}/x")

    with pytest.raises(ShipwayError):
        get()

    assert server.heard == []


def test_an_answer_is_read_up_to_its_bound(start: Start) -> None:
    """One byte more than allowed shows that there is more."""
    http = Http(Network(), "test")
    url = f"http://127.0.0.1:{start().server_address[1]}/0123456789"

    with http.send("GET", url, headers={}) as answer:
        assert answer.read(5) == b"said /"


@pytest.mark.parametrize(
    ("proxy", "subject"),
    [
        ("http://ann:s3cr/etpw@proxy.test:3128", "http://proxy.test:3128"),
        ("http://ann:s3cr#etpw@proxy.test:3128", "http://proxy.test:3128"),
        ("http://ann:1234/etpw@proxy.test:3128", "http://proxy.test:3128"),
        ("http://ann:s3cr?etpw@proxy.test:3128", "http://proxy.test:3128"),
        ("http://ann:s3cretpw@proxy.test:port", "http://proxy.test:port"),
        ("http://ann:s3cretpw@[::1", "http://[::1"),
        ("http://ann:s3cretpw@pro xy.test:3128", "http://pro xy.test:3128"),
        ("socks5://ann:s3cr/etpw@proxy.test:1080", "socks5://proxy.test:1080"),
    ],
)
def test_no_part_of_a_proxys_password_is_said(proxy: str, subject: str) -> None:
    """A proxy that cannot be used is told without its login, also in what caused it."""
    with pytest.raises(ShipwayError) as caught:
        _get(Http(Network(http_proxy=proxy), "test"), "http://registry.test/x")

    assert (caught.value.id, caught.value.kind) == ("network.proxy", Kind.CONFIG)
    assert caught.value.subject == subject
    told = "".join(traceback.format_exception_only(caught.value)) + repr(caught.value.__cause__)
    assert not any(part in told for part in ("s3cr", "etpw", "1234"))
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_proxys_password_is_masked_as_written_and_as_meant() -> None:
    """What another program says of it is masked too."""
    hide_login("http://ann:pa%2Fss%23word1@proxy.test:3128")
    hide_login("eve:un/escaped#2@proxy.test:3128")

    shown = redaction.text(
        "pa%2Fss%23word1 pa/ss#word1 ann:pa%2Fss%23word1 un/escaped#2 proxy.test"
    )
    assert shown == "*** *** *** *** proxy.test"
