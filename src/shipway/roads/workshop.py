"""The workshop: the services of a project, made side by side from one source.

``up`` and ``release`` work in it. What it meets on the way (the port that a program opens, the
digest that a base image has now) stays in its project and lock for whoever delivers.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.project import settings
from shipway.errors import Kind, ShipwayError
from shipway.roads import beside, growth, looks, outset, pins, proving, wanted
from shipway.roads.make import Making, foresee, make
from shipway.stages import publish, seal, source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.project.source import Source
    from shipway.roads.make import Made, MakeRequest
    from shipway.roads.opening import Opening
    from shipway.roads.proving import Proof
    from shipway.roads.scaffold import LoadedProject
    from shipway.run import Run


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is made, and for where."""

    directory: str
    package: str = ""
    """Its service alone, where the project has a config."""
    registry: str
    platforms: tuple[Platform, ...] = ()
    """For services that name none; empty: this machine's."""
    architecture: str
    """Of this machine, in Go's words."""
    tests: str
    """``block``, ``beside`` or ``off``."""
    release: bool = False
    """Whether it is made once and pulled often: then it is compressed well."""
    debug: bool = False
    """Whether it runs under a debugger."""


class Workshop:
    """One order on its way; ``load`` reads the project again with ports that programs opened."""

    def __init__(
        self,
        order: Order,
        project: LoadedProject,
        load: Callable[[dict[str, tuple[int, ...]]], LoadedProject],
        *,
        hands: Hands,
        run: Run,
        opening: Opening,
    ) -> None:
        self._order = order
        self._load = load
        self._hands = hands
        self._run = run
        self._opening = opening
        self._proof = proving.Proof({})
        self._made: dict[str, Made] = {}
        self.project = project
        self.lock = self._kept = project.lock

    @property
    def chosen(self) -> tuple[str, ...]:
        """Return the names of the services that are made."""
        config = self.project.settings.config
        return tuple(settings.chosen(config, self._order.package if self.project.written else ""))

    @property
    def services(self) -> tuple[str, ...]:
        """Return every service of the project."""
        return tuple(one.name for one in self.project.services)

    @property
    def debugged(self) -> dict[str, int]:
        """Return the services that are made for debugging, to the debugger's port."""
        return wanted.debugged(self.project, self.chosen) if self._order.debug else {}

    def guesses(self) -> None:
        """Say what was guessed, and the lines that would fix it."""
        for guess in self.project.settings.guesses:
            self._run.remark(f"{guess.path} = {guess.value} (from {guess.origin})", fix=guess.fix)
        for service, files in self.project.left.items():
            names = sorted(files.values())
            more = f" and {len(names) - 1} more" if len(names) > 1 else ""
            self._run.remark(
                f"{service} reads {names[0]}{more}: not in its image, since git ignores it",
                fix=settings.lines(("services", service, "files"), dict(sorted(files.items())[:5])),
            )

    def source(self, *, clean: str = "") -> Source:
        """Return what is built; ``clean`` says why it must be a commit, if it must.

        Raises:
            ShipwayError: ``source.*``; ``source.dirty`` (rejected) for changes that no commit has.
        """
        return outset.resolve(self._order.directory, clean=clean, hands=self._hands, run=self._run)

    def requests(self, base: Source) -> list[MakeRequest]:
        """Return what is asked for each service of this order."""
        return [self._asked(base, name) for name in self.chosen]

    def make(
        self, base: Source, may_publish: Callable[[], object] = lambda: None
    ) -> tuple[Proof, list[Making]]:
        """Make all services side by side, no more compilers at once than there are cores.

        Raises:
            ShipwayError: ``test.failed`` (rejected) where tests block and do not pass, and
                whatever a stage raises.
        """
        requests = self.requests(base)
        self._proof = proof = proving.start(requests, hands=self._hands, run=self._run)
        reports = proof.blocking() if self._order.tests == "block" else {}
        lanes, looking = scope.Lanes(self._hands.cores), looks.of(base, self._hands)

        def one(request: MakeRequest) -> Making:
            making = make(
                request,
                report=reports.get(request.name),
                lanes=lanes,
                looks=looking,
                hands=self._hands,
                run=self._run,
                opening=self._opening,
                may_publish=may_publish,
            )
            self._made[request.name] = making.made
            return making

        makings = scope.each(one, requests)
        growth.made(
            self.project.name,
            [making.made for making in makings],
            release=self._order.release,
            hands=self._hands,
        )
        self._look(makings)
        return proof, makings

    def foresee(self, base: Source) -> list[Making]:
        """Return what :meth:`make` would make, by the same digests; nothing is tested or sent.

        Raises:
            ShipwayError: whatever a stage raises.
        """
        lanes, looking = scope.Lanes(self._hands.cores), looks.of(base, self._hands)
        makings = scope.each(
            lambda one: foresee(one, lanes=lanes, looks=looking, hands=self._hands, run=self._run),
            [self._asked(base, name) for name in self.chosen],
        )
        self._look(makings)
        return makings

    @contextlib.contextmanager
    def leaving(self, base: Source) -> Iterator[None]:
        """Sign what the tests of this source came to if the block fails, and was not stopped.

        Nobody can say what was tested where the source has changed meanwhile.
        """
        try:
            yield
        except ShipwayError as error:
            if error.kind is not Kind.CANCELLED and not source.is_moving(error):
                beside.leave(
                    base,
                    self._made,
                    self._proof,
                    hands=self._hands,
                    run=self._run,
                    opening=self._opening,
                )
            raise

    def sealing(
        self, base: Source, makings: list[Making], *, channel: str, evidence: str
    ) -> seal.SealRequest:
        """Return the release over what was made."""
        return seal.SealRequest(
            project=self.project.name,
            version=base.version,
            channel=channel,
            tests=self._state(makings),
            services=tuple(
                seal.Sealed(name=one.made.name, published=one.made.published, links=one.made.links)
                for one in makings
            ),
            repository=evidence,
        )

    def tag(self, base: Source, makings: list[Making]) -> None:
        """Let the version stand for each image, as the last write about it."""
        release = self._order.release

        def tagged(made: Made) -> None:
            named(made, base, release=release, hands=self._hands, run=self._run)

        scope.each(tagged, [making.made for making in makings])
        for making in makings:
            self._run.fact("image", making.made.published.reference)

    def keep(self) -> None:
        """Write the pins that this run found into the lock, and say so once."""
        files = self._hands.files(self._order.directory)
        if pins.keep(self.lock, self._kept, files) and self._kept == self.project.lock:
            self._run.remark("shipway.lock has new pins: commit it")
        self._kept = self.lock

    def _asked(self, base: Source, name: str) -> MakeRequest:
        service = self.project.settings.config.services[name]
        image, self.lock = pins.base(service.image.base, self.lock, self._hands)
        common = wanted.Wanted(
            directory=self._order.directory,
            registry=self._order.registry,
            tests=self._order.tests,
            architecture=self._order.architecture,
            platforms=self._order.platforms,
            release=self._order.release,
            debug=self._order.debug,
        )
        return wanted.request(self.project, name, base, common, base=image)

    def _look(self, makings: list[Making]) -> None:
        """Read the project again where a confined run has shown which port it really is."""
        ran = {making.made.name: making.ran for making in makings if making.ran}
        if ran:
            self.project = self._load(ran)
            for name, ports in ran.items():
                self._run.remark(f"services.{name}.port = {ports[0]} (from a confined run)")

    def _state(self, makings: list[Making]) -> str:
        if self._order.tests == "off":
            return "off"
        return "passed" if all(making.made.report for making in makings) else "pending"


def named(made: Made, base: Source, *, release: bool, hands: Hands, run: Run) -> None:
    """Let the version stand for an image.

    The version of a commit stays with what a release, or whoever came first, has named so.
    """
    version = wanted.tag(base)
    may = release or base.dirty
    if not publish.tag(made.published, version, registry=hands.registry, move=may):
        run.remark(f"{made.name}: the tag {version} stays with another image of this commit")
