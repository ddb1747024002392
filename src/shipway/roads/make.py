"""Make: from a source to a signed image in a registry; its tag has not moved yet.

``up`` and later ``release`` take this road once per service, several side by side. Tests are
``roads.proving``'s: they have ended before this, or run beside it and are joined after the gate.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from shipway import __version__, scope
from shipway.core.evidence import made as statements
from shipway.core.evidence.link import Link  # noqa: TC001  msgspec reads types
from shipway.core.golang.binary import Binary, TestReport
from shipway.core.oci.descriptor import Descriptor, Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.oci.image import Image, Placed, Published  # noqa: TC001  msgspec reads types
from shipway.core.project.config import Service  # noqa: TC001  msgspec reads types
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types
from shipway.core.run.events import Unit
from shipway.core.supply.bom import Sbom
from shipway.roads import imaging, signing
from shipway.roads.signing import Part
from shipway.stages import build, publish, sbom

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.ports.hands import Hands
    from shipway.roads.looks import Looks
    from shipway.roads.opening import Opening
    from shipway.run import Run
    from shipway.scope import Lanes


_READING = frozenset({"test", "build", "image"})
"""Steps that read the source, and may take long."""
_LOOK_SECONDS = 5.0
_LOOK_MEMORY = 256 << 20


class MakeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One service, for one platform or an index over several."""

    source: Source
    name: str
    service: Service
    project_dir: str = "."
    """Folder of shipway.toml, relative to the repository."""
    module_dir: str
    """Folder of go.mod, relative to the repository."""
    package: str
    """Folder of the main package, relative to the module."""
    platform: Platform
    also: tuple[Platform, ...] = ()
    """Further platforms: with any the service is an index."""
    host: Platform
    """Of this machine, on which tests run."""
    ports: tuple[int, ...] = ()
    look: bool = False
    """Whether the port is a mere guess, so that a confined run of the binary may tell it."""
    repository: str
    release: bool = False
    """Whether it is made once and pulled often: then it is compressed well."""
    tests: str = "beside"
    """``block``, ``beside`` or ``off``."""
    coverage: float = 80.0
    network: bool = False
    race: bool = False
    seconds: int = 600
    """After which the tests of one package are ended."""
    base: str = ""
    """Reference of the base image by digest; empty for the one made from pinned packages."""
    go: str = ""
    """The toolchain that the lock pins."""
    debug: int = 0
    """The port of the debugger that it runs under; 0: none."""

    @property
    def unit(self) -> Unit:
        """Return what the steps are about."""
        return Unit(service=self.name, platform=str(self.platform))

    @property
    def each(self) -> tuple[MakeRequest, ...]:
        """Return a request for each platform; only programs for this machine may be looked at."""
        return tuple(
            msgspec.structs.replace(
                self, platform=one, also=(), look=self.look and one == self.host
            )
            for one in (self.platform, *self.also)
        )


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it lies in the registry."""

    name: str
    published: Placed
    """The image, or the index over :attr:`images`."""
    images: tuple[Published, ...]
    """One a platform."""
    links: tuple[Link, ...]
    bulk: dict[Digest, int] = msgspec.field(default_factory=dict)
    """What of it takes room in the store, with its sizes in bytes."""
    report: TestReport | None = None
    """None while the tests run, or where they are off."""

    @property
    def manifests(self) -> tuple[Descriptor, ...]:
        """Return the manifests that links are about: of the images, and of an index over them."""
        found = {one.manifest.digest: one.manifest for one in (*self.images, self.published)}
        return tuple(found.values())


class Making(msgspec.Struct, frozen=True, kw_only=True):
    """What ``make`` left, and what it saw."""

    made: Made
    ran: tuple[int, ...] = ()
    """Ports that the binary opened in a confined run, if it was asked."""


def make(
    request: MakeRequest,
    *,
    report: TestReport | None,
    lanes: Lanes,
    looks: Looks,
    hands: Hands,
    run: Run,
    opening: Opening,
    may_publish: Callable[[], object] = lambda: None,
) -> Making:
    """Build, assemble, describe, publish and sign one service.

    ``lanes`` bounds the compilers, ``looks`` sees that the source is what it was, both for all
    services of the run. ``report`` is what its tests came to, where they have ended.
    ``may_publish`` is called when the program is built; what it raises ends the road there.

    Raises:
        ShipwayError: ``build.moving`` (conflict), with nothing pushed or signed, where the source
            is not any more what it was; whatever a stage raises.
    """
    with_key = partial(_compile, hands=hands, run=run, opening=opening, lanes=lanes)
    began = hands.clock.now()
    parts = request.each
    binaries = scope.each(with_key, parts)
    may_publish()
    ran = _looked(parts, binaries, hands=hands, run=run)

    images = _assembled(parts, binaries, ran, hands=hands, run=run)
    looking = scope.spawn(_unmoved, looks, run)

    def rest(part: MakeRequest, binary: Binary, assembled: Image) -> Part:
        describing = scope.spawn(_describe, part, binary, assembled, hands, run)
        asked = _publishing(part, assembled)
        published = publish.plan(asked, content=hands.content)
        looking.join()
        sending = scope.spawn(_publish, part, asked, hands, run)
        told = statements.Build(
            source=request.source,
            binary=binary,
            image=assembled,
            published=published,
            run=run.id,
            started=began,
            finished=hands.clock.now(),
            tools={"shipway": __version__, **_compressors(published)},
        )
        return Part(told, describing.join(), sending)

    built = scope.each(lambda pair: rest(*pair), list(zip(parts, binaries, images, strict=True)))
    several = _join(request, built, hands=hands, run=run) if len(built) > 1 else None
    links = signing.links(
        request,
        several or built[0].told.published,
        built,
        report,
        hands=hands,
        run=run,
        opening=opening,
    )
    sent = tuple(one.sending.join() for one in built)
    made = Made(
        name=request.name,
        published=several or sent[0],
        images=sent,
        links=links,
        bulk=_bulk(built),
        report=report,
    )
    return Making(made=made, ran=ran)


def _bulk(built: list[Part]) -> dict[Digest, int]:
    """Return programs, documents, and layers as they are and as they travel."""
    found: dict[Digest, int] = {}
    for one in built:
        found |= {layer.diff_id: layer.size for layer in one.told.image.layers}
        named = (*one.told.published.layers, one.told.binary.content, one.document.document)
        found |= {at.digest: at.size for at in named}
    return found


def assemble(
    request: MakeRequest, *, lanes: Lanes, looks: Looks, hands: Hands, run: Run
) -> tuple[Image, ...]:
    """Build and assemble one service in the local store, an image a platform; nothing is sent.

    Raises:
        ShipwayError: ``build.moving`` (conflict); whatever a stage raises.
    """
    return _local(request, lanes=lanes, looks=looks, hands=hands, run=run)[0]


def foresee(request: MakeRequest, *, lanes: Lanes, looks: Looks, hands: Hands, run: Run) -> Making:
    """Return what :func:`make` would come to, by the same digests; nothing is sent or signed.

    Raises:
        ShipwayError: as :func:`assemble`.
    """
    images, ran = _local(request, lanes=lanes, looks=looks, hands=hands, run=run)
    planned = tuple(
        publish.plan(_publishing(request, one), content=hands.content) for one in images
    )
    placed: Placed = planned[0]
    if request.also:
        placed = publish.over(_joining(request, images, planned), content=hands.content)
    made = Made(name=request.name, published=placed, images=planned, links=())
    return Making(made=made, ran=ran)


def _local(
    request: MakeRequest, *, lanes: Lanes, looks: Looks, hands: Hands, run: Run
) -> tuple[tuple[Image, ...], tuple[int, ...]]:
    """Return the images, and the ports that the program opened, if it was asked."""
    parts = request.each
    compiled = partial(_compile, hands=hands, run=run, opening=None, lanes=lanes)
    binaries = scope.each(compiled, parts)
    ran = _looked(parts, binaries, hands=hands, run=run)
    images = _assembled(parts, binaries, ran, hands=hands, run=run)
    _unmoved(looks, run)
    return images, ran


def _assembled(
    parts: tuple[MakeRequest, ...],
    binaries: list[Binary],
    ran: tuple[int, ...],
    *,
    hands: Hands,
    run: Run,
) -> tuple[Image, ...]:
    pairs = list(zip(parts, binaries, strict=True))
    return tuple(scope.each(lambda at: imaging.assemble(*at, ran, hands=hands, run=run), pairs))


def _unmoved(looks: Looks, run: Run) -> None:
    """See that the source is what it was; where all is an earlier run's, no time has gone by."""
    if not all(note.cached for note in run.notes if note.step in _READING):
        looks.see()


