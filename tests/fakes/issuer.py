"""An OpenID Connect issuer of the tests' own: discovery, keys, and any token a test asks for.

Also plays the endpoint at which a job of GitHub Actions asks for its token.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

if TYPE_CHECKING:
    from collections.abc import Mapping

EMAIL = "dev@example.com"
BEARER = "a-bearer-of-the-job"


class Issuer:
    """An issuer on a free loopback port while in its ``with`` block.

    Attributes:
        asked: The audience of every token that a job asked for.
        status: What a job is answered with; 200 gives a token.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.status = 200
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        handler = type("Handler", (_Handler,), {"issuer": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True

    @property
    def url(self) -> str:
        """Return the issuer's name, which is its address."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def job(self) -> dict[str, str]:
        """Return what a job of GitHub Actions finds in its environment."""
        return {
            "ACTIONS_ID_TOKEN_REQUEST_URL": f"{self.url}/job?api-version=2.0",
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": BEARER,
        }

    def __enter__(self) -> Self:
        """Start serving."""
        serve = self._server.serve_forever
        threading.Thread(target=serve, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def token(self, **claims: Any) -> str:
        """Return a signed token for a person; claims are added or replaced."""
        now = int(time.time())
        said = {
            "iss": self.url,
            "aud": "sigstore",
            "sub": EMAIL,
            "email": EMAIL,
            "email_verified": True,
            "iat": now,
            "exp": now + 600,
        } | claims
        head = {"alg": "RS256", "kid": "one", "typ": "JWT"}
        text = f"{_encoded(head)}.{_encoded(said)}"
        signature = self._key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_plain(signature)}"

    def answer(self, path: str, query: Mapping[str, list[str]], bearer: str) -> tuple[int, Any]:
        """Return status and JSON for one request."""
        numbers = self._key.public_key().public_numbers()
        if path == "/.well-known/openid-configuration":
            names = {
                "authorization_endpoint": f"{self.url}/auth",
                "token_endpoint": f"{self.url}/token",
                "jwks_uri": f"{self.url}/keys",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
            return 200, {"issuer": self.url} | names
        if path == "/keys":
            key = {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "one"}
            return 200, {"keys": [key | {"n": _number(numbers.n), "e": _number(numbers.e)}]}
        if path == "/job" and bearer == f"Bearer {BEARER}":
            audience = query.get("audience", ["https://github.com/somebody"])[0]
            self.asked.append(audience)
            return self.status, {"count": 1, "value": self.token(aud=audience)}
        return 401, {"message": "who are you?"}


class _Handler(BaseHTTPRequestHandler):
    issuer: Issuer
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base's own name
        """Say nothing."""

    def do_GET(self) -> None:
        """Answer."""
        parts = urllib.parse.urlsplit(self.path)
        query = urllib.parse.parse_qs(parts.query)
        bearer = self.headers.get("Authorization", "")
        status, value = self.issuer.answer(parts.path, query, bearer)
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _encoded(value: dict[str, Any]) -> str:
    return _plain(json.dumps(value).encode())


def _number(value: int) -> str:
    return _plain(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _plain(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
