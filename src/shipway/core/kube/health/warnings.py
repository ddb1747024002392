"""What events of type Warning say about an object: refused pods, and the last word on a wait.

Events stay for an hour and their times are whole seconds, so those about the deploy before are
told apart by resource version: versions of one API server grow (KEP-5504), and ours is known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.health import pods
from shipway.core.kube.health.state import (
    Around,
    Cause,
    Health,
    applied_at,
    condition,
    failed,
    fresh,
)
from shipway.core.patterns import late

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

_SIGNS = {
    "NodeNotReady": Cause.NODE,
    "FailedAttachVolume": Cause.VOLUME,
    "Evicted": Cause.EVICTED,
}
"""What a warning means where it is the last word when the time is over."""
_COMBINED = "(combined from similar events): "
_RESTARTING = "Back-off restarting failed container"
_REFUSED = late(
    r"exceeded quota|violates PodSecurity|admission webhook|denied the request"
    r"|must specify|(?:maximum|minimum) \S+ usage per|Invalid value|Unsupported value"
    r"|no PriorityClass|ValidatingAdmissionPolicy",
)
"""Refusals that repeat; a service account that the server has not seen yet is none of them."""
_QUOTA = late(r"exceeded quota|must specify|(?:maximum|minimum) \S+ usage per")


def rejected(obj: Obj, around: Around) -> Health | None:
    """Return that the server refuses its pods; ``None`` if it does not."""
    for message in (*_of_revision(obj, around), *_of_events(obj, around)):
        if _REFUSED.search(message):
            return failed(refusal(message), message)
    return None


def refusal(message: str) -> Cause:
    """Return whether a quota or another rule refuses pods with these words."""
    return Cause.QUOTA if _QUOTA.search(message) else Cause.REJECTED


def crashing(obj: Obj, around: Around) -> str:
    """Return the pod whose container the kubelet restarts ever more slowly; empty if none.

    Its event comes a second before the container's status says so.
    """
    for event in fresh(obj, around):
        message = str(event.get("message") or "")
        if event.get("reason") == "BackOff" and message.startswith(_RESTARTING):
            return str((event.get("involvedObject") or {}).get("name") or "")
    return ""


def last(obj: Obj, around: Around) -> tuple[str, Cause]:
    """Return the newest warning since the object was applied, and what it is a sign of."""
    events = fresh(obj, around)
    if not events:
        return "", Cause.NONE
    reason = str(events[-1].get("reason"))
    if reason == "FailedScheduling":  # it may come long before the pod's condition says so
        found = pods.unplaced(f"{reason}: {events[-1].get('message')}", around.nodes)
        return found.message, found.cause
    return f"{reason}: {events[-1].get('message')}", _SIGNS.get(reason, Cause.NONE)


def _of_revision(obj: Obj, around: Around) -> list[str]:
    """Return what the current ReplicaSet's own condition says, if it is newer than our apply."""
    if around.revision is None:
        return []
    found = condition(around.revision, "ReplicaFailure")
    stale = str(found.get("lastTransitionTime") or "") <= applied_at(obj)
    return [str(found.get("message"))] if found.get("status") == "True" and not stale else []


def _of_events(obj: Obj, around: Around) -> list[str]:
    return [
        str(event.get("message") or "").removeprefix(_COMBINED)
        for event in fresh(obj, around)
        if event.get("reason") == "FailedCreate"
    ]
