"""kube-controller-manager and kube-scheduler: they start once the apiserver answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.cluster.credentials import kubeconfig
from shipway.cluster.part import Part, flags
from shipway.cluster.parts import apiserver
from shipway.core.ports.ground import Ask, Check

if TYPE_CHECKING:
    from shipway.cluster.site import Site

MANAGER = "kube-controller-manager"
SCHEDULER = "kube-scheduler"
MANAGER_PORT = 10257
SCHEDULER_PORT = 10259


def manager(site: Site) -> Part:
    """Return the controller-manager; each controller uses its own service account."""
    values = _common(site, MANAGER, MANAGER_PORT) | {
        "use-service-account-credentials": "true",
        "service-account-private-key-file": f"{site.pki('service-account')}.key",
        "root-ca-file": f"{site.pki('ca')}.crt",
        "cluster-signing-cert-file": f"{site.pki('ca')}.crt",
        "cluster-signing-key-file": f"{site.pki('ca')}.key",
        "cluster-name": site.node,
        "controllers": "*,-nodeipam,-route,-service,-cloud-node-lifecycle",
    }
    return _part(site, MANAGER, values, MANAGER_PORT)


def scheduler(site: Site) -> Part:
    """Return the scheduler with its default profile."""
    return _part(site, SCHEDULER, _common(site, SCHEDULER, SCHEDULER_PORT), SCHEDULER_PORT)


def _common(site: Site, name: str, port: int) -> dict[str, str]:
    config = kubeconfig(site, name).path
    return {
        "kubeconfig": config,
        "authentication-kubeconfig": config,
        "authorization-kubeconfig": config,
        "bind-address": "127.0.0.1",
        "secure-port": str(port),
        "tls-cert-file": f"{site.pki(name)}-server.crt",
        "tls-private-key-file": f"{site.pki(name)}-server.key",
        "leader-elect": "false",
        "profiling": "false",
    }


def _part(site: Site, name: str, values: dict[str, str], port: int) -> Part:
    return Part(
        name=name,
        program=name,
        arguments=flags(values),
        files=(kubeconfig(site, name),),
        needs=(apiserver.NAME,),
        check=Check(ask=Ask.HTTP, port=port, path="/healthz", ca=f"{site.pki('ca')}.crt"),
    )
