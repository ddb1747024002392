"""Dispatch: a release that a registry holds goes to an environment; nothing is built.

The CLI calls :func:`deploy` and :func:`promote`. Manifests come from the present checkout, images
and evidence from the release; a verdict for exactly these bytes lets them in, as for ``up``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import release as sealed
from shipway.core.evidence import shelf
from shipway.core.oci import config as configs
from shipway.core.oci import manifest as manifests
from shipway.errors import Kind, ShipwayError
from shipway.roads import (
    carriage,
    history,
    outset,
    pins,
    reach,
    releases,
    rendering,
    targets,
    where,
)
from shipway.roads.deliver import Delivered, DeliverRequest, deliver
from shipway.roads.opening import Opening
from shipway.roads.wanted import GUESSED_PORT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.evidence.release import Release
    from shipway.core.evidence.trust import Trust
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.hands import Hands
    from shipway.core.project.settings import Place
    from shipway.core.run.events import Event
    from shipway.roads.destination import Destination
    from shipway.roads.reach import Reach
    from shipway.roads.scaffold import LoadedProject
    from shipway.roads.where import WhereRequest
    from shipway.run import Run


class DispatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where a release goes."""

    directory: str
    environment: str
    cluster: str = ""
    target: str = ""
    """One of its contexts; empty: all."""
    keys: tuple[str, ...] = ()
    adopt: bool = False
    seconds: float = 120.0
    """How long the gate waits for the new pods."""


