"""Where one cluster lives: its names, folders, ports and addresses.

Pure values, made by :mod:`shipway.cluster.plan` and read by every part. Nothing here looks at the
machine.
"""

from __future__ import annotations

import ipaddress
import posixpath

import msgspec

from shipway.core.ports.hostfacts import Facts  # noqa: TC001  msgspec reads types

STATE = "/var/lib/shipway"
RUNTIME = "/run/shipway"
BLOCK = 32
"""NodePorts that a cluster reserves."""
SPAN = BLOCK + 2
"""Ports in all: apiserver, registry, NodePorts."""
DEFAULT = "default"
"""The cluster's name where none is given; its context is plain ``shipway``."""
DOMAIN = "cluster.local"


class Allocation(msgspec.Struct, frozen=True):
    """What a cluster reserved when it was created; kept until it is deleted."""

    base: int
    """First of its host ports."""
    network: str
    """An IPv4 /16 that the machine does not use."""


class Programs(msgspec.Struct, frozen=True):
    """Verified programs: absolute path and SHA-256 (hex) by name."""

    paths: dict[str, str]
    digests: dict[str, str]

    def __getitem__(self, name: str) -> str:
        """Return the path of a program."""
        return self.paths[name]


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster on one machine."""

    name: str
    facts: Facts
    allocation: Allocation
    programs: Programs

    @property
    def node(self) -> str:
        """Return the node's and the context's name."""
        return node_of(self.name)

    @property
    def state(self) -> str:
        """Return the folder that survives ``down``."""
        return state_of(self.name)

    @property
    def runtime(self) -> str:
        """Return the folder that does not survive a reboot."""
        return f"{RUNTIME}/{self.name}"

    def at(self, *parts: str) -> str:
        """Return a path under the state folder."""
        return posixpath.join(self.state, *parts)

    def pki(self, name: str) -> str:
        """Return the path of a certificate or key, without suffix."""
        return self.at("pki", name)

    @property
    def apiserver(self) -> int:
        """Return the apiserver's port, the same inside and on the host's 127.0.0.1."""
        return self.allocation.base

    @property
    def registry(self) -> int:
        """Return the registry's port, the same inside and on the host's 127.0.0.1."""
        return self.allocation.base + 1

    @property
    def node_ports(self) -> tuple[int, int]:
        """Return the first and last NodePort."""
        return self.allocation.base + 2, self.allocation.base + SPAN - 1

    def _slice(self, prefix: int, index: int) -> ipaddress.IPv4Network:
        network = ipaddress.IPv4Network(self.allocation.network)
        start = int(network.network_address) + index * (1 << (32 - prefix))
        return ipaddress.IPv4Network((start, prefix))

    @property
    def pods(self) -> str:
        """Return the pods' network: the lower half."""
        return str(self._slice(17, 0))

    @property
    def services(self) -> str:
        """Return the Services' network: the third quarter."""
        return str(self._slice(18, 2))

    @property
    def address(self) -> str:
        """Return the node's address, on the loopback link."""
        return str(self._slice(18, 3)[1])

    @property
    def dns(self) -> str:
        """Return the resolver's address, on the loopback link."""
        return str(self._slice(18, 3)[53])

    @property
    def uplink(self) -> tuple[str, str]:
        """Return an address and a gateway for a machine that has no route to copy."""
        quarter = self._slice(18, 3)
        return str(quarter[513]), str(quarter[514])

    @property
    def kubernetes(self) -> str:
        """Return the address of the ``kubernetes`` Service."""
        return str(self._slice(18, 2)[1])

    @property
    def url(self) -> str:
        """Return where the apiserver answers, inside and outside."""
        return f"https://127.0.0.1:{self.apiserver}"


def node_of(name: str) -> str:
    """Return the name of a cluster's node, context and host."""
    return "shipway" if name == DEFAULT else f"shipway-{name}"


def state_of(name: str) -> str:
    """Return a cluster's state folder."""
    return f"{STATE}/clusters/{name}"
