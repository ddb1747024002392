"""How a road begins: a scope, a run in it by this journey's hands, the project, its source."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from shipway import scope
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.roads import scaffold
from shipway.run import Run
from shipway.stages import source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.ports.hands import Hands
    from shipway.core.project.source import Source
    from shipway.core.run.events import Event
    from shipway.roads.scaffold import LoadedProject


@contextlib.contextmanager
def run(
    road: str, subject: str = "", *, hands: Hands, emit: Callable[[Event], None]
) -> Iterator[Run]:
    """Give a run that is noted and shown; what it spawned ends with it."""
    noted = Run(
        road, runs=hands.runs, clock=hands.clock, emit=emit, cache=hands.cache, subject=subject
    )
    with scope.open(), noted as begun:
        yield begun


def project(
    directory: str,
    package: str = "",
    *,
    hands: Hands,
    ran: dict[str, tuple[int, ...]] | None = None,
) -> LoadedProject:
    """Return the project in ``directory``; see :func:`scaffold.load`."""
    asked = scaffold.ProjectRequest(
        directory=directory, package=package, variables=hands.variables, ran=ran or {}
    )
    return scaffold.load(asked, files=hands.files(directory), go=hands.go, git=hands.git)


def resolve(directory: str, *, hands: Hands, run: Run, clean: str = "") -> Source:
    """Return the source in ``directory``; ``clean`` says why it must be a commit, if it must.

    Raises:
        ShipwayError: ``source.*``; ``source.dirty`` (rejected) for changes that no commit has.
    """
    found = run.step(
        source.resolve,
        Unit(),
        source.SourceRequest(directory, hands.variables),
        summary=lambda made: made.version,
        git=hands.git,
    )
    for remark in found.remarks:
        run.remark(remark)
    if clean and found.dirty:
        raise ShipwayError(
            "source.dirty",
            Kind.REJECTED,
            f"the tree has changes that no commit holds, and {clean}",
            operation="reading the source in",
            subject=directory,
            hint="git commit them (git status shows which)",
        )
    return found
