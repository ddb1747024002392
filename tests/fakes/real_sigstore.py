"""A private Sigstore of real servers: Fulcio, Rekor v2 and a timestamp authority, and an issuer.

Each real server stands behind a gate, which can play its faults. The timestamp server always opens
port 2112 besides, so it has a network of its own and is reached through a socket file.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from fakes.gate import Gate
from fakes.issuer import Issuer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

ORIGIN = "rekor.test"
MEDIA = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
SIGNING = "application/vnd.dev.sigstore.signingconfig.v0.2+json"
LONG_AGO = "2020-01-01T00:00:00Z"
PATIENCE = 30.0
_FILES = (("cert", "pem"), ("key", "key"))


class RealSigstore:
    """Three servers, ``program`` giving the path of each, whose state lies in ``folder``."""

    def __init__(self, program: Callable[[str], Path], folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._leave = contextlib.ExitStack()
        self.issuer = Issuer()
        self.fulcio: Gate
        self.rekor: Gate
        self.timestamp: Gate

    @property
    def root(self) -> Path:
        """Return its ``trusted_root.json``."""
        return self._folder / "trusted_root.json"

    @property
    def signing(self) -> Path:
        """Return a signing configuration for cosign."""
        return self._folder / "signing_config.json"

    def trust(self, **more: Any) -> str:
        """Return the ``[trust]`` table that names it, as a person would write it."""
        said = {
            "fulcio": self.fulcio.url,
            "rekor": self.rekor.url,
            "timestamp": f"{self.timestamp.url}/api/v1/timestamp",
            "root": str(self.root),
        } | more
        lines = [f"{key} = {json.dumps(value)}" for key, value in said.items()]
        return "\n".join(["[trust]", *lines, ""])

    def __enter__(self) -> Self:
        """Start all side by side, wait until they answer, and write down whom to trust."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.issuer)
            fulcio, rekor, stamps = self._fulcio(stack), self._rekor(stack), self._stamps(stack)
            self.fulcio = stack.enter_context(Gate(fulcio))
            self.rekor = stack.enter_context(Gate(rekor))
            self.timestamp = stack.enter_context(Gate(stamps))
            self._write(
                _await(self.fulcio, "/api/v2/trustBundle"),
                _await(self.timestamp, "/api/v1/timestamp/certchain"),
            )
            _await(self.rekor, "/healthz")
            self._leave = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """End all."""
        self._leave.close()

    def calm(self) -> None:
        """Let every gate pass on, and forget what was asked."""
        for gate in (self.fulcio, self.rekor, self.timestamp):
            gate.play = "pass"
            gate.requests.clear()

    def _fulcio(self, stack: contextlib.ExitStack) -> int:
        known = {"IssuerURL": self.issuer.url, "ClientID": "sigstore", "Type": "email"}
        config = self._folder / "fulcio.json"
        config.write_text(json.dumps({"OIDCIssuers": {self.issuer.url: known}}))
        port = _free_port()
        ports = [f"--port={port}", f"--grpc-port={_free_port()}", f"--metrics-port={_free_port()}"]
        hosts = ["--host=127.0.0.1", "--grpc-host=127.0.0.1"]
        old = f"--legacy-unix-domain-socket={self._folder / 'fulcio.sock'}"
        argv = ["fulcio", "serve", "--ct-log-url=", f"--config-path={config}", *self._authority()]
        self._start(stack, [*argv, *ports, *hosts, old])
        return port

    def _authority(self) -> list[str]:
        """Write a certificate authority of our own, and return how Fulcio is told of it."""
        key, name = (
            ec.generate_private_key(ec.SECP256R1()),
            x509.Name.from_rfc4514_string("CN=test"),
        )
        now, serial = dt.datetime.now(dt.UTC), x509.random_serial_number()
        begin, end = now - dt.timedelta(hours=1), now + dt.timedelta(days=1)
        root = (
            x509.CertificateBuilder(name, name, key.public_key(), serial, begin, end)
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_signing(), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        (self._folder / "fulcio.pem").write_bytes(root.public_bytes(form.Encoding.PEM))
        (self._folder / "fulcio.key").write_bytes(
            key.private_bytes(
                form.Encoding.PEM, form.PrivateFormat.PKCS8, form.BestAvailableEncryption(b"word")
            )
        )
        files = [f"--fileca-{kind}={self._folder / f'fulcio.{end}'}" for kind, end in _FILES]
        return ["--ca=fileca", *files, "--fileca-key-passwd=word", "--fileca-watch=false"]

    def _rekor(self, stack: contextlib.ExitStack) -> int:
        self._key = ed25519.Ed25519PrivateKey.generate()
        key = self._folder / "rekor.pem"
        key.write_bytes(
            self._key.private_bytes(
                form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()
            )
        )
        (self._folder / "log").mkdir(exist_ok=True)
        port = _free_port()
        argv = ["rekor-server", "serve", f"--hostname={ORIGIN}", f"--signer-filepath={key}"]
        times = ["--checkpoint-interval=100ms", "--batch-max-age=20ms"]
        ports = [f"--http-port={port}", f"--grpc-port={_free_port()}"]
        where = [f"--storage-dir={self._folder / 'log'}", f"--http-metrics-port={_free_port()}"]
        self._start(stack, [*argv, *times, *ports, *where])
        return port

    def _stamps(self, stack: contextlib.ExitStack) -> str:
        path = self._folder / "timestamp.sock"
        argv = ["timestamp-server", "serve", "--disable-ntp-monitoring"]
        within = ["unshare", "--map-root-user", "--net"]
        self._start(stack, [*argv, "--scheme=unix", f"--socket-path={path}"], within=within)
        return str(path)

    def _start(
        self, stack: contextlib.ExitStack, argv: list[str], within: Sequence[str] = ()
    ) -> None:
        log = stack.enter_context((self._folder / f"{argv[0]}.log").open("wb"))
        process = subprocess.Popen(
            [*within, str(self._program(argv[0])), *argv[1:]],
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "HOME": str(self._folder)},
        )
        stack.callback(process.wait)
        stack.callback(process.kill)

    def _write(self, bundle: bytes, stamping: bytes) -> None:
        """Write the trusted root and cosign's signing configuration."""
        (chain,) = json.loads(bundle)["chains"]
        authority = [_der(one.encode()) for one in chain["certificates"]]
        stampers = [
            _text(one.public_bytes(form.Encoding.DER))
            for one in x509.load_pem_x509_certificates(stamping)
        ]
        public = self._key.public_key()
        raw = public.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
        der = public.public_bytes(form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo)
        key = {"rawBytes": _text(der), "keyDetails": "PKIX_ED25519", "validFor": _since()}
        log = {"baseUrl": f"https://{ORIGIN}", "hashAlgorithm": "SHA2_256", "publicKey": key}
        log |= {"logId": {"keyId": _text(key_id(ORIGIN, raw))}}
        root = {
            "mediaType": MEDIA,
            "tlogs": [log],
            "certificateAuthorities": [_named(self.fulcio.url, authority)],
            "timestampAuthorities": [_named(self.timestamp.url, stampers)],
        }
        self.root.write_text(json.dumps(root))
        services = {
            "caUrls": [_service(self.fulcio.url, 1)],
            "oidcUrls": [_service(self.issuer.url, 1)],
            "rekorTlogUrls": [_service(self.rekor.url, 2)],
            "rekorTlogConfig": {"selector": "ANY"},
            "tsaUrls": [_service(f"{self.timestamp.url}/api/v1/timestamp", 1)],
            "tsaConfig": {"selector": "ANY"},
        }
        self.signing.write_text(json.dumps({"mediaType": SIGNING} | services))


def key_id(origin: str, raw: bytes) -> bytes:
    """Return a log's id: of an Ed25519 key in a C2SP signed note, all 32 bytes."""
    import hashlib  # noqa: PLC0415  only here

    return hashlib.sha256(origin.encode() + b"\n\x01" + raw).digest()


def _signing() -> x509.KeyUsage:
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment")
    others = ("key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(
        **dict.fromkeys((*names, *others), False), key_cert_sign=True, crl_sign=True
    )


def _since() -> dict[str, str]:
    return {"start": LONG_AGO}


def _named(url: str, chain: list[str]) -> dict[str, Any]:
    certificates = [{"rawBytes": one} for one in chain]
    return {"uri": url, "certChain": {"certificates": certificates}, "validFor": _since()}


def _service(url: str, version: int) -> dict[str, Any]:
    return {"url": url, "majorApiVersion": version, "validFor": _since(), "operator": "test"}


def _der(pem: bytes) -> str:
    return _text(x509.load_pem_x509_certificate(pem).public_bytes(form.Encoding.DER))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _await(gate: Gate, path: str) -> bytes:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            status, _, data = gate.ask("GET", path, {}, b"")
            if status == 200:
                return data
        time.sleep(0.02)
    raise TimeoutError(path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
