"""What a person sees of a run: plain lines, a tree, or NDJSON, all from the same events."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from shipway.cli import faces
from shipway.cli.faces import NDJSON, Plain
from shipway.cli.tree import Tree, picture
from shipway.core.run.board import Board, fold
from shipway.core.run.events import (
    Event,
    Fact,
    Line,
    Progress,
    Remark,
    RunFinished,
    RunStarted,
    StepFinished,
    StepStarted,
    Unit,
    parse_all,
)

HEAD = {"run": "r", "trace": "t", "at": 10.0}
WEB = Unit("web", "linux/amd64")
RUN: tuple[Event, ...] = (
    RunStarted(**HEAD, road="up", version="1"),
    StepStarted(**HEAD, step="source"),
    StepFinished(**HEAD, step="source", result="passed", seconds=0.004, summary="v1.2.3"),
    Remark(**HEAD, text="port = 8080 (from source)", fix="[services.web]\nport = 8080"),
    StepStarted(**HEAD, step="build", unit=WEB),
    Line(**HEAD, step="build", unit=WEB, text="main.go:3: undefined: x"),
    Progress(**HEAD, step="build", unit=WEB, done=1, total=4, of="packages", what="compiled"),
    StepFinished(**HEAD, step="build", unit=WEB, result="failed", seconds=61),
    StepFinished(**HEAD, step="image", result="passed", seconds=0.5, cached=True),
    Remark(**HEAD, text="tests failed", loud=True),
    Fact(**HEAD, name="url", value="http://127.0.0.1:30001"),
    RunFinished(**HEAD, result="failed", seconds=62),
)


def plain(*events: Event, verbose: bool = False) -> list[str]:
    """Return the plain lines of events."""
    out = io.StringIO()
    face = Plain(out, verbose=verbose)
    for event in events:
        face(event)
    face.close()
    return out.getvalue().splitlines()


def test_plain_lines() -> None:
    """Every line says which step of which unit it is about."""
    assert plain(*RUN) == [
        "[source] passed in 4 ms, v1.2.3",
        "note: port = 8080 (from source)",
        "      [services.web]",
        "      port = 8080",
        "[build web linux/amd64] | main.go:3: undefined: x",
        "[build web linux/amd64] compiled 1 of 4 packages",
        "[build web linux/amd64] failed in 1 min 01 s",
        "[image] unchanged in 500 ms",
        "warning: tests failed",
        "url: http://127.0.0.1:30001",
    ]


def test_verbose_says_more() -> None:
    """With -v starts and the end of the run are said, too."""
    assert plain(RUN[1], RUN[-1], verbose=True) == [
        "[source] started",
        "run r failed in 1 min 02 s",
    ]


def test_progress_is_paced() -> None:
    """Progress is shown every five seconds of a step, and when it is complete."""

    def at(seconds: float, done: int, step: str = "engine") -> Progress:
        return Progress(
            run="r", trace="t", at=seconds, step=step, done=done, total=9, what="fetching"
        )

    shown = plain(at(10, 1), at(11, 2), at(11, 1, "other"), at(15.5, 3), at(15.6, 9), at(15.7, 9))

    assert shown == [
        "[engine] fetching 1 of 9",
        "[other] fetching 1 of 9",
        "[engine] fetching 3 of 9",
        "[engine] fetching 9 of 9",
        "[engine] fetching 9 of 9",
    ]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (Progress(**HEAD, step="s", what="waiting for a node"), "waiting for a node"),
        (Progress(**HEAD, step="s", done=3, of="pods"), "3 pods"),
        (Progress(**HEAD, step="s", done=512, total=3 << 20, of="bytes"), "512 B of 3.0 MiB"),
        (Progress(**HEAD, step="s", done=2048, total=5 << 30, of="bytes"), "2.0 KiB of 5.0 GiB"),
    ],
)
def test_progress_reads_well(event: Progress, text: str) -> None:
    """Progress without a total, without a count, and in bytes."""
    assert faces.progress(event) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0042, "4 ms"), (1.25, "1.2 s"), (59.9, "59.9 s"), (185, "3 min 05 s")]
)
def test_durations(seconds: float, text: str) -> None:
    """Durations have the unit that people would use."""
    assert faces.seconds(seconds) == text


def test_ndjson_is_the_journal() -> None:
    """With --output json the events are the lines of the journal."""
    out = io.StringIO()
    face = NDJSON(out)
    for event in RUN:
        face(event)
    face.close()

    assert parse_all(out.getvalue().encode()) == RUN


def test_the_choice(capsys: pytest.CaptureFixture[str]) -> None:
    """JSON where asked for; plain lines where standard error is no terminal."""
    assert isinstance(faces.choose("json", verbose=False), NDJSON)
    assert isinstance(faces.choose("text", verbose=False), Plain)
    capsys.readouterr()


def console() -> Console:
    """Return a terminal of 100 columns that keeps what it is shown."""
    return Console(file=io.StringIO(), width=100, force_terminal=True, color_system=None)


def drawn(*events: Event, verbose: bool = False) -> list[str]:
    """Return the tree after events."""
    board = Board()
    for event in events:
        board = fold(board, event)
    paper = Console(width=100, record=True, file=io.StringIO())
    paper.print(picture(board, verbose=verbose))
    return [line.rstrip() for line in paper.export_text().splitlines()]


def test_the_tree() -> None:
    """The tree shows each step with its state, and the lines of what failed."""
    assert drawn(*RUN) == [
        "✓ source     4 ms  v1.2.3",
        "✗ build    web linux/amd64  failed, 1 min 01 s",
        "    main.go:3: undefined: x",
        "note: port = 8080 (from source)",
        "      [services.web]",
        "      port = 8080",
        "warning: tests failed",
        "url: http://127.0.0.1:30001",
    ]


def test_the_tree_on_its_way() -> None:
    """A running step shows its progress and its last line; a cached one says unchanged."""
    noise = [Line(**HEAD, step="build", unit=WEB, text=text) for text in ("one", "two")]
    cached = StepFinished(
        **HEAD, step="source", result="passed", seconds=0.5, cached=True, summary="as before"
    )
    running = (*RUN[:2], cached, RUN[4], *noise)

    assert drawn(*running, RUN[6]) == [
        "✓ source     unchanged, 500 ms  as before",
        "● build    web linux/amd64  compiled 1 of 4 packages",
        "    two",
    ]
    assert "    one" in drawn(*running, verbose=True)


def test_a_terminal_is_left_in_order() -> None:
    """The live tree draws in a thread of its own and leaves its last frame."""
    screen = console()
    face = Tree(console=screen)
    for event in RUN:
        face(event)
    face.close()
    face.close()

    text = screen.file.getvalue()  # type: ignore[attr-defined]
    assert text.count("url: http://127.0.0.1:30001") >= 1
    assert text.rstrip().endswith("\x1b[?25h")


def test_a_tree_without_events() -> None:
    """A command that fails before its run starts draws nothing."""
    screen = console()
    Tree(console=screen).close()

    assert screen.file.getvalue() == ""  # type: ignore[attr-defined]


def test_no_program_steers_the_terminal() -> None:
    """Control characters in what programs wrote are shown as such, in lines and in the tree."""
    hostile = Line(**HEAD, step="build", unit=WEB, text="\x1b]0;owned\x07\tok\x9b2J\r")

    assert plain(hostile) == ["[build web linux/amd64] | \ufffd]0;owned\ufffd\tok\ufffd2J\ufffd"]
    assert "\x1b" not in "".join(drawn(RUN[4], hostile))
