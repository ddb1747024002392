"""kubelet and kube-proxy: the node's own agents."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shipway.cluster.credentials import kubeconfig
from shipway.cluster.part import Part, flags
from shipway.cluster.parts import apiserver, containerd
from shipway.cluster.site import DOMAIN
from shipway.core.ports.ground import Ask, Check, File
from shipway.core.ports.hostfacts import Cgroups

if TYPE_CHECKING:
    from shipway.cluster.site import Site

KUBELET = "kubelet"
PROXY = "kube-proxy"
KUBELET_HEALTH = 10248
PROXY_HEALTH = 10256
UNUSED = "1h"
"""How long containerd keeps an image that no container uses; the registry has it still."""
EVICTION = {
    "memory.available": "100Mi",
    "nodefs.available": "500Mi",
    "imagefs.available": "500Mi",
    "nodefs.inodesFree": "10000",
}
"""Absolute: a percentage of a big, fairly full disk would evict everything."""


def kubelet(site: Site) -> Part:
    """Return the kubelet; its configuration follows the machine's cgroups and swap."""
    values = {
        "config": site.at("config", "kubelet.json"),
        "kubeconfig": kubeconfig(site, KUBELET).path,
        "root-dir": site.at("kubelet"),
        "cert-dir": site.at("pki"),
        "node-ip": site.address,
        "hostname-override": site.node,
    }
    resolver = "".join(f"nameserver {address}\n" for address in site.facts.resolvers[:3])
    if site.facts.search:
        resolver += f"search {' '.join(site.facts.search[:6])}\n"
    return Part(
        name=KUBELET,
        program=KUBELET,
        arguments=flags(values),
        files=(
            File(site.at("config", "kubelet.json"), json.dumps(_kubelet(site), indent=1) + "\n"),
            File(site.at("config", "resolv.conf"), resolver, 0o644),
            kubeconfig(site, KUBELET),
        ),
        needs=(containerd.NAME,),
        check=Check(ask=Ask.HTTP, port=KUBELET_HEALTH, path="/healthz"),
    )


def _kubelet(site: Site) -> dict[str, object]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        **_doors(site),
        **_machine(site),
        "clusterDNS": [site.dns],
        "clusterDomain": DOMAIN,
        "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
        "resolvConf": site.at("config", "resolv.conf"),
        "volumePluginDir": site.at("kubelet", "volume-plugins"),
        "podLogsDir": site.at("log", "pods"),
        "seccompDefault": True,
        "serializeImagePulls": False,
        "containerLogMaxSize": "10Mi",
        "containerLogMaxFiles": 3,
        "evictionHard": EVICTION,
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imageMaximumGCAge": UNUSED,
        "nodeStatusMaxImages": -1,
    }


def _doors(site: Site) -> dict[str, object]:
    return {
        "address": "0.0.0.0",  # noqa: S104  of the cluster's own network namespace
        "readOnlyPort": 0,
        "healthzBindAddress": "127.0.0.1",
        "healthzPort": KUBELET_HEALTH,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{site.pki('ca')}.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{site.pki('kubelet')}.crt",
        "tlsPrivateKeyFile": f"{site.pki('kubelet')}.key",
        "tlsMinVersion": "VersionTLS12",
        "enableDebuggingHandlers": True,
        "enableProfilingHandler": False,
    }


def _machine(site: Site) -> dict[str, object]:
    facts = site.facts
    value: dict[str, object] = {
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "enforceNodeAllocatable": [],
        "localStorageCapacityIsolation": True,
        "failSwapOn": False,
        "failCgroupV1": facts.cgroups is Cgroups.V2,
        "makeIPTablesUtilChains": True,
    }
    if facts.swap and facts.cgroups is Cgroups.V2:
        value["memorySwap"] = {"swapBehavior": "NoSwap"}
    return value


def proxy(site: Site) -> Part:
    """Return kube-proxy in iptables mode, which serves NodePorts on the loopback too."""
    config = site.at("config", "kube-proxy.json")
    return Part(
        name=PROXY,
        program=PROXY,
        arguments=flags({"config": config}),
        files=(File(config, json.dumps(_proxy(site), indent=1) + "\n"), kubeconfig(site, PROXY)),
        needs=(apiserver.NAME, KUBELET),
        check=Check(ask=Ask.HTTP, port=PROXY_HEALTH, path="/healthz"),
    )


def _proxy(site: Site) -> dict[str, object]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": kubeconfig(site, PROXY).path},
        "clusterCIDR": site.pods,
        "hostnameOverride": site.node,
        "healthzBindAddress": f"127.0.0.1:{PROXY_HEALTH}",
        "metricsBindAddress": "127.0.0.1:10249",
        "iptables": {
            "localhostNodePorts": True,
            "minSyncPeriod": "100ms",
            "syncPeriod": "30s",
            # A bridge whose packets pass iptables unseen never translates the answers back.
            "masqueradeAll": not site.facts.bridge_netfilter,
        },
        "conntrack": {
            "maxPerCore": 0,
            "tcpEstablishedTimeout": "0s",
            "tcpCloseWaitTimeout": "0s",
        },
    }
