"""The statements of a scan: what cosign's readers ask for, and what does not concern an image."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import msgspec
import pytest

from fakes.reports import grype
from shipway.core.evidence import predicate, scanned, statement
from shipway.core.evidence.link import Edge, Verified
from shipway.core.evidence.scanned import Scan
from shipway.core.evidence.statement import Statement
from shipway.core.oci.digest import hex_of, of
from shipway.core.vulns import packages
from shipway.core.vulns.finding import CALLED, IMPORTED, REQUIRED, Finding
from shipway.core.vulns.gate import BLOCKED, EXCEPTED, NOTED, Judged

IMAGE = of(b"image")
NOW = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC).timestamp()


def judged(grade: str = CALLED, outcome: str = BLOCKED, why: str = "", **said: object) -> Judged:
    """Return a finding and what the gate said of it."""
    facts = {"seen": {"source": grade, "program": grade}, "fixed": "v1.2.0", **said}
    found = Finding(
        id="GO-1",
        aliases=("CVE-1",),
        summary="It leaks",
        module="example.com/leaky",
        version="v1.0.0",
        grade=grade,
        path=("example.com/shop.main", "example.com/leaky.Spill"),
        **facts,  # type: ignore[arg-type]
    )
    return Judged(found, outcome, why)


def scan(*found: Judged) -> Scan:
    """Return a scan."""
    return Scan(
        scanner="govulncheck v1.9.0",
        go="go1.27.3",
        source="https://vuln.go.dev",
        modified=NOW - 86_400,
        modules=3,
        judged=found,
        block=CALLED,
        started=NOW - 2,
        finished=NOW,
    )


def test_a_scan_link_has_cosigns_form() -> None:
    """Scanner, database with its date, times, and the result; a distribution is not scanned."""
    said = scanned.statement(scan(), IMAGE)

    assert said.about(IMAGE)
    assert (said.predicate_type, said.kind) == (predicate.SCAN, "scan")
    assert set(said.predicate) == {"invocation", "scanner", "metadata"}
    scanner = said.predicate["scanner"]
    assert scanner["uri"] == "https://shipway.dev/scanner/govulncheck"
    assert scanner["version"] == "v1.9.0"
    assert scanner["db"] == {"uri": "https://vuln.go.dev", "version": "2026-11-24T09:00:00Z"}
    assert scanner["result"] == {
        "format": "https://shipway.dev/scan/v1",
        "result": "PASSED",
        "block": "called",
        "go": "go1.27.3",
        "modules": 3,
        "osPackages": "not scanned",
        "findings": [],
    }
    assert said.predicate["metadata"] == {
        "scanStartedOn": "2026-11-25T08:59:58Z",
        "scanFinishedOn": "2026-11-25T09:00:00Z",
    }


@pytest.mark.parametrize(
    ("outcome", "result"), [(BLOCKED, "FAILED"), (EXCEPTED, "PASSED"), (NOTED, "PASSED")]
)
def test_what_stops_is_a_failure(outcome: str, result: str) -> None:
    """Each finding tells what the gate said; ways through the code are left out."""
    said = scanned.statement(scan(judged(outcome=outcome, why="ours (ada)")), IMAGE)
    told = said.predicate["scanner"]["result"]

    assert told["result"] == result
    assert told["findings"] == [
        {
            "id": "GO-1",
            "aliases": ["CVE-1"],
            "module": "example.com/leaky",
            "version": "v1.0.0",
            "fixed": "v1.2.0",
            "grade": "called",
            "seen": {"source": "called", "program": "called"},
            "outcome": outcome,
            "why": "ours (ada)",
        }
    ]
    assert (
        "why"
        not in scanned.statement(scan(judged()), IMAGE).predicate["scanner"]["result"]["findings"][
            0
        ]
    )


def vexed(one: Judged) -> dict[str, object]:
    """Return the one statement of a VEX document."""
    said = scanned.vex(scan(one), IMAGE, "r.test/shop/web", "SHA256:me")
    assert said is not None
    assert said.about(IMAGE)
    assert (said.predicate_type, said.kind) == (predicate.VEX, "scan")
    assert statement.parse(statement.encode(said)) == said
    (found,) = said.predicate["statements"]
    return dict(found)


@pytest.mark.parametrize(
    ("one", "status", "justification"),
    [
        (judged(REQUIRED), "not_affected", "vulnerable_code_not_present"),
        (judged(IMPORTED), "not_affected", "vulnerable_code_not_present"),
        (
            judged(IMPORTED, seen={"source": IMPORTED}),
            "not_affected",
            "vulnerable_code_not_in_execute_path",
        ),
        (judged(CALLED), "affected", None),
        (judged(CALLED, seen={"sbom": "present"}), "under_investigation", None),
    ],
)
def test_what_does_not_concern_an_image(
    one: Judged, status: str, justification: str | None
) -> None:
    """A program that was read and has not the function; a source alone shows only no way to it."""
    found = vexed(one)

    assert (found["status"], found.get("justification")) == (status, justification)


def test_vex_is_bound_to_the_image() -> None:
    """Product and hash are the image's, the part is the module; whoever says it is named."""
    said = scanned.vex(scan(judged(REQUIRED)), IMAGE, "r.test/shop/web", "SHA256:me")
    assert said is not None
    body = said.predicate
    (found,) = body["statements"]

    assert body["@context"] == "https://openvex.dev/ns/v0.2.0"
    assert body["@id"].startswith("https://shipway.dev/vex/")
    assert (body["author"], body["version"]) == ("SHA256:me", 1)
    assert found["vulnerability"] == {
        "@id": "https://pkg.go.dev/vuln/GO-1",
        "name": "GO-1",
        "aliases": ["CVE-1"],
    }
    assert found["products"] == [
        {
            "@id": f"pkg:oci/web@sha256%3A{hex_of(IMAGE)}?repository_url=r.test/shop/web",
            "hashes": {"sha-256": hex_of(IMAGE)},
            "subcomponents": [{"@id": "pkg:golang/example.com/leaky@v1.0.0"}],
        }
    ]


