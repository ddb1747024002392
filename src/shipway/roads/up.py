"""Up: from a folder with Go code to pods that serve, with the evidence to prove it.

The CLI calls :func:`up` through wiring. It is ``make`` and ``deliver`` for one environment; without
a config it does what ``init`` would have written, and says every guess with the line that fixes it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from shipway import scope
from shipway.core.kube.objects import Ref
from shipway.core.project import settings
from shipway.errors import Kind
from shipway.roads import beside, growth, outset, pins, reach, rendering, scaffold, targets, where
from shipway.roads.before import Before
from shipway.roads.deliver import Delivered, DeliverRequest, deliver
from shipway.roads.opening import Opening
from shipway.roads.workshop import Order, Workshop
from shipway.stages.render import draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.evidence.trust import Trust
    from shipway.core.golang.binary import TestReport
    from shipway.core.oci.descriptor import Platform
    from shipway.core.ports.hands import Hands
    from shipway.core.project.settings import Place
    from shipway.core.project.source import Source
    from shipway.core.run.events import Event
    from shipway.roads.destination import Destination
    from shipway.roads.make import Making
    from shipway.roads.reach import Reach
    from shipway.roads.scaffold import LoadedProject
    from shipway.run import Run
    from shipway.scope import Task
    from shipway.stages.render import RenderRequest


class UpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    directory: str
    package: str = ""
    environment: str = settings.DEV
    cluster: str = ""
    """Name of the embedded cluster; empty: the usual one."""
    keys: tuple[str, ...] = ()
    adopt: bool = False
    port: int = 0
    tests: str = ""
    """``block``, ``beside`` or ``off``; empty: as configured."""
    seconds: float = 120.0
    """How long the gate waits for the new pods."""
    debug: bool = False
    """Whether the services run under a debugger; see ``roads.debug``."""
    architecture: str
    """Of this machine, in Go's words."""


class Up(msgspec.Struct, frozen=True, kw_only=True):
    """What serves now."""

    environment: str
    release: str
    images: dict[str, str]
    urls: dict[str, str]
    tests: str
    changed: bool
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for name, url in self.urls.items():
            yield f"{name}: {url}"
        if not self.urls:
            yield f"{', '.join(self.images)} runs in {self.environment}"
        if not self.changed:
            yield "nothing changed: the same release serves"


