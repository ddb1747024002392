"""Real registries on a free loopback port while a test needs them.

CNCF Distribution (3 from its lock, and Debian's older 2.8) behind a login or a token server, and
the one of go-containerregistry, which lists referrers itself.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from fakes.sites import site
from fakes.token_server import ISSUER, SERVICE
from shipway.cluster.parts import registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fakes.token_server import TokenServer

USER, PASSWORD = "shop", "hunter2-registry"
_HASH = "$2b$04$Vui5Mme2l0eJ/zf5eRVSHO9Zqlyf6XG8.9dKJ3Vi2fVUqTjNP08Wu"
_CONFIG = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http: {{addr: 127.0.0.1:{port}}}
auth: {auth}
"""
_PASSWORDS = "{{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}"
_TOKENS = """
  token: {{realm: "{realm}", service: {service}, issuer: {issuer}, rootcertbundle: {bundle}}}
"""
_REFERRING = Path(__file__).parent / "referring"


class RealRegistry:
    """One registry process; its state lies in ``folder``.

    With ``tokens`` it asks for tokens of that server, else for a user and password. ``within``
    stands before the program (``unshare``).
    """

    def __init__(
        self,
        program: Path,
        folder: Path,
        *,
        tokens: TokenServer | None = None,
        within: Sequence[str] = (),
    ) -> None:
        self._program = program
        self._folder = folder
        self._tokens = tokens
        self._within = within
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()

    @property
    def domain(self) -> str:
        """Return ``127.0.0.1:PORT``."""
        return f"127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """Return where it keeps its bytes."""
        return self._folder / "data" / "docker" / "registry" / "v2"

    def docker_config(self) -> Path:
        """Return a Docker configuration folder with its login."""
        return docker_config(self._folder / "docker", self.domain)

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "htpasswd").write_text(f"{USER}:{_HASH}\n")
        config = self._folder / "config.yml"
        auth = self._auth()
        config.write_text(_CONFIG.format(folder=self._folder, port=self.port, auth=auth))
        self._start([*self._within, str(self._program), "serve", str(config)])
        return self

    def collect(self) -> None:
        """Run what the embedded cluster runs before it starts its registry, with this one ended."""
        self.__exit__()
        at = site()
        script = registry.part(at, "hash", "secret").first
        own = {
            at.programs["registry"]: str(self._program),
            at.at("config", "registry.yaml"): str(self._folder / "config.yml"),
            at.at("registry"): str(self._folder / "data"),
        }
        for theirs, mine in own.items():
            assert theirs in script
            script = script.replace(theirs, mine)
        subprocess.run(["/bin/sh", "-c", script], check=True, env={"PATH": os.defpath})
        self.__enter__()

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _auth(self) -> str:
        if self._tokens is None:
            return _PASSWORDS.format(folder=self._folder)
        bundle = self._folder / "issuer.pem"
        bundle.write_bytes(self._tokens.certificate)
        return _TOKENS.format(
            realm=self._tokens.realm, service=SERVICE, issuer=ISSUER, bundle=bundle
        )

    def _start(self, argv: list[str]) -> None:
        with (self._folder / "log").open("wb") as log:
            environment = {"OTEL_TRACES_EXPORTER": "none", "PATH": os.defpath}
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, env=environment)
        _await(self.port, self._folder / "log")


class ReferringRegistry(RealRegistry):
    """go-containerregistry's, in memory, open, with the referrers API on."""

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._start([str(self._program), self.domain])
        return self


def docker_config(folder: Path, domain: str, login: tuple[str, str] = (USER, PASSWORD)) -> Path:
    """Return a Docker configuration folder with one login in the file."""
    folder.mkdir(parents=True, exist_ok=True)
    auth = base64.b64encode(":".join(login).encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {domain: {"auth": auth}}}))
    return folder


def debian_registry(folder: Path) -> Path:
    """Return the program of Debian's package docker-registry, unpacked below ``folder``."""
    apt = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root"]
    download = [*apt, "download", "docker-registry"]
    if subprocess.run(download, cwd=folder, check=False, capture_output=True).returncode:
        subprocess.run([*apt, "update"], check=True, capture_output=True)
        subprocess.run(download, cwd=folder, check=True, capture_output=True)
    (package,) = folder.glob("docker-registry_*.deb")
    unpack = ["dpkg-deb", "-x", str(package), str(folder / "out")]
    subprocess.run(unpack, check=True)
    return folder / "out" / "usr" / "bin" / "docker-registry"


def referring_registry(go: str, folder: Path) -> Path:
    """Return the program of :class:`ReferringRegistry`, built from its lock beside this file."""
    program = folder / "referring"
    settings = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    subprocess.run(
        [go, "build", "-trimpath", "-buildvcs=false", "-o", str(program), "."],
        cwd=_REFERRING,
        env={**os.environ, **settings, "GOWORK": "off"},
        check=True,
    )
    return program


def _await(port: int, log: Path) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/v2/")
            connection.getresponse().read()
            connection.close()
            return
        time.sleep(0.05)
    raise TimeoutError(log.read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
