"""Whether a live object does what it is for, judged from what the API server says about it.

``stages.gate`` asks :func:`assess` after every change. Pure: an object, the pods that are its
current ones, and warnings about them go in; a state, a cause and a sentence come out. It is
stricter than kstatus (a running Job is no success, nor is a failed Pod) and fails at once where
waiting cannot help. One module judges one family of kinds; kinds nobody knows fall to ``generic``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.health import generic, jobs, others, workloads
from shipway.core.kube.health.state import Around, Cause, Health, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.kube.objects import Obj

__all__ = ["Around", "Cause", "Health", "State", "assess", "watched"]

_RULES: dict[tuple[str, str], Callable[[Obj, Around], Health]] = {
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "ReplicaSet"): workloads.replica_set,
    ("batch", "Job"): jobs.job,
    ("batch", "CronJob"): jobs.cron_job,
    ("", "Pod"): jobs.pod,
    ("", "Service"): others.service,
    ("", "PersistentVolumeClaim"): others.claim,
    ("", "Namespace"): others.namespace,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): others.definition,
    ("apiregistration.k8s.io", "APIService"): others.api_service,
}
_AT_ONCE = frozenset(
    {
        *("ConfigMap", "Secret", "ServiceAccount", "LimitRange", "ResourceQuota"),
        *("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding", "NetworkPolicy"),
        *("PriorityClass", "StorageClass", "RuntimeClass", "IngressClass", "Ingress"),
        *("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"),
    }
)
"""Kinds of Kubernetes itself that are what they are as soon as they are stored."""


def watched(group: str, kind: str) -> bool:
    """Return whether objects of this kind become healthy over time."""
    builtin = not group or "." not in group or group.endswith(".k8s.io")
    return not (builtin and kind in _AT_ONCE)


def assess(obj: Obj, around: Around) -> Health:
    """Return the health of a live object."""
    if (obj.get("metadata") or {}).get("deletionTimestamp"):
        return Health(State.PROGRESSING, "it is being deleted")
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    rule = _RULES.get((group, str(obj.get("kind", ""))), generic.conditions)
    return rule(obj, around)
