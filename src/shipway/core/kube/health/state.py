"""What a judgement of an object's health is made of."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube.objects import Obj  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from typing import Any


class State(enum.Enum):
    """Where an object is on its way."""

    HEALTHY = "healthy"
    PROGRESSING = "progressing"
    FAILED = "failed"


class Cause(enum.Enum):
    """Why something failed, or why the time ran out on it; evidence carries the value."""

    NONE = ""
    CRASH_LOOP = "CrashLoopBackOff"
    OOM = "OOMKilled"
    READ_ONLY = "ReadOnlyRoot"
    PLATFORM = "WrongPlatform"
    PORT = "WrongPort"
    PROBE = "ProbeFailing"
    UNPULLABLE = "ImagePullBackOff"
    UNSCHEDULABLE = "Unschedulable"
    REJECTED = "Rejected"
    QUOTA = "QuotaExceeded"
    CANNOT_START = "CannotStart"
    DEADLINE = "ProgressDeadlineExceeded"
    NODE = "NodeNotReady"
    EVICTED = "Evicted"
    VOLUME = "VolumePending"
    FAILED = "Failed"
    REMOVED = "Removed"
    TIMEOUT = "Timeout"


class Health(msgspec.Struct, frozen=True):
    """One judgement; ``pod`` and ``container`` say whose log tells more."""

    state: State
    message: str = ""
    cause: Cause = Cause.NONE
    pod: str = ""
    container: str = ""
    due: float | None = None
    """Seconds after which it has failed, if nothing changes until then; none: time alone decides
    nothing."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around an object: what it made, and what is said about both."""

    pods: tuple[Obj, ...] = ()
    """Pods of its current revision."""
    revision: Obj | None = None
    """Of a Deployment, the current ReplicaSet."""
    leaving: bool = False
    """Whether pods of it are still being deleted, and hold on to what they use."""
    warnings: tuple[Obj, ...] = ()
    """Events of type Warning about it, its revision or its pods, oldest first."""
    since: str = ""
    """Its resource version as we applied it: what is older says nothing about that."""
    nodes: tuple[Obj, ...] = ()
    """The cluster's nodes; empty where nobody looked, or may look."""
    ages: dict[tuple[str, str], float] = {}
    """Seconds that a container (by pod and its name) has been starting, or has run since then."""


HEALTHY = Health(State.HEALTHY)


def progressing(message: str, cause: Cause = Cause.NONE) -> Health:
    """Return that time may still help."""
    return Health(State.PROGRESSING, message, cause)


def failed(cause: Cause, message: str) -> Health:
    """Return that time cannot help."""
    return Health(State.FAILED, message, cause)


def condition(obj: Obj, name: str) -> dict[str, Any]:
    """Return the condition of this type; empty if there is none."""
    for one in (obj.get("status") or {}).get("conditions") or ():
        if one.get("type") == name:
            found: dict[str, Any] = one
            return found
    return {}


def is_true(obj: Obj, name: str) -> bool:
    """Return whether the condition of this type is ``True``."""
    return bool(condition(obj, name).get("status") == "True")


def observed(obj: Obj) -> bool:
    """Return whether its controller has seen the newest generation."""
    seen = (obj.get("status") or {}).get("observedGeneration")
    return seen is not None and seen >= obj["metadata"].get("generation", 0)


def applied_at(obj: Obj, manager: str = "shipway") -> str:
    """Return when we last applied it, by the server's clock (RFC 3339); empty if unknown."""
    times = [
        str(entry.get("time") or "")
        for entry in obj["metadata"].get("managedFields") or ()
        if entry.get("manager") == manager and entry.get("operation") == "Apply"
    ]
    return max(times, default="")


def fresh(obj: Obj, around: Around) -> tuple[Obj, ...]:
    """Return the warnings that came after the object was applied."""
    return tuple(event for event in around.warnings if _is_newer(event, obj, around.since))


def event_time(event: Obj) -> str:
    """Return when an event was seen last (RFC 3339); empty if it does not say."""
    series = event.get("series") or {}
    return str(
        series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or ""
    )


def _is_newer(event: Obj, obj: Obj, since: str) -> bool:
    version = str(event["metadata"].get("resourceVersion") or "")
    if version.isdecimal() and since.isdecimal():
        return int(version) > int(since)
    return event_time(event) >= applied_at(obj)
