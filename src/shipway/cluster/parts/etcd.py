"""etcd: the cluster's memory; it alone speaks to the disk with fsync."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.cluster.part import Part, flags
from shipway.core.ports.ground import Ask, Check

if TYPE_CHECKING:
    from shipway.cluster.site import Site

CLIENT = 2379
PEER = 2380
HEALTH = 2381


def part(site: Site) -> Part:
    """Return etcd with client certificates asked of everyone, peers too."""
    server, peer = f"https://127.0.0.1:{CLIENT}", f"https://127.0.0.1:{PEER}"
    authority = f"{site.pki('etcd-ca')}.crt"
    values = {
        "name": site.node,
        "data-dir": site.at("etcd"),
        "listen-client-urls": server,
        "advertise-client-urls": server,
        "listen-peer-urls": peer,
        "initial-advertise-peer-urls": peer,
        "initial-cluster": f"{site.node}={peer}",
        "listen-metrics-urls": f"http://127.0.0.1:{HEALTH}",
        "client-cert-auth": "true",
        "trusted-ca-file": authority,
        "cert-file": f"{site.pki('etcd')}.crt",
        "key-file": f"{site.pki('etcd')}.key",
        "peer-client-cert-auth": "true",
        "peer-trusted-ca-file": authority,
        "peer-cert-file": f"{site.pki('etcd')}.crt",
        "peer-key-file": f"{site.pki('etcd')}.key",
        "tls-min-version": "TLS1.2",
        "snapshot-count": "5000",
        "logger": "zap",
        "log-level": "warn",
    }
    return Part(
        name="etcd",
        program="etcd",
        arguments=flags(values),
        check=Check(ask=Ask.HTTP, port=HEALTH, path="/readyz"),
    )
