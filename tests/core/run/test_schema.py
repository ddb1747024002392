"""The published schema: the one that the events have, in the wheel and in the docs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator, ValidationError

from shipway.core.run import events, schema
from shipway.core.run.events import Fault, LogLine, Remark, RunFinished, StepFinished, Unit

SHIPPED = Path(schema.__file__).with_name("events.schema.json")
PUBLISHED = Path(__file__).parents[3] / "docs" / "events.schema.json"


@pytest.mark.parametrize("path", [SHIPPED, PUBLISHED])
def test_the_schema_is_current(path: Path) -> None:
    """Both files are what the events say: whoever changes those writes ``document()`` to both."""
    assert path.read_bytes() == schema.document()


def check(line: bytes) -> None:
    """Hold a line against the published schema."""
    Draft202012Validator(json.loads(PUBLISHED.read_bytes())).validate(json.loads(line))


def test_events_keep_to_it() -> None:
    """Lines with all members and with the fewest are valid."""
    common = {"run": "r", "trace": "t", "at": 1.5}
    fault = Fault("a.b", "missing", "no", parts=(Fault("c.d", "denied", "no"),))
    for event in (
        Remark(**common, text="x"),
        LogLine(**common, namespace="n", pod="p", container="c", text=""),
        StepFinished(
            **common, step="build", unit=Unit("web"), result="failed", seconds=0.1, fault=fault
        ),
        RunFinished(**common, result="passed", seconds=1.0),
    ):
        check(events.line(event))
    check(b'{"event": "result", "exit": 0, "value": {"anything": [1]}}')
    check(b'{"event": "remark", "run": "r", "trace": "t", "at": 1, "text": "x", "later": 1}')


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "unknown"}',
        b'{"event": "remark", "run": "r", "trace": "t", "at": 1}',
        b'{"event": "result", "value": 1}',
        b'{"event": "result", "exit": "0"}',
        b"[]",
    ],
)
def test_other_lines_do_not(line: bytes) -> None:
    """What is no event, or lacks something, is told apart."""
    with pytest.raises(ValidationError):
        check(line)
