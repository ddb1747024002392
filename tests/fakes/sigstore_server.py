"""The servers of the tests' own Sigstore, spoken to over HTTP as the real ones are.

Each stands behind a gate. Their time stands still at ``fakes.sigstore.NOW``.
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509

from fakes.clock import FakeClock
from fakes.gate import Gate
from fakes.sigstore import IDENTITY, ISSUER, NOW, Sigstore, pem
from shipway.adapters.http.network import Network
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sigstore.sealer import KeylessSealer
from shipway.adapters.sigstore.tokens import Tokens
from shipway.core.keyless import instance
from shipway.core.sigstore import trustedroot
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = tuple[int, dict[str, str], bytes]


class _Served(Gate):
    """A gate before a function that takes headers and body and gives an answer's body."""

    def __init__(self, answer: Callable[[dict[str, str], bytes], bytes]) -> None:
        super().__init__()
        self._own = answer

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Answer."""
        del method, path
        return 200, {}, self._own(headers, body)


class ServedSigstore:
    """Fulcio, Rekor v2 and a timestamp authority on loopback ports while in its block."""

    def __init__(self) -> None:
        self.world = Sigstore()
        self.clock = FakeClock(NOW)
        self.fulcio = _Served(self._certify)
        self.rekor = _Served(self._log)
        self.timestamp = _Served(self._stamp)
        self.root = trustedroot.parse(json.dumps(self.world.root()).encode())
        self._leave = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start serving."""
        for gate in (self.fulcio, self.rekor, self.timestamp):
            self._leave.enter_context(gate)
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._leave.close()

    def calm(self) -> None:
        """Let every gate pass on, and forget what was asked."""
        for gate in (self.fulcio, self.rekor, self.timestamp):
            gate.play = "pass"
            gate.requests.clear()

    def said(self) -> dict[str, str]:
        """Return its addresses as ``[trust]`` names them."""
        return {
            "fulcio": self.fulcio.url,
            "rekor": self.rekor.url,
            "timestamp": f"{self.timestamp.url}/stamp",
        }

    @staticmethod
    def token(**claims: Any) -> bytes:
        """Return a token; nobody checks its signature here."""
        said = {"iss": ISSUER, "sub": IDENTITY, "email": IDENTITY, "aud": "sigstore"}
        parts = ({"alg": "none"}, said | {"exp": NOW + 600} | claims)
        encoded = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode() for one in parts]
        return ".".join([*encoded, "sig"]).encode()

    def sealer(self) -> KeylessSealer:
        """Return who seals here, with a token that holds."""
        secret = Secret(self.token())
        return KeylessSealer(
            instance.choose(instance.Said(**self.said())),
            self.root,
            Tokens(lambda: secret, audience="sigstore", clock=self.clock),
            network=Network(),
            processes=SystemProcesses(),
            clock=self.clock,
        )

    def _certify(self, headers: dict[str, str], body: bytes) -> bytes:
        assert headers["Authorization"].startswith("Bearer ey")
        request = base64.b64decode(json.loads(body)["certificateSigningRequest"])
        asked = x509.load_pem_x509_csr(request)
        assert asked.is_signature_valid
        leaf = pem(self.world.certificate(key=asked), "CERTIFICATE").decode()
        chain = {"chain": {"certificates": [leaf]}}
        return json.dumps({"signedCertificateEmbeddedSct": chain}).encode()

    def _log(self, _: dict[str, str], body: bytes) -> bytes:
        asked = json.loads(body)["hashedRekordRequestV002"]
        data = {"algorithm": "SHA2_256", "digest": asked["digest"]}
        spec = {"hashedRekordV002": {"data": data, "signature": asked["signature"]}}
        said = {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec}
        none = {"integratedTime": "0", "inclusionPromise": None}
        return json.dumps(self.world.new.entry(said) | none).encode()

    def _stamp(self, _: dict[str, str], body: bytes) -> bytes:
        return self.world.stamp(b"", imprint=body[-35:-3])
