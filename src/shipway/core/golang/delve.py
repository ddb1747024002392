"""Delve: how a program runs under it in a pod, and what a person types to attach.

A debug image starts Delve, which starts the program as its child, so that tracing it asks for no
capability (ptrace(2), PTRACE_TRACEME). Delve listens on the pod's loopback alone: who speaks to it
can run anything there, so the way in is a forward, which the API server grants
(go-delve/delve, Documentation/usage/dlv_exec.md).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "debug/dlv"
"""Where Delve lies in a debug image, from its root."""
PORT = 40_000
COMPILER = "-gcflags=all=-N -l"
"""What switches optimizations and inlining off in every package (``go doc cmd/compile``)."""


def port(served: int | None) -> int:
    """Return the port that Delve listens on in the pod, beside the one that the program serves."""
    return PORT + 1 if served == PORT else PORT


def command(program: tuple[str, ...], number: int) -> tuple[str, ...]:
    """Return what runs ``program`` (with its arguments) under Delve, from its first moment on."""
    return (
        f"/{PATH}",
        "exec",
        "--headless",
        "--api-version=2",
        "--accept-multiclient",
        "--continue",
        "--only-same-user=false",
        f"--listen=127.0.0.1:{number}",
        program[0],
        "--",
        *program[1:],
    )


class Attaching(msgspec.Struct, frozen=True, kw_only=True):
    """One service under Delve, and the way to it."""

    service: str
    port: int
    """On 127.0.0.1 of this machine."""
    module: str
    """Path of the main module: how file names in the program begin."""
    directory: str
    """Where the module's sources lie on this machine."""

    @property
    def address(self) -> str:
        """Return ``HOST:PORT``."""
        return f"127.0.0.1:{self.port}"

    def lines(self) -> Iterator[str]:
        """Yield what a person types or pastes, for Delve's own client and for two editors."""
        yield f"dlv connect {self.address}"
        yield f"(dlv) config substitute-path {self.module} {_quoted(self.directory)}"
        yield f"VS Code, in launch.json: {json.dumps(self.launch)}"
        yield f"GoLand: Run | Edit Configurations | Go Remote, host 127.0.0.1, port {self.port}"

    @property
    def launch(self) -> dict[str, object]:
        """Return a configuration for VS Code (golang/vscode-go, docs/debugging.md)."""
        return {
            "name": f"{self.service} in its pod",
            "type": "go",
            "request": "attach",
            "mode": "remote",
            "host": "127.0.0.1",
            "port": self.port,
            "substitutePath": [{"from": self.directory, "to": self.module}],
        }


def _quoted(path: str) -> str:
    return f'"{path}"' if " " in path else path
