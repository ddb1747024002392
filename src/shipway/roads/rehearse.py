"""Rehearse: what ``up`` would change, from what is built here and what is live there.

The CLI calls :func:`rehearse` for ``up --dry-run``. Programs are built and images assembled in the
local store, by the digests that ``up`` would push; nothing is tested, sent, signed, applied or
written into the project, and a cluster that is down stays so.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shipway.roads import debug, foresee, outset, reach, where
from shipway.roads.opening import Opening
from shipway.roads.up import asked, load, order
from shipway.roads.workshop import Workshop

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event
    from shipway.roads.foresee import Foreseen
    from shipway.roads.up import UpRequest


def rehearse(request: UpRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Foreseen:
    """Return what ``up`` with the same request would do to each target.

    Raises:
        ShipwayError: what stops ``up`` before it pushes anything, tests excepted;
            ``cluster.stopped`` (missing), and what the API server refuses of the objects.
    """
    project = load(request, hands, {})
    place = project.at(request.environment)
    if request.debug:
        debug.refuse(request, project, place)
    trust = where.trusted(project, place, request.keys, hands)
    contexts, registry = where.standing(place, request.cluster, hands)
    platforms = () if place.embedded else reach.platforms(contexts, hands)
    subject = f"{project.name} to {place.environment}"
    with outset.run("plan", subject, hands=hands, emit=emit) as run:
        shop = Workshop(
            order(request, project, place, registry=registry, platforms=platforms),
            project,
            partial(load, request, hands),
            hands=hands,
            run=run,
            opening=Opening(hands),
        )
        shop.guesses()
        for text, fix in place.existing.remarks:
            run.remark(text, fix=fix)
        why = f"environment {place.environment} is protected" if place.protected else ""
        base = shop.source(clean=why)
        makings = shop.foresee(base)
        to = partial(where.destination, project.name, place, registry=registry, trust=trust)
        ask = partial(asked, request, shop, makings, place=place, base=base)
        requests = {one: ask(destination=to(one)) for one in contexts}
        return foresee.judged(
            requests,
            base.version,
            place.environment,
            images={one.made.name: one.made.published.reference for one in makings},
            hands=hands,
            run=run,
        )
