"""A company's network on the loopback: names that only its proxy knows, and its own authority.

``serve`` puts a plain server behind TLS under a name; ``proxy`` is a CONNECT proxy that alone
resolves it, and asks for a login if it has one.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import select
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = ("ann", "hunter2-proxy")
_PEM = serialization.Encoding.PEM


class Company:
    """The network while in its ``with`` block.

    Attributes:
        ca: The authority's certificate, a PEM file.
        asked: What the proxy was asked to connect to, in order.
        names: Port on the loopback by name and port, as ``registry.company.test:443``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._authority = _certificate("company", self._key.public_key(), None, self._key)
        self.ca = folder / "company.pem"
        self.ca.write_bytes(self._authority.public_bytes(_PEM))
        self.asked: list[str] = []
        self.names: dict[str, int] = {}
        self._listeners: list[socket.socket] = []
        self.port = self._listen(self._connect)

    @property
    def proxy(self) -> str:
        """Return its URL, with the login it asks for."""
        return f"http://{':'.join(LOGIN)}@127.0.0.1:{self.port}"

    def variables(self) -> dict[str, str]:
        """Return what a person of this company has in the environment."""
        return {"HTTPS_PROXY": self.proxy, "SSL_CERT_FILE": str(self.ca)}

    @property
    def secure_proxy(self) -> str:
        """Return the URL of the same proxy, spoken to over TLS."""
        context = self._context("localhost")

        def terminate(client: socket.socket) -> None:
            with context.wrap_socket(client, server_side=True) as inside:
                self._connect(inside)

        return f"https://{':'.join(LOGIN)}@localhost:{self._listen(terminate)}"

    def serve(self, name: str, port: int) -> None:
        """Serve what plain HTTP serves on ``port`` as ``https://NAME``."""
        context = self._context(name)

        def terminate(client: socket.socket) -> None:
            with context.wrap_socket(client, server_side=True) as inside:
                _join(inside, socket.create_connection(("127.0.0.1", port)))

        self.names[f"{name}:443"] = self._listen(terminate)

    def _context(self, name: str) -> ssl.SSLContext:
        """Return the TLS settings of a server of that name."""
        key = ec.generate_private_key(ec.SECP256R1())
        made = _certificate(name, key.public_key(), self._authority, self._key)
        both = self._folder / f"{name}.pem"
        both.write_bytes(
            made.public_bytes(_PEM)
            + key.private_bytes(
                _PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context

    def __enter__(self) -> Self:
        """Serve already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more connections."""
        for listener in self._listeners:
            listener.close()

    def _listen(self, handle: object) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        self._listeners.append(listener)

        def one(client: socket.socket) -> None:
            with contextlib.suppress(OSError):
                handle(client)  # type: ignore[operator]  # a function
            client.close()

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=one, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return int(listener.getsockname()[1])

    def _connect(self, client: socket.socket) -> None:
        """Be the proxy for one connection (RFC 9110, 9.3.6)."""
        head = b""
        while b"\r\n\r\n" not in head:
            if not (data := client.recv(65536)):
                return
            head += data
        line, _, rest = head.decode().partition("\r\n")
        method, target, _ = line.split(" ")
        self.asked.append(f"{method} {target}")
        login = base64.b64encode(":".join(LOGIN).encode()).decode()
        if f"Proxy-Authorization: Basic {login}".lower() not in rest.lower():
            asks = b'Proxy-Authenticate: Basic realm="company"\r\nContent-Length: 0\r\n'
            said = b"HTTP/1.1 407 Proxy Authentication Required\r\nConnection: close\r\n"
            client.sendall(said + asks + b"\r\n")
        elif method != "CONNECT" or target not in self.names:
            client.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        else:
            server = socket.create_connection(("127.0.0.1", self.names[target]))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _join(client, server)


def _join(one: socket.socket, other: socket.socket) -> None:
    """Pass bytes both ways until either side ends; one thread, as TLS sockets want it."""
    with one, other:
        while True:
            held = isinstance(one, ssl.SSLSocket) and one.pending()
            ready = [one] if held else select.select([one, other], [], [])[0]
            for source in ready:
                if not (data := source.recv(65536)):
                    return
                (other if source is one else one).sendall(data)


def _certificate(
    name: str,
    key: ec.EllipticCurvePublicKey,
    authority: x509.Certificate | None,
    signer: ec.EllipticCurvePrivateKey,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = authority.subject if authority else subject
    now = dt.datetime.now(dt.UTC)
    builder = (
        x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=6))
        .add_extension(x509.BasicConstraints(ca=not authority, path_length=None), critical=True)
    )
    if authority:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signer, hashes.SHA256())