def up(request: UpRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Up:
    """Carry the project to one environment and return what serves there.

    Raises:
        ShipwayError: whatever stops it; nothing is half done, and a rerun continues.
    """
    project = load(request, hands, {})
    place = project.at(request.environment)
    trust = where.trusted(project, place, request.keys, hands)
    way = reach.of(place, request.cluster, hands)
    subject = f"{project.name} to {place.environment}"
    with outset.run("up", subject, hands=hands, emit=emit) as run:
        return _Journey(request, project, place, way, trust, hands=hands, run=run).go()


class _Journey:
    """One ``up`` on its way."""

    def __init__(
        self,
        request: UpRequest,
        project: LoadedProject,
        place: Place,
        way: Reach,
        trust: Trust,
        *,
        hands: Hands,
        run: Run,
    ) -> None:
        self._request = request
        self._place = place
        self._way = way
        self._trust = trust
        self._hands = hands
        self._run = run
        self._opening = Opening(hands)
        self._renderer = rendering.Once(hands.renderer)
        self._shop = Workshop(
            order(request, project, place, registry=way.registry, platforms=way.platforms),
            project,
            partial(load, request, hands),
            hands=hands,
            run=run,
            opening=self._opening,
        )
        scope.spawn(hands.warm)
        self._before = {one: Before(self._destination(one), hands) for one in way.contexts}

    def go(self) -> Up:
        """Make, deliver, tag, and see how the tests ended."""
        shop, place = self._shop, self._place
        shop.guesses()
        for text, fix in place.existing.remarks:
            self._run.remark(text, fix=fix)
        why = f"environment {place.environment} is protected" if place.protected else ""
        base = shop.source(clean=why)
        checked = scope.spawn(self._check, base)
        with shop.leaving(base):
            return self._carry(base, checked)

    def _carry(self, base: Source, checked: Task[None]) -> Up:
        shop = self._shop
        proof, makings = shop.make(base, checked.join)
        self._remember(makings)
        delivered = targets.each(
            self._way.contexts,
            lambda context: self._deliver(base, makings, context),
            rollout=self._place.rollout,
            run=self._run,
        )
        shop.tag(base, makings)
        urls = self._urls()
        growth.after(self._request.cluster, hands=self._hands, run=self._run)
        reports = beside.reports(
            base,
            {one.made.name: one.made for one in makings},
            proof,
            hands=self._hands,
            run=self._run,
            opening=self._opening,
        )
        return self._told(list(delivered.values()), makings, urls, reports)

    def _check(self, base: Source) -> None:
        """Refuse, beside the build and before anything is pushed, what must not be applied."""
        shop = self._shop
        asked = _rendering(shop, self._place, base)
        draft(asked, services=shop.services, renderer=self._renderer)

    def _remember(self, makings: list[Making]) -> None:
        images = {one.made.name: one.made.published.reference for one in makings}
        at = (self._request.directory, self._place.environment)
        rendering.remember(images, *at, self._hands.cache)

    def _deliver(self, base: Source, makings: list[Making], context: str) -> Delivered:
        """Deliver to one target; what it pinned holds for the next one too, and is written down."""
        shop, destination = self._shop, self._destination(context)
        done = deliver(
            asked(
                self._request,
                shop,
                makings,
                place=self._place,
                base=base,
                destination=destination,
            ),
            hands=self._hands,
            run=self._run,
            opening=self._opening,
            renderer=self._renderer,
            before=self._before[context],
        )
        shop.lock = pins.images(done.rendered.resolved, shop.lock)
        shop.keep()
        return done

    def _destination(self, context: str) -> Destination:
        return where.destination(
            self._shop.project.name,
            self._place,
            context,
            registry=self._way.registry,
            trust=self._trust,
        )

    def _urls(self) -> dict[str, str]:
        """Return where each service answers on this machine, as its Service says."""
        if not self._place.embedded:
            return {}
        kube = self._hands.kube(self._way.contexts[0])
        found = {}
        for one in self._shop.project.services:
            live = kube.get(Ref("v1", "Service", self._place.namespaces[0], one.name))
            for port in ((live or {}).get("spec") or {}).get("ports") or ():
                if port.get("nodePort"):
                    found[one.name] = f"http://127.0.0.1:{port['nodePort']}"
        for url in found.values():
            self._run.fact("url", url)
        return found

    def _told(
        self,
        delivered: list[Delivered],
        makings: list[Making],
        urls: dict[str, str],
        reports: list[TestReport],
    ) -> Up:
        worst = [result for result in ("FAILED", "WARNED") if result in {r.result for r in reports}]
        return Up(
            environment=self._place.environment,
            release=delivered[0].release.digest,
            images={one.made.name: one.made.published.reference for one in makings},
            urls=urls,
            tests=worst[0].lower() if worst else "passed" if reports else "off",
            changed=any(one.carried is not None for one in delivered),
            exit_kind=Kind.TESTS if "FAILED" in worst else None,
        )


def order(
    request: UpRequest,
    project: LoadedProject,
    place: Place,
    *,
    registry: str,
    platforms: tuple[Platform, ...],
) -> Order:
    """Return what is made for an environment."""
    return Order(
        directory=request.directory,
        package=request.package,
        registry=registry,
        platforms=platforms,
        architecture=request.architecture,
        tests="block" if place.protected else project.settings.config.test.dev,
        debug=request.debug,
    )


def asked(
    request: UpRequest,
    shop: Workshop,
    makings: list[Making],
    *,
    place: Place,
    base: Source,
    destination: Destination,
) -> DeliverRequest:
    """Return what is asked of one target."""
    return DeliverRequest(
        destination=destination,
        release=shop.sealing(base, makings, channel="dev", evidence=destination.evidence),
        render=_rendering(shop, place, base),
        foreign=tuple(pins.listed(shop.lock).values()),
        services=shop.services,
        alone=bool(request.package) and not shop.project.written,
        adopt=request.adopt,
        seconds=request.seconds,
    )


def _rendering(shop: Workshop, place: Place, base: Source) -> RenderRequest:
    return rendering.request(
        shop.project, place, base, shop.services, shop.lock, debugged=shop.debugged
    )


def load(request: UpRequest, hands: Hands, ran: dict[str, tuple[int, ...]]) -> LoadedProject:
    """Return the project as flags and the ports that its programs opened make it."""
    flags: dict[str, tuple[str, Any]] = {}
    if request.tests:
        flags["test.dev"] = ("--tests", request.tests)
    asked = scaffold.ProjectRequest(
        directory=request.directory,
        package=request.package,
        variables=hands.variables,
        flags=flags,
        ran=ran,
    )
    files = hands.files(request.directory)
    project = scaffold.load(asked, files=files, go=hands.go, git=hands.git)
    if not request.port:
        return project
    chosen = settings.chosen(project.settings.config, request.package if project.written else "")
    flags |= {f"services.{name}.port": ("--port", request.port) for name in chosen}
    again = msgspec.structs.replace(asked, flags=flags)
    return scaffold.load(again, files=files, go=hands.go, git=hands.git)