def _join(request: MakeRequest, built: list[Part], *, hands: Hands, run: Run) -> Placed:
    """Push the index; what its images say of commit and base stands on it too."""
    images = tuple(one.told.image for one in built)
    return run.step(
        publish.join,
        Unit(service=request.name),
        _joining(request, images, tuple(one.sending.join() for one in built)),
        summary=lambda _: f"an index of {len(images)}",
        content=hands.content,
        registry=hands.registry,
    )


def _joining(
    request: MakeRequest, images: tuple[Image, ...], published: tuple[Published, ...]
) -> publish.JoinRequest:
    pairs = zip(images, published, strict=True)
    return publish.JoinRequest(
        repository=request.repository,
        images=tuple((image.platform, one.manifest) for image, one in pairs),
        annotations=images[0].annotations,
    )


def _publishing(request: MakeRequest, assembled: Image) -> publish.PublishRequest:
    return publish.PublishRequest(
        image=assembled,
        repository=request.repository,
        compression=publish.suggested(request.repository, release=request.release),
    )


def _publish(
    request: MakeRequest, asked: publish.PublishRequest, hands: Hands, run: Run
) -> Published:
    return run.step(
        publish.push,
        request.unit,
        asked,
        summary=lambda sent: f"{sent.pushed / 1e6:.1f} MB sent",
        content=hands.content,
        registry=hands.registry,
    )


