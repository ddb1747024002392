"""Remove: everything that an environment's deploys put into a cluster goes, under an intent.

Roads call it between intent and outcome of a ``delete``. Only what the plan prunes is deleted, each
by its uid; it returns when all of it is gone.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.kube import applyset, head, order
from shipway.core.kube.objects import Ref  # noqa: TC001  msgspec reads types
from shipway.core.kube.plan import Plan, Verb
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.kube.plan import Action
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.kube import Kube

TOOLING = "shipway/v1"
"""What the ApplySet parent says made it."""
_PATIENCE = 120.0
"""Seconds for an object and what it owns to be gone."""
_PAUSE = 0.1
_SIDE_BY_SIDE = 8


class RemoveRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What goes, and what is left: the removals of a plan for an empty set."""

    plan: Plan
    intent: Digest
    """Payload digest of the intent link that won the swap."""
    head: Ref
    """Where the head lies: as soon as it names another intent, no more goes."""


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What went."""

    pruned: tuple[Ref, ...]


def remove(request: RemoveRequest, *, kube: Kube, clock: Clock) -> Removed:
    """Delete what the plan prunes, dependents first, and return when it is gone.

    Raises:
        ShipwayError: ``kube.conflict`` where an object was replaced meanwhile; ``deploy.stuck``
            (transient) for one that stays; ``deploy.overtaken`` (conflict) as soon as a deploy has
            moved the head; what the port raises.
    """

    def look() -> None:
        head.check(kube.get(request.head), request.head, request.intent)

    going = [one for one in request.plan.removals if one.verb is Verb.PRUNE]
    for _, rank in groupby(going, key=lambda one: order.rank(one.ref.kind)):
        look()
        for one in rank:
            kube.delete(one.ref, uid=one.uid, wait=True)
    until = clock.monotonic() + _PATIENCE
    scope.each(lambda one: _gone(one, until, kube, clock), going, _SIDE_BY_SIDE)
    look()
    left = [one.ref for one in request.plan.removals if one.verb is not Verb.PRUNE]
    if going:
        kube.apply(applyset.parent(request.plan.set_name, left, TOOLING), force=True)
    return Removed(pruned=tuple(one.ref for one in going))


def _gone(one: Action, until: float, kube: Kube, clock: Clock) -> None:
    while (live := kube.get(one.ref)) is not None and live["metadata"].get("uid") == one.uid:
        if clock.monotonic() >= until:
            raise ShipwayError(
                "deploy.stuck",
                Kind.TRANSIENT,
                f"{one.ref} is still there after {_PATIENCE:.0f} s",
                operation="deleting",
                subject=str(one.ref),
                hint="kubectl describe says which finalizer holds it; then repeat",
            )
        clock.sleep(_PAUSE)
