"""The gate of a scan: findings, rules and the time in; what stops, what is excepted, out.

The scan road calls it. Rules come from outside the commit that is judged: a person's own
configuration. What the project says can only tighten them (:func:`tightened`).
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Literal

import msgspec

from shipway.core.vulns.finding import GRADES, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

NONE = "none"
Grade = Literal["called", "imported", "required", "none"]

ONLINE = "https://vuln.go.dev"
"""The database of the Go project (go.dev/doc/security/vuln/database)."""
BLOCKED, EXCEPTED, NOTED = "blocked", "excepted", "noted"
DAY = 86_400
_REACH = (NONE, *GRADES)


class Allowance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One vulnerability that somebody answers for until a day."""

    id: str
    """Any of its names: GO, CVE or GHSA."""
    reason: str
    owner: str
    expires: dt.date
    """The last day (UTC) on which it counts."""
    module: str = ""
    """Only there; empty: wherever it is found."""

    def covers(self, finding: Finding) -> bool:
        """Return whether it is about this finding."""
        return self.id in finding.names and self.module in {"", finding.module}

    def expired(self, now: float) -> bool:
        """Return whether its last day is over at ``now`` (seconds since the epoch)."""
        return dt.datetime.fromtimestamp(now, dt.UTC).date() > self.expires


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``[scan]`` of the person's own configuration: whose word counts about vulnerabilities."""

    database: str = ONLINE
    """An http(s) address, or a folder, in the layout of the Go project's."""
    days: int = 14
    """How old the database may be."""
    block: Grade = "called"
    """The farthest grade that stops; ``none``: nothing does."""
    release: bool = False
    """Whether a release is scanned, and stopped by what is found."""
    exceptions: tuple[Allowance, ...] = ()


class Judged(msgspec.Struct, frozen=True):
    """One finding, and what the gate says of it."""

    finding: Finding
    outcome: str
    """``blocked``, ``excepted`` or ``noted``."""
    why: str = ""


def tightened(own: Rules, block: Grade, *, release: bool) -> Rules:
    """Return the rules where a project may ask for more than its caller, and never for less."""
    farther = block if _REACH.index(block) > _REACH.index(own.block) else own.block
    return msgspec.structs.replace(own, block=farther, release=own.release or release)


def judge(findings: Iterable[Finding], rules: Rules, now: float) -> tuple[Judged, ...]:
    """Return what the gate says of each finding; ``now`` is in seconds since the epoch."""
    return tuple(_judged(one, rules, now) for one in findings)


def blocked(judged: Iterable[Judged]) -> tuple[Judged, ...]:
    """Return what stops."""
    return tuple(one for one in judged if one.outcome == BLOCKED)


def age_problem(modified: float, rules: Rules, now: float) -> str:
    """Return why a database of this date does not count; empty where it does."""
    days = (now - modified) / DAY
    if days > rules.days:
        return f"it was last changed {math.ceil(days)} days ago, and {rules.days} are allowed"
    return "its date lies in the future" if days < -1 else ""


def _judged(finding: Finding, rules: Rules, now: float) -> Judged:
    if _REACH.index(finding.grade) > _REACH.index(rules.block):
        return Judged(finding, NOTED)
    known = [one for one in rules.exceptions if one.covers(finding)]
    standing = [one for one in known if not one.expired(now)]
    if standing:
        one = standing[0]
        return Judged(finding, EXCEPTED, f"{one.reason} ({one.owner}, until {one.expires})")
    why = f"its exception expired on {max(one.expires for one in known)}" if known else ""
    return Judged(finding, BLOCKED, why)
