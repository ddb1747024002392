"""Code of the repository, run away from the network where this machine allows it.

Wiring makes one for the Go hand. On Linux with unprivileged user namespaces a program gets a
network namespace with nothing but a loopback of its own, as an ordinary account and as root;
elsewhere it runs as it is and the answer says ``open``. It never asks for more rights.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters import confine
from shipway.core.ports.sandbox import Confined

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipway.core.ports.process import Completed, Processes

NONE = "none"
OPEN = "open"


class NamespaceSandbox:
    """The :class:`~shipway.core.ports.sandbox.Sandbox` of this machine."""

    def __init__(self, processes: Processes, *, python: str = sys.executable) -> None:
        self._processes = processes
        self._able = self._linux = sys.platform == "linux"
        self._head = (python, "-I", "-S", str(Path(confine.__file__)))

    def run(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        on_line: Callable[[str], None] | None = None,
        network: bool = False,
        gently: bool = False,
    ) -> Confined:
        """Run ``argv`` confined, or as it is where that cannot be; see the port."""
        if self._able and not network:
            held = (*self._head, "gently" if gently else "run", *argv)
            done = self._processes.run(held, env=env, cwd=cwd, on_line=on_line)
            if not _refused(done):
                return Confined(done, NONE)
            self._able = False
        argv = (*self._head, "open", *argv) if gently and self._linux else argv
        done = self._processes.run(argv, env=env, cwd=cwd, on_line=on_line)
        return Confined(done, OPEN)

    def ports(
        self, argv: Sequence[str], *, env: Mapping[str, str], seconds: float, memory: int
    ) -> tuple[int, ...] | None:
        """Return the ports that ``argv`` listens on within ``seconds``; see the port."""
        if not self._able:
            return None
        watch = (*self._head, "watch", str(seconds), str(memory), *argv)
        done = self._processes.run(watch, env=env, timeout=seconds + 5)
        if _refused(done):
            self._able = False
            return None
        return tuple(int(word) for word in done.out.split())


def _refused(done: Completed) -> bool:
    return done.code == confine.REFUSED and done.err.startswith(b"not confined: ")
