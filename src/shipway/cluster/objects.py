"""The few objects that a new cluster needs so that its own parts and its people may act."""

from __future__ import annotations

from shipway.cluster.credentials import ADMINS

_RBAC = "rbac.authorization.k8s.io"
_DNS_RULES = [
    {
        "apiGroups": [""],
        "resources": ["endpoints", "services", "pods", "namespaces"],
        "verbs": ["list", "watch"],
    },
    {
        "apiGroups": ["discovery.k8s.io"],
        "resources": ["endpointslices"],
        "verbs": ["list", "watch"],
    },
]


def objects() -> tuple[tuple[str, dict[str, object]], ...]:
    """Return (URL path, object) pairs, to be applied on the server's side in this order."""
    return (
        _role("shipway:coredns", _DNS_RULES),
        _binding("shipway:coredns", "shipway:coredns", "User", "shipway:coredns"),
        _binding(
            "shipway:kubelet-callers",
            "system:kubelet-api-admin",
            "Group",
            "shipway:kubelet-callers",
        ),
        _binding("shipway:admins", "cluster-admin", "Group", ADMINS),
    )


def _role(name: str, rules: list[dict[str, list[str]]]) -> tuple[str, dict[str, object]]:
    value: dict[str, object] = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": rules,
    }
    return f"/apis/{_RBAC}/v1/clusterroles/{name}", value


def _binding(name: str, role: str, kind: str, subject: str) -> tuple[str, dict[str, object]]:
    value: dict[str, object] = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": _RBAC, "kind": kind, "name": subject}],
    }
    return f"/apis/{_RBAC}/v1/clusterrolebindings/{name}", value
