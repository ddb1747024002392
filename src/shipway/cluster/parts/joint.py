"""pasta: joins the cluster's network to the host's from user space.

Nothing of the host's firewall or links is touched. This is the way out only: without a mapped
gateway no pod reaches the host's own loopback, and the way in is the door (:mod:`.door`).
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
LINK = "eth0"
PROBE = "192.0.2.1"
"""An address that nobody has (RFC 5737)."""


def part(site: Site) -> Part:
    """Return pasta, which listens on nothing; it answers ARP for every address but its own."""
    arguments = [
        *("--foreground", "--quiet", "--config-net", "--no-map-gw", "--netns-only"),
        *("--runas", "0:0", "--ns-ifname", LINK),
        *("--tcp-ports", "none", "--udp-ports", "none", "--tcp-ns", "none", "--udp-ns", "none"),
        *(() if site.facts.online else _offline(site)),
        *("--netns", INSIDE),
    ]
    return Part(
        name=NAME,
        program=NAME,
        arguments=tuple(arguments),
        outside=True,
        check=Check(ask=Ask.ARP, address=LINK, path=PROBE),
    )


def _offline(site: Site) -> tuple[str, ...]:
    """Return what pasta otherwise takes from the default route's link: addresses and a MAC."""
    address, gateway = site.uplink
    return (
        *("--ipv4-only", "--interface", "lo", "--mac-addr", "9a:55:9a:55:9a:55"),
        *("--address", address, "--netmask", "255.255.255.0", "--gateway", gateway),
    )
