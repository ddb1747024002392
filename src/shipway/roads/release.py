"""Release: from a clean commit to a signed release in a registry; nothing is deployed.

The CLI calls :func:`release`. Every gate blocks, images are compressed well, and the release may be
promoted from environment to environment by its digest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence.shelf import RELEASE
from shipway.core.project import settings
from shipway.roads import outset, reach, releases, scanning
from shipway.roads.opening import Opening
from shipway.roads.scanlinks import Scans
from shipway.roads.workshop import Order, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event
    from shipway.roads.make import MakeRequest
    from shipway.roads.scaffold import LoadedProject
    from shipway.run import Run


class ReleaseRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    directory: str
    environment: str = settings.DEV
    """Whose registry it goes to, and whose nodes name the platforms."""
    cluster: str = ""
    architecture: str
    """Of this machine, in Go's words."""


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """A release."""

    release: str
    """``REPOSITORY@sha256:...``."""
    version: str
    images: dict[str, str]

    def lines(self) -> Iterator[str]:
        """Yield the reference alone, for ``$(shipway release)``."""
        yield self.release


def release(request: ReleaseRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Released:
    """Make and seal a release of the present commit; the same commit again is the same release.

    Raises:
        ShipwayError: ``source.dirty``, ``test.failed`` and, where a scan is asked for,
            ``scan.found`` and ``scan.stale`` (rejected), and whatever a stage raises.
    """

    def load(ran: dict[str, tuple[int, ...]]) -> LoadedProject:
        return outset.project(request.directory, hands=hands, ran=ran)

    project = load({})
    place = project.at(request.environment)
    way = reach.of(place, request.cluster, hands)
    with outset.run("release", project.name, hands=hands, emit=emit) as run:
        scope.spawn(hands.warm)
        opening = Opening(hands)
        order = Order(
            directory=request.directory,
            registry=way.registry,
            platforms=way.platforms,
            architecture=request.architecture,
            tests="block",
            release=True,
        )
        shop = Workshop(order, project, load, hands=hands, run=run, opening=opening)
        shop.guesses()
        base = shop.source(clean="a release is made of a commit")
        with shop.leaving(base):
            scans = _scans(project, shop.requests(base), hands=hands, run=run)
            _, makings = shop.make(base, scans.blocking if scans else lambda: None)
            if scans:
                done = zip(shop.requests(base), (one.made for one in makings), strict=True)
                scans.attach(done, opening=opening)
        shop.keep()
        evidence = f"{way.registry}/{project.name}/evidence"
        asked = shop.sealing(base, makings, channel=RELEASE, evidence=evidence)
        made = releases.put(asked, hands=hands, run=run, opening=opening)
        shop.tag(base, makings)
        run.fact("release", made.reference)
        return Released(
            release=made.reference,
            version=base.version,
            images={one.made.name: one.made.published.reference for one in makings},
        )


def _scans(
    project: LoadedProject, requests: list[MakeRequest], *, hands: Hands, run: Run
) -> Scans | None:
    """Begin to scan the services beside their builds, if the caller's rules or the project ask."""
    rules = scanning.of(project, hands.scan_rules)
    if not rules.release:
        return None
    task = scope.spawn(lambda: scanning.services(requests, rules, hands=hands, run=run))
    return Scans(task, rules, hands=hands, run=run)
