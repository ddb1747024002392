"""From the machine's facts to everything that a cluster is made of. Pure.

:func:`allocate` reserves ports and a network when a cluster is created; :func:`plan` returns every
file, part and the one init's boot. ``cluster.life`` carries it out.
"""

from __future__ import annotations

import ipaddress
import json
import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.cluster import supervise
from shipway.cluster.part import Part
from shipway.cluster.parts import (
    apiserver,
    containerd,
    controllers,
    coredns,
    door,
    etcd,
    joint,
    node,
)
from shipway.cluster.parts import registry as registry_part
from shipway.cluster.site import SPAN, STATE, Allocation, Site
from shipway.core.ports.ground import Ask, Boot, Check, File, Watched
from shipway.core.ports.hostfacts import Facts  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOWEST, HIGHEST = 20000, 32767
"""Where blocks of ports are looked for: below what kernels hand out by default."""
NETWORKS = tuple(f"10.{second}.0.0/16" for second in (213, 214, 215, 217, 219, 86, 87)) + tuple(
    f"172.{second}.0.0/16" for second in (29, 30, 28, 27)
)
RESOLVER = "/etc/resolv.conf"
NODE = "node"
"""The name under which the prober says that the node is Ready."""
PYTHON = "python"
MEMORY_NEEDED = 1 << 30
DISK_NEEDED = 2 << 30
TABLES = ("iptables", "iptables-save", "iptables-restore")


class Secrets(msgspec.Struct, frozen=True):
    """What is random about a cluster."""

    encryption: str
    """32 bytes, base64."""
    password: str
    password_hash: str
    http: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All of one cluster."""

    site: Site
    parts: tuple[Part, ...]
    directories: tuple[str, ...]
    files: tuple[File, ...]
    boot: Boot
    watched: tuple[Watched, ...]


def check(facts: Facts) -> None:
    """Do nothing on a machine that can carry a cluster.

    Raises:
        ShipwayError: ``cluster.not_linux``, ``cluster.machine``, ``cluster.memory``,
            ``cluster.disk``.
    """
    if facts.system != "Linux":
        raise _missing(
            "cluster.not_linux",
            f"this is {facts.system}",
            "use a Linux machine, or Windows under WSL2; everything but cluster works here too",
        )
    if facts.machine not in {"x86_64", "aarch64"}:
        raise _missing(
            "cluster.machine", f"no engines for {facts.machine}", "use an amd64 or arm64 machine"
        )
    if facts.memory_free < MEMORY_NEEDED:
        raise _missing("cluster.memory", _short(facts.memory_free, MEMORY_NEEDED), "end programs")
    if facts.disk_free < DISK_NEEDED:
        raise _missing("cluster.disk", _short(facts.disk_free, DISK_NEEDED), "free room in /var")


def _short(have: int, need: int) -> str:
    return f"{have >> 20} MiB are free, {need >> 20} MiB are needed"


def _missing(id: str, message: str, hint: str) -> ShipwayError:  # noqa: A002  the field's own name
    return ShipwayError(
        id,
        Kind.MISSING,
        message,
        operation="starting the cluster",
        hint=f"{hint}; then run the same command again",
    )


def allocate(
    facts: Facts, taken: Sequence[Allocation], free: Callable[[Sequence[int]], bool]
) -> Allocation:
    """Return a block of ports and a network for a new cluster.

    Args:
        facts: The machine; its ephemeral ports, networks and resolvers are kept out.
        taken: What other clusters reserved, running or not.
        free: Whether a block could be listened on now.

    Raises:
        ShipwayError: ``cluster.no_ports``, ``cluster.no_network``.
    """
    bases = {other.base for other in taken}
    for base in range(LOWEST, HIGHEST - SPAN, SPAN):
        low, high = facts.ephemeral
        clear = base + SPAN <= low or base > high
        if clear and base not in bases and free(range(base, base + SPAN)):
            return Allocation(base, _network(facts))
    raise _missing(
        "cluster.no_ports",
        f"no {SPAN} free ports in a row between {LOWEST} and {HIGHEST}",
        "delete a cluster that is not needed: shipway cluster delete --name NAME",
    )


def _network(facts: Facts) -> str:
    used = [ipaddress.ip_network(text, strict=False) for text in facts.networks]
    hosts = [ipaddress.ip_address(text) for text in facts.resolvers]
    for text in NETWORKS:
        own = ipaddress.IPv4Network(text)
        if not any(own.overlaps(other) for other in used if other.version == 4) and not any(  # noqa: PLR2004
            address in own for address in hosts
        ):
            return text
    raise _missing(
        "cluster.no_network", "every private network is in use here", "remove a route or VPN"
    )


def plan(site: Site, secrets: Secrets) -> Plan:
    """Return everything that ``site`` is made of."""
    parts = (
        joint.part(site),
        door.part(site),
        etcd.part(site),
        containerd.part(site, secrets.password),
        registry_part.part(site, secrets.password_hash, secrets.http),
        apiserver.part(site, secrets.encryption),
        node.kubelet(site),
        controllers.manager(site),
        controllers.scheduler(site),
        coredns.part(site),
        node.proxy(site),
    )
    watched = tuple(
        Watched(
            part.name,
            part.check,
            site.programs[part.program],
            _pidfile(site, part),
            part.asked,
        )
        for part in parts
        if part.check
    )
    watched = (*watched, Watched(NODE, _node_ready(site), ""))
    everyone = (*parts, _prober(site, watched))
    path = f"{site.at('bin')}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    files = (
        *(file for part in everyone for file in part.files),
        *_tables(site),
        *supervise.services(site, everyone, path),
    )
    return Plan(
        site=site,
        parts=everyone,
        directories=_directories(site, files),
        files=files,
        boot=boot(site),
        watched=watched,
    )


def _pidfile(site: Site, part: Part) -> str:
    """Return where a part's process is written down, if others run the same program."""
    return supervise.pidfile(site, part.name) if part.program == PYTHON else ""


