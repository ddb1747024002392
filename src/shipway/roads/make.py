"""Make: from a source to a signed image in a registry; its tag has not moved yet.

``up`` and later ``release`` take this road once per service, several side by side. Tests are
``roads.proving``'s: they have ended before this, or run beside it and are joined after the gate.
"""

from __future__ import annotations

import posixpath
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from shipway import __version__, scope
from shipway.core.evidence import made as statements
from shipway.core.evidence import statement
from shipway.core.evidence.link import Link
from shipway.core.golang.binary import Binary, TestReport
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import of
from shipway.core.oci.image import Image, Published
from shipway.core.project.config import Service  # noqa: TC001  msgspec reads types
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types
from shipway.core.run.events import Unit
from shipway.core.supply.spdx import Sbom
from shipway.errors import Kind, ShipwayError
from shipway.stages import attest, build, image, publish, sbom
from shipway.stages.attest import AttestRequest, Said

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.evidence.statement import Statement
    from shipway.core.oci.image import BaseImage
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.signer import Signer
    from shipway.roads.opening import Opening
    from shipway.run import Run
    from shipway.scope import Lanes


_LOOK_SECONDS = 5.0
_LOOK_MEMORY = 256 << 20


class MakeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One service for one platform."""

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
    host: Platform
    """Of this machine, on which tests run."""
    ports: tuple[int, ...] = ()
    look: bool = False
    """Whether the port is a mere guess, so that a confined run of the binary may tell it."""
    repository: str
    tests: str = "beside"
    """``block``, ``beside`` or ``off``."""
    coverage: float = 80.0
    network: bool = False
    base: str = ""
    """Reference of the base image by digest; empty for the one made from pinned packages."""
    go: str = ""
    """The toolchain that the lock pins."""

    @property
    def unit(self) -> Unit:
        """Return what the steps are about."""
        return Unit(service=self.name, platform=str(self.platform))


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A service as it lies in the registry."""

    name: str
    published: Published
    links: tuple[Link, ...]
    binary: Binary
    sbom: Sbom
    report: TestReport | None = None
    """None while the tests run, or where they are off."""


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
    hands: Hands,
    run: Run,
    opening: Opening,
    may_publish: Callable[[], object] = lambda: None,
) -> Making:
    """Build, assemble, describe, publish and sign one service; ``lanes`` bounds the compilers.

    ``report`` is what its tests came to, where they have ended. ``may_publish`` is called when the
    program is built; what it raises ends the road there.

    Raises:
        ShipwayError: whatever a stage raises.
    """
    began = hands.clock.now()
    with lanes.lane():
        binary = _compile(request, hands=hands, run=run, opening=opening)
    may_publish()
    ran = _ports(binary, hands=hands, run=run) if request.look else ()
    assembled = _assemble(request, binary, ran, hands=hands, run=run)
    describing = scope.spawn(_describe, request, binary, assembled, hands, run)
    published = _publish(request, assembled, hands=hands, run=run)
    document = describing.join()
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
    links = _links(request, told, document, report, hands=hands, run=run, opening=opening)
    made = Made(
        name=request.name,
        published=published,
        links=links,
        binary=binary,
        sbom=document,
        report=report,
    )
    return Making(made=made, ran=ran)


def _publish(request: MakeRequest, assembled: Image, *, hands: Hands, run: Run) -> Published:
    return run.step(
        publish.push,
        request.unit,
        publish.PublishRequest(
            image=assembled,
            repository=request.repository,
            compression=publish.suggested(request.repository),
        ),
        summary=lambda sent: f"{sent.pushed / 1e6:.1f} MB sent",
        content=hands.content,
        registry=hands.registry,
    )


def _links(
    request: MakeRequest,
    told: statements.Build,
    document: Sbom,
    report: TestReport | None,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> tuple[Link, ...]:
    """Return the links about the image; those of an earlier run that say the same stay as they are.

    Links are reused only where image, source, tests, signer and Shipway are the same ones, so that
    a run in which nothing changed makes the same release.
    """
    image_digest = told.published.manifest.digest
    key = of(
        msgspec.json.encode(
            ["links", __version__, image_digest, request.source, report, hands.fingerprint()]
        )
    )
    known = hands.cache.get(key)
    if known is not None:
        kept = msgspec.json.decode(known, type=tuple[Link, ...])
        if _listed(kept, told.published, hands):
            return kept
    data = hands.content.read(document.document.digest)
    done = [
        statements.signature(image_digest),
        statements.provenance(told),
        statements.sbom(data, image_digest),
    ]
    if report is not None:
        done.append(statements.tests(report, request.source, image_digest))
    signer = opening.signer()
    links = sign(request.unit, told.published, tuple(done), hands=hands, run=run, signer=signer)
    hands.cache.put(key, msgspec.json.encode(links))
    return links


def _listed(kept: tuple[Link, ...], published: Published, hands: Hands) -> bool:
    """Return whether the registry lists all of these links, and the store holds them too."""
    there = hands.registry.referrers(published.repository, published.manifest.digest)
    wanted = {link.manifest.digest for link in kept}
    held = all(hands.content.has(digest) for digest in wanted)
    return held and wanted <= {one.digest for one in there}


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


def sign(
    unit: Unit,
    published: Published,
    done: tuple[Statement, ...],
    *,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> tuple[Link, ...]:
    """Sign statements about a published image and push them beside it."""
    run.sync()
    said = tuple(Said(payload=statement.encode(one), subject=published.manifest) for one in done)
    return run.step(
        attest.sign,
        unit,
        AttestRequest(statements=said, repository=published.repository),
        summary=lambda links: f"{len(links)} links",
        signer=signer,
        content=hands.content,
        registry=hands.registry,
        clock=hands.clock,
        links=hands.links,
    )


def _compile(request: MakeRequest, *, hands: Hands, run: Run, opening: Opening) -> Binary:
    """Build, or take what an earlier run built; a key is opened only where something is built."""
    asked = _compile_request(request)
    return run.step(
        build.compile,
        request.unit,
        asked,
        returns=Binary,
        inputs=partial(build.key, asked, go=hands.go),
        missed=opening.start,
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
    )


def _assemble(
    request: MakeRequest, binary: Binary, ran: tuple[int, ...], *, hands: Hands, run: Run
) -> Image:
    wanted = request.service.image
    ca = None
    if wanted.ca:
        data = hands.files(_project(request)).read(wanted.ca)
        if data is None:
            raise ShipwayError(
                "image.ca",
                Kind.CONFIG,
                "there is no such file",
                operation="reading the CA file",
                subject=wanted.ca,
                hint="`.image ca` is a path below the project's folder",
            )
        ca = hands.content.put(data, "application/x-pem-file")
    return run.step(
        image.assemble,
        request.unit,
        image.ImageRequest(
            binary=binary,
            source=request.source,
            base=_base(request, hands),
            title=request.name,
            files=hands.imagefiles.collect(_project(request), request.service.files),
            ca=ca,
            ports=ran[:1] or request.ports,
        ),
        returns=Image,
        content=hands.content,
    )


def _project(request: MakeRequest) -> str:
    """Return the project's folder on this machine."""
    return posixpath.normpath(posixpath.join(request.source.root, request.project_dir))


def _base(request: MakeRequest, hands: Hands) -> BaseImage:
    if request.base:
        return hands.bases.pulled(request.base, request.platform)
    return hands.bases.static(request.platform)


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
