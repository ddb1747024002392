"""Who speaks to whom: the certificates of a cluster and the kubeconfigs made of them.

Pure. The authorities are three: the cluster's, etcd's (so that no Kubernetes certificate opens
etcd) and the front proxy's (so that no user can pose as the aggregator).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shipway.core.ports.ground import File, Leaf

if TYPE_CHECKING:
    from shipway.cluster.site import Site

AUTHORITIES = ("ca", "etcd-ca", "front-ca")
ADMINS = "shipway:admins"
"""The group of people's certificates; bound to cluster-admin by :mod:`shipway.cluster.objects`."""
USER_DAYS = 14
"""How long a person's certificate lasts; ``up`` renews it."""
_CLIENTS = {
    "kube-controller-manager": ("system:kube-controller-manager", ()),
    "kube-scheduler": ("system:kube-scheduler", ()),
    "kube-proxy": ("system:kube-proxy", ()),
    "coredns": ("shipway:coredns", ()),
    "prober": ("shipway:prober", ("system:monitoring",)),
    "apiserver-kubelet": ("shipway:apiserver", ("shipway:kubelet-callers",)),
    "root": ("shipway:root", ("system:masters",)),
}


def leaves(site: Site) -> tuple[Leaf, ...]:
    """Return every certificate that the cluster's own parts hold."""
    return (*_servers(site), *_clients(site), *_etcd(site))


def person(site: Site, user: str) -> Leaf:
    """Return the certificate of one person on this machine."""
    return Leaf(
        path="",
        issuer=site.pki("ca"),
        common_name=f"shipway:{user}",
        organizations=(ADMINS,),
        client=True,
        days=USER_DAYS,
    )


def kubeconfig(site: Site, name: str) -> File:
    """Return the kubeconfig of a part, which names its certificate's files."""
    cluster = {"server": site.url, "certificate-authority": f"{site.pki('ca')}.crt"}
    user = {
        "client-certificate": f"{site.pki(name)}.crt",
        "client-key": f"{site.pki(name)}.key",
    }
    value = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": cluster}],
        "users": [{"name": "it", "user": user}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
    }
    return File(site.at("config", f"{name}.kubeconfig"), json.dumps(value, indent=1) + "\n")


def _servers(site: Site) -> tuple[Leaf, ...]:
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc")
    names = (*service, "kubernetes.default.svc.cluster.local", "localhost", site.node)
    local = ("127.0.0.1", site.address)
    node = Leaf(
        path=site.pki("kubelet"),
        issuer=site.pki("ca"),
        common_name=f"system:node:{site.node}",
        organizations=("system:nodes",),
        names=(site.node,),
        addresses=local,
        server=True,
        client=True,
    )
    return (
        _server(site, "apiserver", names, (*local, site.kubernetes)),
        _server(site, "kube-controller-manager-server", ("localhost",), ("127.0.0.1",)),
        _server(site, "kube-scheduler-server", ("localhost",), ("127.0.0.1",)),
        node,
    )


def _server(site: Site, name: str, names: tuple[str, ...], addresses: tuple[str, ...]) -> Leaf:
    return Leaf(
        path=site.pki(name),
        issuer=site.pki("ca"),
        common_name=name,
        names=names,
        addresses=addresses,
        server=True,
    )


def _clients(site: Site) -> tuple[Leaf, ...]:
    own = tuple(
        Leaf(
            path=site.pki(name),
            issuer=site.pki("ca"),
            common_name=common_name,
            organizations=organizations,
            client=True,
        )
        for name, (common_name, organizations) in _CLIENTS.items()
    )
    front = Leaf(
        path=site.pki("front-proxy"),
        issuer=site.pki("front-ca"),
        common_name="front-proxy",
        client=True,
    )
    return (*own, front)


def _etcd(site: Site) -> tuple[Leaf, ...]:
    issuer = site.pki("etcd-ca")
    server = Leaf(
        path=site.pki("etcd"),
        issuer=issuer,
        common_name="etcd",
        names=("localhost",),
        addresses=("127.0.0.1",),
        server=True,
        client=True,
    )
    client = Leaf(
        path=site.pki("etcd-client"), issuer=issuer, common_name="kube-apiserver", client=True
    )
    return server, client
