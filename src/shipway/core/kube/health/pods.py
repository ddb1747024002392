"""What keeps a pod from running: told by its containers and by the scheduler.

A pull that fails for a passing reason is tried again by the kubelet, so it fails the gate only once
the kubelet backs off; one that the registry refused fails at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipway.core.kube.health.state import (
    Cause,
    Health,
    State,
    condition,
    failed,
    progressing,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.objects import Obj

_PULL = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_REFUSED_PULL = re.compile(
    r"not found|denied|unauthorized|forbidden|no match for platform|invalid reference|\b40[134]\b",
    re.IGNORECASE,
)
_START = frozenset({"RunContainerError", "CreateContainerError"})
_PASSING = re.compile(
    r"node\.kubernetes\.io/(?:not-ready|uninitialized|unreachable)|node\.cloudprovider"
    r"|unbound immediate PersistentVolumeClaims|no nodes available",
)
"""What the scheduler says while a cluster or a volume is still coming up."""


def trouble(
    pods: tuple[Obj, ...], *, leaving: bool, crashes: bool = True, crashing: str = ""
) -> Health | None:
    """Return why one of these pods cannot run; ``None`` if nothing is known to be wrong.

    With ``leaving`` a full cluster is only waited for; without ``crashes`` a container that ends
    again and again is somebody else's to judge (a Job counts its own failures). ``crashing`` names
    a pod that is known to from elsewhere.
    """
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        found = unschedulable(pod)
        if found and (leaving and found.state is State.FAILED):
            found = progressing(f"waits for room: {found.message}", Cause.UNSCHEDULABLE)
        known = crashes and _name(pod) == crashing
        found = found or _containers(pod, crashes=crashes, known=known)
        if found and found.state is State.FAILED:
            return found
    return None


def waiting(pods: tuple[Obj, ...]) -> str:
    """Return what the first pod that is not ready waits for; empty if nothing is known."""
    for pod in pods:
        scheduled = unschedulable(pod)
        if scheduled:
            return scheduled.message
        for status in _statuses(pod):
            reason, message = _reason(status, "waiting")
            if reason and reason not in {"ContainerCreating", "PodInitializing"}:
                return f"pod {_name(pod)}: {reason}: {message}".rstrip(": ")
    return ""


def unready(pods: tuple[Obj, ...]) -> tuple[str, str]:
    """Return pod and container of the first that runs and is not ready; empty if none does."""
    for pod in pods:
        for status in _statuses(pod):
            if not status.get("ready") and not _reason(status, "waiting")[0]:
                return _name(pod), str(status.get("name"))
    return "", ""


def unschedulable(pod: Obj) -> Health | None:
    """Return that no node takes the pod; ``None`` if one did, or nobody tried yet."""
    found = condition(pod, "PodScheduled")
    if found.get("status") != "False" or found.get("reason") != "Unschedulable":
        return None
    message = f"pod {_name(pod)}: {found.get('message', '')}"
    if _PASSING.search(message):
        return progressing(message, Cause.UNSCHEDULABLE)
    return failed(Cause.UNSCHEDULABLE, message)


def _containers(pod: Obj, *, crashes: bool, known: bool) -> Health | None:
    for status in _statuses(pod):
        reason, message = _reason(status, "waiting")
        name = str(status.get("name"))
        where = f"pod {_name(pod)}, container {name}"
        if reason in _PULL or (reason == "ErrImagePull" and _REFUSED_PULL.search(message)):
            text = f"{where}: cannot pull {status.get('image')}: {message or reason}"
            return Health(State.FAILED, text, Cause.UNPULLABLE, _name(pod), "")
        if reason in _START:
            text = f"{where}: {message or reason}"
            return Health(State.FAILED, text, Cause.CANNOT_START, _name(pod), name)
        if (reason == "CrashLoopBackOff" and crashes) or (known and _terminated(status)):
            text = f"{where}: {_ended(status)}, {status.get('restartCount', 0)} restarts"
            return Health(State.FAILED, text, Cause.CRASH_LOOP, _name(pod), name)
    return None


def _ended(status: dict[str, Any]) -> str:
    last = _terminated(status)
    return f"{last.get('reason') or 'it'} (exit code {last.get('exitCode', '?')})"


def _terminated(status: dict[str, Any]) -> dict[str, Any]:
    """Return how the container ended the last time; empty if it never did."""
    now = (status.get("state") or {}).get("terminated")
    found: dict[str, Any] = now or (status.get("lastState") or {}).get("terminated") or {}
    return found


def _statuses(pod: Obj) -> Iterator[dict[str, Any]]:
    status = pod.get("status") or {}
    yield from status.get("initContainerStatuses") or ()
    yield from status.get("containerStatuses") or ()


def _reason(status: dict[str, Any], state: str) -> tuple[str, str]:
    found = (status.get("state") or {}).get(state) or {}
    return str(found.get("reason") or ""), str(found.get("message") or "")


def _name(pod: Obj) -> str:
    return str(pod["metadata"]["name"])
