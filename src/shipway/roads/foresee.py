"""Foresee: what a deploy would change, and how what runs departs from what is asked.

The CLI calls :func:`plan` and :func:`diff`; ``roads.rehearse`` asks :func:`judged`. All read what
is really there and change nothing: no number is taken, nothing is signed, sent or applied. A plan
is the one that the deploy would carry out, and the API server judges each of its objects without
storing any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube import preview
from shipway.roads import carry, history, outset, releases
from shipway.roads.deliver import foreseen
from shipway.roads.dispatch import Journey, serving
from shipway.stages import deploy, preflight

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.kube.plan import Plan
    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event
    from shipway.roads.deliver import DeliverRequest
    from shipway.roads.dispatch import DispatchRequest
    from shipway.run import Run


class Foreseen(msgspec.Struct, frozen=True, kw_only=True):
    """What would change on each target."""

    environment: str
    release: str = ""
    """Empty for what is not sealed yet."""
    version: str
    images: dict[str, str] = {}
    """Service to ``REPOSITORY@sha256:...`` of what is built and nowhere yet."""
    changes: dict[str, tuple[str, ...]]
    """Target to a line for each object, its fields indented below."""
    open: dict[str, tuple[str, ...]] = {}
    """Target to what the API server cannot judge before other objects are there."""

    @property
    def changed(self) -> bool:
        """Return whether anything would change anywhere."""
        return any(self.changes.values())

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield from (f"{name} would be {reference}" for name, reference in self.images.items())
        for target, found in self.changes.items():
            told = "" if found else ": nothing would change"
            yield f"{self.environment} on {target}, release {self.version}{told}"
            yield from (f"  {line}" for line in found)
            yield from (f"  not judged yet: {line}" for line in self.open.get(target, ()))


def plan(
    request: DispatchRequest, named: str, *, hands: Hands, emit: Callable[[Event], None]
) -> Foreseen:
    """Return what deploying a release (by default the newest) would do.

    Raises:
        ShipwayError: what stops the deploy before its intent: ``release.*``, ``render.*``,
            ``kube.not_ours``, and what the API server refuses of the objects.
    """
    return _foreseen(request, named, judge=True, hands=hands, emit=emit)


def diff(
    request: DispatchRequest, named: str, *, hands: Hands, emit: Callable[[Event], None]
) -> Foreseen:
    """Return how what runs departs from a release (by default the one that serves).

    Raises:
        ShipwayError: as :func:`plan`, but for what the API server would refuse.
    """
    return _foreseen(request, named, judge=False, hands=hands, emit=emit)


def _foreseen(
    request: DispatchRequest,
    named: str,
    *,
    judge: bool,
    hands: Hands,
    emit: Callable[[Event], None],
) -> Foreseen:
    journey = Journey(request, hands)
    road = "plan" if judge else "diff"
    with outset.run(road, request.environment, hands=hands, emit=emit) as run:
        if not judge and not named:
            named = serving(journey.destinations, hands)
        found = releases.find(named, journey.evidence, trust=journey.trust, hands=hands)
        requests = journey.requests(found, run)
        return judged(
            requests,
            found.contents.version,
            request.environment,
            release=found.reference,
            judge=judge,
            hands=hands,
            run=run,
        )


def judged(
    requests: dict[str, DeliverRequest],
    version: str,
    environment: str,
    *,
    release: str = "",
    images: dict[str, str] | None = None,
    judge: bool = True,
    hands: Hands,
    run: Run,
) -> Foreseen:
    """Return what delivering to each target would change, and what cannot be judged before it.

    Raises:
        ShipwayError: what stops the plan; with ``judge`` also what the API server refuses.
    """
    plans = {context: _plan(one, hands, run) for context, one in requests.items()}
    notes = {
        context: preflight.judge(one, kube=hands.kube(context), content=hands.content)
        for context, one in plans.items()
        if judge
    }
    return Foreseen(
        environment=environment,
        release=release,
        version=version,
        images=images or {},
        changes={context: _told(one) for context, one in plans.items()},
        open={context: one for context, one in notes.items() if one},
    )


def _plan(request: DeliverRequest, hands: Hands, run: Run) -> Plan:
    """Return the plan that delivering would carry out now."""
    at = request.destination
    kube = hands.kube(at.context)
    head = history.head(at.project, at.environment, at.target, kube=kube)
    past = history.read(at.history(), registry=hands.registry, head=head)
    made, only = foreseen(request, past, hands=hands, run=run)
    return deploy.plan(
        deploy.PlanRequest(
            project=at.project,
            environment=at.environment,
            target=at.target,
            rendered=made.set,
            standing=carry.standing(past, kube),
            adopt=request.adopt,
            only=only,
        ),
        kube=kube,
        content=hands.content,
    )


def _told(found: Plan) -> tuple[str, ...]:
    return tuple(preview.lines(found)) if found.changes else ()
