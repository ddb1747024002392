"""Proving: the tests of each module run once, however many services are made of it.

Roads that make something begin here, before anything is built. Where tests block they end first;
else they run beside everything, and ``roads.beside`` joins them.
"""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from shipway import scope
from shipway.core.golang.binary import TestReport
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.stages import test as testing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.ports.hands import Hands
    from shipway.roads.make import MakeRequest
    from shipway.run import Run
    from shipway.scope import Task


_WHY = {
    "hung": "a test did not end in time",
    "race": "there is a data race",
    "none": "there are no tests",
    "coverage": "too little is covered",
}
_NEXT = {
    "failed": ("test.failed", "go test ./... shows the same"),
    "hung": ("test.hung", "mend the test, or give it longer: timeout = SECONDS under [test]"),
    "race": ("test.race", "go test -race ./... shows the two places"),
    "none": ("test.none", "write a test, or choose an environment that is not protected"),
    "coverage": ("test.coverage", "write tests, or set coverage = PERCENT under [test]"),
}
"""Why tests did not pass, to the error and its next step."""


class Proof:
    """The tests of some services: those of one module and one way to build are one run."""

    def __init__(self, runs: dict[tuple[str, ...], Task[TestReport]]) -> None:
        self._runs = runs
        """Names of services to their tests."""

    @property
    def runs(self) -> dict[tuple[str, ...], Task[TestReport]]:
        """Return the tests by the services that they are about; none where they are off."""
        return dict(self._runs)

    @property
    def ended(self) -> dict[tuple[str, ...], TestReport]:
        """Return the reports of the tests that have ended by now."""
        found = {}
        for names, task in self._runs.items():
            with contextlib.suppress(ShipwayError):  # tests that could not run say nothing
                if task.done:
                    found[names] = task.join()
        return found

    def blocking(self) -> dict[str, TestReport]:
        """Return the report of every service once all tests have ended.

        Raises:
            ShipwayError: ``test.failed``, ``test.hung``, ``test.race``, ``test.none`` or
                ``test.coverage`` (rejected) where they do not pass.
        """
        found = {names: task.join() for names, task in self._runs.items()}
        scope.fail_together([_refusal(names, report) for names, report in found.items()])
        return {name: report for names, report in found.items() for name in names}


def start(requests: Iterable[MakeRequest], *, hands: Hands, run: Run) -> Proof:
    """Start the tests of these services, unless they are off."""
    groups: dict[object, list[MakeRequest]] = {}
    for one in requests:
        if one.tests != "off":
            made = one.service.build
            groups.setdefault((one.module_dir, made.tags, made.cgo), []).append(one)
    return Proof(
        {
            tuple(one.name for one in group): scope.spawn(
                partial(_check, group[0], _unit(group), hands=hands, run=run)
            )
            for group in groups.values()
        }
    )


def told(report: TestReport) -> str:
    """Return a test report in one line."""
    counts = f"{len(report.passed)} passed, {len(report.failed)} failed"
    covered = "nothing measured" if report.coverage is None else f"{report.coverage:.1f} % covered"
    why = f"{_WHY[report.why]}: " if report.why in _WHY else ""
    return f"{report.result}: {why}{counts}, {covered} (gate {report.gate:g} %)"


def _unit(group: list[MakeRequest]) -> Unit:
    """Return what the step is about: the one service, or the module that several share."""
    if len(group) == 1:
        return Unit(service=group[0].name)
    return Unit(service=f"{group[0].module_dir}/...")


def _check(request: MakeRequest, unit: Unit, *, hands: Hands, run: Run) -> TestReport:
    asked = testing.TestRequest(
        source=request.source,
        platform=request.host,
        module_dir=request.module_dir,
        tags=request.service.build.tags,
        cgo=request.service.build.cgo,
        gate=request.coverage,
        blocking=request.tests == "block",
        network=request.network,
        race=request.race,
        seconds=request.seconds,
        go=request.go,
    )
    return run.step(
        testing.check,
        unit,
        asked,
        returns=TestReport,
        inputs=partial(testing.key, asked, go=hands.go),
        after=partial(testing.key, asked, go=hands.go, still=True),
        fresh=lambda kept: kept.result == testing.PASSED,
        summary=told,
        go=hands.go,
        content=hands.content,
        on_line=run.lines("test", unit),
    )


def _refusal(names: tuple[str, ...], report: TestReport) -> ShipwayError | None:
    if report.result == testing.PASSED:
        return None
    failed = f": {', '.join(report.failed[:5])}" if report.failed else ""
    identifier, hint = _NEXT.get(report.why, _NEXT["failed"])
    return ShipwayError(
        identifier,
        Kind.REJECTED,
        f"{told(report)}{failed}",
        operation="testing",
        subject=", ".join(names),
        hint=f"{hint}; nothing was deployed",
    )
