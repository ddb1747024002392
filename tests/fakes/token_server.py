"""A token server for a real registry (distribution token specification), with a key of its own.

It grants a scope to the user that a test allows it to, and signs as CNCF Distribution 3 checks it.
"""

from __future__ import annotations

import base64
import datetime as dt
import itertools
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Iterable

ISSUER, SERVICE = "shipway-test", "the-registry"
LEEWAY = 60.0
"""Seconds that Distribution takes a token for longer than it says."""


class TokenServer:
    """A token server on a free loopback port while in its ``with`` block.

    Attributes:
        login: User and password; the password is an identity token, too.
        actions: What may be granted.
        only: The one repository that is granted; empty for all.
        life: Seconds until a registry refuses a token, whatever the answer says.
        asked: Every scope that was asked for, in order.
    """

    def __init__(self, login: tuple[str, str]) -> None:
        self.login = login
        self.actions = {"pull", "push", "delete", "*"}
        self.only = ""
        self.life = 3600.0
        self.asked: list[str] = []
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = _certificate(self._key)
        self._numbers = itertools.count(1)
        handler = type("Handler", (_Handler,), {"tokens": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def realm(self) -> str:
        """Return the URL that a challenge names."""
        return f"http://127.0.0.1:{self._server.server_port}/token"

    @property
    def certificate(self) -> bytes:
        """Return what a registry trusts, in PEM."""
        return self._certificate.public_bytes(serialization.Encoding.PEM)

    def __enter__(self) -> Self:
        """Start serving."""
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def sign(self, scopes: Iterable[str]) -> str:
        """Return a token for as much of ``scopes`` as is allowed."""
        now = time.time()
        chain = self._certificate.public_bytes(serialization.Encoding.DER)
        head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(chain).decode()]}
        claims = {
            "iss": ISSUER,
            "aud": SERVICE,
            "sub": self.login[0],
            "nbf": int(now - LEEWAY - 5),
            "iat": int(now),
            "exp": int(now + self.life - LEEWAY),
            "jti": str(next(self._numbers)),
            "access": [found for scope in scopes if (found := self._granted(scope))],
        }
        text = f"{_encoded(head)}.{_encoded(claims)}"
        der = self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        raw = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(der))
        return f"{text}.{base64.urlsafe_b64encode(raw).rstrip(b'=').decode()}"

    def _granted(self, scope: str) -> dict[str, Any] | None:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        if self.only and name != self.only:
            return None
        allowed = [action for action in actions.split(",") if action in self.actions]
        return {"type": kind, "name": name, "actions": allowed}


class _Handler(BaseHTTPRequestHandler):
    tokens: TokenServer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own name
        """Say nothing."""

    def do_GET(self) -> None:
        """Grant to who says user and password."""
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        pair = base64.b64encode(":".join(self.tokens.login).encode()).decode()
        self._grant(query.get("scope", []), good=self.headers["Authorization"] == f"Basic {pair}")

    def do_POST(self) -> None:
        """Grant to who has an identity token (OAuth 2)."""
        data = self.rfile.read(int(self.headers["Content-Length"])).decode()
        form = dict(urllib.parse.parse_qsl(data))
        scopes = form.get("scope", "").split()
        self._grant(scopes, good=form.get("refresh_token") == self.tokens.login[1])

    def _grant(self, scopes: list[str], *, good: bool) -> None:
        self.tokens.asked += scopes
        answer = {"token": self.tokens.sign(scopes), "expires_in": 3600} if good else {}
        body = json.dumps(answer).encode()
        self.send_response(200 if good else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _certificate(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ISSUER)])
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=6))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
