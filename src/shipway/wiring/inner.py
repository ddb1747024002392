"""Wiring of the inner loop: what a person runs between two commits.

:mod:`shipway.wiring` has these among its own; the table is in ``shipway.cli``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.wiring.tools import Tools, architecture

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.run.events import Event

    Emit = Callable[[Event], None]


def build(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    package: str,
    environment: str,
    push: bool,
    folder: str,
    archive: str,
) -> object:
    """Build images and nothing else."""
    from shipway.roads import build as road

    asked = road.BuildRequest(
        directory=directory,
        package=package,
        environment=environment,
        cluster=cluster,
        push=push,
        folder=folder,
        archive=archive,
        architecture=architecture(),
    )
    return road.build(asked, hands=Tools(emit), emit=emit)


def test(*, directory: str, cluster: str, emit: Emit, package: str, cobertura: str) -> object:
    """Run the tests and judge their coverage."""
    from shipway.roads import testing as road

    del cluster
    asked = road.TestingRequest(
        directory=directory, package=package, cobertura=cobertura, architecture=architecture()
    )
    return road.test(asked, hands=Tools(emit), emit=emit)
