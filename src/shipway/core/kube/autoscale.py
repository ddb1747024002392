"""Who decides how many replicas run: the release, or an autoscaler.

Where an autoscaler targets a workload, ``spec.replicas`` is not ours to set: it is left out of what
is applied. If we owned the field before, leaving it out would make the server reset it to 1, so it
is first handed over: another field manager applies the live number, then ours lets go
(kubernetes.io, "Server-Side Apply", transferring ownership).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.objects import ref_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.kube.objects import Obj, Ref

HEIR = "shipway-autoscaled"
"""The field manager that ``spec.replicas`` is handed to."""

Target = tuple[str, str, str]
"""Kind, namespace and name of a scaled workload."""


def targets(objects: Iterable[Obj]) -> frozenset[Target]:
    """Return what the autoscalers among ``objects`` scale."""
    found = set()
    for obj in objects:
        if obj.get("kind") in {"HorizontalPodAutoscaler", "ScaledObject"}:
            target = (obj.get("spec") or {}).get("scaleTargetRef") or {}
            kind = str(target.get("kind") or "Deployment")  # KEDA's default
            found.add((kind, ref_of(obj).namespace, str(target.get("name") or "")))
    return frozenset(found)


def scaled(ref: Ref, scalers: frozenset[Target]) -> bool:
    """Return whether one of the autoscalers decides how many replicas this has."""
    return (ref.kind, ref.namespace, ref.name) in scalers


def release(obj: Obj, scalers: frozenset[Target]) -> Obj:
    """Return ``obj`` without ``spec.replicas`` where an autoscaler decides it."""
    spec = obj.get("spec")
    if not scaled(ref_of(obj), scalers) or not isinstance(spec, dict) or "replicas" not in spec:
        return obj
    return {**obj, "spec": {key: value for key, value in spec.items() if key != "replicas"}}


def owns_replicas(live: Obj, manager: str) -> bool:
    """Return whether ``manager`` applied the live ``spec.replicas``."""
    return any(
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and "f:replicas" in ((entry.get("fieldsV1") or {}).get("f:spec") or {})
        for entry in (live.get("metadata") or {}).get("managedFields") or ()
    )


def handover(live: Obj) -> Obj:
    """Return what :data:`HEIR` applies: the live number of replicas and nothing else."""
    ref = ref_of(live)
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace},
        "spec": {"replicas": (live.get("spec") or {}).get("replicas", 1)},
    }
