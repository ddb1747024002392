"""Wiring of the inner loop: what a person runs between two commits.

:mod:`shipway.wiring` has these among its own; the table is in ``shipway.cli``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.wiring.tools import TOOLCHAIN, Tools, architecture

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


def scan(*, directory: str, cluster: str, emit: Emit, program: str, database: str) -> object:
    """Look for known vulnerabilities."""
    from shipway.roads import scanning as road

    del cluster
    asked = road.ScanningRequest(
        directory=directory, program=program, database=database, architecture=architecture()
    )
    return road.scan(asked, hands=Tools(emit), emit=emit)


def scan_image(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    reference: str,
    environment: str,
    database: str,
    keys: tuple[str, ...],
) -> object:
    """Judge an image by its SBOM."""
    from shipway.roads import rescan as road
    from shipway.roads.where import WhereRequest

    where = WhereRequest(directory=directory, environment=environment, cluster=cluster, keys=keys)
    asked = road.RescanRequest(where=where, database=database)
    return road.image(asked, reference, hands=Tools(emit))


def rescan(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    database: str,
    keys: tuple[str, ...],
) -> object:
    """Scan what serves."""
    from shipway.roads import rescan as road
    from shipway.roads.where import WhereRequest

    where = WhereRequest(directory=directory, environment=environment, cluster=cluster, keys=keys)
    return road.deployed(
        road.RescanRequest(where=where, database=database), hands=Tools(emit), emit=emit
    )


def report(*, directory: str, cluster: str, emit: Emit, reference: str, path: str) -> object:
    """Attach what a scanner said of an image."""
    from shipway.roads import reporting as road

    del cluster
    asked = road.ReportRequest(directory=directory, reference=reference, path=path)
    return road.report(asked, hands=Tools(emit), emit=emit)


def affected(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    id: str,  # noqa: A002  the word for it
    environment: str,
    database: str,
    keys: tuple[str, ...],
) -> object:
    """Show what a vulnerability reaches."""
    from shipway.roads import affected as road
    from shipway.roads.where import WhereRequest

    where = WhereRequest(directory=directory, environment=environment, cluster=cluster, keys=keys)
    asked = road.AffectedRequest(where=where, id=id, database=database)
    return road.affected(asked, hands=Tools(emit))


def logs(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    service: str,
    environment: str,
    target: str,
    follow: bool,
    since: int,
    tail: int | None,
    previous: bool,
) -> None:
    """Show what pods say."""
    from shipway.roads import logs as road
    from shipway.roads.where import WhereRequest

    where = WhereRequest(
        directory=directory, environment=environment, cluster=cluster, target=target
    )
    asked = road.LogsRequest(
        where=where, service=service, follow=follow, seconds=since, tail=tail, previous=previous
    )
    road.logs(asked, hands=Tools(emit), emit=emit)


def visit(
    *, directory: str, cluster: str, emit: Emit, service: str, environment: str, show: bool
) -> object:
    """Say where a service answers, and show it."""
    from shipway.roads import forward as road
    from shipway.roads.where import WhereRequest

    where = WhereRequest(directory=directory, environment=environment, cluster=cluster)
    asked = road.OpenRequest(where=where, service=service, show=show)
    return road.visit(asked, hands=Tools(emit), emit=emit)


def dev(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    package: str,
    environment: str,
    keys: tuple[str, ...],
    port: int,
    tests: str,
    logs: bool,
    forward: bool,
) -> None:
    """Carry the project with every save."""
    from shipway.roads import dev as road
    from shipway.roads.up import UpRequest

    up = UpRequest(
        directory=directory,
        package=package,
        environment=environment,
        cluster=cluster,
        keys=keys,
        port=port,
        tests=tests,
        architecture=architecture(),
    )
    road.dev(road.DevRequest(up=up, logs=logs, forward=forward), hands=Tools(emit), emit=emit)


def doctor(*, directory: str, cluster: str, emit: Emit) -> object:
    """Look at everything that a run needs."""
    from shipway.roads import checks
    from shipway.roads import doctor as road

    tools = Tools(emit, ask=False)
    found = checks.machine(
        hands=tools, machine=tools.machine, facts=tools.ground_facts, ours=TOOLCHAIN
    )
    found |= checks.project(directory, cluster, hands=tools, machine=tools.machine, ours=TOOLCHAIN)
    return road.doctor(found)
