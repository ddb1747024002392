"""Unstick: after a rollback was applied, delete the broken pods for which a StatefulSet waits.

Roads call it between apply and gate of a rollback, and never else: a deploy that is stuck fails its
gate. Only pods of another revision that are not ready are deleted, each by its uid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.kube import stuck
from shipway.core.kube.objects import Ref, ref_of, uid_of
from shipway.core.ports.kube import Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.kube import Kube

_PATIENCE = 10.0
"""Seconds for the controller to see what was applied."""
_PAUSE = 0.05


class UnstickRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The StatefulSets that were put back."""

    sets: tuple[Ref, ...]


class Unstuck(msgspec.Struct, frozen=True, kw_only=True):
    """The pods that were deleted."""

    pods: tuple[Ref, ...]


def unstick(request: UnstickRequest, *, kube: Kube, clock: Clock) -> Unstuck:
    """Delete what the sets wait for in vain, and return it.

    Raises:
        ShipwayError: what the port raises. A set whose controller does not answer is left to the
            gate.
    """
    found = scope.each(lambda one: _one(one, kube, clock), request.sets)
    return Unstuck(pods=tuple(pod for pods in found for pod in pods))


def _one(ref: Ref, kube: Kube, clock: Clock) -> tuple[Ref, ...]:
    live = _seen(ref, kube, clock)
    if live is None:
        return ()
    deleted = []
    for pod in stuck.stuck(live, kube.list(Selection("v1", "Pod", ref.namespace))):
        try:
            kube.delete(ref_of(pod), uid=uid_of(pod))
        except ShipwayError as error:
            if error.kind is not Kind.CONFLICT:  # it was replaced meanwhile
                raise
            continue
        deleted.append(ref_of(pod))
    return tuple(deleted)


def _seen(ref: Ref, kube: Kube, clock: Clock) -> Obj | None:
    """Return the set once its controller has seen it; none where it does not in time."""
    until = clock.monotonic() + _PATIENCE
    while clock.monotonic() < until:
        live = kube.get(ref)
        if live is None or stuck.is_seen(live):
            return live
        clock.sleep(_PAUSE)
    return None
