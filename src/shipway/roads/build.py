"""Build: images and nothing else. Pushed with their evidence, or kept on this machine as files.

The CLI calls :func:`build` through wiring. It makes the very image that ``up`` would; tests are
``shipway test``'s. Unless it pushes, it asks for no cluster and no signature.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.oci.layout import blobs
from shipway.core.project import settings
from shipway.core.run.events import Unit
from shipway.roads import looks, outset, pins, wanted, workshop
from shipway.roads.make import assemble, make
from shipway.roads.opening import Opening
from shipway.stages import export

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.oci.image import Image
    from shipway.core.oci.layout import Packed
    from shipway.core.ports.hands import Hands
    from shipway.core.project.lockfile import Lock
    from shipway.core.project.source import Source
    from shipway.core.run.events import Event
    from shipway.roads.make import MakeRequest
    from shipway.roads.scaffold import LoadedProject
    from shipway.run import Run

LOCAL = "shipway.local"
"""Stands for a registry in names of images that never were in one."""


class BuildRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    directory: str
    package: str = ""
    environment: str = settings.DEV
    """Whose registry the images are for."""
    cluster: str = ""
    push: bool = True
    folder: str = ""
    """An image layout to add to; nothing is pushed then."""
    archive: str = ""
    """A tar to write; nothing is pushed then."""
    architecture: str
    """Of this machine, in Go's words."""


class Images(msgspec.Struct, frozen=True, kw_only=True):
    """What was built."""

    images: dict[str, str]
    """Service to ``REPOSITORY@sha256:...``."""
    pushed: bool
    path: str = ""
    """The layout or tar that holds them."""

    def lines(self) -> Iterator[str]:
        """Yield the references alone, for ``$(shipway build)``."""
        yield from self.images.values()


def build(request: BuildRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Images:
    """Build the images of a project and return their references by digest.

    Raises:
        ShipwayError: whatever a stage raises; ``layout.foreign``, ``files.refused``.
    """
    project = outset.project(request.directory, request.package, hands=hands)
    pushes = request.push and not (request.folder or request.archive)
    registry = _registry(request, project, hands, pushes=pushes)
    with outset.run("build", project.name, hands=hands, emit=emit) as run:
        base = outset.resolve(request.directory, hands=hands, run=run)
        requests, lock = _requests(request, project, base, registry, hands)
        if pushes:
            found = _pushed(requests, base, hands=hands, run=run)
        else:
            found = _kept(request, requests, base, hands=hands, run=run)
        pins.keep(lock, project.lock, hands.files(request.directory))
        return found


def _registry(request: BuildRequest, project: LoadedProject, hands: Hands, *, pushes: bool) -> str:
    """Return where the images go, or what they are named after where they go nowhere."""
    place = project.at(request.environment)
    if place.registry or not pushes:
        return place.registry or LOCAL
    return hands.raise_ground(request.cluster).registry


def _requests(
    request: BuildRequest, project: LoadedProject, base: Source, registry: str, hands: Hands
) -> tuple[list[MakeRequest], Lock]:
    """Return what is to be made, and the lock with pins of base images that had none."""
    config, lock = project.settings.config, project.lock
    common = wanted.Wanted(
        directory=request.directory,
        registry=registry,
        tests="off",
        architecture=request.architecture,
    )
    found = []
    for name, service in settings.chosen(
        config, request.package if project.written else ""
    ).items():
        image, lock = pins.base(service.image.base, lock, hands)
        found.append(wanted.request(project, name, base, common, base=image))
    return found, lock


def _pushed(requests: list[MakeRequest], base: Source, *, hands: Hands, run: Run) -> Images:
    opening, lanes, looking = Opening(hands), scope.Lanes(hands.cores), looks.of(base, hands)

    def tagged(request: MakeRequest) -> str:
        making = make(
            request,
            report=None,
            lanes=lanes,
            looks=looking,
            hands=hands,
            run=run,
            opening=opening,
        )
        workshop.named(making.made, base, release=False, hands=hands, run=run)
        run.fact("image", making.made.published.reference)
        return making.made.published.reference

    found = scope.each(tagged, requests)
    return Images(images=dict(zip((one.name for one in requests), found, strict=True)), pushed=True)


def _kept(
    request: BuildRequest, requests: list[MakeRequest], base: Source, *, hands: Hands, run: Run
) -> Images:
    lanes, looking = scope.Lanes(hands.cores), looks.of(base, hands)

    def images(one: MakeRequest) -> tuple[Image, ...]:
        return assemble(one, lanes=lanes, looks=looking, hands=hands, run=run)

    found = scope.each(lambda one: _packed(one, base, images(one), hands=hands, run=run), requests)
    packed, path = tuple(found), ""
    if request.folder:
        path = posixpath.join(request.directory, request.folder)
        hands.layouts.folder(path, packed, content=hands.content)
    if request.archive:
        path = posixpath.join(request.directory, request.archive)
        hands.layouts.archive(path, packed, content=hands.content)
    if path:
        run.fact("file", path)
    return Images(images={one.name: one.pinned for one in packed}, pushed=False, path=path)


def _packed(
    one: MakeRequest, base: Source, images: tuple[Image, ...], *, hands: Hands, run: Run
) -> Packed:
    asked = export.ExportRequest(
        images=images,
        name=one.name,
        repository=one.repository,
        tag=wanted.tag(base),
    )
    return run.step(
        export.pack,
        Unit(service=one.name),
        asked,
        summary=lambda made: f"{sum(blob.size for blob in blobs((made,))) / 1e6:.1f} MB",
        content=hands.content,
    )
