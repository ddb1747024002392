"""The real CNCF Distribution on a free loopback port, behind a login, while a test needs it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

USER, PASSWORD = "shop", "hunter2-registry"
_HASH = "$2b$04$Vui5Mme2l0eJ/zf5eRVSHO9Zqlyf6XG8.9dKJ3Vi2fVUqTjNP08Wu"
_CONFIG = """
version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {folder}/data}}
  delete: {{enabled: true}}
http: {{addr: 127.0.0.1:{port}}}
auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}
"""


class RealRegistry:
    """One registry process; its state lies in ``folder``."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
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
        folder = self._folder / "docker"
        folder.mkdir(exist_ok=True)
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {self.domain: {"auth": auth}}}))
        return folder

    def __enter__(self) -> Self:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "htpasswd").write_text(f"{USER}:{_HASH}\n")
        config = self._folder / "config.yml"
        config.write_text(_CONFIG.format(folder=self._folder, port=self.port))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [self._program, "serve", config],
                stdout=log,
                stderr=log,
                env={"OTEL_TRACES_EXPORTER": "none"},
            )
        self._await()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _await(self) -> None:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
                connection.request("GET", "/v2/")
                connection.getresponse().read()
                connection.close()
                return
            time.sleep(0.05)
        raise TimeoutError((self._folder / "log").read_text())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
