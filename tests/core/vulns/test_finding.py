"""What govulncheck's stream says: each vulnerability once, as near as anybody saw it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.vulns import finding
from shipway.core.vulns.finding import CALLED, IMPORTED, REQUIRED, Finding
from shipway.errors import Kind, ShipwayError

CONFIG = {"config": {"protocol_version": "v1.0.0", "scan_mode": "source", "go_version": "go1.27.3"}}
BINARY = {"config": {"protocol_version": "v1.0.0", "scan_mode": "binary"}}
OSV = {"osv": {"id": "GO-1", "aliases": ["CVE-2", "CVE-1"], "summary": "It leaks"}}
AT = {"module": "example.com/leaky", "version": "v1.0.0"}
IN = {**AT, "package": "example.com/leaky"}
HOLE = {**IN, "function": "Read", "receiver": "*Pipe"}
MAIN = {"module": "example.com/shop", "package": "example.com/shop", "function": "main"}


def found(*trace: dict[str, str], osv: str = "GO-1") -> dict[str, Any]:
    """Return a finding."""
    return {"finding": {"osv": osv, "fixed_version": "v1.2.0", "trace": list(trace)}}


def stream(*messages: dict[str, Any]) -> bytes:
    """Return messages as govulncheck writes them: indented, one after another."""
    return "\n".join(json.dumps(one, indent=2) for one in messages).encode() + b"\n"


def test_a_finding_is_as_near_as_its_nearest_message() -> None:
    """Required, imported, called: one vulnerability, and the shortest way to it, entry first."""
    bill = {"SBOM": {"go_version": "go1.26", "modules": [{"path": "example.com/leaky"}, {}]}}
    through = {**MAIN, "function": "serve"}
    report = finding.read(
        stream(
            CONFIG,
            bill,
            {"progress": {"message": "..."}},
            OSV,
            found(AT),
            found(HOLE, through, MAIN),
            found(IN),
            found(HOLE, MAIN),
        )
    )

    assert (report.mode, report.go) == ("source", "go1.27.3")
    assert set(report.modules) == {"example.com/leaky", ""}
    assert report.findings == (
        Finding(
            id="GO-1",
            aliases=("CVE-1", "CVE-2"),
            summary="It leaks",
            module="example.com/leaky",
            version="v1.0.0",
            fixed="v1.2.0",
            grade=CALLED,
            symbol="example.com/leaky.Pipe.Read",
            path=("example.com/shop.main", "example.com/leaky.Pipe.Read"),
            seen={"source": CALLED},
        ),
    )
    assert report.findings[0].names == {"GO-1", "CVE-1", "CVE-2"}


@pytest.mark.parametrize(
    ("trace", "grade", "symbol"),
    [
        (HOLE, CALLED, "example.com/leaky.Pipe.Read"),
        (IN, IMPORTED, ""),
        (AT, REQUIRED, ""),
    ],
)
def test_the_frame_says_how_near(trace: dict[str, str], grade: str, symbol: str) -> None:
    """A function, a package, or a module; a program's own go version counts, no way is shown."""
    bill = {"SBOM": {"go_version": "go1.26"}}
    report = finding.read(stream(BINARY, bill, found(trace)))

    (one,) = report.findings
    assert (one.grade, one.symbol, one.path, one.summary) == (grade, symbol, (), "")
    assert one.seen == {"program": grade}
    assert report.go == "go1.26"


def test_the_nearest_of_source_and_program_counts() -> None:
    """What only one of them sees is none of the other; the way and the symbol stay."""
    far = found({**AT, "module": "example.com/far"}, osv="GO-2")
    source = finding.read(stream(CONFIG, found(IN), found(HOLE, MAIN, osv="GO-3")))
    program = finding.read(stream(BINARY, found(HOLE), far, found(HOLE, osv="GO-3")))
    joined = {one.id: one for one in finding.join(source, program)}

    assert joined["GO-1"].grade == CALLED
    assert joined["GO-1"].seen == {"source": IMPORTED, "program": CALLED}
    assert joined["GO-2"].seen == {"source": "none", "program": REQUIRED}
    assert joined["GO-3"].path[0] == "example.com/shop.main"
    assert joined["GO-3"].symbol == "example.com/leaky.Pipe.Read"
    assert finding.join(program, source)[0].seen == joined["GO-1"].seen
    assert finding.names(joined.values()) == ("GO-1", "GO-2", "GO-3")


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"\xff", stream(CONFIG)[:-9], stream(CONFIG, found()), stream(found(AT))],
)
def test_half_a_stream_says_nothing(data: bytes) -> None:
    """It is an error, never a clean scan."""
    with pytest.raises(ShipwayError) as caught:
        finding.read(data)

    assert (caught.value.id, caught.value.kind) == ("scan.report", Kind.INTEGRITY)


def test_a_stream_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """More bytes than any real stream are not read."""
    monkeypatch.setattr(finding, "LIMIT", 4)
    with pytest.raises(ShipwayError, match="more than the allowed 4"):
        finding.read(b"{}   ")


@given(st.binary(max_size=80) | st.text('{}[]":,configfinding 1', max_size=60).map(str.encode))
def test_anything_else_is_refused(data: bytes) -> None:
    """No bytes end in another exception."""
    with pytest.raises(ShipwayError):
        finding.read(data)
