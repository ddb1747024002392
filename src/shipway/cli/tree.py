"""The terminal's face: a live tree of a run's steps.

Only :func:`shipway.cli.faces.choose` makes one. Events are folded into a board at once; a thread
of its own imports rich and draws, so that neither a slow terminal nor the import holds up a road.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipway.cli.faces import clean, progress, remark, seconds
from shipway.core.run.board import Board, fold
from shipway.core.run.events import BEGUN, PASSED, REFUSED

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.text import Text

    from shipway.core.run.board import Row
    from shipway.core.run.events import Event

RATE = 10
"""Frames a second."""

_MARKS = {BEGUN: ("●", "cyan"), PASSED: ("✓", "green"), REFUSED: ("✗", "yellow")}


class Tree:
    """Draws the newest board until closed, then leaves the last one on the screen."""

    def __init__(self, *, verbose: bool = False, console: Console | None = None) -> None:
        self._verbose = verbose
        self._console = console
        self._board = Board()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, event: Event) -> None:
        """Fold the event; drawing happens elsewhere."""
        self._board = fold(self._board, event)
        if self._thread is None:
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Draw the last frame and give the terminal back."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _draw(self) -> None:
        from rich.console import Console  # noqa: PLC0415  imported while the road works
        from rich.live import Live  # noqa: PLC0415

        console = self._console or Console(stderr=True, highlight=False)
        shown = Board()
        with Live(console=console, auto_refresh=False) as live:
            while True:
                over = self._over.wait(1 / RATE)
                if self._board is not shown:  # a still screen leaves sudo's question alone
                    shown = self._board
                    live.update(picture(shown, verbose=self._verbose), refresh=True)
                if over:
                    return


def picture(board: Board, *, verbose: bool) -> RenderableType:
    """Return a board as rich draws it."""
    from rich.console import Group  # noqa: PLC0415  as above
    from rich.text import Text  # noqa: PLC0415

    texts: list[Text] = []
    for row in board.rows:
        texts.append(_headline(row))
        lines = map(clean, _below(row, verbose=verbose))
        texts += [Text(f"    {line}", "dim", no_wrap=True, overflow="ellipsis") for line in lines]
    for entry in board.remarks:
        style = "bold yellow" if entry.loud else "dim"
        texts += [Text(clean(line), style=style) for line in remark(entry)]
    texts += [Text(clean(f"{fact.name}: {fact.value}"), style="bold") for fact in board.facts]
    return Group(*texts)


def _headline(row: Row) -> Text:
    from rich.text import Text  # noqa: PLC0415  as above

    mark, colour = _MARKS.get(row.state, ("✗", "red"))
    text = Text.assemble((f"{mark} ", colour), (f"{row.step:8}", "bold"), f" {row.unit}  ")
    text.no_wrap, text.overflow = True, "ellipsis"
    return text.append(clean(_state(row)), style="dim")


def _state(row: Row) -> str:
    if row.state == BEGUN:
        return progress(row.progress) if row.progress else ""
    ended = "unchanged" if row.cached and row.state == PASSED else row.state
    shown = seconds(row.seconds) if ended == PASSED else f"{ended}, {seconds(row.seconds)}"
    return f"{shown}  {row.summary}".rstrip()


def _below(row: Row, *, verbose: bool) -> tuple[str, ...]:
    """Return the lines under a step: all that are kept if it failed, one while it runs."""
    if verbose or row.state not in {BEGUN, PASSED}:
        return row.lines
    return row.lines[-1:] if row.state == BEGUN else ()
