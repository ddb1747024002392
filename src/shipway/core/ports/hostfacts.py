"""What this machine is, as far as the ground depends on it.

Facts are read once by ``adapters.hostfacts`` and every configuration of the embedded cluster is a
pure function of them, so that a table of four machines can test them all.
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec


class Cgroups(enum.Enum):
    """How the machine's control groups are mounted (cgroups(7))."""

    V1 = "v1"
    """Only version 1 hierarchies."""
    HYBRID = "hybrid"
    """Version 1 controllers, and a version 2 hierarchy without any."""
    V2 = "v2"
    """The unified hierarchy only."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """One machine."""

    system: str = "Linux"
    """As ``uname -s`` says."""
    machine: str = "x86_64"
    """As ``uname -m`` says."""
    distribution: str = ""
    """``ID VERSION_ID`` of os-release(5)."""
    cgroups: Cgroups = Cgroups.V2
    hierarchies: tuple[str, ...] = ("/sys/fs/cgroup",)
    """Every mounted cgroup hierarchy, of both versions."""
    systemd: bool = False
    """Whether systemd runs this machine."""
    wsl: bool = False
    swap: bool = False
    cpus: int = 2
    memory: int = 8 << 30
    """Bytes in all."""
    memory_free: int = 4 << 30
    """Bytes available now."""
    disk_free: int = 20 << 30
    """Bytes free under ``/var/lib``."""
    overlay: bool = True
    """Whether the kernel knows overlayfs."""
    oom_adjustable: bool = True
    """Whether a process may lower its oom score (``CAP_SYS_RESOURCE``)."""
    sysctls_writable: bool = True
    bridge_netfilter: bool = True
    """Whether bridged packets pass iptables (br_netfilter)."""
    nftables: bool = True
    """Whether iptables can speak to nf_tables; the legacy tables otherwise."""
    resolvers: tuple[str, ...] = ()
    """The real upstream resolvers: never a stub on the loopback."""
    search: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """IPv4 networks that this machine has an address in or a route to, as CIDR."""
    online: bool = True
    """Whether there is a default route."""
    ephemeral: tuple[int, int] = (32768, 60999)
    """First and last port that the kernel hands out (ip_local_port_range)."""


class HostFacts(Protocol):
    """Reads the machine."""

    def read(self) -> Facts:
        """Return what is so now; a part that cannot be read keeps its default."""
        ...
