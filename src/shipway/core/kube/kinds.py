"""The kinds that every Kubernetes serves: their plurals and whether a namespace holds them.

Knowing these ahead saves a discovery request per group on each run, and lets a set be judged
without a cluster. Kinds outside this table are asked of the server (``Reader.resource``).
"""

from __future__ import annotations

from shipway.core.kube.objects import Resource

_NAMESPACED: dict[str, dict[str, str]] = {
    "": {
        "Pod": "pods",
        "Service": "services",
        "ConfigMap": "configmaps",
        "Secret": "secrets",
        "ServiceAccount": "serviceaccounts",
        "PersistentVolumeClaim": "persistentvolumeclaims",
        "Event": "events",
        "Endpoints": "endpoints",
        "LimitRange": "limitranges",
        "ResourceQuota": "resourcequotas",
        "ReplicationController": "replicationcontrollers",
        "PodTemplate": "podtemplates",
    },
    "apps": {
        "Deployment": "deployments",
        "ReplicaSet": "replicasets",
        "StatefulSet": "statefulsets",
        "DaemonSet": "daemonsets",
        "ControllerRevision": "controllerrevisions",
    },
    "batch": {"Job": "jobs", "CronJob": "cronjobs"},
    "autoscaling": {"HorizontalPodAutoscaler": "horizontalpodautoscalers"},
    "policy": {"PodDisruptionBudget": "poddisruptionbudgets"},
    "networking.k8s.io": {"Ingress": "ingresses", "NetworkPolicy": "networkpolicies"},
    "rbac.authorization.k8s.io": {"Role": "roles", "RoleBinding": "rolebindings"},
    "coordination.k8s.io": {"Lease": "leases"},
    "discovery.k8s.io": {"EndpointSlice": "endpointslices"},
    "events.k8s.io": {"Event": "events"},
}

_CLUSTER: dict[str, dict[str, str]] = {
    "": {"Namespace": "namespaces", "Node": "nodes", "PersistentVolume": "persistentvolumes"},
    "rbac.authorization.k8s.io": {
        "ClusterRole": "clusterroles",
        "ClusterRoleBinding": "clusterrolebindings",
    },
    "apiextensions.k8s.io": {"CustomResourceDefinition": "customresourcedefinitions"},
    "apiregistration.k8s.io": {"APIService": "apiservices"},
    "admissionregistration.k8s.io": {
        "MutatingWebhookConfiguration": "mutatingwebhookconfigurations",
        "ValidatingWebhookConfiguration": "validatingwebhookconfigurations",
        "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
        "MutatingAdmissionPolicy": "mutatingadmissionpolicies",
        "MutatingAdmissionPolicyBinding": "mutatingadmissionpolicybindings",
    },
    "scheduling.k8s.io": {"PriorityClass": "priorityclasses"},
    "storage.k8s.io": {
        "StorageClass": "storageclasses",
        "CSIDriver": "csidrivers",
        "VolumeAttachment": "volumeattachments",
    },
    "networking.k8s.io": {"IngressClass": "ingressclasses"},
    "node.k8s.io": {"RuntimeClass": "runtimeclasses"},
    "certificates.k8s.io": {"CertificateSigningRequest": "certificatesigningrequests"},
}


_VERSIONS = {"autoscaling": "v2"}


def preferred(group: str, kind: str) -> Resource | None:
    """Return how a kind of Kubernetes itself is served in the version to use."""
    version = _VERSIONS.get(group, "v1")
    return known(f"{group}/{version}" if group else version, kind)


def known(api_version: str, kind: str) -> Resource | None:
    """Return how a kind of Kubernetes itself is served; ``None`` for any other."""
    group = api_version.rpartition("/")[0]
    for table, namespaced in ((_NAMESPACED, True), (_CLUSTER, False)):
        plural = table.get(group, {}).get(kind)
        if plural:
            return Resource(api_version, kind, plural, namespaced)
    return None