def _node_ready(site: Site) -> Check:
    """Ask as the node itself, which may always read its own object."""
    return Check(
        ask=Ask.HTTP,
        port=site.apiserver,
        path=f"/api/v1/nodes/{site.node}",
        contains='"type":"Ready","status":"True"',
        ca=f"{site.pki('ca')}.crt",
        certificate=f"{site.pki('kubelet')}.crt",
        key=f"{site.pki('kubelet')}.key",
    )


def _prober(site: Site, watched: tuple[Watched, ...]) -> Part:
    path = site.at("config", "prober.json")
    value = {"ready": f"{site.runtime}/ready", "watched": msgspec.to_builtins(watched)}
    return Part(
        name="prober",
        program=PYTHON,
        arguments=("-I", "-m", "shipway.rootpart", "probe", path),
        env={"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
        files=(File(path, json.dumps(value, indent=1) + "\n"),),
    )


def _tables(site: Site) -> tuple[File, ...]:
    """Return iptables as kube-proxy and the CNI plugins look for it, with its own libraries."""
    libraries = posixpath.dirname(site.programs["lib/libxtables.so.12"])
    multi = site.programs[f"xtables-{'nft' if site.facts.nftables else 'legacy'}-multi"]
    text = (
        "#!/bin/sh\n"
        f"export LD_LIBRARY_PATH={libraries} XTABLES_LIBDIR={libraries}/xtables\n"
        f'exec {multi} {{name}} "$@"\n'
    )
    names = [*TABLES, *(name.replace("iptables", "ip6tables") for name in TABLES)]
    return tuple(File(site.at("bin", name), text.format(name=name), 0o700) for name in names)


def _directories(site: Site, files: tuple[File, ...]) -> tuple[str, ...]:
    needed = {posixpath.dirname(file.path) for file in files}
    needed |= {
        site.at(name) for name in ("etcd", "registry", "kubelet", "containerd", "pki", "tmp")
    }
    needed |= {site.at("kubelet", "volume-plugins"), site.at("log", "pods"), site.at("log", "var")}
    whole = {site.state}
    for folder in needed:
        parts = folder.removeprefix(site.state + "/").split("/")
        whole |= {site.at(*parts[:depth]) for depth in range(1, len(parts) + 1)}
    return tuple(sorted(whole))


def boot(site: Site) -> Boot:
    """Return how the one init starts; it needs neither secrets nor files."""
    programs = site.programs.paths
    cgroups = tuple((f"{root}/shipway-{site.name}", root) for root in site.facts.hierarchies)
    forwarding = {"net/ipv4/ip_forward": "1"}
    if site.facts.bridge_netfilter:
        forwarding["net/bridge/bridge-nf-call-iptables"] = "1"
    path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    if runit := programs.get("runsvdir"):
        path = f"{posixpath.dirname(runit)}:{path}"
    return Boot(
        name=site.name,
        hostname=site.node,
        runtime=site.runtime,
        cgroups=cgroups,
        binds=((site.at("log", "var"), "/var/log"), (site.at("config", "resolv.conf"), RESOLVER)),
        # The CNI library keeps its results in /var/lib/cni, and nothing can tell it otherwise.
        shade=("/var/lib", STATE) if site.facts.overlay else None,
        addresses=(site.address, site.dns),
        sysctls=forwarding,
        argv=(programs.get("runsvdir", ""), "-P", site.at("services")),
        env={"PATH": path},
        log=site.at("log", "init.log"),
    )
