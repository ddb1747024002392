"""TCP ports of this machine: which are free, and who holds one."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LISTEN = "0A"


class GroundPorts:
    """Keeps :class:`~shipway.core.ports.ground.Ports`."""

    def free(self, ports: Sequence[int]) -> bool:
        """Try to bind each one on every address."""
        return all(_bindable(port) for port in ports)

    def holder(self, port: int) -> str:
        """Find the listening socket's inode, then who has it open."""
        inodes = {f"socket:[{inode}]" for inode in _listening(port)}
        if not inodes:
            return ""
        for process in Path("/proc").iterdir():
            if process.name.isdecimal() and _holds(process, inodes):
                name = (process / "comm").read_text().strip()
                return f"{name} (pid {process.name})"
        return "another process"


def _bindable(port: int) -> bool:
    with socket.socket(socket.AF_INET) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("0.0.0.0", port))  # noqa: S104  bound for a moment, never listened on
        except OSError:
            return False
    return True


def _listening(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                yield fields[9]


def _holds(process: Path, inodes: set[str]) -> bool:
    try:
        return any(str(link.readlink()) in inodes for link in (process / "fd").iterdir())
    except OSError:
        return False
