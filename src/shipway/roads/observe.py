"""Looking at something live: the object, what made it, and what that was applied as.

``roads.trace`` takes the snapshot; nothing in it is believed there. Owners are followed by uid, so
that a name used again leads nowhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.evidence.snapshot import Snapshot
from shipway.core.kube import autoscale, nodes
from shipway.core.kube.objects import Ref, ref_of, uid_of
from shipway.core.ports.kube import Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj
    from shipway.core.ports.kube import Reader

KINDS = {
    "pod": ("v1", "Pod"),
    "deployment": ("apps/v1", "Deployment"),
    "statefulset": ("apps/v1", "StatefulSet"),
    "daemonset": ("apps/v1", "DaemonSet"),
    "replicaset": ("apps/v1", "ReplicaSet"),
    "job": ("batch/v1", "Job"),
    "cronjob": ("batch/v1", "CronJob"),
}
"""What can be named on the command line."""
_SHORT = {"po": "pod", "deploy": "deployment", "sts": "statefulset", "ds": "daemonset"}
_SHORT |= {"rs": "replicaset", "cj": "cronjob", "pods": "pod", "deployments": "deployment"}
_PODLESS = {
    "service",
    "svc",
    "secret",
    "configmap",
    "cm",
    "ingress",
    "ing",
    "namespace",
    "ns",
    "node",
}
"""Kinds that people name although they run no pod; no registry's name is one of these."""
_HASH = "controller-revision-hash"
_SCALER = ("autoscaling/v2", "HorizontalPodAutoscaler")
_REVISION = ("apps/v1", "ControllerRevision")


def is_live(subject: str) -> bool:
    """Return whether ``subject`` names a live object (``pod/web-1``) and not an image."""
    kind, slash, name = subject.partition("/")
    known = _kind(kind) is not None or kind.lower() in _PODLESS
    return bool(slash) and "/" not in name and known


def observe(subject: str, namespaces: tuple[str, ...], *, kube: Reader) -> Snapshot:
    """Return the live object and its owners.

    Raises:
        ShipwayError: ``trace.kind`` (usage) or ``trace.not_found``.
    """
    obj = _find(subject, namespaces, kube)
    chain = _owners(obj, kube)
    system = kube.get(Ref("v1", "Namespace", "", "kube-system"))
    return Snapshot(
        subject=subject,
        cluster=uid_of(system or {}),
        workload=chain[-1],
        revision=_revision(chain, kube),
        scaled=_scaled(chain[-1], kube),
        pod=obj if obj.get("kind") == "Pod" else None,
        architecture=_architecture(obj, kube) if obj.get("kind") == "Pod" else "",
    )


def _kind(word: str) -> tuple[str, str] | None:
    lower = word.lower()
    return KINDS.get(_SHORT.get(lower, lower))


def _find(subject: str, namespaces: tuple[str, ...], kube: Reader) -> Obj:
    kind, _, name = subject.partition("/")
    known = _kind(kind)
    if known is None:
        raise ShipwayError(
            "trace.kind",
            Kind.USAGE,
            f"{kind} is not a kind that can be traced",
            operation="tracing",
            subject=subject,
            hint=f"one of {', '.join(KINDS)}, or an image reference",
        )
    for namespace in namespaces:
        obj = kube.get(Ref(*known, namespace, name))
        if obj is not None:
            return obj
    raise ShipwayError(
        "trace.not_found",
        Kind.NOT_FOUND,
        f"it is not in {', '.join(namespaces) or 'any namespace of the environment'}",
        operation="tracing",
        subject=subject,
        hint="name another environment with --env, or another namespace with --namespace",
    )


def _owners(obj: Obj, kube: Reader) -> list[Obj]:
    """Return ``obj`` and its controllers, nearest first; at most four."""
    chain = [obj]
    while len(chain) <= 4 and (owner := _controller(chain[-1], kube)) is not None:  # noqa: PLR2004
        chain.append(owner)
    return chain


def _controller(obj: Obj, kube: Reader) -> Obj | None:
    metadata = obj.get("metadata") or {}
    for one in metadata.get("ownerReferences") or ():
        if one.get("controller"):
            name = Ref(one["apiVersion"], one["kind"], metadata.get("namespace", ""), one["name"])
            found = kube.get(name)
            return found if found is not None and uid_of(found) == one.get("uid") else None
    return None


def _revision(chain: list[Obj], kube: Reader) -> Obj | None:
    """Return what made the pod, where that is not the workload as it is now."""
    if len(chain) > 2:  # noqa: PLR2004  pod, revision, workload
        return chain[1]
    if chain[0].get("kind") == "Deployment" or len(chain) == 1:
        return None
    pod, workload = chain
    return _older(pod, workload, kube)


def _scaled(workload: Obj, kube: Reader) -> bool:
    ref = ref_of(workload)
    scalers = kube.list(Selection(*_SCALER, namespace=ref.namespace))
    return autoscale.scaled(ref, autoscale.targets(scalers))


def _architecture(pod: Obj, kube: Reader) -> str:
    """Return the architecture of a pod's node; nothing where it has none or nobody may look."""
    name = str((pod.get("spec") or {}).get("nodeName") or "")
    try:
        node = kube.get(Ref("v1", "Node", "", name)) if name else None
    except ShipwayError as error:
        if error.id != "kube.forbidden":
            raise
        return ""
    (found, *_) = (*nodes.platforms((node,) if node else ()), None)
    return found.architecture if found else ""


def _older(pod: Obj, workload: Obj, kube: Reader) -> Obj | None:
    """Return the ControllerRevision of a pod if the workload has a newer one."""
    namespace = (pod.get("metadata") or {}).get("namespace", "")
    name = str(((pod.get("metadata") or {}).get("labels") or {}).get(_HASH, ""))
    owned = [
        one
        for one in kube.list(Selection(*_REVISION, namespace=namespace))
        if any(
            owner.get("uid") == uid_of(workload)
            for owner in (one.get("metadata") or {}).get("ownerReferences") or ()
        )
    ]
    mine = [one for one in owned if str(one["metadata"]["name"]).endswith(name) and name]
    if not mine or mine[0].get("revision") == max(one.get("revision", 0) for one in owned):
        return None
    return mine[0]
