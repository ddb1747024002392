"""Up: from a folder with Go code to pods that serve, with the evidence to prove it.

The CLI calls :func:`up` through wiring. It is ``make`` and ``deliver`` for one environment; without
a config it does what ``init`` would have written, and says every guess with the line that fixes it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway import scope
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.kube.objects import Ref
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.project import settings
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.roads import beside, pins, proving, rendering, scaffold, wanted, where
from shipway.roads.deliver import Delivered, DeliverRequest, deliver
from shipway.roads.make import Making, make
from shipway.roads.opening import Opening
from shipway.run import Run
from shipway.stages import publish, source
from shipway.stages.render import draft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.golang.binary import TestReport
    from shipway.core.ports.hands import Hands
    from shipway.core.project.settings import Place
    from shipway.core.project.source import Source
    from shipway.core.run.events import Event
    from shipway.roads.destination import Destination
    from shipway.roads.make import MakeRequest
    from shipway.roads.proving import Proof
    from shipway.roads.scaffold import LoadedProject
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
    project = _load(request, hands, {})
    place = settings.place(project.settings.config, project.name, request.environment)
    way = _way(request, project, place, hands)
    subject = f"{project.name} to {place.environment}"
    with (
        scope.open(),
        Run(
            "up", runs=hands.runs, clock=hands.clock, emit=emit, cache=hands.cache, subject=subject
        ) as run,
    ):
        return _Journey(request, place, way, project, hands=hands, run=run).go()


class _Way(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run goes; decided and checked before anything is built."""

    contexts: tuple[str, ...]
    registry: str
    trust: Trust
    platforms: tuple[Platform, ...] = ()
    """Of the nodes; empty: this machine's."""


