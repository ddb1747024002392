"""The journal on disk survives kill -9, masks what it writes, and keeps itself small."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shipway import redaction
from shipway.adapters import journal
from shipway.adapters.journal import LocalRuns
from shipway.core.oci.digest import of
from shipway.core.run import note as notes
from shipway.core.run.events import parse_all
from shipway.core.run.note import Note
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

KILLED = """
import os, sys
from shipway.adapters.clock import SystemClock
from shipway.adapters.journal import LocalRuns
from shipway.core.run.events import Unit
from shipway.run import Run
import msgspec

class Asked(msgspec.Struct): pass

def push(request):
    print(run.id, flush=True)
    sys.stdin.read()
push.__module__ = "shipway.stages.push"

with Run("up", runs=LocalRuns(sys.argv[1]), clock=SystemClock(), emit=lambda event: None) as run:
    run.step(push, Unit("web"), Asked())
"""


def note(number: int = 1, run: str = "r1") -> Note:
    """Return a begun note."""
    return Note(
        run=run, trace="t", number=number, step="build", version="1/1", began=1.0, request=of(b"")
    )


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    """A killed process leaves its begun note and its events, which the next run closes."""
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout
    run = child.stdout.readline().strip()
    runs = LocalRuns(str(tmp_path))
    alive = list(runs.abandoned())
    child.send_signal(signal.SIGKILL)
    child.communicate()
    found = [(entry.step, entry.state, where) for entry, where in runs.abandoned()]

    assert alive == []
    assert [entry[:2] for entry in found] == [("push", "begun")]
    assert [type(event).__name__ for event in parse_all(runs.events(run))] == [
        "RunStarted",
        "StepStarted",
    ]


def abandon(folder: Path) -> None:
    """Leave a begun note as a killed process would."""
    runs = LocalRuns(str(folder))
    runs.open("r1").write(note())
    (folder / "open" / "r1").unlink()
    (folder / "open" / "r1").touch()


def test_a_marker_without_its_run(tmp_path: Path) -> None:
    """A marker whose folder is gone is swept away."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "r1").touch()
    runs = LocalRuns(str(tmp_path))

    assert list(runs.abandoned()) == []
    assert not (tmp_path / "open" / "r1").exists()


def test_an_abandoned_note_is_closed_on_disk(tmp_path: Path) -> None:
    """What is written back is on the disk under the same name."""
    abandon(tmp_path)
    later = LocalRuns(str(tmp_path))
    for found, where in later.abandoned():
        where.append(b"{}\n")
        where.write(notes.interrupted(found, at=2.0))

    assert [entry.state for entry in later.notes("r1")] == ["interrupted"]
    assert later.events("r1") == b"{}\n"
    assert list(later.abandoned()) == []


def test_an_unreadable_note_stops_nobody(tmp_path: Path) -> None:
    """A note that a loss of power emptied is passed over by whoever closes the others."""
    abandon(tmp_path)
    (tmp_path / "runs" / "r1" / "notes" / "000-empty.json").touch()
    runs = LocalRuns(str(tmp_path))

    assert [entry.name for entry, _ in runs.abandoned()] == [note().name]
    with pytest.raises(ShipwayError) as caught:
        runs.notes("r1")
    assert caught.value.id == "run.note"


def test_a_run_is_swept_while_another_opens(tmp_path: Path) -> None:
    """A marker that disappears while it is being locked is made again."""
    marker = tmp_path / "r1"
    marker.touch()
    holder = os.open(marker, os.O_RDWR)
    fcntl.flock(holder, fcntl.LOCK_EX)
    locked: list[int] = []
    thread = threading.Thread(target=lambda: locked.append(journal._locked(marker)))
    thread.start()
    time.sleep(0.1)
    marker.unlink()
    os.close(holder)
    thread.join(5)

    assert marker.stat().st_ino == os.fstat(locked[0]).st_ino
    os.close(locked[0])


def test_secrets_are_masked(tmp_path: Path) -> None:
    """Events and notes reach the disk masked."""
    redaction.add("planted-in-journal")
    runs = LocalRuns(str(tmp_path))
    record = runs.open("r1")
    record.append(b'"planted-in-journal"\n')
    record.write(notes.closed(note(), at=1, result=b'"planted-in-journal"'))
    record.close()

    assert runs.events("r1") == b'"***"\n'
    assert bytes(runs.notes("r1")[0].result) == b'"***"'


def test_only_the_owner_can_read(tmp_path: Path) -> None:
    """Journal, notes folder and marker are closed to other accounts."""
    record = LocalRuns(str(tmp_path)).open("r1")
    record.append(b"x\n")

    for path in ("runs/r1/events.ndjson", "open/r1"):
        assert (tmp_path / path).stat().st_mode & 0o077 == 0
    assert (tmp_path / "runs" / "r1" / "notes").stat().st_mode & 0o077 == 0
    record.close()


def test_old_runs_are_removed(tmp_path: Path) -> None:
    """The newest runs are kept, and any that has something left to close."""
    runs = LocalRuns(str(tmp_path))
    for number in range(journal.KEPT + 3):
        (tmp_path / "runs" / f"r{number:04}").mkdir(parents=True)
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "r0001").touch()
    runs.open("r9999").close()

    kept = runs.newest(1000)
    assert "r0000" not in kept
    assert "r0001" in kept
    assert "r0003" not in kept
    assert len(kept) == journal.KEPT + 1


def test_no_path_leaves_the_folder(tmp_path: Path) -> None:
    """A run id is a name, never a path."""
    for run in ("../x", ".hidden", "a/b"):
        with pytest.raises(ShipwayError, match="no such run"):
            LocalRuns(str(tmp_path)).notes(run)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A state folder that is no folder is told as missing, with what to check."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ShipwayError) as caught:
        LocalRuns(str(tmp_path / "file")).open("r1")

    assert (caught.value.id, caught.value.kind) == ("run.state", Kind.MISSING)


def test_a_run_whose_folder_vanishes(tmp_path: Path) -> None:
    """Notes that were removed under a running process do not stop its end."""
    runs = LocalRuns(str(tmp_path))
    record = runs.open("r1")
    record.write(note())
    (tmp_path / "runs" / "r1" / "notes" / f"{note().name}.json").unlink()
    record.close()

    assert runs.notes("r1") == ()


def test_a_step_costs_little(tmp_path: Path) -> None:
    """Two notes and two events of a step cost a few milliseconds at most."""
    record = LocalRuns(str(tmp_path)).open("r1")
    spent = []
    for number in range(50):
        began = time.perf_counter()
        record.write(note(number))
        record.append(b"{}\n")
        record.write(notes.closed(note(number), at=1))
        record.append(b"{}\n")
        spent.append(time.perf_counter() - began)
    record.close()
    median = sorted(spent)[25]

    print(f"journal: {median * 1000:.2f} ms a step on {os.cpu_count()} cores")
    assert median < 0.02
