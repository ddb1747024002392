"""The record of one run on this machine, and what earlier runs left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.run.note import Note


class Journal(Protocol):
    """One run's record; what was written survives the death of the process at any moment."""

    def append(self, line: bytes) -> None:
        """Add one line (with its newline) to the run's events; bytes are written as given."""
        ...

    def write(self, note: Note) -> None:
        """Write a note, or replace it whole: a reader sees the old one or the new one."""
        ...

    def sync(self) -> None:
        """Return when everything written so far survives a loss of power."""
        ...

    def close(self) -> None:
        """Sync and let go; the run is over."""
        ...


class Runs(Protocol):
    """All runs of this user on this machine."""

    def open(self, run: str) -> Journal:
        """Start the record of a run that is new.

        Raises:
            ShipwayError: ``run.state`` where the folder cannot be written.
        """
        ...

    def abandoned(self) -> Iterable[tuple[Note, Journal]]:
        """Yield the begun notes of processes that are gone, each with where to close it."""
        ...

    def newest(self, limit: int = 20) -> tuple[str, ...]:
        """Return run ids, newest first."""
        ...

    def events(self, run: str) -> bytes:
        """Return the events of a run so far, one JSON object a line; the last may be torn.

        Raises:
            ShipwayError: ``run.unknown`` (not found).
        """
        ...

    def notes(self, run: str) -> tuple[Note, ...]:
        """Return the notes of a run in order of their numbers.

        Raises:
            ShipwayError: ``run.unknown`` (not found), ``run.note`` (integrity).
        """
        ...
