"""pasta: joins the cluster's network to the host's from user space.

Nothing of the host's firewall or links is touched. Only the reserved ports are reachable, on the
host's 127.0.0.1; without a mapped gateway no pod reaches the host's own loopback.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.cluster.part import Part
from shipway.core.ports.ground import Ask, Check

if TYPE_CHECKING:
    from shipway.cluster.site import Site

NAME = "pasta"
INSIDE = "/run/netns/cluster"
OUTSIDE = "/run/netns/host"
"""Files of the private /run that the two network namespaces are bound to."""


def part(site: Site) -> Part:
    """Return pasta with the cluster's block of ports."""
    first, last = site.apiserver, site.node_ports[1]
    arguments = [
        *("--foreground", "--quiet", "--config-net", "--no-map-gw", "--netns-only"),
        *("--runas", "0:0", "--tcp-ports", f"127.0.0.1/{first}-{last}"),
        *("--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none"),
        *("--ns-ifname", "eth0"),
        *(() if site.facts.online else _offline(site)),
        *("--netns", INSIDE),
    ]
    return Part(
        name=NAME,
        program=NAME,
        arguments=tuple(arguments),
        outside=True,
        check=Check(ask=Ask.HTTP, port=site.registry, path="/v2/", statuses=(401,), outside=True),
    )


def _offline(site: Site) -> tuple[str, ...]:
    """Return what pasta otherwise takes from the default route's link: addresses and a MAC."""
    address, gateway = site.uplink
    return (
        *("--ipv4-only", "--interface", "lo", "--mac-addr", "9a:55:9a:55:9a:55"),
        *("--address", address, "--netmask", "255.255.255.0", "--gateway", gateway),
    )
