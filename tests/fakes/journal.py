"""Runs in memory, one of which may be killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.run import note as notes
from shipway.core.run.events import BEGUN
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.run.note import Note


class MemoryJournal:
    """One run's record; notes are kept as the bytes that a disk would hold."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.written: dict[str, bytes] = {}
        self.synced = 0
        self.over = False
        self.killed = False

    def append(self, line: bytes) -> None:
        """Add one line."""
        self.lines.append(line)

    def write(self, note: Note) -> None:
        """Write or replace a note."""
        self.written[note.name] = notes.dump(note)

    def sync(self) -> None:
        """Count."""
        self.synced += 1

    def close(self) -> None:
        """End the run."""
        self.sync()
        self.over = True


class MemoryRuns:
    """All runs."""

    def __init__(self) -> None:
        self.journals: dict[str, MemoryJournal] = {}

    def open(self, run: str) -> MemoryJournal:
        """Start a run."""
        self.journals[run] = MemoryJournal()
        return self.journals[run]

    def kill(self, run: str) -> None:
        """Do as if the process of a run were gone."""
        self.journals[run].killed = True

    def abandoned(self) -> Iterator[tuple[Note, MemoryJournal]]:
        """Yield begun notes of killed runs."""
        for run, journal in self.journals.items():
            if journal.killed:
                journal.killed = False
                yield from ((note, journal) for note in self.notes(run) if note.state == BEGUN)

    def newest(self, limit: int = 20) -> tuple[str, ...]:
        """Return run ids, newest first."""
        return tuple(sorted(self.journals, reverse=True)[:limit])

    def events(self, run: str) -> bytes:
        """Return the events of a run."""
        return b"".join(self._get(run).lines)

    def notes(self, run: str) -> tuple[Note, ...]:
        """Return the notes of a run in order of their numbers."""
        written = self._get(run).written
        return tuple(notes.load(written[name]) for name in sorted(written))

    def _get(self, run: str) -> MemoryJournal:
        if run not in self.journals:
            raise ShipwayError("run.unknown", Kind.NOT_FOUND, "no such run", subject=run)
        return self.journals[run]
