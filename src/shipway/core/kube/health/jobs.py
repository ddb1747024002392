"""Things that end: Jobs and Pods. Running is not yet success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.core.kube.health import pods, probes, warnings
from shipway.core.kube.health.state import (
    HEALTHY,
    Around,
    Cause,
    Health,
    State,
    condition,
    failed,
    is_true,
    progressing,
)

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj


def job(obj: Obj, around: Around) -> Health:
    """Healthy when Complete; failed when Failed, or when its pods cannot even start."""
    if is_true(obj, "Complete"):
        return HEALTHY
    if is_true(obj, "Failed"):
        return _failed_job(obj, around)
    if (obj.get("spec") or {}).get("suspend"):
        return Health(State.HEALTHY, "it is suspended")
    stuck = pods.trouble(around.pods, obj, around, crashes=False)
    if found := warnings.rejected(obj, around) or stuck:
        return found
    active = (obj.get("status") or {}).get("active", 0)
    why, cause = pods.waiting(around.pods, around.nodes)
    if not why:
        why, cause = warnings.last(obj, around)
    return progressing(f"{active} pods are running" + (f"; {why}" if why else ""), cause)


def cron_job(_obj: Obj, _around: Around) -> Health:
    """Healthy as soon as it is stored: its Jobs are not part of the deploy."""
    return HEALTHY


def pod(obj: Obj, around: Around) -> Health:
    """Healthy when Succeeded, or Running and Ready where it is meant to go on."""
    phase = (obj.get("status") or {}).get("phase")
    if phase == "Succeeded":
        return HEALTHY
    if phase == "Failed":
        name, code = _ended(obj)
        text = (obj["status"].get("message") or "") or f"container {name} ended with {code}"
        evicted = obj["status"].get("reason") == "Evicted"
        cause = Cause.EVICTED if evicted else _cause(obj)
        return Health(State.FAILED, text, cause, str(obj["metadata"]["name"]), name)
    probed = probes.judge((obj,), obj, around)
    if found := pods.trouble((obj,), obj, around) or probed:
        return found
    goes_on = (obj.get("spec") or {}).get("restartPolicy", "Always") == "Always"
    if phase == "Running" and goes_on and is_true(obj, "Ready"):
        return HEALTHY
    why, cause = pods.waiting((obj,), around.nodes)
    return progressing(why or f"it is {phase or 'Pending'}", cause)


def _failed_job(obj: Obj, around: Around) -> Health:
    found = condition(obj, "Failed")
    text = f"{found.get('reason')}: {found.get('message')}"
    for one in reversed(around.pods):
        name, code = _ended(one)
        if name:
            text += f"; container {name} ended with {code}"
            if (cause := _cause(one)) is Cause.OOM:
                text += f" (OOMKilled); {pods.memory(one, name)}"
            return Health(State.FAILED, text, cause, str(one["metadata"]["name"]), name)
    return failed(Cause.FAILED, text)


def _cause(obj: Obj) -> Cause:
    """Return why a pod failed, as its first container that ended badly says."""
    name, _ = _ended(obj)
    for one in _statuses(obj):
        if one.get("name") == name and pods.is_oom(one):
            return Cause.OOM
    return Cause.FAILED


def _ended(obj: Obj) -> tuple[str, Any]:
    """Return the first container that ended badly, and its exit code."""
    for one in _statuses(obj):
        code = ((one.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
        if code:
            return str(one.get("name")), code
    return "", 0


def _statuses(obj: Obj) -> tuple[dict[str, Any], ...]:
    status = obj.get("status") or {}
    inits = status.get("initContainerStatuses") or ()
    return (*inits, *(status.get("containerStatuses") or ()))
