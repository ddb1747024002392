"""In which order objects are applied, so that each finds what it needs.

A set is sorted by (rank, group, kind, namespace, name); equal ranks may be applied side by side.
Removal goes the other way round. Ranks that others wait for are applied, and awaited, before the
next: Namespaces, and CustomResourceDefinitions until they are Established.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.objects import ref_of

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj, Ref

_RANKS: tuple[tuple[str, ...], ...] = (
    ("Namespace",),
    ("CustomResourceDefinition",),
    ("PriorityClass", "StorageClass", "RuntimeClass", "IngressClass", "CSIDriver"),
    ("ServiceAccount",),
    ("ClusterRole", "Role"),
    ("ClusterRoleBinding", "RoleBinding"),
    ("ResourceQuota", "LimitRange", "NetworkPolicy"),
    ("ConfigMap", "Secret", "PersistentVolume", "PersistentVolumeClaim"),
    (),  # kinds we do not know: they often make what workloads read
    ("Service", "Endpoints", "EndpointSlice"),
    ("DaemonSet", "Deployment", "StatefulSet", "ReplicaSet", "Pod", "Job", "CronJob"),
    ("HorizontalPodAutoscaler", "ScaledObject", "PodDisruptionBudget", "Ingress"),
    ("APIService",),
    (
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ),
)
_RANK = {kind: rank for rank, names in enumerate(_RANKS) for kind in names}
_UNKNOWN = _RANKS.index(())

DEFINITIONS = _RANK["CustomResourceDefinition"]
"""After this rank is applied, its definitions must be Established before going on."""


def rank(kind: str) -> int:
    """Return the place of a kind: lower is applied earlier."""
    return _RANK.get(kind, _UNKNOWN)


def key(ref: Ref) -> tuple[int, str, str, str, str]:
    """Return the sorting key of an object's name."""
    return (rank(ref.kind), *ref.identity)


def ordered(objects: tuple[Obj, ...]) -> tuple[Obj, ...]:
    """Return the objects in the order they are applied in."""
    return tuple(sorted(objects, key=lambda obj: key(ref_of(obj))))
