"""The one view of a run: what all faces draw, folded from its events.

Whoever shows a run keeps a :class:`Board` and feeds it with :func:`fold`; a terminal tree, plain
lines and a web page see the same. A board decides nothing and never looks at a clock.
"""

from __future__ import annotations

import msgspec

from shipway.core.run.events import (
    BEGUN,
    Event,
    Fact,
    Fault,
    Line,
    Progress,
    Remark,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    Unit,
)

LINES = 20
"""Last lines of a step that a board keeps."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One step of one unit."""

    step: str
    unit: Unit
    began: float
    state: str = BEGUN
    seconds: float = 0.0
    cached: bool = False
    summary: str = ""
    progress: Progress | None = None
    lines: tuple[str, ...] = ()
    fault: Fault | None = None


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """A run as it stands; ``state`` is empty before it starts."""

    run: str = ""
    trace: str = ""
    road: str = ""
    subject: str = ""
    began: float = 0.0
    state: str = ""
    seconds: float = 0.0
    rows: tuple[Row, ...] = ()
    remarks: tuple[Remark, ...] = ()
    facts: tuple[Fact, ...] = ()
    fault: Fault | None = None

    def fact(self, name: str) -> str:
        """Return the newest fact of that name, or an empty text."""
        return next((fact.value for fact in reversed(self.facts) if fact.name == name), "")


def fold(board: Board, event: Event) -> Board:
    """Return ``board`` after ``event``; events of steps it never saw start change nothing."""
    if isinstance(event, Progress | Line | StepFinished):
        return _with(board, rows=_moved(board.rows, event))
    return _grown(board, event)


def _grown(board: Board, event: Event) -> Board:
    """Return ``board`` with what the event adds to it."""
    match event:
        case RunStarted():
            return Board(
                run=event.run,
                trace=event.trace,
                road=event.road,
                subject=event.subject,
                began=event.at,
                state=BEGUN,
            )
        case RunFinished():
            return _with(board, state=event.result, seconds=event.seconds, fault=event.fault)
        case StepStarted():
            row = Row(step=event.step, unit=event.unit, began=event.at)
            return _with(board, rows=(*board.rows, row))
        case Remark():
            return _with(board, remarks=(*board.remarks, event))
        case Fact():
            return _with(board, facts=(*board.facts, event))
    return board


def _moved(rows: tuple[Row, ...], event: Progress | Line | StepFinished) -> tuple[Row, ...]:
    """Return ``rows`` with the newest one of that step and unit moved on."""
    for place in range(len(rows) - 1, -1, -1):
        if rows[place].step == event.step and rows[place].unit == event.unit:
            return (*rows[:place], _after(rows[place], event), *rows[place + 1 :])
    return rows


def _after(row: Row, event: Progress | Line | StepFinished) -> Row:
    match event:
        case Progress():
            return _with(row, progress=event)
        case Line():
            return _with(row, lines=(*row.lines, event.text)[-LINES:])
        case _:
            return _with(
                row,
                state=event.result,
                seconds=event.seconds,
                cached=event.cached,
                summary=event.summary,
                fault=event.fault,
            )


_with = msgspec.structs.replace
