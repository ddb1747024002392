"""kube-apiserver: the one door; everybody shows a certificate or a token there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from shipway.cluster.part import Part, flags
from shipway.cluster.parts.etcd import CLIENT
from shipway.core.ports.ground import Ask, Check, File

if TYPE_CHECKING:
    from shipway.cluster.site import Site

NAME = "kube-apiserver"
POD_SECURITY = "baseline"
QUIET = (
    "system:kube-controller-manager",
    "system:kube-scheduler",
    "system:kube-proxy",
    "system:apiserver",
)


def part(site: Site, encryption_key: str) -> Part:
    """Return the apiserver; ``encryption_key`` is 32 bytes in base64 for Secrets at rest."""
    return Part(
        name=NAME,
        program=NAME,
        arguments=flags(_storage(site) | _doors(site) | _rules(site) | _identities(site)),
        check=Check(
            ask=Ask.HTTP,
            port=site.apiserver,
            path="/readyz",
            ca=f"{site.pki('ca')}.crt",
            certificate=f"{site.pki('prober')}.crt",
            key=f"{site.pki('prober')}.key",
        ),
        files=(
            _audit(site),
            _admission(site),
            _pod_security(site),
            _encryption(site, encryption_key),
        ),
    )


def _storage(site: Site) -> dict[str, str]:
    return {
        "etcd-servers": f"https://127.0.0.1:{CLIENT}",
        "etcd-cafile": f"{site.pki('etcd-ca')}.crt",
        "etcd-certfile": f"{site.pki('etcd-client')}.crt",
        "etcd-keyfile": f"{site.pki('etcd-client')}.key",
        "encryption-provider-config": site.at("config", "encryption.json"),
    }


def _doors(site: Site) -> dict[str, str]:
    first, last = site.node_ports
    return {
        "bind-address": "0.0.0.0",  # noqa: S104  of the cluster's own network namespace
        "secure-port": str(site.apiserver),
        "advertise-address": site.address,
        "tls-cert-file": f"{site.pki('apiserver')}.crt",
        "tls-private-key-file": f"{site.pki('apiserver')}.key",
        "tls-min-version": "VersionTLS12",
        "cert-dir": site.at("pki"),
        "service-cluster-ip-range": site.services,
        "service-node-port-range": f"{first}-{last}",
        "kubelet-preferred-address-types": "InternalIP,Hostname",
        "kubelet-certificate-authority": f"{site.pki('ca')}.crt",
        "kubelet-client-certificate": f"{site.pki('apiserver-kubelet')}.crt",
        "kubelet-client-key": f"{site.pki('apiserver-kubelet')}.key",
    }


def _rules(site: Site) -> dict[str, str]:
    return {
        "anonymous-auth": "false",
        "allow-privileged": "true",  # Pod Security admission says where
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "admission-control-config-file": site.at("config", "admission.json"),
        "audit-policy-file": site.at("config", "audit.json"),
        "audit-log-path": site.at("log", "audit.log"),
        "audit-log-maxsize": "20",
        "audit-log-maxbackup": "2",
        "audit-log-mode": "batch",
        "profiling": "false",
        "shutdown-delay-duration": "0s",
    }


def _identities(site: Site) -> dict[str, str]:
    return {
        "client-ca-file": f"{site.pki('ca')}.crt",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": f"{site.pki('service-account')}.pub",
        "service-account-signing-key-file": f"{site.pki('service-account')}.key",
        "requestheader-client-ca-file": f"{site.pki('front-ca')}.crt",
        "requestheader-allowed-names": "front-proxy",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": f"{site.pki('front-proxy')}.crt",
        "proxy-client-key-file": f"{site.pki('front-proxy')}.key",
    }


def _json(site: Site, name: str, value: object) -> File:
    return File(site.at("config", name), json.dumps(value, indent=1) + "\n")


def _audit(site: Site) -> File:
    rules: list[dict[str, object]] = [
        {"level": "None", "users": list(QUIET), "verbs": ["get", "list", "watch"]},
        {"level": "None", "resources": [{"group": "coordination.k8s.io", "resources": ["leases"]}]},
        {"level": "None", "resources": [{"group": "", "resources": ["events"]}]},
        {"level": "None", "nonResourceURLs": ["/readyz*", "/livez*", "/healthz*", "/version"]},
        {"level": "Metadata"},
    ]
    policy = {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": rules,
    }
    return _json(site, "audit.json", policy)


def _admission(site: Site) -> File:
    path = site.at("config", "pod-security.json")
    value = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "path": path}],
    }
    return _json(site, "admission.json", value)


def _pod_security(site: Site) -> File:
    levels = {
        mode: text
        for name in ("enforce", "audit", "warn")
        for mode, text in ((name, POD_SECURITY), (f"{name}-version", "latest"))
    }
    value = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": levels,
        "exemptions": {"usernames": [], "runtimeClasses": [], "namespaces": []},
    }
    return _json(site, "pod-security.json", value)


def _encryption(site: Site, key: str) -> File:
    providers = [{"secretbox": {"keys": [{"name": "key1", "secret": key}]}}, {"identity": {}}]
    value = {
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "EncryptionConfiguration",
        "resources": [{"resources": ["secrets"], "providers": providers}],
    }
    return _json(site, "encryption.json", value)
