"""Reads what this machine is, once, from Linux' own files.

Wiring makes one; a part that cannot be read keeps its default, and nothing is ever changed.
"""

from __future__ import annotations

import ipaddress
import os
import platform
import shutil
import socket
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.ports.hostfacts import Cgroups, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

_SYS_RESOURCE = 24
"""The capability that lets a process lower its oom score (capabilities(7))."""
_DEFAULT = "0.0.0.0/0"
_RESOLVERS = (
    "etc/resolv.conf",
    "run/systemd/resolve/resolv.conf",
    "run/NetworkManager/no-stub-resolv.conf",
    "run/resolvconf/interface/original.resolvconf",
)


class LinuxFacts:
    """Keeps :class:`~shipway.core.ports.hostfacts.HostFacts`, for the machine below ``root``."""

    def __init__(self, root: str = "/") -> None:
        self._root = Path(root)

    def read(self) -> Facts:
        """Read all of it."""
        if platform.system() != "Linux":
            return Facts(system=platform.system(), machine=platform.machine())
        hierarchies, cgroups = self._cgroups()
        resolvers, search = self._resolvers()
        routes = tuple(self._routes())
        memory = self._memory()
        return Facts(
            machine=platform.machine(),
            distribution=self._distribution(),
            cgroups=cgroups,
            hierarchies=hierarchies,
            systemd=self._path("run/systemd/system").is_dir(),
            wsl="microsoft" in self._text("proc/sys/kernel/osrelease").lower(),
            swap=len(self._text("proc/swaps").splitlines()) > 1,
            cpus=os.cpu_count() or 1,
            memory=memory.get("MemTotal", 0),
            memory_free=memory.get("MemAvailable", 0),
            disk_free=self._disk(),
            overlay="overlay" in self._text("proc/filesystems").split(),
            oom_adjustable=self._capable(_SYS_RESOURCE),
            sysctls_writable=os.access(self._path("proc/sys/net/ipv4/ip_forward"), os.W_OK),
            bridge_netfilter=self._path("proc/sys/net/bridge/bridge-nf-call-iptables").exists(),
            nftables=self._nftables(),
            resolvers=resolvers,
            search=search,
            networks=tuple(one for one in routes if one != _DEFAULT),
            online=_DEFAULT in routes,
            ephemeral=self._ephemeral(),
        )

    def _path(self, name: str) -> Path:
        return self._root / name

    def _text(self, name: str) -> str:
        try:
            return self._path(name).read_text(errors="replace")
        except OSError:
            return ""

    def _distribution(self) -> str:
        values = dict(
            line.split("=", 1) for line in self._text("etc/os-release").splitlines() if "=" in line
        )
        words = (values.get("ID", ""), values.get("VERSION_ID", ""))
        return " ".join(word.strip('"') for word in words).strip()

    def _cgroups(self) -> tuple[tuple[str, ...], Cgroups]:
        """Return mount points, each once, and which versions they are (mounts in fstab(5) form)."""
        found: dict[str, str] = {}
        for line in self._text("proc/mounts").splitlines():
            _, target, kind, *_ = line.split()
            if kind in {"cgroup", "cgroup2"}:
                found[target] = kind
        kinds = set(found.values())
        if kinds == {"cgroup", "cgroup2"}:
            return tuple(found), Cgroups.HYBRID
        return tuple(found), Cgroups.V1 if kinds == {"cgroup"} else Cgroups.V2

    def _memory(self) -> dict[str, int]:
        """Return /proc/meminfo in bytes; a control group's own limit is not looked at."""
        lines = (line.split() for line in self._text("proc/meminfo").splitlines())
        return {fields[0].rstrip(":"): int(fields[1]) << 10 for fields in lines}

    def _disk(self) -> int:
        place = self._path("var/lib")
        return shutil.disk_usage(place).free if place.exists() else 0

    def _capable(self, number: int) -> bool:
        """Look in the bounding set: what root, or sudo, can have at most."""
        for line in self._text("proc/self/status").splitlines():
            if line.startswith("CapBnd:"):
                return bool(int(line.split()[1], 16) >> number & 1)
        return False

    def _nftables(self) -> bool:
        """Look for nf_tables in the kernel; where its symbols are hidden, suppose it is there."""
        symbols = self._text("proc/kallsyms")
        release = self._text("proc/sys/kernel/osrelease").strip()
        built_in = self._text(f"lib/modules/{release}/modules.builtin")
        known = f"{built_in}{self._text('proc/modules')}"
        return "nf_tables" in known or "nft_do_chain" in symbols or not symbols

    def _resolvers(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the first file's real servers; one with a stub only sends on to the next."""
        search: tuple[str, ...] = ()
        for name in _RESOLVERS:
            lines = [line.split() for line in self._text(name).splitlines()]
            search = search or tuple(
                word for line in lines if line[:1] == ["search"] for word in line[1:]
            )
            servers = [line[1] for line in lines if line[:1] == ["nameserver"] and line[1:]]
            if real := tuple(one for one in servers if _routable(one)):
                return real, search
        return (), search

    def _routes(self) -> Iterator[str]:
        """Yield the IPv4 routes of every table line (proc(5), /proc/net/route: little endian)."""
        for line in self._text("proc/net/route").splitlines()[1:]:
            fields = line.split()
            target, mask = (_address(fields[index]) for index in (1, 7))
            yield str(ipaddress.ip_network(f"{target}/{mask}"))

    def _ephemeral(self) -> tuple[int, int]:
        fields = self._text("proc/sys/net/ipv4/ip_local_port_range").split()
        return (int(fields[0]), int(fields[1])) if fields else (32768, 60999)


def _address(text: str) -> str:
    return socket.inet_ntoa(struct.pack("<I", int(text, 16)))


def _routable(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or address.is_link_local)
