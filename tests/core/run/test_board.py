"""The board is what a person should see of the events so far."""

from __future__ import annotations

from shipway.core.run.board import LINES, Board, Row, fold
from shipway.core.run.events import (
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

HEAD = {"run": "r", "trace": "t", "at": 2.0}
WEB, API = Unit("web"), Unit("api")


def folded(*events: Event) -> Board:
    """Return the board after ``events``."""
    board = Board()
    for event in events:
        board = fold(board, event)
    return board


STARTED = RunStarted(**HEAD, road="up", version="1", subject="s")
BUILD_WEB = StepStarted(**HEAD, step="build", unit=WEB)
BUILD_API = StepStarted(**HEAD, step="build", unit=API)


def test_a_run_begins() -> None:
    """A started run shows its road and subject, whatever was there before."""
    board = folded(BUILD_WEB, STARTED)

    assert board == Board(run="r", trace="t", road="up", subject="s", began=2.0, state="begun")


def test_steps_side_by_side() -> None:
    """Events move the row of their own step and unit alone."""
    progress = Progress(**HEAD, step="build", unit=WEB, done=1)
    board = folded(
        STARTED,
        BUILD_WEB,
        BUILD_API,
        progress,
        Line(**HEAD, step="build", unit=API, text="a"),
        StepFinished(
            **HEAD, step="build", unit=API, result="passed", seconds=3, cached=True, summary="ok"
        ),
    )

    assert board.rows == (
        Row(step="build", unit=WEB, began=2.0, progress=progress),
        Row(
            step="build",
            unit=API,
            began=2.0,
            state="passed",
            seconds=3,
            cached=True,
            summary="ok",
            lines=("a",),
        ),
    )


def test_a_repeated_step_has_a_row_of_its_own() -> None:
    """Of two rows of one step and unit the newer moves."""
    board = folded(BUILD_WEB, BUILD_WEB, Line(**HEAD, step="build", unit=WEB, text="x"))

    assert [row.lines for row in board.rows] == [(), ("x",)]


def test_only_the_last_lines_are_kept() -> None:
    """A noisy program cannot fill the board."""
    noise = [Line(**HEAD, step="build", unit=WEB, text=str(n)) for n in range(100)]
    board = folded(BUILD_WEB, *noise)

    assert board.rows[0].lines == tuple(str(n) for n in range(100 - LINES, 100))


def test_events_of_unknown_steps_change_nothing() -> None:
    """A line of a step that never started, or an event of a later version, is passed over."""
    assert folded(STARTED, Line(**HEAD, step="x", text="y")) == folded(STARTED)
    assert folded(STARTED, Event(**HEAD)) == folded(STARTED)


def test_remarks_facts_and_the_end() -> None:
    """Remarks and facts pile up; the end is the last thing a board learns."""
    fault = Fault("a.b", "usage", "m")
    remark = Remark(**HEAD, text="guessed")
    facts = [Fact(**HEAD, name="url", value=value) for value in ("one", "two")]
    board = folded(
        STARTED, remark, *facts, RunFinished(**HEAD, result="failed", seconds=9, fault=fault)
    )

    assert board.remarks == (remark,)
    assert board.fact("url") == "two"
    assert board.fact("image") == ""
    assert (board.state, board.seconds, board.fault) == ("failed", 9, fault)
