"""Runs on this machine: a folder each, with an NDJSON journal and one note a step.

``FOLDER/runs/RUN/events.ndjson`` and ``FOLDER/runs/RUN/notes/NAME.json``; ``FOLDER/open/RUN`` is
locked while the run's process lives, so that the next run can tell which ones are gone. A note is
renamed into place at once, which survives the death of the process at any moment; one thread
brings it to the disk behind (4 ms each here), or at once where ``at_once`` asks for it. All
writing passes the redaction.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pathlib
import shutil
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING

from shipway import redaction
from shipway.adapters import durable
from shipway.core.run import note as notes
from shipway.core.run.events import BEGUN
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.run.note import Note

KEPT = 200
"""Runs that are kept; older ones without a begun note are removed when a run opens."""


class LocalRuns:
    """All runs under one folder (``$XDG_STATE_HOME/shipway``)."""

    def __init__(self, folder: str, *, at_once: bool = False) -> None:
        self._runs = pathlib.Path(folder, "runs")
        self._open = pathlib.Path(folder, "open")
        self._at_once = at_once
        self._mine: set[str] = set()

    def open(self, run: str) -> LocalJournal:
        """Start the record of a run that is new."""
        with _told("opening a run", run):
            for folder in (self._open, self._runs):
                durable.folder(folder, 0o700)
            (self._runs / run / "notes").mkdir(mode=0o700, parents=True, exist_ok=True)
            self._mine.add(run)
            self._prune()
            return LocalJournal(self._runs / run, self._open / run, at_once=self._at_once)

    def abandoned(self) -> Iterator[tuple[Note, LocalNotes]]:
        """Yield the begun notes of processes that are gone, each with where to close it."""
        for marker in sorted(self._open.iterdir()) if self._open.is_dir() else ():
            if marker.name in self._mine:
                continue
            with _claimed(marker) as gone:
                if gone:
                    place = LocalNotes(self._runs / marker.name)
                    yield from ((note, place) for note in _begun(place.folder))
                    marker.unlink(missing_ok=True)

    def newest(self, limit: int = 20) -> tuple[str, ...]:
        """Return run ids, newest first."""
        names = sorted(_names(self._runs), reverse=True) if self._runs.is_dir() else []
        return tuple(names[:limit])

    def events(self, run: str) -> bytes:
        """Return the events of a run so far; the last line may be torn."""
        try:
            return (self._folder(run) / "events.ndjson").read_bytes()
        except FileNotFoundError:
            return b""

    def notes(self, run: str) -> tuple[Note, ...]:
        """Return the notes of a run in order of their numbers."""
        files = sorted((self._folder(run) / "notes").glob("*.json"))
        return tuple(notes.load(file.read_bytes()) for file in files)

    def _folder(self, run: str) -> pathlib.Path:
        folder = self._runs / run
        if "/" in run or run.startswith(".") or not folder.is_dir():
            raise ShipwayError(
                "run.unknown", Kind.NOT_FOUND, "no such run", operation="reading a run", subject=run
            )
        return folder

    def _prune(self) -> None:
        """Remove the oldest runs that have nothing left to close."""
        names = sorted(_names(self._runs))
        for name in names[:-KEPT]:
            if not (self._open / name).exists():
                shutil.rmtree(self._runs / name, ignore_errors=True)


class LocalNotes:
    """The folder of one run, for whoever writes its notes."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder

    def append(self, line: bytes) -> None:
        """Add one line to the run's events, in one write."""
        with (self.folder / "events.ndjson").open("ab", buffering=0) as file:
            file.write(redaction.data(line))

    def write(self, note: Note) -> None:
        """Write a note, or replace it whole, and bring it to the disk."""
        with _told("writing a note", note.name):
            _flush(self._rename(note))

    def sync(self) -> None:
        """Return at once: notes are on the disk already."""

    def close(self) -> None:
        """Return at once: nothing is held."""

    def _rename(self, note: Note) -> pathlib.Path:
        place = self.folder / "notes" / f"{note.name}.json"
        beside = place.with_name(f".{place.name}")
        beside.write_bytes(redaction.data(notes.dump(note)))
        beside.replace(place)
        return place


class LocalJournal(LocalNotes):
    """The record of this process's run."""

    def __init__(self, folder: pathlib.Path, marker: pathlib.Path, *, at_once: bool) -> None:
        super().__init__(folder)
        self._at_once = at_once
        self._marker = marker
        self._lock = _locked(marker)
        self._events = os.open(
            folder / "events.ndjson", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        self._writing = threading.Lock()
        self._behind = _Behind()
        for made in (folder / "notes", folder):
            self._behind.flush(made)

    def append(self, line: bytes) -> None:
        """Add one line to the run's events, in one write."""
        with _told("writing the journal", self.folder.name):
            os.write(self._events, redaction.data(line))

    def write(self, note: Note) -> None:
        """Write a note, or replace it whole."""
        with _told("writing a note", note.name), self._writing:
            place = self._rename(note)
            if self._at_once:
                _flush(place)
            else:
                self._behind.flush(place)

    def sync(self) -> None:
        """Return when everything written so far survives a loss of power."""
        with _told("writing the journal", self.folder.name):
            self._behind.settle()
            os.fsync(self._events)

    def close(self) -> None:
        """Sync and let go; the run is over."""
        self.sync()
        self._behind.end()
        self._marker.unlink(missing_ok=True)
        os.close(self._events)
        os.close(self._lock)


class _Behind:
    """Brings renamed files to the disk in a thread of its own, started on first use."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[pathlib.Path | threading.Event | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def flush(self, place: pathlib.Path) -> None:
        """Have a file brought to the disk soon."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._queue.put(place)

    def settle(self) -> None:
        """Return when all files given so far are on the disk."""
        if self._thread is not None:
            reached = threading.Event()
            self._queue.put(reached)
            reached.wait()

    def end(self) -> None:
        """Stop the thread."""
        self._queue.put(None)

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
            else:
                with contextlib.suppress(OSError):  # the run's folder may have been removed
                    _flush(item)


def _begun(folder: pathlib.Path) -> Iterator[Note]:
    """Yield the begun notes of a run, passing over what a loss of power made unreadable."""
    for file in sorted(folder.glob("notes/*.json")):
        with contextlib.suppress(ShipwayError):
            note = notes.load(file.read_bytes())
            if note.state == BEGUN:
                yield note


def _locked(marker: pathlib.Path) -> int:
    """Return a lock on ``marker``; again where another run swept it away in between."""
    while True:
        handle = os.open(marker, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError):
            if marker.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _names(folder: pathlib.Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def _flush(place: pathlib.Path) -> None:
    for path in (place, place.parent):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


@contextlib.contextmanager
def _claimed(marker: pathlib.Path) -> Iterator[bool]:
    """Say whether the process behind a marker is gone; while in the block nobody else claims it."""
    try:
        handle = os.open(marker, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        yield False
    else:
        yield True
    finally:
        os.close(handle)


@contextlib.contextmanager
def _told(operation: str, subject: str) -> Iterator[None]:
    """Turn what the operating system says into an error of ours."""
    try:
        yield
    except OSError as error:
        raise ShipwayError(
            "run.state",
            Kind.MISSING,
            error.strerror or str(error),
            operation=operation,
            subject=subject,
            hint="check free space and permissions of the state folder",
        ) from error
