"""Workloads that run until they are told to stop.

Counting follows kstatus and Argo CD; what is added: trouble of pods and refusals fail at once, and
a condition older than our last apply says nothing about it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube.health import pods, probes, warnings
from shipway.core.kube.health.state import (
    HEALTHY,
    Around,
    Cause,
    Health,
    State,
    applied_at,
    condition,
    failed,
    is_true,
    observed,
    progressing,
)

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

_UNSEEN = "its controller has not seen it yet"


def deployment(obj: Obj, around: Around) -> Health:
    """Healthy when all its pods are new and available, and no old ones are left."""
    if not observed(obj):
        return progressing(_UNSEEN)
    return _at_once(obj, around) or _deadline(obj) or _rolled_out(obj, around)


def stateful_set(obj: Obj, around: Around) -> Health:
    """Healthy when its pods, those above the partition, are new and ready."""
    if not observed(obj):
        return progressing(_UNSEEN)
    if trouble := _at_once(obj, around):
        return trouble
    status, wanted = obj["status"], _replicas(obj)
    if status.get("readyReplicas", 0) < wanted:
        return _waits(obj, around, f"{status.get('readyReplicas', 0)} of {wanted} pods are ready")
    strategy = obj["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return HEALTHY
    partition = int((strategy.get("rollingUpdate") or {}).get("partition") or 0)
    new, due = status.get("updatedReplicas", 0), max(0, wanted - partition)
    if status.get("updateRevision") != status.get("currentRevision") and new < due:
        return _waits(obj, around, f"{new} of {due} pods are new")
    return HEALTHY


def daemon_set(obj: Obj, around: Around) -> Health:
    """Healthy when every node that should have a pod has a new, available one."""
    if not observed(obj):
        return progressing(_UNSEEN)
    if trouble := _at_once(obj, around):
        return trouble
    status = obj["status"]
    wanted = status.get("desiredNumberScheduled", 0)
    available, new = status.get("numberAvailable", 0), status.get("updatedNumberScheduled", 0)
    on_delete = (obj["spec"].get("updateStrategy") or {}).get("type") == "OnDelete"
    if new < wanted and not on_delete:
        return _waits(obj, around, f"{new} of {wanted} pods are new")
    if available < wanted:
        return _waits(obj, around, f"{available} of {wanted} pods are available")
    return HEALTHY


def replica_set(obj: Obj, around: Around) -> Health:
    """Healthy when all its pods are available."""
    if not observed(obj):
        return progressing(_UNSEEN)
    if is_true(obj, "ReplicaFailure"):
        said = str(condition(obj, "ReplicaFailure").get("message"))
        return failed(warnings.refusal(said), said)
    if trouble := _at_once(obj, around):
        return trouble
    available, wanted = obj["status"].get("availableReplicas", 0), _replicas(obj)
    if available < wanted:
        return _waits(obj, around, f"{available} of {wanted} pods are available")
    return HEALTHY


def _at_once(obj: Obj, around: Around) -> Health | None:
    found = warnings.rejected(obj, around) or pods.trouble(
        around.pods, obj, around, crashing=warnings.crashing(obj, around)
    )
    if found:
        return found
    probed = probes.judge(around.pods, obj, around)
    return probed if probed and probed.state is State.FAILED else None


def _deadline(obj: Obj) -> Health | None:
    """Return that its own deadline passed, if that is about what we applied."""
    found = condition(obj, "Progressing")
    if found.get("reason") != "ProgressDeadlineExceeded":
        return None
    if str(found.get("lastUpdateTime") or "") < applied_at(obj):
        return None  # left over from the deploy before
    return failed(Cause.DEADLINE, str(found.get("message") or "it did not progress"))


def _rolled_out(obj: Obj, around: Around) -> Health:
    if obj["spec"].get("paused"):
        return progressing("it is paused")
    status: dict[str, Any] = obj["status"]
    wanted = _replicas(obj)
    new, total = status.get("updatedReplicas", 0), status.get("replicas", 0)
    available = status.get("availableReplicas", 0)
    if new < wanted:
        return _waits(obj, around, f"{new} of {wanted} pods are new")
    if total > new:
        return _waits(obj, around, f"{total - new} old pods are left")
    if available < new:
        return _waits(obj, around, f"{available} of {new} pods are available")
    return HEALTHY


def _waits(obj: Obj, around: Around, count: str) -> Health:
    """Return how far it is, and what is known of why it is no further.

    Pods that were driven away count only here: where all are there again, they tell of the past.
    """
    if (gone := pods.evicted(around.pods)) and gone.state is State.FAILED:
        return gone
    if probed := probes.judge(around.pods, obj, around):
        return msgspec.structs.replace(probed, message=f"{count}; {probed.message}")
    why, cause = pods.waiting(around.pods, around.nodes)
    if not why:
        why, cause = warnings.last(obj, around)
    pod, container = pods.unready(around.pods)
    text = f"{count}; {why}" if why else count
    return Health(State.PROGRESSING, text, cause, pod=pod, container=container)


def _replicas(obj: Obj) -> int:
    found = obj["spec"].get("replicas")
    return 1 if found is None else int(found)
