"""A company's source forge on the loopback: modules and git repositories, for those who log in.

Plain HTTP with Basic authentication; :class:`~fakes.company.Company` puts TLS and names before it.
"""

from __future__ import annotations

import base64
import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path

LOGIN = ("bob", "hunter2-forge")


class Forge:
    """Everything below ``folder``: files as they are, repositories by git's own server.

    Attributes:
        seen: Path and status of every request.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: list[tuple[str, int]] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def repository(self, name: str, files: dict[str, str], tag: str) -> None:
        """Publish a bare repository with one tagged commit."""
        work = self.folder.parent / f"work-{name}"
        for path, text in files.items():
            place = work / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        person = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        bare = str(self.folder / name)
        for command in (
            ["init", "-q", "-b", "main"], ["add", "-A"], [*person, "commit", "-q", "-m", "x"],
            ["tag", tag], ["clone", "-q", "--bare", ".", bare],
        ):  # fmt: skip
            subprocess.run(["git", *command], cwd=work, check=True, capture_output=True)  # noqa: S607

    def __enter__(self) -> Self:
        """Serve already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        forge = self
        wanted = "Basic " + base64.b64encode(":".join(LOGIN).encode()).decode()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.headers.get("Authorization") != wanted:
                    self._answer(401, b"", (("WWW-Authenticate", 'Basic realm="forge"'),))
                elif "git-upload-pack" in self.path:
                    self._git()
                else:
                    place = forge.folder / self.path.lstrip("/")
                    found = place.is_file()
                    self._answer(200 if found else 404, place.read_bytes() if found else b"")

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _answer(
                self, status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()
            ) -> None:
                forge.seen.append((self.path, status))
                self.send_response(status)
                for name, value in (*headers, ("Content-Length", str(len(body)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def _git(self) -> None:
                """Be a CGI (RFC 3875) for git-http-backend(1)."""
                path, _, query = self.path.partition("?")
                env = {
                    "PATH": os.environ["PATH"],
                    "GIT_PROJECT_ROOT": str(forge.folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_CONFIG_COUNT": "1",
                    "GIT_CONFIG_KEY_0": "safe.directory",
                    "GIT_CONFIG_VALUE_0": "*",
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "REQUEST_METHOD": self.command,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                    "HTTP_GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
                    "REMOTE_USER": LOGIN[0],
                }
                length = int(self.headers.get("Content-Length") or 0)
                done = subprocess.run(
                    ["git", "http-backend"],  # noqa: S607  the machine's git
                    env=env | {"CONTENT_LENGTH": str(length)},
                    input=self.rfile.read(length),
                    capture_output=True,
                    check=True,
                )
                head, _, body = done.stdout.partition(b"\r\n\r\n")
                said = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                status = int(said.pop("Status", "200").split()[0])
                self._answer(status, body, tuple(said.items()))

        return Handler
