"""The face of streams: lines of pods apart from everything else, and nothing that steers."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from shipway.cli import faces, streams
from shipway.cli.streams import Streaming
from shipway.core.run.events import LogLine, Remark

if TYPE_CHECKING:
    from shipway.core.run.events import Event


def log(text: str, pod: str = "web-1") -> LogLine:
    """Return a line of a pod."""
    return LogLine(run="", trace="", at=1.0, namespace="n", pod=pod, container="web", text=text)


def shown(*events: Event, colours: bool = False) -> tuple[str, str]:
    """Return what a face writes to standard output and to standard error."""
    out, err = io.StringIO(), io.StringIO()
    face = Streaming(out, err, colours=colours)
    for event in events:
        face(event)
    face.close()
    return out.getvalue(), err.getvalue()


def test_lines_of_pods_go_to_standard_output() -> None:
    """So that they can be piped; remarks stay beside."""
    out, err = shown(log("hello"), Remark(run="", trace="", at=1.0, text="joined"))

    assert (out, err) == ("web-1/web | hello\n", "note: joined\n")


def test_a_line_steers_nothing() -> None:
    """Colours pass on a terminal alone, and end with the line; all other controls are marked."""
    text = "\x1b[31mred\x1b[0m \x1b[2J\x07"

    assert shown(log(text))[0] == "web-1/web | red \ufffd[2J\ufffd\n"
    coloured = shown(log(text), colours=True)[0]
    assert coloured.endswith("\x1b[31mred\x1b[0m \ufffd[2J\ufffd\x1b[0m\n")
    assert coloured.startswith("\x1b[")


def test_each_container_keeps_its_colour() -> None:
    """One name, one colour, in every run."""
    first, other, again = shown(log("a"), log("a", "web-2"), log("a"), colours=True)[0].splitlines()

    assert first == again
    assert first.split("m")[0] != other.split("m")[0]


def test_the_face_follows_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    """NDJSON has lines of pods as events; text has no colours where nobody looks."""
    for output in ("json", "text"):
        streams.choose(output, verbose=False)(log("hello"))
    first, second = capsys.readouterr().out.splitlines()

    assert json.loads(first)["event"] == "log"
    assert second == "web-1/web | hello"


@pytest.mark.parametrize("colour", ["", "1"])
def test_no_color_is_heeded(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the variable decides."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", colour)
    assert faces.colours(Terminal()) is not bool(colour)
