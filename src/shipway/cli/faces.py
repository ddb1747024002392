"""Faces: a run's events as plain prefixed lines or as NDJSON, and the choice among them.

The boundary picks one per process and hands it to a road as ``emit``. Events go to standard
error, so that standard output holds the answer alone; with ``--output json`` both go to standard
output, one object a line. The tree of a terminal is :mod:`shipway.cli.tree`.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from shipway.core.run.events import (
    Event,
    Fact,
    Line,
    Progress,
    Remark,
    RunFinished,
    StepFinished,
    StepStarted,
    Unit,
    line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

PACE = 5.0
"""Seconds between two progress lines of one step."""


_CONTROL = dict.fromkeys((*range(9), *range(11, 32), *range(127, 160)), "\ufffd")
"""C0 and C1 but tab and newline."""


class Face(Protocol):
    """What shows a run."""

    def __call__(self, event: Event) -> None:
        """Show one event; roads call it from any thread, one at a time."""
        ...

    def close(self) -> None:
        """Leave the screen in order; events are over."""
        ...


def choose(output: str, *, verbose: bool) -> Face:
    """Return the face for ``--output`` and for what standard error is."""
    if output == "json":
        return NDJSON(sys.stdout)
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        from shipway.cli.tree import Tree  # noqa: PLC0415  only a terminal pays for it

        return Tree(verbose=verbose)
    return Plain(sys.stderr, verbose=verbose)


def colours(out: TextIO) -> bool:
    """Return whether ``out`` is a terminal that wants colours (https://no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    return wanted and out.isatty()


class NDJSON:
    """One JSON object a line, as in the journal."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def __call__(self, event: Event) -> None:
        """Write the event."""
        self._out.write(line(event).decode())
        self._out.flush()

    def close(self) -> None:
        """Do nothing: every line was flushed."""


class Plain:
    """Prefixed lines, streamed as they come; for pipes, files and CI."""

    def __init__(self, out: TextIO, *, verbose: bool = False) -> None:
        self._out = out
        self._verbose = verbose
        self._last: dict[tuple[str, Unit], float] = {}

    def __call__(self, event: Event) -> None:
        """Write the event's lines, if it has any to show."""
        for text in self._lines(event):
            self._out.write(f"{clean(text)}\n")
        self._out.flush()

    def close(self) -> None:
        """Do nothing: every line was flushed."""

    def _lines(self, event: Event) -> Iterable[str]:
        match event:
            case StepStarted() if self._verbose:
                yield f"{prefix(event)} started"
            case Line():
                yield f"{prefix(event)} | {event.text}"
            case Progress() if self._due(event):
                yield f"{prefix(event)} {progress(event)}"
            case StepFinished():
                yield f"{prefix(event)} {finished(event)}"
            case Remark():
                yield from remark(event)
            case Fact():
                yield f"{event.name}: {event.value}"
            case RunFinished() if self._verbose:
                yield f"run {event.run} {event.result} in {seconds(event.seconds)}"

    def _due(self, event: Progress) -> bool:
        """Return whether this step has been silent long enough, or is complete."""
        key = (event.step, event.unit)
        due = event.at - self._last.get(key, 0.0) >= PACE or event.done == event.total > 0
        if due:
            self._last[key] = event.at
        return due


def clean(text: str) -> str:
    """Return ``text`` without control characters, which would steer the reader's terminal."""
    return text.translate(_CONTROL)


def prefix(event: StepStarted | StepFinished | Progress | Line) -> str:
    """Return ``[build web linux/amd64]``."""
    return f"[{event.step} {event.unit}]".replace(" ]", "]")


def progress(event: Progress) -> str:
    """Return how far a step is, as ``compiling 3 of 5 engines``."""
    if event.of == "bytes":
        done, total = size(event.done), size(event.total)
    else:
        done, total = f"{event.done}", f"{event.total} {event.of}".strip()
    far = f"{done} of {total}" if event.total else f"{done} {event.of}".strip()
    return f"{event.what} {far}".strip() if event.done or event.total else event.what


def finished(event: StepFinished) -> str:
    """Return how a step ended, as ``passed in 1.2 s, 14 tests``."""
    how = "unchanged" if event.cached and event.result == "passed" else event.result
    text = f"{how} in {seconds(event.seconds)}"
    return f"{text}, {event.summary}" if event.summary else text


def remark(event: Remark) -> Iterable[str]:
    """Yield a remark and, below, what settles it."""
    yield f"{'warning' if event.loud else 'note'}: {event.text}"
    if event.fix:
        yield from (f"      {text}" for text in event.fix.splitlines())


def seconds(value: float) -> str:
    """Return a duration as people read it: ``4 ms``, ``1.2 s``, ``3 min 05 s``."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:  # noqa: PLR2004  seconds in a minute
        return f"{value:.1f} s"
    return f"{int(value) // 60} min {int(value) % 60:02} s"


def size(value: float) -> str:
    """Return a number of bytes as people read it: ``12.3 MiB``."""
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:  # noqa: PLR2004  bytes in a KiB
            return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"


def lines_of(result: Any) -> Iterable[str]:  # noqa: ANN401  every road has its own answer
    """Yield what a person reads of a road's answer."""
    if result is None:
        return ()
    if isinstance(result, str):
        return (result.rstrip("\n"),)
    return tuple(result.lines())
