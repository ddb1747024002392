"""CoreDNS: names of the cluster, and everything else from the machine's real resolvers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.cluster.credentials import kubeconfig
from shipway.cluster.part import Part
from shipway.cluster.parts import apiserver
from shipway.cluster.site import DOMAIN
from shipway.core.ports.ground import Ask, Check, File

if TYPE_CHECKING:
    from shipway.cluster.site import Site

NAME = "coredns"


def part(site: Site) -> Part:
    """Return CoreDNS on the resolver's own address, which needs no Service to be reached."""
    return Part(
        name=NAME,
        program=NAME,
        arguments=("-conf", site.at("config", "Corefile")),
        files=(File(site.at("config", "Corefile"), _corefile(site)), kubeconfig(site, NAME)),
        needs=(apiserver.NAME,),
        check=Check(
            ask=Ask.DNS, address=site.dns, port=53, path=f"kubernetes.default.svc.{DOMAIN}"
        ),
    )


def _corefile(site: Site) -> str:
    forward = " ".join(_bracketed(address) for address in site.facts.resolvers)
    lines = [
        ".:53 {",
        f"  bind {site.dns}",
        "  errors",
        f"  kubernetes {DOMAIN} in-addr.arpa ip6.arpa {{",
        f"    kubeconfig {kubeconfig(site, NAME).path}",
        "    pods insecure",
        "    fallthrough in-addr.arpa ip6.arpa",
        "    ttl 5",
        "    startup_timeout 1s",
        "  }",
        *([f"  forward . {forward} {{\n    max_concurrent 1000\n  }}"] if forward else []),
        "  cache 30",
        "  loadbalance",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _bracketed(address: str) -> str:
    return f"[{address}]:53" if ":" in address else address
