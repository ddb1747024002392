"""The statements of a scan: what is known to be wrong with an image, and what does not concern it.

A road calls these once the image's digest is known. The first has the form that ``cosign attest
--type vuln`` writes (sigstore/cosign, specs/COSIGN_VULN_ATTESTATION_SPEC.md), the second is an
OpenVEX document (openvex/spec v0.2.0, ATTESTING.md). Ways through the code are left out of both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence.statement import Statement, resource, timestamp
from shipway.core.oci.digest import hex_of, of
from shipway.core.supply import purl
from shipway.core.vulns import gate
from shipway.core.vulns.finding import CALLED, IMPORTED
from shipway.core.vulns.gate import Judged  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.evidence.link import Verified
    from shipway.core.oci.digest import Digest
    from shipway.core.vulns.packages import Report

RESULT = f"{types.OWN}/scan/v1"
"""``format`` of what stands in ``scanner.result``."""
REPORT = f"{types.OWN}/os-report/v1"
"""``format`` of a report about a distribution's packages."""
NOT_SCANNED = "not scanned"
"""What is said of a distribution's packages where no scanner looked at them."""
_INVOCATION: dict[str, Any] = {"parameters": [], "uri": "", "event_id": "", "builder.id": ""}
_SCANNERS = {"trivy": "pkg:github/aquasecurity/trivy", "grype": "pkg:github/anchore/grype"}
_VEX = "https://openvex.dev/ns/v0.2.0"
_ENTRY = "https://pkg.go.dev/vuln/"
PRESENT = "present"
"""What an SBOM says of a finding: its module is there, and how near it comes is not known."""
_ABSENT = "vulnerable_code_not_present"
_IDLE = "vulnerable_code_not_in_execute_path"


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """All that a scan link tells."""

    scanner: str
    """As ``govulncheck v1.9.0``."""
    go: str = ""
    source: str
    """Where the database came from."""
    modified: float
    modules: int = 0
    judged: tuple[Judged, ...]
    block: str
    """The farthest grade that stopped."""
    packages: str = NOT_SCANNED
    """What was done about a distribution's packages."""
    started: float
    finished: float


def statement(scan: Scan, image: Digest) -> Statement:
    """Return the scan link of one platform's manifest; ``result`` says passed or failed."""
    name, _, version = scan.scanner.partition(" ")
    stopped = gate.blocked(scan.judged)
    result = {
        "format": RESULT,
        "result": "FAILED" if stopped else "PASSED",
        "block": scan.block,
        "go": scan.go,
        "modules": scan.modules,
        "osPackages": scan.packages,
        "findings": [_finding(one) for one in scan.judged],
    }
    return Statement(
        subject=(resource(image),),
        predicate_type=types.SCAN,
        predicate={
            "invocation": _INVOCATION,
            "scanner": {
                "uri": f"{types.OWN}/scanner/{name}",
                "version": version,
                "db": {"uri": scan.source, "version": timestamp(scan.modified)},
                "result": result,
            },
            "metadata": {
                "scanStartedOn": timestamp(scan.started),
                "scanFinishedOn": timestamp(scan.finished),
            },
        },
    )


def vex(scan: Scan, image: Digest, repository: str, author: str) -> Statement | None:
    """Return an OpenVEX document about an image; none where nothing is known of its modules.

    Not affected is an image that has the module and not the code, or has it and nothing that runs
    it; ``author`` is the fingerprint of who says so.
    """
    if not scan.judged:
        return None
    product = purl.oci(repository, image)
    said = [_vexed(one, product, image) for one in scan.judged]
    body = {
        "@context": _VEX,
        "author": author,
        "timestamp": timestamp(scan.finished),
        "version": 1,
        "tooling": scan.scanner,
        "statements": said,
    }
    name = hex_of(of(msgspec.json.encode(body)))
    return Statement(
        subject=(resource(image),),
        predicate_type=types.VEX,
        predicate={"@id": f"{types.OWN}/vex/{name}", **body},
    )


