"""Probes that do not pass: what the kubelet says of them, and when a container's time is over.

A container is given what its author gave it. While its startup probe has tries left it is waited
for; once the kubelet has given up on it, or the tries are over, no more waiting helps. After the
start, readiness is given as long again. Without a startup probe nobody said how long a start may
take, so that only the gate's own time ends it. (kubernetes.io, "Liveness, Readiness and Startup
Probes"; pkg/kubelet/prober.)
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube.health.state import Around, Cause, Health, State, applied_at, fresh
from shipway.core.patterns import late

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

_REFUSED = late(
    r"dial tcp \S+:(?P<port>\d+): connect: connection refused"
    r'|failed to connect service "[^"]*:(?P<service>\d+)"'
)
_SAID = late(r"(?P<probe>Startup|Readiness|Liveness) probe (?:failed|errored)(?:.*?): ?")
_ROUNDING = 1.0
"""Seconds by which two times in whole seconds may be closer together than what they stand for."""


class Probe(msgspec.Struct, frozen=True, rename="camel"):
    """The numbers of a probe, with the API's defaults (core/v1 Probe)."""

    initial_delay_seconds: float = 0
    period_seconds: float = 10
    failure_threshold: float = 3
    timeout_seconds: float = 1

    @property
    def given_up(self) -> float:
        """Return the seconds after which the kubelet sees the last try fail, at the earliest."""
        return self.initial_delay_seconds + (self.failure_threshold - 1) * self.period_seconds

    @property
    def over(self) -> float:
        """Return the seconds after which the last try has ended, at the latest."""
        tries = self.failure_threshold * self.period_seconds
        return self.initial_delay_seconds + tries + self.timeout_seconds


def judge(pods: tuple[Obj, ...], obj: Obj, around: Around) -> Health | None:
    """Return what the first container is whose probe does not pass; ``None`` if none says so.

    ``obj`` is what was applied. A failure says that no time is left; else ``due`` says how much.
    """
    waits: Health | None = None
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        for status in _statuses(pod):
            found = _container(pod, status, obj, around)
            if found and found.state is State.FAILED:
                return found
            waits = waits or found
    return waits


def killed(pod: Obj, status: dict[str, Any], obj: Obj, around: Around) -> Health | None:
    """Return that the kubelet ended a container's last run because of its probe, if it did."""
    spec, lasted = _spec(pod, status), _lasted(status)
    if str(_ended(status).get("finishedAt") or "") < applied_at(obj):
        return None  # a run of long ago
    for name in ("Startup", "Liveness"):
        probe = _probe(spec, name)
        said = _said(pod, status, name, obj, around) if probe else ""
        if probe and said and lasted >= probe.given_up - _ROUNDING:
            return _told(pod, status, name, said, State.FAILED)
    return None


def _container(pod: Obj, status: dict[str, Any], obj: Obj, around: Around) -> Health | None:
    if found := killed(pod, status, obj, around):
        return found
    if status.get("ready") or "running" not in (status.get("state") or {}):
        return None
    spec = _spec(pod, status)
    startup, readiness = _probe(spec, "Startup"), _probe(spec, "Readiness")
    starting = startup is not None and not status.get("started")
    name = "Startup" if starting else "Readiness"
    said = _said(pod, status, name, obj, around)
    if not said:
        return None
    age = around.ages.get((str(pod["metadata"]["name"]), str(status.get("name"))), 0.0)
    allowed = None
    if startup is not None:
        allowed = startup.over if starting else max(startup.over, (readiness or Probe()).over)
    if allowed is not None and age >= allowed:
        return _told(pod, status, name, said, State.FAILED)
    due = None if allowed is None else allowed - age
    return _told(pod, status, name, said, State.PROGRESSING, due)


def _told(  # noqa: PLR0917  private
    pod: Obj,
    status: dict[str, Any],
    name: str,
    said: str,
    state: State,
    due: float | None = None,
) -> Health:
    container, pod_name = str(status.get("name")), str(pod["metadata"]["name"])
    where = f"pod {pod_name}, container {container}"
    if found := _REFUSED.search(said):
        port = found["port"] or found["service"]
        text = f"{where}: nothing listens on port {port} ({name.lower()} probe: {said})"
        return Health(state, text, Cause.PORT, pod_name, container, due)
    text = f"{where}: its {name.lower()} probe fails: {said}"
    return Health(state, text, Cause.PROBE, pod_name, container, due)


def _said(pod: Obj, status: dict[str, Any], name: str, obj: Obj, around: Around) -> str:
    """Return the newest failure of this probe since the object was applied; empty if none."""
    field = f"{{{status.get('name')}}}"
    for event in reversed(fresh(obj, around)):
        about = event.get("involvedObject") or {}
        message = str(event.get("message") or "")
        found = _SAID.match(message)
        mine = about.get("name") == pod["metadata"]["name"] and (
            field in str(about.get("fieldPath") or field)
        )
        if event.get("reason") == "Unhealthy" and mine and found and found["probe"] == name:
            return message[found.end() :].strip()
    return ""


def _probe(spec: dict[str, Any], name: str) -> Probe | None:
    found = spec.get(f"{name.lower()}Probe")
    return msgspec.convert(found, Probe) if isinstance(found, dict) else None


def _spec(pod: Obj, status: dict[str, Any]) -> dict[str, Any]:
    spec = pod.get("spec") or {}
    for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        if one.get("name") == status.get("name"):
            found: dict[str, Any] = one
            return found
    return {}


def _lasted(status: dict[str, Any]) -> float:
    """Return the seconds that the newest ended run took; less than none where nothing ended."""
    ended = _ended(status)
    try:
        return (_time(ended["finishedAt"]) - _time(ended["startedAt"])).total_seconds()
    except (KeyError, TypeError, ValueError):
        return float("-inf")


def _ended(status: dict[str, Any]) -> dict[str, Any]:
    """Return how a container's newest ended run ended; empty where nothing ended."""
    now = (status.get("state") or {}).get("terminated")
    return now or (status.get("lastState") or {}).get("terminated") or {}


def _time(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _statuses(pod: Obj) -> tuple[dict[str, Any], ...]:
    status = pod.get("status") or {}
    inits = status.get("initContainerStatuses") or ()
    return (*inits, *(status.get("containerStatuses") or ()))
