"""Pods of a StatefulSet that keep it from going back to its old revision.

With OrderedReady the controller waits for a broken pod to become ready before it replaces it, even
when the template was put back: somebody has to delete it (Kubernetes documentation, StatefulSets,
"Forced rollback"; kubernetes/kubernetes#67250).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.objects import uid_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.kube.objects import Obj

_HASH = "controller-revision-hash"


def is_seen(stateful_set: Obj) -> bool:
    """Return whether the controller has seen the set as it is now."""
    observed = (stateful_set.get("status") or {}).get("observedGeneration") or 0
    return int(observed) >= int(stateful_set["metadata"].get("generation") or 0)


def stuck(stateful_set: Obj, pods: Iterable[Obj]) -> tuple[Obj, ...]:
    """Return the set's pods of another revision than its template's that are not ready.

    None for one whose pods are replaced when somebody deletes them (OnDelete): that is a person's.
    """
    strategy = (stateful_set.get("spec") or {}).get("updateStrategy") or {}
    wanted = (stateful_set.get("status") or {}).get("updateRevision")
    if strategy.get("type") == "OnDelete" or not wanted:
        return ()
    return tuple(
        pod
        for pod in pods
        if _is_of(pod, stateful_set) and _revision(pod) != wanted and not _is_settled(pod)
    )


def _is_of(pod: Obj, stateful_set: Obj) -> bool:
    owners = (pod.get("metadata") or {}).get("ownerReferences") or ()
    return any(one.get("controller") and one.get("uid") == uid_of(stateful_set) for one in owners)


def _revision(pod: Obj) -> str:
    return str(((pod.get("metadata") or {}).get("labels") or {}).get(_HASH, ""))


def _is_settled(pod: Obj) -> bool:
    """Return whether a pod is ready, or on its way out."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    ready = any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)
    return ready or bool((pod.get("metadata") or {}).get("deletionTimestamp"))
