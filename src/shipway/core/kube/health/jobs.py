"""Things that end: Jobs and Pods. Running is not yet success."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.core.kube.health import pods, warnings
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
    stuck = pods.trouble(around.pods, leaving=around.leaving, crashes=False)
    if found := warnings.rejected(obj, around) or stuck:
        return found
    active = (obj.get("status") or {}).get("active", 0)
    why = pods.waiting(around.pods) or warnings.last(obj, around)
    return progressing(f"{active} pods are running" + (f"; {why}" if why else ""))


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
        return Health(State.FAILED, text, Cause.FAILED, str(obj["metadata"]["name"]), name)
    if found := pods.trouble((obj,), leaving=around.leaving):
        return found
    goes_on = (obj.get("spec") or {}).get("restartPolicy", "Always") == "Always"
    if phase == "Running" and goes_on and is_true(obj, "Ready"):
        return HEALTHY
    return progressing(pods.waiting((obj,)) or f"it is {phase or 'Pending'}")


def _failed_job(obj: Obj, around: Around) -> Health:
    found = condition(obj, "Failed")
    text = f"{found.get('reason')}: {found.get('message')}"
    for one in reversed(around.pods):
        name, code = _ended(one)
        if name:
            text += f"; container {name} ended with {code}"
            return Health(State.FAILED, text, Cause.FAILED, str(one["metadata"]["name"]), name)
    return failed(Cause.FAILED, text)


def _ended(obj: Obj) -> tuple[str, Any]:
    """Return the first container that ended badly, and its exit code."""
    status = obj.get("status") or {}
    every = (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ()))
    for one in every:
        code = ((one.get("state") or {}).get("terminated") or {}).get("exitCode", 0)
        if code:
            return str(one.get("name")), code
    return "", 0