def _looked(
    parts: tuple[MakeRequest, ...], binaries: list[Binary], *, hands: Hands, run: Run
) -> tuple[int, ...]:
    """Return the ports that the program opens here, where it was asked and can be run."""
    for part, binary in zip(parts, binaries, strict=True):
        if part.look:
            return _ports(binary, hands=hands, run=run)
    return ()


def _ports(binary: Binary, *, hands: Hands, run: Run) -> tuple[int, ...]:
    """Run the program confined for a moment, and see which ports it opens."""
    found = hands.sandbox.ports(
        [hands.content.path(binary.content.digest)],
        env={},
        seconds=_LOOK_SECONDS,
        memory=_LOOK_MEMORY,
    )
    if found is None:
        run.remark("the program was not run to find its port: it cannot be confined here")
    return found or ()


def _compile(
    request: MakeRequest, *, hands: Hands, run: Run, opening: Opening | None, lanes: Lanes
) -> Binary:
    """Build, or take what an earlier run built; a key is opened only where something is built."""
    asked = _compile_request(request)
    with lanes.lane():
        return run.step(
            build.compile,
            request.unit,
            asked,
            returns=Binary,
            inputs=partial(build.key, asked, go=hands.go),
            after=partial(build.key, asked, go=hands.go, still=True),
            missed=opening.start if opening else None,
            summary=lambda made: f"{made.go_version}, {made.content.size / 1e6:.1f} MB",
            go=hands.go,
            git=hands.git,
            content=hands.content,
        )


def _compile_request(request: MakeRequest) -> build.BuildRequest:
    made = request.service.build
    return build.BuildRequest(
        source=request.source,
        package=request.package,
        platform=request.platform,
        module_dir=request.module_dir,
        tags=made.tags,
        cgo=made.cgo,
        metadata_package=made.metadata,
        go=request.go,
        debug=bool(request.debug),
    )


def _describe(
    request: MakeRequest, binary: Binary, assembled: Image, hands: Hands, run: Run
) -> Sbom:
    return run.step(
        sbom.describe,
        request.unit,
        sbom.SbomRequest(binary, assembled, request.source),
        returns=Sbom,
        summary=lambda made: f"{made.packages} packages",
        content=hands.content,
    )


def _compressors(published: Published) -> dict[str, str]:
    named = sorted(set(published.compressors) - {"", "none"})
    return {"compressor": "; ".join(named)} if named else {}
