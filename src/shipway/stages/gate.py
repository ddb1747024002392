"""Gate: whether what was deployed serves, answered as soon as the cluster's own words allow it.

Roads call it after apply, or after somebody else applied (a git commit), so it knows nothing of how
the objects got there. It only watches. It passes when every object is healthy, fails at once where
waiting cannot help, and else when its time is over; a failure carries the container's last lines,
which are for people and never for links.
"""

from __future__ import annotations

import math
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube import health
from shipway.core.kube.health import Cause, Health, State, causes, pods
from shipway.core.kube.health.ages import Ages
from shipway.core.kube.health.custom import Rule  # noqa: TC001  msgspec reads types
from shipway.core.kube.objects import Ref, uid_of
from shipway.core.kube.scene import Scene
from shipway.core.ports.kube import ChangeType, Selection
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.ports.clock import Clock
    from shipway.core.ports.kube import Change, Watcher

SECONDS = 120.0
"""How long to wait by default."""

_LINES = 10
_TICK = 0.05
"""Seconds that a watch lasts at least, and by which it may outlast what it waits for."""
_LAST = 10.0
"""Seconds that a look at what is there may take."""
_NODES = Selection("v1", "Node")
_CLAIM = "PersistentVolumeClaim"
_MAKERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})
"""Kinds whose pods are looked at."""


class Expected(msgspec.Struct, frozen=True):
    """An object that was applied; the rest as the server answered then, if that is known."""

    ref: Ref
    uid: str = ""
    generation: int = 0
    version: str = ""
    """Resource version: warnings older than that are about the deploy before."""


class GateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What must become healthy, and within how many seconds."""

    objects: tuple[Expected, ...]
    seconds: float = SECONDS
    rules: tuple[Rule, ...] = ()
    """The configuration's own, for kinds that Kubernetes does not know."""


class ObjectStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One object when the gate ended."""

    ref: Ref
    uid: str
    generation: int
    state: State
    cause: Cause = Cause.NONE
    message: str = ""
    lines: tuple[str, ...] = ()
    """The last lines of the container that ended; never put them into a link."""


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """The answer."""

    passed: bool
    objects: tuple[ObjectStatus, ...]
    seconds: float

    @property
    def failures(self) -> tuple[ObjectStatus, ...]:
        """Return what is not healthy, failures before what was merely too slow."""
        found = [one for one in self.objects if one.state is not State.HEALTHY]
        return tuple(sorted(found, key=lambda one: one.state is not State.FAILED))

    @property
    def causes(self) -> tuple[str, ...]:
        """Return the named causes, once each, most telling first."""
        return tuple(dict.fromkeys(one.cause.value for one in self.failures if one.cause.value))


def watch(
    request: GateRequest,
    *,
    kube: Watcher,
    clock: Clock,
    on_change: Callable[[ObjectStatus], None] | None = None,
) -> GateResult:
    """Wait for every object, and return how that ended; ``on_change`` sees each step.

    Before it says that the time is over it looks once more at what is there: a connection may have
    been dead, and a machine that slept has missed what happened meanwhile.

    Raises:
        ShipwayError: what the port raises, ``run.cancelled`` on cancellation.
    """
    started = now = clock.monotonic()
    ends = started + request.seconds
    look = _Look(request, on_change)
    while not look.decided:
        stops = min(ends, max(look.due, now + _TICK))
        with closing(kube.watch(look.begin(), seconds=stops - now)) as changes:
            for change in changes:
                now = max(now, clock.monotonic())
                look.see(change, now)
                look.clear_up(kube, now)
                if look.decided or look.due < stops - _TICK:
                    break
            else:  # it has lasted all its seconds
                now = max(stops, clock.monotonic())
                look.judge(now)
                if now >= ends:
                    break
    if not look.decided:
        _look_again(look, kube, now)
    statuses = look.answer(kube, now)
    return GateResult(
        passed=all(status.state is State.HEALTHY for status in statuses),
        objects=statuses,
        seconds=clock.monotonic() - started,
    )


def _look_again(look: _Look, kube: Watcher, now: float) -> None:
    """Judge by what the server lists now."""
    with closing(kube.watch(look.begin(), seconds=_LAST)) as changes:
        for change in changes:
            look.see(change, now)
            if change.type is ChangeType.SYNCED:
                break
    look.clear_up(kube, now)


class _Look:
    """What the watch has shown so far."""

    def __init__(
        self, request: GateRequest, on_change: Callable[[ObjectStatus], None] | None
    ) -> None:
        self._request = request
        self._on_change = on_change
        self._ages = Ages()
        self._scene = self._next = Scene(request.rules, self._ages)
        self._synced = False
        self._asked = False
        """Whether the nodes of this scene were asked for."""
        self._said: dict[Ref, ObjectStatus] = {}
        self.due = math.inf
        """When time alone decides something, on the monotonic clock."""

    @property
    def decided(self) -> bool:
        """Return whether more waiting can change nothing."""
        if not self._synced:
            return False
        states = [status.state for status in self._said.values()]
        return State.FAILED in states or all(state is State.HEALTHY for state in states)

    def begin(self) -> tuple[Selection, ...]:
        """Expect everything anew, since a watch begins; return what it is to follow."""
        self._next = Scene(self._request.rules, self._ages)
        self._asked = False
        return self._selections()

    def _selections(self) -> tuple[Selection, ...]:
        """Return the collections to follow: what becomes healthy, and what it makes."""
        found: dict[Selection, None] = {}
        for one in self._request.objects:
            ref = one.ref
            if health.watched(ref.group, ref.kind):
                found[Selection(ref.api_version, ref.kind, ref.namespace)] = None
            if ref.kind == "Deployment":
                found[Selection("apps/v1", "ReplicaSet", ref.namespace)] = None
            if ref.kind in _MAKERS:
                found[Selection("v1", "Pod", ref.namespace)] = None
                found[Selection("v1", "Event", ref.namespace, fields="type=Warning")] = None
            if ref.kind == _CLAIM:
                about = f"involvedObject.kind={_CLAIM}"
                found[Selection("v1", "Event", ref.namespace, fields=about)] = None
        return tuple(found)

    def see(self, change: Change, now: float) -> None:
        """Take in one change at ``now``, and judge anew."""
        if change.type is ChangeType.SYNCED:
            self._scene, self._synced = self._next, True
        elif change.type is ChangeType.DELETED:
            self._next.remove(change.object)
        else:
            self._next.put(change.object, now)
        if self._next is self._scene:
            self.judge(now)

    def clear_up(self, kube: Watcher, now: float) -> None:
        """Look at the nodes, once a scene, where only they tell whether waiting may help."""
        unclear = any(pods.is_unclear(one.message) for one in self._said.values())
        if self._asked or not unclear or self._next is not self._scene:
            return
        self._asked = True
        with suppress(ShipwayError), closing(kube.watch([_NODES], seconds=_LAST)) as changes:
            for change in changes:  # who may not list nodes waits
                if change.type is ChangeType.SYNCED:
                    break
                self._scene.put(change.object)
        self.judge(now)

    def judge(self, now: float) -> None:
        """Judge every object at ``now``, and tell what is new."""
        if not self._synced:
            return
        self.due = math.inf
        for one in self._request.objects:
            seen, found = self._judge(one, now)
            if found.due is not None:
                self.due = min(self.due, now + found.due)
            status = _as_said(seen, found)
            if self._said.get(status.ref) != status:
                self._said[status.ref] = status
                if self._on_change:
                    self._on_change(status)

    def answer(self, kube: Watcher, now: float) -> tuple[ObjectStatus, ...]:
        """Return every object's status now; what still waits, if nothing failed, is too late."""
        late = not self.decided
        found = []
        for one in self._request.objects:
            seen, judged = self._judge(one, now)
            if judged.state is State.PROGRESSING:
                cause = Cause.TIMEOUT if judged.cause is Cause.NONE else judged.cause
                judged = msgspec.structs.replace(judged, cause=cause if late else Cause.NONE)
            found.append(_told(_as_said(seen, judged), judged, kube))
        return tuple(found)

    def _judge(self, one: Expected, now: float) -> tuple[Expected, Health]:
        """Return the object as it is now, and its health."""
        if not health.watched(one.ref.group, one.ref.kind):
            return one, Health(State.HEALTHY)
        live = self._scene.live(one.ref)
        if live is None and self._synced:
            return one, Health(State.FAILED, "somebody deleted it", Cause.REMOVED)
        if live is None:
            return one, Health(State.PROGRESSING, "it was not seen")
        generation = int(live["metadata"].get("generation") or 0)
        return Expected(one.ref, uid_of(live), generation), self._scene.health(
            live, one.version, now
        )


def _as_said(one: Expected, found: Health) -> ObjectStatus:
    return ObjectStatus(
        ref=one.ref,
        uid=one.uid,
        generation=one.generation,
        state=found.state,
        cause=found.cause,
        message=found.message,
    )


def _told(status: ObjectStatus, found: Health, kube: Watcher) -> ObjectStatus:
    """Return the status with the last lines of the container that did not do well."""
    if found.state is State.HEALTHY or not found.container:
        return status
    for previous in (False, True):  # a container that waits to be restarted still has its own
        try:
            text = kube.logs(
                status.ref.namespace, found.pod, found.container, tail=_LINES, previous=previous
            )
        except ShipwayError:
            continue  # the answer matters more than its illustration
        if lines := tuple(text.splitlines()[-_LINES:]):
            cause, message = causes.refined(status.cause, status.message, lines)
            return msgspec.structs.replace(status, cause=cause, message=message, lines=lines)
    return status