class _Journey:
    """One ``up`` on its way."""

    def __init__(
        self,
        request: UpRequest,
        place: Place,
        way: _Way,
        project: LoadedProject,
        *,
        hands: Hands,
        run: Run,
    ) -> None:
        self._request = request
        self._place = place
        self._way = way
        self._project = project
        self._hands = hands
        self._run = run
        self._lock = project.lock
        self._opening = Opening(hands)
        self._renderer = rendering.Once(hands.renderer)
        scope.spawn(hands.warm)

    def go(self) -> Up:
        """Make, deliver, tag, and see how the tests ended."""
        for guess in self._project.settings.guesses:
            self._run.remark(f"{guess.path} = {guess.value} (from {guess.origin})", fix=guess.fix)
        if unused := rendering.unused(self._project, self._place):
            self._run.remark(
                f"{unused} is not used: nothing below deploy/ names an image of this project",
                fix=f"image: shipway://{self._project.services[0].name}",
            )
        base = self._source()
        checked = scope.spawn(self._check, base)
        proof, makings = self._make(base, checked)
        self._remember(makings)
        self._look(makings)
        delivered = [self._deliver(base, makings, context) for context in self._way.contexts]
        self._keep()
        for making in makings:
            publish.tag(making.made.published, wanted.tag(base), registry=self._hands.registry)
            self._run.fact("image", making.made.published.reference)
        urls = self._urls()
        reports = beside.reports(
            base,
            {one.made.name: one.made for one in makings},
            proof,
            hands=self._hands,
            run=self._run,
            opening=self._opening,
        )
        return self._told(delivered, makings, urls, reports)

    def _chosen(self) -> tuple[str, ...]:
        config = self._project.settings.config
        asked = self._request.package if self._project.written else ""
        return tuple(settings.chosen(config, asked))

    def _source(self) -> Source:
        found = self._run.step(
            source.resolve,
            Unit(),
            source.SourceRequest(self._request.directory, self._hands.variables),
            summary=lambda made: made.version,
            git=self._hands.git,
        )
        for remark in found.remarks:
            self._run.remark(remark)
        if self._place.protected and found.dirty:
            raise ShipwayError(
                "source.dirty",
                Kind.REJECTED,
                "the tree has changes that no commit holds, and the environment is protected",
                operation="delivering to",
                subject=self._place.environment,
                hint="git commit them (git status shows which)",
            )
        return found

    def _check(self, base: Source) -> None:
        """Refuse, beside the build and before anything is pushed, what must not be applied."""
        draft(self._rendering(base), services=self._chosen(), renderer=self._renderer)

    def _rendering(self, base: Source) -> RenderRequest:
        return rendering.request(self._project, self._place, base, self._chosen(), self._lock)

    def _make(self, base: Source, checked: Task[None]) -> tuple[Proof, list[Making]]:
        """Make all services side by side, no more compilers at once than there are cores."""
        requests = [self._asked(base, name) for name in self._chosen()]
        proof = proving.start(requests, hands=self._hands, run=self._run)
        reports = proof.blocking() if self._tests() == "block" else {}
        lanes = scope.Lanes(self._hands.cores)

        def one(request: MakeRequest) -> Making:
            return make(
                request,
                report=reports.get(request.name),
                lanes=lanes,
                hands=self._hands,
                run=self._run,
                opening=self._opening,
                may_publish=checked.join,
            )

        return proof, scope.each(one, requests)

    def _asked(self, base: Source, name: str) -> MakeRequest:
        service = self._project.settings.config.services[name]
        return wanted.request(
            self._project,
            name,
            base,
            wanted.Wanted(
                directory=self._request.directory,
                registry=self._way.registry,
                tests=self._tests(),
                architecture=self._request.architecture,
                platforms=self._way.platforms,
            ),
            base=self._base(service.image.base),
        )

    def _base(self, named: str) -> str:
        found, self._lock = pins.base(named, self._lock, self._hands)
        return found

    def _remember(self, makings: list[Making]) -> None:
        images = {one.made.name: one.made.published.reference for one in makings}
        at = (self._request.directory, self._place.environment)
        rendering.remember(images, *at, self._hands.cache)

    def _keep(self) -> None:
        """Write the pins that this run found into the lock."""
        files = self._hands.files(self._request.directory)
        if pins.keep(self._lock, self._project.lock, files):
            self._run.remark("shipway.lock has new pins: commit it")

    def _tests(self) -> str:
        if self._place.protected:
            return "block"
        return self._request.tests or self._project.settings.config.test.dev

    def _look(self, makings: list[Making]) -> None:
        """Read the project again where a confined run has shown which port it really is."""
        ran = {making.made.name: making.ran for making in makings if making.ran}
        if ran:
            self._project = _load(self._request, self._hands, ran)
            for name, ports in ran.items():
                self._run.remark(f"services.{name}.port = {ports[0]} (from a confined run)")

    def _deliver(self, base: Source, makings: list[Making], context: str) -> Delivered:
        """Deliver to one target; what it pinned holds for the next one too."""
        done = deliver(
            DeliverRequest(
                destination=self._destination(context),
                version=base.version,
                services=tuple(making.made for making in makings),
                tests=self._state(makings),
                render=self._rendering(base),
                foreign=tuple(pins.listed(self._lock).values()),
                partial=len(makings) < len(self._project.services),
                adopt=self._request.adopt,
                seconds=self._request.seconds,
            ),
            hands=self._hands,
            run=self._run,
            opening=self._opening,
            renderer=self._renderer,
        )
        self._lock = pins.images(done.rendered.resolved, self._lock)
        return done

    def _destination(self, context: str) -> Destination:
        return where.destination(
            self._project.name,
            self._place,
            context,
            registry=self._way.registry,
            trust=self._way.trust,
        )

    def _state(self, makings: list[Making]) -> str:
        if self._tests() == "off":
            return "off"
        reports = [making.made.report for making in makings]
        return "passed" if all(reports) else "pending"

    def _urls(self) -> dict[str, str]:
        """Return where each service answers on this machine, as its Service says."""
        if not self._place.embedded:
            return {}
        kube = self._hands.kube(self._way.contexts[0])
        found = {}
        for one in self._project.services:
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


def _load(request: UpRequest, hands: Hands, ran: dict[str, tuple[int, ...]]) -> LoadedProject:
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
    project = scaffold.load(asked, files=files, go=hands.go)
    if not request.port:
        return project
    chosen = settings.chosen(project.settings.config, request.package if project.written else "")
    flags |= {f"services.{name}.port": ("--port", request.port) for name in chosen}
    again = msgspec.structs.replace(asked, flags=flags)
    return scaffold.load(again, files=files, go=hands.go)


def _way(request: UpRequest, project: LoadedProject, place: Place, hands: Hands) -> _Way:
    """Return the way, its clusters reachable and its keys known.

    Raises:
        ShipwayError: ``trust.none`` (config), and what cannot be reached.
    """
    trust = where.trusted(project, place, request.keys, hands)
    if place.embedded:
        ground = hands.raise_ground(request.cluster)
        registry = place.registry or ground.registry
        return _Way(contexts=(ground.context,), registry=registry, trust=trust)
    for context in place.contexts:
        hands.kube(context).version()
    hands.registry.tags(f"{place.registry}/shipway")
    return _Way(
        contexts=place.contexts,
        registry=place.registry,
        trust=trust,
        platforms=where.platforms(place.contexts, hands),
    )
