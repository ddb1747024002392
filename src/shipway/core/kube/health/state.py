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
    UNPULLABLE = "ImagePullBackOff"
    UNSCHEDULABLE = "Unschedulable"
    REJECTED = "Rejected"
    CANNOT_START = "CannotStart"
    DEADLINE = "ProgressDeadlineExceeded"
    FAILED = "Failed"
    REMOVED = "Removed"
    TIMEOUT = "Timeout"


class Health(msgspec.Struct, frozen=True):
    """One judgement; for a container that ended, ``pod`` and ``container`` say whose log tells."""

    state: State
    message: str = ""
    cause: Cause = Cause.NONE
    pod: str = ""
    container: str = ""


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
