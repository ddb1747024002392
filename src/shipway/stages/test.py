"""The verb that runs a module's tests and judges their coverage.

A road calls :func:`check`: before the image where tests block, beside everything else where they
do not. It returns a report whatever the tests did; only inability raises. Nothing of what tests
write goes into the report: links are as public as their repository.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang import coverage, testevents
from shipway.core.golang.binary import Decided, TestReport
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest, of
from shipway.core.ports.go import Target
from shipway.core.project.source import Source  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.golang.coverage import Profile
    from shipway.core.golang.testevents import Outcome
    from shipway.core.ports.content import Content
    from shipway.core.ports.go import Go, Tested

VERSION = 1
"""Raised whenever the same request may give another result."""

PROFILE = "text/plain"
PASSED, WARNED, FAILED = "PASSED", "WARNED", "FAILED"


class TestRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to test, and what is asked of it."""

    __test__ = False

    source: Source
    platform: Platform
    """Of this machine: tests run here."""
    module_dir: str = "."
    packages: tuple[str, ...] = ("./...",)
    tags: tuple[str, ...] = ()
    cgo: bool = False
    gate: float = 80.0
    """Percent of statements that must be covered."""
    blocking: bool = True
    """Whether too little coverage is a failure, and what tests cover in other packages counts.

    Where it does not block, packages are measured by their own tests alone, so that go runs again
    only those whose inputs changed, and everything else on this machine comes first.
    """
    network: bool = False
    """Whether tests may use the network."""
    race: bool = False
    """Whether the race detector watches; it needs a C compiler."""
    seconds: int = 600
    """After which the tests of one package are ended."""
    go: str = ""


def check(
    request: TestRequest,
    *,
    go: Go,
    content: Content,
    on_line: Callable[[str], None] | None = None,
) -> TestReport:
    """Run the tests and return what they came to; ``on_line`` sees their output as it comes.

    Raises:
        ShipwayError: ``build.*`` where go could not even begin, ``coverage.invalid``.
    """

    def heard(line: str) -> None:
        text = testevents.parse(line).output.rstrip("\n")
        if text and on_line is not None:
            on_line(text)

    target = _target(request)
    go.download(target)
    tested = go.test(
        target,
        across=request.blocking,
        network=request.network,
        race=request.race,
        seconds=request.seconds,
        gently=not request.blocking,
        on_line=heard,
    )
    profile = coverage.merge(tested.profile)
    return _report(request, tested, profile, content)


def key(request: TestRequest, *, go: Go, still: bool = False) -> Digest | None:
    """Return the key of "nothing changed" since the last run of these tests.

    It covers what ``go list -deps -test`` names and the testdata folders; none where only a run
    can tell, and with ``still`` where anything is not as those tests read it.
    """
    read = go.key(_target(request), tests=True, race=request.race, still=still)
    if read is None:
        return None
    asked = [request.gate, request.blocking, request.network, request.race, request.seconds]
    return of(f"test {VERSION}\n{read}\n{asked}".encode())


def _target(request: TestRequest) -> Target:
    return Target(
        root=request.source.root,
        module_dir=request.module_dir,
        packages=request.packages,
        platform=request.platform,
        tags=request.tags,
        cgo=request.cgo or request.race,
        go=request.go,
    )


def _report(request: TestRequest, tested: Tested, profile: Profile, content: Content) -> TestReport:
    outcome = testevents.fold(tested.events)
    measured = bool(tested.profile)
    why = _why(request, tested.code, outcome, profile.percent)
    return TestReport(
        result=_result(request, why),
        why=why,
        passed=outcome.passed,
        failed=outcome.failed,
        skipped=outcome.skipped,
        coverage=profile.percent,
        gate=request.gate,
        statements=profile.statements,
        covered=profile.covered,
        configuration=(*tested.locks, _policy(request)),
        profile=content.put(coverage.write(profile), PROFILE) if measured else None,
        network=tested.network,
    )


def _why(request: TestRequest, code: int, outcome: Outcome, percent: float | None) -> str:
    """Return why it is no pass; empty where it is one."""
    if code or outcome.failed:
        return outcome.cause or "failed"
    if not outcome.passed:
        return "none"
    return "" if percent is not None and percent >= request.gate else "coverage"


def _result(request: TestRequest, why: str) -> str:
    """Return the verdict; where nothing passed, or too little is covered, it is never PASSED."""
    if why in {"none", "coverage"}:
        return FAILED if request.blocking else WARNED
    return FAILED if why else PASSED


def _policy(request: TestRequest) -> Decided:
    """Return the coverage policy that was asked for, by the digest of its JSON."""
    policy = {"gate": request.gate, "across": request.blocking, "measure": "statements"}
    return Decided("coverage policy", of(msgspec.json.encode(policy)))