def reported(report: Report, image: Digest, now: float) -> Statement:
    """Return the scan link of a report about a distribution's packages; nobody judges them here."""
    result = {
        "format": REPORT,
        "result": "NOT_JUDGED",
        "system": report.system,
        "findings": [msgspec.to_builtins(one) for one in report.findings],
    }
    return Statement(
        subject=(resource(image),),
        predicate_type=types.SCAN,
        predicate={
            "invocation": _INVOCATION,
            "scanner": {
                "uri": _SCANNERS[report.scanner],
                "version": report.version,
                "db": {"uri": "", "version": report.database},
                "result": result,
            },
            "metadata": {"scanStartedOn": timestamp(now), "scanFinishedOn": timestamp(now)},
        },
    )


def reports(links: Iterable[Verified]) -> tuple[str, ...]:
    """Return what scanners of distributions said, ``TOOL VERSION: N known in SYSTEM`` each."""
    found = set()
    for link in links:
        scanner = _mapping(link.statement.predicate.get("scanner"))
        result = _mapping(scanner.get("result"))
        if link.edge.predicate_type == types.SCAN and result.get("format") == REPORT:
            tool = str(scanner.get("uri")).rpartition("/")[2]
            known = result.get("findings")
            count = len(known) if isinstance(known, list) else 0
            found.add(f"{tool} {scanner.get('version')}: {count} known in {result.get('system')}")
    return tuple(sorted(found))


def newest(links: Iterable[Verified]) -> dict[tuple[str, str], str]:
    """Return how near each vulnerability comes in each module, by the newest scan that counts.

    What was told from an SBOM alone is not among it.
    """
    scans = [
        (_text(link.statement.predicate, "metadata", "scanFinishedOn"), link.edge.payload, link)
        for link in links
        if link.edge.predicate_type == types.SCAN and _of_code(link)
    ]
    if not scans:
        return {}
    said = max(scans)[2].statement.predicate
    result = _mapping(_mapping(said.get("scanner")).get("result"))
    found = result.get("findings")
    return {
        (str(one.get("id")), str(one.get("module"))): str(one.get("grade"))
        for one in (found if isinstance(found, list) else ())
        if isinstance(one, dict) and "sbom" not in _mapping(one.get("seen"))
    }


def _of_code(link: Verified) -> bool:
    """Return whether a scan link is about Go code, and no report about a distribution."""
    result = _mapping(_mapping(link.statement.predicate.get("scanner")).get("result"))
    return result.get("format") == RESULT


def _text(value: dict[str, Any], *path: str) -> str:
    at: object = value
    for name in path:
        at = _mapping(at).get(name)
    return at if isinstance(at, str) else ""


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _finding(one: Judged) -> dict[str, Any]:
    kept = msgspec.structs.replace(one.finding, path=(), summary="")
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(kept))
    return {**found, "outcome": one.outcome, **({"why": one.why} if one.why else {})}


def _vexed(one: Judged, product: str, image: Digest) -> dict[str, Any]:
    found = one.finding
    about = {
        "vulnerability": {
            "@id": f"{_ENTRY}{found.id}",
            "name": found.id,
            "aliases": list(found.aliases),
        },
        "products": [
            {
                "@id": product,
                "hashes": {"sha-256": hex_of(image)},
                "subcomponents": [{"@id": purl.golang(found.module, found.version)}],
            }
        ],
    }
    if found.seen.get("sbom") == PRESENT:
        return {**about, "status": "under_investigation"}
    if found.grade == CALLED:
        mend = f"take {found.fixed}" if found.fixed else "no fixed version is known"
        return {**about, "status": "affected", "action_statement": one.why or mend}
    # a program that has the function counts as called, so one that was read has it not
    idle = found.grade == IMPORTED and "program" not in found.seen
    return {**about, "status": "not_affected", "justification": _IDLE if idle else _ABSENT}
