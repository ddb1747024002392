"""Scanning: what is found is told and judged; who may excuse it lies outside of the commit."""

from __future__ import annotations

import datetime as dt

import msgspec
import pytest

from fakes.git import ROOT
from fakes.shop import Shop
from fakes.vulnerable import ID, LEAKY
from fakes.vulns import known
from shipway.core.run.events import Remark, StepFinished
from shipway.core.vulns.gate import Allowance, Rules
from shipway.errors import Kind, ShipwayError
from shipway.roads import scanning as road

PROGRAM = "/somewhere/tool"
CLEAN = [
    "shop: no known vulnerability",
    "govulncheck v1.9.0, database of 2026-11-20T12:00:00Z (folder)",
]
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC).timestamp()


@pytest.fixture
def shop() -> Shop:
    """Give the project, a database in a folder, and a clock five days after its date."""
    made = Shop()
    made.databases.known["/db"] = known()
    made.scan_rules = Rules(database="/db")
    made.clock.sleep(NOW - made.clock.now())
    return made


def run(shop: Shop, program: str = "", database: str = "") -> road.Told:
    """Scan."""
    asked = road.ScanningRequest(
        directory=ROOT, program=program, database=database, architecture="amd64"
    )
    return road.scan(asked, hands=shop, emit=shop.said.append)


def test_nothing_known_is_told_with_the_databases_date(shop: Shop) -> None:
    """The answer names scanner and database; source and twin were looked at, nothing is built."""
    told = run(shop)

    assert list(told.lines()) == CLEAN
    assert told.exit_kind is None
    assert [one.step for one in shop.said if isinstance(one, StepFinished)] == ["source", "scan"]
    assert shop.scanner.twins == ["-buildid="]
    assert shop.databases.asked == [frozenset({LEAKY, "example.com/shop"})]


@pytest.mark.parametrize(
    ("grade", "block", "stops"),
    [
        ("called", "called", True),
        ("imported", "called", False),
        ("imported", "imported", True),
        ("required", "imported", False),
        ("called", "none", False),
    ],
)
def test_the_gate_goes_by_how_near_it_comes(
    shop: Shop, grade: str, block: str, *, stops: bool
) -> None:
    """What is far enough is told, and stops nothing."""
    shop.scanner.near["."] = grade
    shop.scan_rules = Rules(database="/db", block=block)  # type: ignore[arg-type]
    told = run(shop)
    lines = list(told.lines())

    assert f"{ID} {grade} {LEAKY}@v1.0.0 (fixed in v1.2.0)" in lines[1]
    assert told.exit_kind is (Kind.REJECTED if stops else None)
    assert (lines[-1] == "stopped: shipway explain scan.found") is stops


def test_a_way_to_it_is_shown(shop: Shop) -> None:
    """Where the source shows one; else what the program has."""
    shop.scanner.near["."] = "called"
    assert "by example.com/shop/cmd/calls.main > example.com/leaky.Spill" in "\n".join(
        run(shop).lines()
    )
    shop.scanner.near["."] = "imported"
    shop.scanner.linked_in["."] = "called"
    told = run(shop)
    assert "has example.com/leaky.Spill" in "\n".join(told.lines())
    assert told.exit_kind is Kind.REJECTED


def test_an_exception_of_the_callers_own_counts(shop: Shop) -> None:
    """Its reason, owner and last day are told; after that day it is told that it ended."""
    shop.scanner.near["."] = "called"
    one = Allowance(ID, "never reached", "ada", dt.date(2026, 11, 30))
    shop.scan_rules = Rules(database="/db", exceptions=(one,))
    told = run(shop)
    assert told.exit_kind is None
    assert "never reached (ada, until 2026-11-30)" in "\n".join(told.lines())

    shop.clock.sleep(6 * 86_400)
    told = run(shop)
    assert told.exit_kind is Kind.REJECTED
    assert "its exception expired on 2026-11-30" in "\n".join(told.lines())


def test_a_commit_cannot_excuse_itself(shop: Shop) -> None:
    """Its own config can tighten the gate, not loosen it, and knows no exceptions."""
    shop.scanner.near["."] = "called"
    shop.write("shipway.toml", 'schema = 1\n[scan]\nblock = "none"\n')
    assert run(shop).exit_kind is Kind.REJECTED

    shop.scanner.near["."] = "required"
    assert run(shop).exit_kind is None
    shop.write("shipway.toml", 'schema = 1\n[scan]\nblock = "required"\n')
    assert run(shop).exit_kind is Kind.REJECTED

    shop.write("shipway.toml", 'schema = 1\n[[scan.exceptions]]\nid = "GO-2026-9001"\n')
    with pytest.raises(ShipwayError, match=r"scan.exceptions: unknown key"):
        run(shop)


def test_an_old_database_is_no_answer(shop: Shop) -> None:
    """Too old fails before anything is scanned; the caller may allow an older one."""
    shop.clock.sleep(10 * 86_400)
    with pytest.raises(ShipwayError) as caught:
        run(shop)
    assert (caught.value.id, caught.value.kind) == ("scan.stale", Kind.REJECTED)
    assert "15 days ago" in caught.value.message
    assert not shop.scanner.twins

    shop.scan_rules = msgspec.structs.replace(shop.scan_rules, days=30)
    assert run(shop).exit_kind is None


def test_a_database_may_be_named(shop: Shop) -> None:
    """It counts in place of the rules'; the answer says which one it was."""
    shop.databases.known["https://mirror.test"] = known()
    assert list(run(shop, database="https://mirror.test").lines())[-1].endswith("mirror.test)")
    with pytest.raises(ShipwayError) as caught:
        run(shop, database="/nothing")
    assert caught.value.id == "scan.database"


def test_a_program_needs_no_project(shop: Shop) -> None:
    """It is read by its symbols; where it has none, that is said, and all counts as called."""
    shop.drop("go.mod")
    shop.scanner.near[PROGRAM] = "imported"
    told = run(shop, PROGRAM)
    assert next(iter(told.lines())) == "tool: 1 known: 1 imported; 0 stopped"
    assert not [one for one in shop.said if isinstance(one, Remark)]

    shop.scanner.stripped.add(PROGRAM)
    assert run(shop, PROGRAM).exit_kind is Kind.REJECTED
    assert "no symbol table" in shop.texts()


def test_every_service_is_judged_by_itself(shop: Shop) -> None:
    """Two programs of a module, one of which is stopped, and why is said in one error."""
    shop.drop("main.go")
    for name in ("web", "api"):
        shop.write(
            f"cmd/{name}/main.go",
            'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":1", nil) }\n',
        )
    shop.scanner.near["./cmd/api"] = "called"
    told = run(shop)

    assert {name: len(judged) for name, judged in told.subjects.items()} == {"api": 1, "web": 0}
