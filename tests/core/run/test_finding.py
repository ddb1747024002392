"""Findings: each maker says how a thing is, and only what is not well has a fix."""

from __future__ import annotations

from shipway.core.run import finding
from shipway.core.run.finding import Finding, State


def test_each_state_has_its_maker() -> None:
    """What is well, worth knowing, broken, or cannot be told."""
    assert finding.good("git", "2.39") == Finding(name="git", state=State.GOOD, evidence="2.39")
    assert finding.note("go", "old", "new").state is State.WORTH_KNOWING
    assert finding.broken("disk", "full", "rm").fix == "rm"
    assert finding.unknown("clock", "silent") == Finding(
        name="clock", state=State.UNKNOWN, evidence="silent"
    )
