"""The face of commands that stream: log lines to standard output, everything else beside it.

``logs`` and ``dev`` ask for it, since a live tree and lines of pods cannot share a screen. On a
terminal each container has a colour of its own; a line may bring colours, and nothing else that
would steer the terminal.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, TextIO

from shipway.cli import faces
from shipway.core.run.events import LogLine

if TYPE_CHECKING:
    from shipway.core.run.events import Event

_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
"""Foregrounds (ECMA-48, SGR) that can be read on dark and on light."""
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_RESET = "\x1b[0m"


def choose(output: str, *, verbose: bool) -> faces.Face:
    """Return the face for ``--output`` and for what standard output is."""
    if output == "json":
        return faces.NDJSON(sys.stdout)
    return Streaming(sys.stdout, sys.stderr, verbose=verbose, colours=faces.colours(sys.stdout))


class Streaming:
    """Prefixed lines: those of pods to ``out``, a run's to ``err``."""

    def __init__(
        self, out: TextIO, err: TextIO, *, verbose: bool = False, colours: bool = False
    ) -> None:
        self._out = out
        self._colours = colours
        self._numbers: dict[str, int] = {}
        self._plain = faces.Plain(err, verbose=verbose)

    def __call__(self, event: Event) -> None:
        """Write the event's lines."""
        if not isinstance(event, LogLine):
            self._plain(event)
            return
        self._out.write(f"{self._line(event)}\n")
        self._out.flush()

    def close(self) -> None:
        """Do nothing: every line was flushed."""

    def _line(self, event: LogLine) -> str:
        name = faces.clean(f"{event.pod}/{event.container}")
        if not self._colours:
            return f"{name} | {faces.clean(_SGR.sub('', event.text))}"
        number = self._numbers.setdefault(name, len(self._numbers))
        colour = _COLOURS[number % len(_COLOURS)]
        text = "".join(
            part if _SGR.fullmatch(part) else faces.clean(part)
            for part in re.split(rf"({_SGR.pattern})", event.text)
        )
        return f"\x1b[{colour}m{name} |{_RESET} {text}{_RESET if _SGR.search(text) else ''}"
