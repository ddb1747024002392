"""Testing: the tests of a project, their coverage and the gate; nothing is built or deployed.

The CLI calls :func:`test` through wiring. Its verdict is the one that blocks a protected
environment.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang import cobertura, coverage
from shipway.core.golang.binary import TestReport  # noqa: TC001  msgspec reads types
from shipway.core.project import settings
from shipway.roads import outset, proving, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.project.source import Source
    from shipway.core.run.events import Event
    from shipway.roads.make import MakeRequest
    from shipway.roads.scaffold import LoadedProject


class TestingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    __test__ = False

    directory: str
    package: str = ""
    cobertura: str = ""
    """Where to write the coverage as Cobertura XML."""
    architecture: str
    """Of this machine, in Go's words."""


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What the tests came to."""

    reports: dict[str, TestReport]
    """By the service's name; services of one module share a run."""
    cobertura: str = ""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for name, report in self.reports.items():
            yield f"{name}: {proving.told(report)}"
        if self.cobertura:
            yield f"coverage in {self.cobertura}"


def test(request: TestingRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Tested:
    """Run the tests and return what they came to; the gate's no is an error.

    Raises:
        ShipwayError: ``test.failed``, ``test.hung``, ``test.race``, ``test.none`` or
            ``test.coverage`` (rejected); whatever a stage raises. The coverage file is written all
            the same.
    """
    project = outset.project(request.directory, request.package, hands=hands)
    with outset.run("test", project.name, hands=hands, emit=emit) as run:
        base = outset.resolve(request.directory, hands=hands, run=run)
        requests = _requests(request, project, base)
        proof = proving.start(requests, hands=hands, run=run)
        if request.cobertura:
            joined = [task.join() for task in proof.runs.values()]
            _write(request, base, {one.module_dir for one in requests}, joined, hands)
        return Tested(reports=proof.blocking(), cobertura=request.cobertura)


def _requests(request: TestingRequest, project: LoadedProject, base: Source) -> list[MakeRequest]:
    common = wanted.Wanted(
        directory=request.directory, registry="", tests="block", architecture=request.architecture
    )
    package = request.package if project.written else ""
    names = settings.chosen(project.settings.config, package)
    return [wanted.request(project, name, base, common) for name in names]


def _write(
    request: TestingRequest,
    base: Source,
    modules: Iterable[str],
    reports: Iterable[TestReport],
    hands: Hands,
) -> None:
    profiles = [hands.content.read(one.profile.digest) for one in reports if one.profile]
    folders = {hands.go.read(base.root, folder).module: folder for folder in modules}
    data = cobertura.write(
        coverage.merge(*profiles), folders, root=base.root, now=hands.clock.now()
    )
    path = posixpath.normpath(posixpath.join(request.directory, request.cobertura))
    folder, file = posixpath.split(path)
    hands.files(folder).replace(file, data)
