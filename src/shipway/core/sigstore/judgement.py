"""What a bundle was found to be: every check with what it saw, and what that shows."""

from __future__ import annotations

import enum

import msgspec


class Outcome(enum.Enum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_ASKED = "not asked"
    """Trusted root and policy do not ask for it."""
    NOT_JUDGED = "not judged"
    """It needs what another check refused."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One check."""

    check: str
    outcome: Outcome
    evidence: str
    """What it saw; of a failed one, why."""
    id: str = ""
    """Of a failed one: the error's id, which ``shipway explain`` knows."""
    exit: int = 0
    """Of a failed one: the exit code that belongs to it."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the checks showed of a bundle that holds; empty where they were not asked."""

    identity: str = ""
    issuer: str = ""
    times: tuple[float, ...] = ()
    """When it was seen signed, by those whose word counts; seconds since the epoch."""
    predicate_type: str = ""
    log_index: tuple[int, ...] = ()


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """All checks in order, and the facts."""

    rows: tuple[Row, ...]
    facts: Facts

    @property
    def ok(self) -> bool:
        """Return whether every check that was asked for passed."""
        return all(one.outcome in {Outcome.PASSED, Outcome.NOT_ASKED} for one in self.rows)