def test_what_is_affected_says_what_to_do() -> None:
    """Why it is excepted, which version mends it, or that none is known."""
    assert vexed(judged(why="ours (ada)"))["action_statement"] == "ours (ada)"
    assert vexed(judged())["action_statement"] == "take v1.2.0"
    assert vexed(judged(fixed=""))["action_statement"] == "no fixed version is known"


def test_nothing_known_needs_no_vex() -> None:
    """There is nothing to say."""
    assert scanned.vex(scan(), IMAGE, "r.test/web", "me") is None
    assert msgspec.json.encode(scanned.statement(scan(), IMAGE))


def test_a_report_is_attached_as_it_is() -> None:
    """Tool, version, database and findings; nobody has judged it, and it is no scan of code."""
    said = scanned.reported(packages.read(json.dumps(grype(IMAGE)).encode()), IMAGE, NOW)
    scanner = said.predicate["scanner"]

    assert said.about(IMAGE)
    assert scanner["uri"] == "pkg:github/anchore/grype"
    assert scanner["version"] == "0.104.0"
    assert scanner["db"] == {"uri": "", "version": "2026-11-24T01:31:08Z"}
    assert scanner["result"] == {
        "format": "https://shipway.dev/os-report/v1",
        "result": "NOT_JUDGED",
        "system": "debian 12",
        "findings": [
            {
                "id": "CVE-2026-7001",
                "package": "libssl3",
                "version": "3.0.14-1~deb12u1",
                "fixed": "3.0.15-1~deb12u1",
                "severity": "high",
            }
        ],
    }
    assert scanned.newest([link(said)]) == {}
    assert scanned.reports([link(said)]) == ("grype 0.104.0: 1 known in debian 12",)
    assert scanned.reports([link(scanned.statement(scan(), IMAGE))]) == ()
    odd = msgspec.structs.replace(
        said, predicate={"scanner": {"result": {"format": scanned.REPORT, "findings": 3}}}
    )
    assert scanned.reports([link(odd)]) == ("None None: 0 known in None",)


def link(said: Statement, payload: bytes = b"p") -> Verified:
    """Return a verified link."""
    return Verified(
        statement=said,
        edge=Edge(
            predicate_type=predicate.canonical(said.predicate_type),
            payload=of(payload),
            manifest=of(b"m"),
        ),
        subject=IMAGE,
        repository="r.test/web",
        signer="SHA256:me",
        bundle=of(b"b"),
    )


def test_the_newest_scan_says_how_near() -> None:
    """By the time that it says it ended; a VEX document and an older scan do not count."""
    later = msgspec.structs.replace(scan(judged(IMPORTED)), finished=NOW + 60)
    old, new = scanned.statement(scan(judged()), IMAGE), scanned.statement(later, IMAGE)
    about = scanned.vex(later, IMAGE, "r.test/web", "me")
    assert about is not None

    found = scanned.newest([link(new, b"a"), link(old, b"z"), link(about)])
    assert found == {("GO-1", "example.com/leaky"): IMPORTED}
    assert scanned.newest([link(about)]) == {}


def test_what_an_sbom_says_is_no_grade() -> None:
    """It would count as known the next time, and nobody ever looked at the code."""
    said = scanned.statement(scan(judged(seen={"sbom": "present"})), IMAGE)

    assert scanned.newest([link(said)]) == {}


@pytest.mark.parametrize(
    "said", [{}, {"scanner": 3}, {"scanner": {"result": {"findings": 3}}, "metadata": []}]
)
def test_a_strangers_scan_says_nothing(said: dict[str, Any]) -> None:
    """Whatever stands in a scan link of another tool, reading it is safe."""
    stranger = Statement(subject=(), predicate_type=predicate.SCAN, predicate=said)

    assert scanned.newest([link(stranger)]) == {}
