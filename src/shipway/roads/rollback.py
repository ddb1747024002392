"""Rollback: a release that served before serves again, by its old bytes and its old verdict.

The CLI calls :func:`rollback`. A new number is taken, the reason recorded, every signature checked
again. Jobs, custom resource definitions and volumes are not rolled back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.errors import Kind, ShipwayError
from shipway.roads import history, outset, restore, targets, where
from shipway.stages import deploy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.evidence.history import Entry, History
    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event
    from shipway.roads.carry import Carried
    from shipway.roads.destination import Destination
    from shipway.run import Run


class RolledBack(msgspec.Struct, frozen=True, kw_only=True):
    """What serves again."""

    environment: str
    numbers: dict[str, int]
    """Target to the new number."""
    releases: dict[str, str]
    seconds: float

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for target, number in self.numbers.items():
            yield (
                f"{self.environment} on {target}: number {number} put release"
                f" {self.releases[target]} back in {self.seconds:.1f} s"
            )
        yield "Jobs, custom resource definitions and volumes are as they were"


def rollback(
    request: where.WhereRequest,
    *,
    reason: str,
    to: str = "",
    hands: Hands,
    emit: Callable[[Event], None],
) -> RolledBack:
    """Put a release that passed back, on every target of the environment.

    ``to`` is its digest or a reference by digest; without it, the one before the present one.

    Raises:
        ShipwayError: ``rollback.none`` (not found) without one, ``rollback.failed`` (rejected) if
            it does not serve, and what carrying raises.
    """
    named = to.rpartition("@")[2].removeprefix("sha256:")
    wanted = f"sha256:{named}" if named else ""
    places = where.destinations(request, hands=hands)
    with outset.run("rollback", request.environment, hands=hands, emit=emit) as run:
        began = hands.clock.monotonic()
        by_context = {one.context: one for one in places}
        done = targets.each(
            tuple(by_context),
            lambda name: _one(by_context[name], wanted, reason, hands=hands, run=run),
            rollout=places[0].rollout,
            run=run,
        )
        return RolledBack(
            environment=request.environment,
            numbers={name: one.said.sequence for name, one in done.items()},
            releases={name: one.said.release for name, one in done.items()},
            seconds=round(hands.clock.monotonic() - began, 3),
        )


def _one(destination: Destination, wanted: str, reason: str, *, hands: Hands, run: Run) -> Carried:
    kube = hands.kube(destination.context)
    held = deploy.read_head(
        destination.project, destination.environment, destination.target, kube=kube
    )
    past = history.read(
        destination.history(500 if wanted else 50), registry=hands.registry, head=held.head
    )
    before = _before(past)
    entry = past.passed(wanted) if wanted else before
    if entry is None:
        raise ShipwayError(
            "rollback.none",
            Kind.NOT_FOUND,
            f"{wanted} never served here" if wanted else "there is no earlier release that served",
            operation="rolling back",
            subject=f"{destination.environment} on {destination.context}",
            hint=f"shipway history {destination.environment} lists them",
        )
    carried = restore.put_back(
        entry,
        destination,
        reason=reason or "asked for",
        since=None,
        past=past,
        held=held,
        hands=hands,
        run=run,
        signer=hands.signer(),
    )
    if carried.gate is None or not carried.passed:
        failures = carried.gate.failures if carried.gate else ()
        told = "; ".join(f"{one.ref}: {one.message}" for one in failures)
        raise ShipwayError(
            "rollback.failed",
            Kind.REJECTED,
            told,
            operation="rolling back",
            subject=f"{destination.environment} on {destination.context}",
            hint="the old release was applied and does not serve either; see the lines above",
        )
    return carried


def _before(past: History) -> Entry | None:
    """Return what served before; after a delete that is what was deleted."""
    if not past.entries:
        return None
    newest = past.entries[0].intent
    return past.passed(newest.release) if newest.kind == "delete" else past.before(newest.release)
