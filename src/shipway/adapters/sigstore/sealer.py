"""Sealing: one statement, one key, one certificate, one log entry, one timestamp, one bundle.

Wiring makes a :class:`KeylessSealer`. Everything that a server answers is looked at before it is
used; a bundle comes back whole or not at all, and nothing is written to disk here.
"""

from __future__ import annotations

import base64
import hashlib
import sys
from typing import TYPE_CHECKING, Any

from shipway import scope
from shipway.adapters.sigstore import ephemeral
from shipway.adapters.sigstore.asking import Server
from shipway.core.evidence import envelope, statement
from shipway.core.evidence.envelope import Envelope, Signature
from shipway.core.evidence.key import PublicKey
from shipway.core.keyless import certificate, entry, sealed, stamp
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.adapters.http.network import Network
    from shipway.adapters.sigstore.tokens import Token, Tokens
    from shipway.core.keyless.instance import Instance
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.process import Processes
    from shipway.core.sigstore.trustedroot import TrustedRoot

_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
_SECONDS = 30.0
"""For one signing process."""


class KeylessSealer:
    """Statements sealed by an identity; keeps the ``Sealer`` port, and holds no key at all."""

    def __init__(
        self,
        instance: Instance,
        root: TrustedRoot,
        tokens: Tokens,
        *,
        network: Network,
        processes: Processes,
        clock: Clock,
        before: Callable[[Token], object] = lambda _: None,
        program: Sequence[str] = (sys.executable, "-I", ephemeral.__file__),
        server: Callable[[str, Network], Server] = Server,
    ) -> None:
        """Remember where to ask; nothing is asked yet.

        Args:
            instance: The servers.
            root: Whose answers count.
            tokens: Who signs.
            network: How the servers are reached.
            processes: What runs the signing process.
            clock: Time, for the validity of tokens and certificates.
            before: Called with the token before anything is sent; it may refuse by an error.
            program: The signing process.
            server: Makes the hand for a server.
        """
        self._instance = instance
        self._root = root
        self._tokens = tokens
        self._processes = processes
        self._clock = clock
        self._before = before
        self._program = tuple(program)
        self._fulcio = server("fulcio", network)
        self._rekor = server("rekor", network)
        self._timestamp = server("timestamp", network)

    def seal(self, payload: bytes) -> bytes:
        """Return a bundle in which ``payload`` is signed.

        Raises:
            ShipwayError: ``identity.*``, ``keyless.*``, ``fulcio.*``, ``rekor.*``, ``timestamp.*``.
        """
        token = self._tokens.token()
        self._before(token)
        pae = envelope.pae(statement.MEDIA_TYPE, payload)
        signature, request = self._sign(pae)
        key = _requested(request)
        if not key.verifies(signature, pae):
            raise _failed("its signature does not verify")
        leaf, name = self._certify(request, key, token)
        digest = hashlib.sha256(pae).digest()
        with scope.open() as inside:
            logging = inside.spawn(self._log, digest, signature, leaf)
            stamped = self._stamp(signature)
            logged = logging.join()
        signed = Envelope(payload=payload, signatures=(Signature(signature),))
        made = sealed.encode(signed, certificate=leaf, entry=logged, stamp=stamped)
        sealed.check(made, identity=token.identity, name=name, root=self._root)
        return made

    def _sign(self, message: bytes) -> tuple[bytes, bytes]:
        """Return a signature by a key that is gone, and a signing request that names the key."""
        done = self._processes.run(self._program, env={}, stdin=message, timeout=_SECONDS)
        if done.code:
            last = done.err.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise _failed(f"it ended with {done.code}: {last[:200]}")
        try:
            signature, request = (base64.b64decode(one) for one in done.out.split())
        except ValueError as cause:
            raise _failed("it wrote something else than a signature and a request") from cause
        return signature, request

    def _certify(self, request: bytes, key: PublicKey, token: Token) -> tuple[bytes, str]:
        headers = {**_JSON, "Authorization": f"Bearer {token.secret.reveal_text()}"}
        url = self._instance.fulcio + certificate.PATH
        data = self._fulcio.ask("POST", url, headers=headers, body=certificate.ask(request))
        leaf = certificate.answered(data)
        name = certificate.check(
            leaf,
            key=key,
            identity=token.identity,
            name=self._instance.identity,
            root=self._root,
            now=self._clock.now(),
        )
        return leaf, name

    def _log(self, digest: bytes, signature: bytes, leaf: bytes) -> dict[str, Any]:
        url = self._instance.rekor + entry.PATH
        body = entry.ask(digest, signature, leaf)
        return entry.answered(self._rekor.ask("POST", url, headers=_JSON, body=body))

    def _stamp(self, signature: bytes) -> bytes:
        headers = {"Content-Type": stamp.QUERY, "Accept": stamp.REPLY}
        url = self._instance.timestamp
        return self._timestamp.ask("POST", url, headers=headers, body=stamp.ask(signature))


def _requested(request: bytes) -> PublicKey:
    """Return the key that a signing request is for."""
    from cryptography import x509  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415

    try:
        key = x509.load_pem_x509_csr(request).public_key()
    except ValueError as cause:
        raise _failed("its signing request cannot be read") from cause
    der = key.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(der)


def _failed(why: str) -> ShipwayError:
    return ShipwayError(
        "keyless.process",
        Kind.INTERNAL,
        why,
        operation="running",
        subject="the signing process",
        hint="shipway explain keyless.process",
    )
