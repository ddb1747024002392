"""The real API server and etcd on the loopback, without a node: what the fakes are held against.

It starts in about two seconds, keeps its files in a folder of its own, and is ended by process id.
Programs come from the engines' cache; ``SHIPWAY_TEST_BIN`` may name a folder that holds them.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import datetime as dt
import functools
import ipaddress
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shipway.core.kube.contexts import Access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADMIN = "admin-token"
NOBODY = "nobody-token"
_PEM = serialization.Encoding.PEM


class ApiServer:
    """A running API server: its address, its authority and two users."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.server = f"https://127.0.0.1:{port}"
        self._serve: Callable[[], subprocess.Popen[bytes]]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def ca_file(self) -> str:
        """Return the path of the certificate that signed the server's."""
        return str(self.folder / "ca.crt")

    def data(self, name: str) -> str:
        """Return one of its files as kubeconfig's ``-data`` fields want it."""
        return base64.b64encode((self.folder / name).read_bytes()).decode()

    def halt(self) -> None:
        """Kill the API server; etcd stays."""
        if self._child is not None:
            _end(self._child)
            self._child = None

    def resume(self) -> None:
        """Start the API server on the same port again, and wait until it is ready."""
        self._child = self._serve()
        _ready(self)

    def serve(self, start: Callable[[], subprocess.Popen[bytes]]) -> None:
        """Take over how the API server is started, and start it."""
        self._serve = start
        self.resume()

    def write_status(self, path: str, status: dict[str, Any]) -> None:
        """Write the status of the object at a path, as its controller would."""
        kind = {"Content-Type": "application/merge-patch+json"}
        request = urllib.request.Request(  # noqa: S310  ours
            f"{self.server}{path}/status",
            method="PATCH",
            data=json.dumps({"status": status}).encode(),
            headers={"Authorization": f"Bearer {ADMIN}"} | kind,
        )
        trusted = ssl.create_default_context(cafile=self.ca_file)
        with urllib.request.urlopen(request, context=trusted, timeout=10):  # noqa: S310  ours
            pass

    def access(self, *, token: str = ADMIN) -> Access:
        """Return how a user reaches it."""
        return Access(
            context="test", namespace="default", server=self.server, ca_file=self.ca_file,
            token=token,
        )  # fmt: skip


@functools.cache
def shared() -> ApiServer:
    """Return one server for the whole test process, ended with it."""
    stack = contextlib.ExitStack()
    atexit.register(stack.close)
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="shipway-apiserver-"))
    return stack.enter_context(running(Path(folder)))


def program(name: str, engine: str) -> str:
    """Return the path of a program of a locked engine, built if it has to be."""
    if folder := os.environ.get("SHIPWAY_TEST_BIN"):
        return str(Path(folder) / name)
    from shipway.adapters.engines import assembly  # noqa: PLC0415  only where nothing is given
    from shipway.adapters.process import SystemProcesses  # noqa: PLC0415

    engines = assembly.for_caller(SystemProcesses(), os.environ)
    (built,) = engines.ensure([engine], on_progress=lambda _: None)
    return str(Path(built.directory) / name)


@contextlib.contextmanager
def running(folder: Path) -> Iterator[ApiServer]:
    """Start both, wait until the API server is ready, and end both afterwards."""
    etcd_port, peer_port, port = _ports(3)
    _authority(folder)
    (folder / "tokens.csv").write_text(
        f'{ADMIN},admin,1,"system:masters"\n{NOBODY},nobody,2,"none"\n'
    )
    etcd = f"http://127.0.0.1:{etcd_port}"
    peer = f"http://127.0.0.1:{peer_port}"
    commands = [
        [
            program("etcd", "etcd"), f"--data-dir={folder}/etcd", "--unsafe-no-fsync",
            f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ],
        [
            program("kube-apiserver", "kubernetes"), f"--etcd-servers={etcd}",
            f"--secure-port={port}", "--bind-address=127.0.0.1",
            f"--tls-cert-file={folder}/server.crt", f"--tls-private-key-file={folder}/server.key",
            f"--client-ca-file={folder}/ca.crt", f"--token-auth-file={folder}/tokens.csv",
            "--authorization-mode=RBAC", "--anonymous-auth=false",
            "--service-cluster-ip-range=10.96.0.0/24", "--service-account-issuer=https://test",
            f"--service-account-key-file={folder}/server.key",
            f"--service-account-signing-key-file={folder}/server.key",
            "--disable-admission-plugins=ServiceAccount", "--watch-cache=true",
        ],
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        logs = [
            stack.enter_context((folder / f"{Path(command[0]).name}.log").open("wb"))
            for command in commands
        ]

        def start(number: int) -> subprocess.Popen[bytes]:
            log = logs[number]
            return subprocess.Popen(commands[number], stdout=log, stderr=log, cwd=folder)

        stack.callback(_end, start(0))
        server = ApiServer(folder, port)
        stack.callback(server.halt)
        server.serve(lambda: start(1))
        yield server


def _end(child: subprocess.Popen[bytes]) -> None:
    child.kill()
    child.wait()


def _ready(server: ApiServer, seconds: float = 30.0) -> None:
    context = ssl.create_default_context(cafile=server.ca_file)
    until = time.monotonic() + seconds
    token = {"Authorization": f"Bearer {ADMIN}"}
    request = urllib.request.Request(f"{server.server}/readyz", headers=token)  # noqa: S310  ours
    while time.monotonic() < until:
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(request, context=context, timeout=2),  # noqa: S310  ours
        ):
            return
        time.sleep(0.05)
    sys.stderr.write((server.folder / "kube-apiserver.log").read_text()[-3000:])
    raise AssertionError("the API server did not become ready")


def _ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def _authority(folder: Path) -> None:
    """Write ca, server and client (a member of system:masters) certificates and keys."""
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _certificate("test-ca", "", ca_key, None, ca_key)
    _write(folder, "ca", ca, ca_key)
    for name, group in (("server", ""), ("client", "system:masters")):
        key = ec.generate_private_key(ec.SECP256R1())
        _write(folder, name, _certificate(name, group, key, ca, ca_key), key)


def _certificate(
    name: str,
    group: str,
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate | None,
    ca_key: ec.EllipticCurvePrivateKey,
    *,
    hours: float = 0,
) -> x509.Certificate:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if group:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, group))
    now = dt.datetime.now(dt.UTC) + dt.timedelta(hours=hours)
    names = [x509.DNSName("kubernetes"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name(parts))
        .issuer_name(ca.subject if ca else x509.Name(parts))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(hours=6))
        .add_extension(x509.BasicConstraints(ca=ca is None, path_length=None), critical=True)
    )
    if ca is not None:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(ca_key, hashes.SHA256())


def issue(server: ApiServer, name: str, *, group: str = "", hours: float = 0) -> None:
    """Write another pair of the server's authority, made as if it were ``hours`` later."""
    ca = x509.load_pem_x509_certificate((server.folder / "ca.crt").read_bytes())
    ca_key = serialization.load_pem_private_key((server.folder / "ca.key").read_bytes(), None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    _write(server.folder, name, _certificate(name, group, key, ca, ca_key, hours=hours), key)


def _write(
    folder: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    (folder / f"{name}.crt").write_bytes(certificate.public_bytes(_PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(
            _PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
