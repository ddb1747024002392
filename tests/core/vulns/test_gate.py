"""The gate of a scan: how near stops, who answers for what until when, and how old is too old."""

from __future__ import annotations

import datetime as dt

import pytest

from shipway.core.vulns import gate
from shipway.core.vulns.finding import CALLED, GRADES, IMPORTED, REQUIRED, Finding
from shipway.core.vulns.gate import BLOCKED, EXCEPTED, NOTED, Allowance, Rules

NOW = dt.datetime(2026, 11, 25, 9, tzinfo=dt.UTC).timestamp()


def one(grade: str = CALLED) -> Finding:
    """Return a finding of this grade."""
    return Finding(id="GO-1", aliases=("CVE-1",), module="example.com/leaky", grade=grade)


def allowed(identifier: str = "GO-1", day: int = 25, module: str = "") -> Allowance:
    """Return an exception that counts until a day of this month."""
    until = dt.date(2026, 11, day)
    return Allowance(identifier, "it is ours", "ada", until, module)


@pytest.mark.parametrize(
    ("block", "stopped"),
    [("none", set()), (CALLED, {CALLED}), (IMPORTED, {CALLED, IMPORTED}), (REQUIRED, set(GRADES))],
)
def test_what_is_near_enough_stops(block: gate.Grade, stopped: set[str]) -> None:
    """The rule names the farthest grade; without a rule it is what is called."""
    judged = gate.judge(map(one, GRADES), Rules(block=block), NOW)

    assert {at.finding.grade for at in gate.blocked(judged)} == stopped
    assert {at.outcome for at in judged} <= {BLOCKED, NOTED}
    assert Rules().block == CALLED


@pytest.mark.parametrize(
    ("exception", "outcome", "why"),
    [
        (allowed(), EXCEPTED, "it is ours (ada, until 2026-11-25)"),
        (allowed("CVE-1"), EXCEPTED, "it is ours (ada, until 2026-11-25)"),
        (allowed(module="example.com/leaky"), EXCEPTED, "it is ours (ada, until 2026-11-25)"),
        (allowed(module="example.com/other"), BLOCKED, ""),
        (allowed("GO-2"), BLOCKED, ""),
        (allowed(day=24), BLOCKED, "its exception expired on 2026-11-24"),
    ],
)
def test_an_exception_is_for_one_thing_and_ends(
    exception: Allowance, outcome: str, why: str
) -> None:
    """Any name of it, where it is limited to a module only there, and its last day included."""
    (judged,) = gate.judge([one()], Rules(exceptions=(exception,)), NOW)

    assert (judged.outcome, judged.why) == (outcome, why)


def test_an_exception_that_stands_outlives_one_that_ended() -> None:
    """Two for one thing: the later counts."""
    rules = Rules(exceptions=(allowed(day=1), allowed(day=26)))

    assert gate.judge([one()], rules, NOW)[0].outcome == EXCEPTED


@pytest.mark.parametrize(
    ("days", "problem"),
    [
        (0, ""),
        (13.9, ""),
        (14.1, "it was last changed 15 days ago, and 14 are allowed"),
        (-2, "its date lies in the future"),
    ],
)
def test_an_old_database_says_nothing(days: float, problem: str) -> None:
    """Two weeks are allowed by default; a clock may be off by a day."""
    assert gate.age_problem(NOW - days * gate.DAY, Rules(), NOW) == problem


@pytest.mark.parametrize(
    ("own", "asked", "counts"),
    [("called", "none", "called"), ("called", "required", "required"), ("none", "none", "none")],
)
def test_a_project_only_tightens(own: gate.Grade, asked: gate.Grade, counts: str) -> None:
    """What the commit says of itself can ask for more, never for less."""
    rules = Rules(block=own, release=own == "called", exceptions=(allowed(),))
    found = gate.tightened(rules, asked, release=asked == "required")

    assert found.block == counts
    assert found.release is (counts != "none")
    assert found.exceptions == rules.exceptions
