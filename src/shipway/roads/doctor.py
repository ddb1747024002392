"""Doctor: everything that a run needs, looked at beside each other, each with what settles it.

The CLI calls :func:`doctor` through wiring. No check depends on another one's answer, none changes
anything, and none hides another: what cannot be looked at says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.run.finding import Finding, State, broken, unknown
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

AT_ONCE = 16
PATIENCE = 20.0
"""Seconds that one check may take."""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, in the order of the checks."""

    findings: tuple[Finding, ...]
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        width = max((len(one.name) for one in self.findings), default=0)
        for one in self.findings:
            first, *rest = one.evidence.splitlines() or [""]
            yield f"{one.state.value:7} {one.name:{width}}  {first}"
            yield from (f"{'':7} {'':{width}}  {line}" for line in rest)
            yield from (f"{'':7} {'':{width}}  fix: {line}" for line in one.fix.splitlines())
        count = sum(one.state is State.BROKEN for one in self.findings)
        yield f"{count} of {len(self.findings)} failed" if count else "nothing is broken"


def doctor(
    checks: Mapping[str, Callable[[], Iterable[Finding]]], *, patience: float = PATIENCE
) -> Examined:
    """Make all checks and return what they found; what one raises is its finding.

    Raises:
        ShipwayError: ``run.cancelled``.
    """
    found = scope.each(lambda item: _made(*item, patience), list(checks.items()), AT_ONCE)
    findings = tuple(one for group in found for one in group)
    bad = any(one.state is State.BROKEN for one in findings)
    return Examined(findings=findings, exit_kind=Kind.MISSING if bad else None)


def _made(
    name: str, check: Callable[[], Iterable[Finding]], patience: float
) -> tuple[Finding, ...]:
    try:
        with scope.open(seconds=patience):
            return tuple(check())
    except ShipwayError as error:
        if error.id == "run.deadline":
            return (unknown(name, f"no answer within {patience:g} s"),)
        if error.kind is Kind.CANCELLED:
            raise
        more = f"shipway explain {error.id}"
        return (broken(name, str(error), f"{error.hint}\n{more}" if error.hint else more),)
    except Exception as error:  # noqa: BLE001  one look that fails ends none of the others
        return (broken(name, f"{type(error).__name__}: {error}", "shipway explain run.defect"),)
