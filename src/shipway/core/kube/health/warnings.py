"""What events of type Warning say about an object: refused pods, and the last word on a wait.

Events stay for an hour and their times are whole seconds, so those about the deploy before are
told apart by resource version: versions of one API server grow (KEP-5504), and ours is known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shipway.core.kube.health.state import (
    Around,
    Cause,
    Health,
    applied_at,
    condition,
    failed,
)

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

_COMBINED = "(combined from similar events): "
_RESTARTING = "Back-off restarting failed container"
_REFUSED = re.compile(
    r"exceeded quota|violates PodSecurity|admission webhook|denied the request"
    r"|must specify|(?:maximum|minimum) \S+ usage per|Invalid value|Unsupported value"
    r"|no PriorityClass|ValidatingAdmissionPolicy",
)
"""Refusals that repeat; a service account that the server has not seen yet is none of them."""


def rejected(obj: Obj, around: Around) -> Health | None:
    """Return that the server refuses its pods; ``None`` if it does not."""
    for message in (*_of_revision(obj, around), *_of_events(obj, around)):
        if _REFUSED.search(message):
            return failed(Cause.REJECTED, message)
    return None


def crashing(obj: Obj, around: Around) -> str:
    """Return the pod whose container the kubelet restarts ever more slowly; empty if none.

    Its event comes a second before the container's status says so.
    """
    for event in fresh(obj, around):
        message = str(event.get("message") or "")
        if event.get("reason") == "BackOff" and message.startswith(_RESTARTING):
            return str((event.get("involvedObject") or {}).get("name") or "")
    return ""


def last(obj: Obj, around: Around) -> str:
    """Return the newest warning since the object was applied; empty if there is none."""
    events = fresh(obj, around)
    return f"{events[-1].get('reason')}: {events[-1].get('message')}" if events else ""


def fresh(obj: Obj, around: Around) -> tuple[Obj, ...]:
    """Return the warnings that came after the object was applied."""
    return tuple(event for event in around.warnings if _is_newer(event, obj, around.since))


def _is_newer(event: Obj, obj: Obj, since: str) -> bool:
    version = str(event["metadata"].get("resourceVersion") or "")
    if version.isdecimal() and since.isdecimal():
        return int(version) > int(since)
    return _time(event) >= applied_at(obj)


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


def _time(event: Obj) -> str:
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
    )