class Dispatched(msgspec.Struct, frozen=True, kw_only=True):
    """What serves now."""

    environment: str
    release: str
    """``REPOSITORY@sha256:...``."""
    version: str
    numbers: dict[str, int]
    """Target to its new number; those that served it already have none."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for target, number in self.numbers.items():
            yield f"{self.environment} on {target}: number {number} is {self.version}"
        if not self.numbers:
            yield f"nothing changed: {self.environment} serves {self.version}"
        yield self.release


def deploy(
    request: DispatchRequest, named: str, *, hands: Hands, emit: Callable[[Event], None]
) -> Dispatched:
    """Deploy a release: the newest, or that of a version, digest or reference.

    Raises:
        ShipwayError: ``release.*`` where there is none; what delivering raises.
    """
    journey = Journey(request, hands)
    with outset.run("deploy", request.environment, hands=hands, emit=emit) as run:
        found = releases.find(named, journey.evidence, trust=journey.trust, hands=hands)
        return journey.go(found, run)


def promote(
    origin: WhereRequest,
    request: DispatchRequest,
    *,
    hands: Hands,
    emit: Callable[[Event], None],
) -> Dispatched:
    """Deploy the release that serves in another environment, by the same digests.

    Image, index and links are copied where the registry is another one.

    Raises:
        ShipwayError: ``serving.none`` (not found), ``serving.differs`` (conflict) where its targets
            serve different releases, ``promote.dev_build`` (rejected) for what is no release;
            what delivering raises.
    """
    places = where.destinations(origin, hands=hands)
    digest = serving(places, hands)
    source = places[0]
    _is_release(source, digest, hands)
    journey = Journey(request, hands)
    with outset.run("promote", request.environment, hands=hands, emit=emit) as run:
        found = releases.pulled(source.evidence, digest, hands)
        if source.evidence != journey.evidence:
            carriage.copy(found, journey.evidence, trust=source.trust, hands=hands, run=run)
            found = releases.pulled(journey.evidence, digest, hands)
        return journey.go(found, run)


class Journey:
    """One release on its way to one environment."""

    def __init__(self, request: DispatchRequest, hands: Hands) -> None:
        self._request = request
        self._hands = hands
        self._project = self._load({})
        self._place: Place = self._project.at(request.environment)
        self.trust: Trust = where.trusted(self._project, self._place, request.keys, hands)
        self._way: Reach = reach.of(self._place, request.cluster, hands)
        self.evidence = f"{self._way.registry}/{self._project.name}/evidence"

    def go(self, release: Release, run: Run) -> Dispatched:
        """Deliver to every target."""
        requests = self.requests(release, run)
        opening = Opening(self._hands)
        renderer = rendering.Once(self._hands.renderer)

        def one(context: str) -> Delivered:
            return deliver(
                requests[context], hands=self._hands, run=run, opening=opening, renderer=renderer
            )

        done = targets.each(tuple(requests), one, rollout=self._place.rollout, run=run)
        return Dispatched(
            environment=self._place.environment,
            release=release.reference,
            version=release.contents.version,
            numbers={
                context: delivered.carried.said.sequence
                for context, delivered in done.items()
                if delivered.carried is not None
            },
        )

    def requests(self, release: Release, run: Run) -> dict[str, DeliverRequest]:
        """Return what is asked of each target, and say what a person should know of it."""
        place = self._place
        why = f"environment {place.environment} is protected" if place.protected else ""
        base = outset.resolve(self._request.directory, clean=why, hands=self._hands, run=run)
        version = release.contents.version
        if base.version != version:
            run.remark(f"the manifests are of {base.version}, the images of {version}")
        for text, fix in place.existing.remarks:
            run.remark(text, fix=fix)
        self._project = self._load(self._opened(release))
        names = {one.name for one in release.contents.services}
        known = tuple(one.name for one in self._project.services if one.name in names)
        lock = self._project.lock
        return {
            one.context: DeliverRequest(
                destination=one,
                release=release,
                render=rendering.request(self._project, place, base, known, lock),
                foreign=tuple(pins.listed(lock).values()),
                services=tuple(one.name for one in self._project.services),
                adopt=self._request.adopt,
                seconds=self._request.seconds,
            )
            for one in self.destinations
        }

    @property
    def destinations(self) -> tuple[Destination, ...]:
        """Return the targets that were asked for."""
        environment = self._place.environment
        return tuple(
            where.destination(
                self._project.name,
                self._place,
                context,
                registry=self._way.registry,
                trust=self.trust,
            )
            for context in where.chosen(self._way.contexts, self._request.target, environment)
        )

    def _load(self, ran: dict[str, tuple[int, ...]]) -> LoadedProject:
        return outset.project(self._request.directory, hands=self._hands, ran=ran)

    def _opened(self, release: Release) -> dict[str, tuple[int, ...]]:
        """Return the ports of services for which nobody knows them but who built the image."""
        origin = self._project.settings.origin
        return {
            one.name: ports
            for one in release.contents.services
            if origin(f"services.{one.name}.port") == GUESSED_PORT
            and (
                ports := _exposed(
                    sealed.absolute(one.repository, self.evidence), one.image, self._hands
                )
            )
        }


def _exposed(repository: str, digest: Digest, hands: Hands) -> tuple[int, ...]:
    """Return the TCP ports that an image, or the first one of an index, says it listens on."""
    described, data = hands.registry.pull_manifest(repository, digest)
    if described.media_type in manifests.INDEXES:
        return _exposed(repository, manifests.parse_index(data).manifests[0].digest, hands)
    config = configs.parse(hands.registry.pull_blob(repository, manifests.parse(data).config))
    named = config.config.exposed_ports if config.config else {}
    return tuple(int(one.removesuffix("/tcp")) for one in named if one.endswith("/tcp"))


def serving(places: tuple[Destination, ...], hands: Hands) -> Digest:
    """Return the one release that serves on all targets of an environment.

    Raises:
        ShipwayError: ``serving.none`` (not found), ``serving.differs`` (conflict).
    """
    found: dict[str, Digest] = {}
    for one in places:
        kube = hands.kube(one.context)
        head = history.head(one.project, one.environment, one.target, kube=kube)
        past = history.read(one.history(), registry=hands.registry, head=head)
        if past.newest_passed is not None:
            found[one.context] = past.newest_passed.intent.release
    environment = places[0].environment
    if empty := [one.context for one in places if one.context not in found]:
        raise ShipwayError(
            "serving.none",
            Kind.NOT_FOUND,
            f"nothing ever passed on {', '.join(empty)}",
            operation="looking for what serves in",
            subject=environment,
            hint=f"shipway deploy {environment}",
        )
    if len(set(found.values())) > 1:
        told = ", ".join(f"{context} serves {digest}" for context, digest in found.items())
        raise ShipwayError(
            "serving.differs",
            Kind.CONFLICT,
            told,
            operation="looking for what serves in",
            subject=environment,
            hint=f"shipway deploy {environment} RELEASE brings its targets together",
        )
    return next(iter(found.values()))


def _is_release(source: Destination, digest: Digest, hands: Hands) -> None:
    """Refuse what no signed link calls a release."""
    found = releases.links(source.evidence, digest, trust=source.trust, hands=hands)
    channels = {str(shelf.details(link).get("channel")) for link in found}
    if shelf.RELEASE not in channels:
        said = (
            f"its signed link says {', '.join(sorted(channels))}" if channels else "no link counts"
        )
        raise ShipwayError(
            "promote.dev_build",
            Kind.REJECTED,
            f"it is not of the channel release: {said}",
            operation=f"promoting from {source.environment}",
            subject=digest,
            hint="shipway release makes one of a clean commit with every gate passed; "
            f"then shipway deploy {source.environment}",
        )
