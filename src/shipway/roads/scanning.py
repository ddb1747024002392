"""Scanning: known vulnerabilities in the programs of a project, or in a program that lies there.

The CLI calls :func:`scan` through wiring. Rules and exceptions are the caller's own; a project can
only tighten them.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence.statement import timestamp
from shipway.core.ports.go import Target
from shipway.core.project import settings
from shipway.core.run.events import Unit
from shipway.core.vulns import gate
from shipway.core.vulns.gate import Judged, Rules  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError
from shipway.roads import outset, wanted
from shipway.stages import scan as stage
from shipway.stages.scan import Scanned, ScanRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from shipway.core.ports.hands import Hands
    from shipway.core.ports.vulns import Database
    from shipway.core.run.events import Event
    from shipway.roads.make import MakeRequest
    from shipway.roads.scaffold import LoadedProject
    from shipway.run import Run


class ScanningRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    directory: str
    program: str = ""
    """Absolute path of a Go program, in place of the project."""
    database: str = ""
    """In place of the one that the rules name."""
    architecture: str
    """Of this machine, in Go's words."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, and what the gate says of it."""

    subjects: dict[str, tuple[Judged, ...]]
    """By the service's name, or the program's."""
    scanner: str
    database: str
    modified: str
    """The database's own date."""
    packages: str = ""
    """What was done about the packages of a distribution; empty where there is no image."""
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for name, judged in self.subjects.items():
            yield f"{name}: {counted(judged)}"
            for one in judged:
                yield from _shown(one)
        yield f"{self.scanner}, database of {self.modified} ({self.database})"
        if self.packages:
            yield f"packages of a distribution: {self.packages}"
        if self.exit_kind is not None:
            yield "stopped: shipway explain scan.found"


