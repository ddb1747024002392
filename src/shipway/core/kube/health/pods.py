"""What keeps a pod from running: told by its containers and by the scheduler.

A pull that fails for a passing reason is tried again by the kubelet, so it fails the gate only once
the kubelet backs off; one that the registry refused fails at once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from shipway.core.kube.health import probes
from shipway.core.kube.health.state import (
    Around,
    Cause,
    Health,
    State,
    condition,
    failed,
    progressing,
)
from shipway.core.patterns import late

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.objects import Obj

_PULL = frozenset({"ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"})
_REFUSED_PULL = late(
    r"not found|denied|unauthorized|forbidden|no match for platform|invalid reference|\b40[134]\b",
    re.IGNORECASE,
)
_PLATFORM = late(r"no match for platform|exec format error")
_OWN_LIMIT = late(r"exceeds the (?:total )?limit|exceeded its local ephemeral storage limit")
"""Evictions for what a pod asked of itself: another pod of the same kind meets the same end."""
_START = frozenset({"RunContainerError", "CreateContainerError"})
_NODE = late(
    r"node\.kubernetes\.io/(?:not-ready|uninitialized|unreachable)|node\.cloudprovider"
    r"|no nodes available"
)
"""What the scheduler says while a cluster is still coming up, or a node is lost."""
_CLAIM = "unbound immediate PersistentVolumeClaims"
_NO_CLAIM = late(r'persistentvolumeclaim "[^"]*" not found')


def trouble(
    pods: tuple[Obj, ...],
    obj: Obj,
    around: Around,
    *,
    crashes: bool = True,
    crashing: str = "",
) -> Health | None:
    """Return why one of these pods of ``obj`` cannot run; ``None`` if nothing is known to be wrong.

    While old pods leave, a full cluster is only waited for; without ``crashes`` a container that
    ends again and again is somebody else's to judge (a Job counts its own failures). ``crashing``
    names a pod that is known to from elsewhere.
    """
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        found = unschedulable(pod, around.nodes)
        if found and (around.leaving and found.state is State.FAILED):
            found = progressing(f"waits for room: {found.message}", found.cause)
        known = crashes and _name(pod) == crashing
        found = found or _containers(pod, obj, around, crashes=crashes, known=known)
        if found and found.state is State.FAILED:
            return found
    return None


def waiting(pods: tuple[Obj, ...], nodes: tuple[Obj, ...] = ()) -> tuple[str, Cause]:
    """Return what the first pod that is not ready waits for, and of what that is a sign."""
    for pod in pods:
        if scheduled := unschedulable(pod, nodes):
            return scheduled.message, scheduled.cause
        for status in _statuses(pod):
            reason, message = _reason(status, "waiting")
            if reason and reason not in {"ContainerCreating", "PodInitializing"}:
                return f"pod {_name(pod)}: {reason}: {message}".rstrip(": "), Cause.NONE
    found = evicted(pods)
    return (found.message, found.cause) if found else ("", Cause.NONE)


def evicted(pods: tuple[Obj, ...]) -> Health | None:
    """Return that pods were driven from their nodes; for good if more of them would be.

    That is so where a pod uses more than it allows itself, or where it has happened twice.
    """
    gone = [pod for pod in pods if (pod.get("status") or {}).get("reason") == "Evicted"]
    for pod in gone:
        said = str(pod["status"].get("message") or "").strip()
        text = f"pod {_name(pod)} was evicted: {said}"
        if _OWN_LIMIT.search(said) or len(gone) > 1:
            return failed(Cause.EVICTED, text)
        return progressing(text, Cause.EVICTED)
    return None


def unready(pods: tuple[Obj, ...]) -> tuple[str, str]:
    """Return pod and container of the first that runs and is not ready; empty if none does."""
    for pod in pods:
        for status in _statuses(pod):
            if not status.get("ready") and not _reason(status, "waiting")[0]:
                return _name(pod), str(status.get("name"))
    return "", ""


def is_unclear(message: str) -> bool:
    """Return whether only the nodes tell if a pod that no node takes waits for one of them.

    The scheduler of Kubernetes 1.36 says that there are taints, and not which.
    """
    return "untolerated taint(s)" in message


def unschedulable(pod: Obj, nodes: tuple[Obj, ...] = ()) -> Health | None:
    """Return that no node takes the pod; ``None`` if one did, or nobody tried yet."""
    found = condition(pod, "PodScheduled")
    if found.get("status") != "False" or found.get("reason") != "Unschedulable":
        return None
    return unplaced(f"pod {_name(pod)}: {found.get('message', '')}", nodes)


def unplaced(message: str, nodes: tuple[Obj, ...]) -> Health:
    """Return what the scheduler's words mean: to wait, or that waiting cannot help."""
    if _NODE.search(message):
        return progressing(message, Cause.NODE)
    if is_unclear(message):
        if away := sorted(_name(node) for node in nodes if _is_away(node)):
            return progressing(f"{message} (not ready: {', '.join(away)})", Cause.NODE)
        if not nodes:
            return progressing(message, Cause.UNSCHEDULABLE)
    if _CLAIM in message:
        return progressing(message, Cause.VOLUME)
    return failed(Cause.VOLUME if _NO_CLAIM.search(message) else Cause.UNSCHEDULABLE, message)


def _is_away(node: Obj) -> bool:
    """Return whether a node is tainted for not being ready, which may pass."""
    taints = (node.get("spec") or {}).get("taints") or ()
    return any(_NODE.search(str(one.get("key"))) for one in taints)


def _containers(pod: Obj, obj: Obj, around: Around, *, crashes: bool, known: bool) -> Health | None:
    for status in _statuses(pod):
        reason, message = _reason(status, "waiting")
        name = str(status.get("name"))
        where = f"pod {_name(pod)}, container {name}"
        if reason in _PULL or (reason == "ErrImagePull" and _REFUSED_PULL.search(message)):
            text = f"{where}: cannot pull {status.get('image')}: {message or reason}"
            cause = Cause.PLATFORM if _PLATFORM.search(message) else Cause.UNPULLABLE
            return Health(State.FAILED, text, cause, _name(pod), "")
        if reason in _START:
            text = f"{where}: {message or reason}"
            cause = Cause.PLATFORM if _PLATFORM.search(message) else Cause.CANNOT_START
            return Health(State.FAILED, text, cause, _name(pod), name)
        if (reason == "CrashLoopBackOff" and crashes) or (known and _terminated(status)):
            return probes.killed(pod, status, obj, around) or _crashes(pod, status, where)
    return None


def _crashes(pod: Obj, status: dict[str, Any], where: str) -> Health:
    text = f"{where}: {_ended(status)}, {status.get('restartCount', 0)} restarts"
    cause = Cause.CRASH_LOOP
    if is_oom(status):
        cause, text = Cause.OOM, f"{text}; {memory(pod, str(status.get('name')))}"
    return Health(State.FAILED, text, cause, _name(pod), str(status.get("name")))


def is_oom(status: dict[str, Any]) -> bool:
    """Return whether a container's last run was ended for the memory that it used."""
    return bool(_terminated(status).get("reason") == "OOMKilled")


def memory(pod: Obj, container: str) -> str:
    """Return in words how much memory a container may use."""
    spec = pod.get("spec") or {}
    for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        limit = ((one.get("resources") or {}).get("limits") or {}).get("memory")
        if one.get("name") == container and limit:
            return f"its memory limit is {limit}"
    return "it has no memory limit, so the node ran out"


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
