"""Events survive their line of JSON, and a torn line costs only itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.run import events
from shipway.core.run.events import (
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
    fault_of,
    parse_all,
    result_of,
)
from shipway.errors import Failures, Kind, ShipwayError

HEAD = {"run": "r", "trace": "t", "at": 1.5}
WEB = Unit("web", "linux/amd64")
ALL = (
    RunStarted(**HEAD, road="up", version="1", subject="./cmd/web"),
    StepStarted(**HEAD, step="build", unit=WEB),
    Progress(**HEAD, step="build", unit=WEB, done=1, total=2, of="bytes", what="w"),
    Line(**HEAD, step="test", text="ok"),
    Remark(**HEAD, text="t", loud=True, fix="f"),
    Fact(**HEAD, name="url", value="http://127.0.0.1:1"),
    StepFinished(**HEAD, step="build", unit=WEB, result="passed", seconds=0.5, cached=True),
    RunFinished(**HEAD, result="failed", seconds=1, fault=Fault("a.b", "usage", "m")),
)


@pytest.mark.parametrize("event", ALL, ids=lambda event: type(event).__name__)
def test_round_trip(event: events.Event) -> None:
    """Every event comes back from its line as it was."""
    line = events.line(event)

    assert line.endswith(b"\n")
    assert events.parse(line) == event


def test_tags_are_stable() -> None:
    """The names of events on disk are a promise to readers."""
    assert [events.line(event).split(b'"')[3] for event in ALL] == [
        b"run.started",
        b"step.started",
        b"step.progress",
        b"step.line",
        b"remark",
        b"fact",
        b"step.finished",
        b"run.finished",
    ]


@given(st.integers(min_value=0, max_value=2000), st.lists(st.sampled_from(ALL), max_size=6))
def test_a_torn_last_line_is_dropped(cut: int, said: list[events.AnyEvent]) -> None:
    """Whatever the last write left, the lines before it are read."""
    data = b"".join(events.line(event) for event in said)
    torn = data[:cut]

    assert parse_all(torn) == tuple(said[: torn.count(b"\n")])


@pytest.mark.parametrize("text", [b"", b"{}", b'{"event":"new"}', b"\xff"])
def test_what_is_no_event(text: bytes) -> None:
    """A whole line that holds no event is damage, and said."""
    with pytest.raises(ShipwayError) as caught:
        events.parse(text)

    assert caught.value.id == "run.journal"


def test_the_fault_of_an_error() -> None:
    """A fault carries what the error says, and what lay under it."""
    cause = ShipwayError("c.d", Kind.DENIED, "inner", operation="asking")
    cause.__cause__ = OSError("socket")
    error = ShipwayError(
        "a.b", Kind.REJECTED, "no", operation="pushing", subject="web", hint="log in"
    )
    error.__cause__ = cause

    assert fault_of(error) == Fault(
        "a.b", "rejected", "no", "pushing", "web", "log in", ("asking: inner", "OSError: socket")
    )


def test_the_fault_of_several() -> None:
    """Failures that arrived together stay apart in their fault."""
    several = Failures((ShipwayError("a.b", Kind.USAGE, "x"), ValueError("y")))

    assert fault_of(several) == Fault(
        "run.several",
        "usage",
        "2 things failed",
        parts=(Fault("a.b", "usage", "x"), Fault("run.defect", "internal", "ValueError: y")),
    )


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (None, "passed"),
        (fault_of(KeyboardInterrupt()), "cancelled"),
        (fault_of(ShipwayError("a", Kind.CANCELLED, "")), "cancelled"),
        (fault_of(ShipwayError("a", Kind.REJECTED, "")), "refused"),
        (fault_of(ShipwayError("a", Kind.TRANSIENT, "")), "failed"),
        (fault_of(ValueError()), "failed"),
    ],
)
def test_how_a_step_ends(fault: Fault | None, result: str) -> None:
    """The result is a function of the fault."""
    assert result_of(fault) == result


def test_units_read_well() -> None:
    """A unit shows the parts that apply."""
    assert str(Unit("web", "linux/amd64", "dev")) == "web linux/amd64 dev"
    assert str(Unit()) == ""