def scan(request: ScanningRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Told:
    """Scan a project's services, or a program, and judge what is found.

    Raises:
        ShipwayError: ``scan.stale`` (rejected), ``scan.database``, ``scan.failed``, and whatever a
            stage raises. What is found is no error: the answer carries it.
    """
    rules = hands.scan_rules
    if request.program:
        project = None
    else:
        project = outset.project(request.directory, hands=hands)
        rules = of(project, rules)
    rules = named(rules, request.database)
    subject = project.name if project else posixpath.basename(request.program)
    with outset.run("scan", subject, hands=hands, emit=emit) as run:
        if project is None:
            found = {Unit(service=subject): _program(request.program, rules, hands=hands, run=run)}
        else:
            found = _project(request, project, rules, hands=hands, run=run)
    return _told(found, rules, hands)


def of(project: LoadedProject, rules: Rules) -> Rules:
    """Return the rules for a project: the caller's, or tighter."""
    asked = project.settings.config.scan
    return gate.tightened(rules, asked.block, release=asked.release)


def named(rules: Rules, database: str) -> Rules:
    """Return the rules with another database, if one was named."""
    return msgspec.structs.replace(rules, database=database) if database else rules


def opened(modules: frozenset[str], rules: Rules, *, hands: Hands) -> Database:
    """Return the database, if it is not too old to say anything.

    Raises:
        ShipwayError: ``scan.stale`` (rejected); as ``Databases.open``.
    """
    found = hands.databases.open(rules.database, modules)
    if problem := gate.age_problem(found.modified, rules, hands.clock.now()):
        raise ShipwayError(
            "scan.stale",
            Kind.REJECTED,
            problem,
            operation="reading the vulnerability database",
            subject=rules.database,
            hint="fetch it anew, or set days = N under [scan] in your own configuration",
        )
    return found


def services(
    requests: Iterable[MakeRequest], rules: Rules, *, hands: Hands, run: Run
) -> dict[Unit, Scanned]:
    """Scan services for each of their platforms, no more at once than there are cores.

    Raises:
        ShipwayError: as :func:`opened` and the stage.
    """
    targets = {part.unit: _target(part) for one in requests for part in one.each}
    modules = {path for one in targets.values() for path in hands.scanner.modules(one)}
    database = opened(frozenset(modules), rules, hands=hands)

    def one(pair: tuple[Unit, Target]) -> Scanned:
        unit, target = pair
        return _step(ScanRequest(target=target, database=database), unit, hands=hands, run=run)

    return dict(zip(targets, scope.each(one, targets.items(), hands.cores), strict=True))


def refusal(found: Mapping[Unit, Scanned], rules: Rules, now: float) -> ShipwayError | None:
    """Return why services with these findings are stopped; none if they are not."""
    stopped = {name: gate.blocked(judged) for name, judged in _judged(found, rules, now).items()}
    named = {name: judged for name, judged in stopped.items() if judged}
    if not named:
        return None
    said = "; ".join(f"{name}: {' '.join(_line(one) for one in it)}" for name, it in named.items())
    return ShipwayError(
        "scan.found",
        Kind.REJECTED,
        said[:2000],
        operation="scanning",
        subject=", ".join(named),
        hint="take the fixed version (go get MODULE@VERSION), or add an exception with an owner "
        "and a last day under [scan] in your own configuration",
    )


def counted(judged: tuple[Judged, ...]) -> str:
    """Return how many of what there are, in words."""
    if not judged:
        return "no known vulnerability"
    grades = [one.finding.grade for one in judged]
    counts = ", ".join(f"{grades.count(one)} {one}" for one in dict.fromkeys(sorted(grades)))
    return f"{len(judged)} known: {counts}; {len(gate.blocked(judged))} stopped"


def _project(
    request: ScanningRequest, project: LoadedProject, rules: Rules, *, hands: Hands, run: Run
) -> dict[Unit, Scanned]:
    base = outset.resolve(request.directory, hands=hands, run=run)
    common = wanted.Wanted(
        directory=request.directory, registry="", tests="off", architecture=request.architecture
    )
    names = settings.chosen(project.settings.config, "")
    requests = [wanted.request(project, name, base, common) for name in names]
    return services(requests, rules, hands=hands, run=run)


def _program(path: str, rules: Rules, *, hands: Hands, run: Run) -> Scanned:
    if not hands.scanner.has_symbols(path):
        run.remark("the program has no symbol table: all that its modules have counts as called")
    database = opened(frozenset(hands.scanner.linked(path)), rules, hands=hands)
    unit = Unit(service=posixpath.basename(path))
    return _step(ScanRequest(program=path, database=database), unit, hands=hands, run=run)


def _step(asked: ScanRequest, unit: Unit, *, hands: Hands, run: Run) -> Scanned:
    return run.step(
        stage.check,
        unit,
        asked,
        summary=lambda made: f"{len(made.findings)} known in {made.modules} modules",
        go=hands.go,
        scanner=hands.scanner,
        content=hands.content,
    )


def _target(one: MakeRequest) -> Target:
    package = one.package
    return Target(
        root=one.source.root,
        module_dir=one.module_dir,
        packages=(package if package.startswith(".") else f"./{package}",),
        platform=one.platform,
        tags=one.service.build.tags,
        cgo=one.service.build.cgo,
        go=one.go,
    )


def _judged(
    found: Mapping[Unit, Scanned], rules: Rules, now: float
) -> dict[str, tuple[Judged, ...]]:
    """Return what the gate says, by services; by their platforms too where there are several."""
    names = [unit.service for unit in found]
    return {
        (unit.service if names.count(unit.service) == 1 else f"{unit.service} {unit.platform}"): (
            gate.judge(one.findings, rules, now)
        )
        for unit, one in found.items()
    }


def _told(found: Mapping[Unit, Scanned], rules: Rules, hands: Hands) -> Told:
    subjects = _judged(found, rules, hands.clock.now())
    first = next(iter(found.values()))
    return answer(subjects, first.scanner, first.source, first.modified)


def answer(
    subjects: Mapping[str, tuple[Judged, ...]], scanner: str, source: str, modified: float
) -> Told:
    """Return what is told of subjects that were judged."""
    stops = any(gate.blocked(judged) for judged in subjects.values())
    return Told(
        subjects=dict(subjects),
        scanner=scanner,
        database=source,
        modified=timestamp(modified),
        exit_kind=Kind.REJECTED if stops else None,
    )


def _shown(one: Judged) -> Iterator[str]:
    """Yield a finding, the way to it, and why it counts or does not."""
    yield f"  {one.outcome:8} {_line(one)}"
    found = one.finding
    if found.summary:
        yield f"           {found.summary}"
    if found.path:
        yield f"           by {' > '.join(found.path)}"
    elif found.symbol:
        yield f"           has {found.symbol}"
    if one.why:
        yield f"           {one.why}"


def _line(one: Judged) -> str:
    found = one.finding
    mend = f"fixed in {found.fixed}" if found.fixed else "no fix is known"
    return f"{found.id} {found.grade} {found.module}@{found.version} ({mend})"
