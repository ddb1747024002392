"""Rescan: what serves now, against a database that is newer than its scan.

The CLI calls :func:`deployed`. No source is at hand here: versions are the SBOM's. How near a
vulnerability comes is what the image's newest scan link says; of one that it does not name an SBOM
cannot tell, so that it counts as called. What is found is attached to the images.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import scanned
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.scanned import Scan
from shipway.core.evidence.walk import Walk
from shipway.core.vulns import bill as bills
from shipway.core.vulns import gate, osv
from shipway.core.vulns.finding import CALLED, GRADES, Finding
from shipway.core.vulns.reach import Index
from shipway.errors import Kind, ShipwayError
from shipway.roads import affected, outset, scanlinks, scanning, where
from shipway.roads.opening import Opening
from shipway.roads.trace import resolved
from shipway.roads.where import WhereRequest  # noqa: TC001  msgspec reads types
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.evidence.trust import Trust
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.vulns import Database
    from shipway.core.run.events import Event
    from shipway.core.vulns.bill import Part
    from shipway.core.vulns.gate import Judged, Rules
    from shipway.core.vulns.reach import Match
    from shipway.run import Run

SCANNER = "sbom v1"
"""What is told as the scanner: SBOM links, matched with the database by version."""


class RescanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    where: WhereRequest
    """Its environment is empty for all of them."""
    database: str = ""
    """In place of the one that the rules name."""


def deployed(
    request: RescanRequest, *, hands: Hands, emit: Callable[[Event], None]
) -> scanning.Told:
    """Scan what serves by its SBOMs, attach what is found to the images, and judge it.

    Raises:
        ShipwayError: ``scan.stale`` (rejected), ``scan.database``; why an environment that was
            named cannot be asked; errors of key and registry.
    """
    rules = scanning.named(hands.scan_rules, request.database)
    unknown: list[str] = []
    with outset.run("scan", hands=hands, emit=emit) as run:
        opening = Opening(hands)
        found = affected.serving(request.where, unknown, hands=hands)
        modules = frozenset(module for one in found for module in one.bill.modules)
        database = scanning.opened(modules, rules, hands=hands)
        index = Index(map(osv.read, hands.databases.entries(database, modules)))
        judged: dict[str, tuple[Judged, ...]] = {}
        for one in found:
            for part in one.bill.parts:
                name = f"{one.place.environment} on {one.place.context}: {part.service}"
                if not part.known:
                    unknown.append(f"{name} has no SBOM that counts")
                    continue
                findings = _findings(part, one.place.trust, index, hands)
                judged[name] = gate.judge(findings, rules, hands.clock.now())
                _attach(part, judged[name], rules, database, hands=hands, run=run, opening=opening)
        for why in unknown:
            run.remark(f"not scanned: {why}", loud=True)
    told = scanning.answer(judged, SCANNER, database.source, database.modified)
    if unknown and told.exit_kind is None:
        return msgspec.structs.replace(told, exit_kind=Kind.MISSING)
    return told


def image(request: RescanRequest, reference: str, *, hands: Hands) -> scanning.Told:
    """Judge one image by its SBOM links, as the environment trusts them; attach nothing.

    Raises:
        ShipwayError: ``scan.unknown`` (not found) where it has no SBOM that counts;
            ``trace.not_found``; as :func:`deployed`.
    """
    rules = scanning.named(hands.scan_rules, request.database)
    trust = where.trust(request.where, hands=hands)
    repository, digest = resolved(reference, hands.registry)
    walk = Walk(trust=trust, policy=built_in().policy)
    walk.image(repository, digest)
    with scope.open():
        evidence = drive(walk, RegistrySource(hands.registry))
    part = bills.part(evidence, posixpath.basename(repository), repository, digest)
    if not part.known:
        raise ShipwayError(
            "scan.unknown",
            Kind.NOT_FOUND,
            "it has no SBOM that counts here, so nobody can say what is in it",
            operation="scanning",
            subject=reference,
            hint="name the key that signed it with --key; shipway scan PROGRAM reads a Go program",
        )
    modules = frozenset(module for module, _ in part.modules)
    database = scanning.opened(modules, rules, hands=hands)
    index = Index(map(osv.read, hands.databases.entries(database, modules)))
    findings = _findings(part, trust, index, hands)
    judged = {reference: gate.judge(findings, rules, hands.clock.now())}
    told = scanning.answer(judged, SCANNER, database.source, database.modified)
    said = "; ".join(scanned.reports(evidence.links)) or scanned.NOT_SCANNED
    return msgspec.structs.replace(told, packages=said)


def _findings(part: Part, trust: Trust, index: Index, hands: Hands) -> tuple[Finding, ...]:
    matches = index.matches(part)
    near = affected.grades(part, trust, hands) if matches else {}
    return tuple(_finding(match, near.get((match.id, match.module), "")) for match in matches)


def _finding(match: Match, grade: str) -> Finding:
    """Return a finding of the grade that a scan gave it; without one, that of what may run."""
    known = grade in GRADES
    return Finding(
        id=match.id,
        aliases=match.aliases,
        summary=match.summary,
        module=match.module,
        version=match.version,
        fixed=match.fixed,
        grade=grade if known else CALLED,
        seen={"scan": grade} if known else {"sbom": scanned.PRESENT},
    )


def _attach(
    part: Part,
    judged: tuple[Judged, ...],
    rules: Rules,
    database: Database,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> None:
    """Attach what was found to each platform's image; those of an index have links of their own."""
    now = hands.clock.now()
    scan = Scan(
        scanner=SCANNER,
        source=database.source,
        modified=database.modified,
        modules=len(part.modules),
        judged=judged,
        block=rules.block,
        started=now,
        finished=now,
    )
    images = part.images[1:] or part.images
    there = [hands.registry.resolve(part.repository, one) for one in images]
    said = [
        pair
        for image in there
        if image is not None
        for pair in scanlinks.about(scan, image, part.repository, hands.fingerprint())
    ]
    told = [images, judged, rules.block, database.source, database.modified]
    scanlinks.attach(
        part.service, part.repository, said, told, hands=hands, run=run, opening=opening
    )
