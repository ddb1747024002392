"""What every record of runs keeps: the one in memory and the one on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.journal import MemoryRuns
from shipway.adapters.journal import LocalRuns
from shipway.core.oci.digest import of
from shipway.core.ports.journal import Journal, Runs
from shipway.core.run import note as notes
from shipway.core.run.note import Note
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Journal, Runs)


@pytest.fixture(params=["memory", "disk", "disk at once"])
def runs(request: pytest.FixtureRequest, tmp_path: Path) -> Runs:
    """Give an empty record."""
    if request.param == "memory":
        return MemoryRuns()
    return LocalRuns(str(tmp_path), at_once=request.param == "disk at once")


def note(number: int, step: str = "build") -> Note:
    """Return a begun note."""
    return Note(
        run="r1", trace="t", number=number, step=step, version="1/1", began=1.0, request=of(b"")
    )


def test_events_come_back_in_order(runs: Runs) -> None:
    """Lines are kept as given, whole, in order, and are there before the run ends."""
    journal = runs.open("r1")
    journal.append(b"one\n")
    journal.append(b"two\n")

    assert runs.events("r1") == b"one\ntwo\n"
    journal.close()


def test_a_note_is_replaced_whole(runs: Runs) -> None:
    """Writing a note again replaces it; others stay; they come in order of their numbers."""
    journal = runs.open("r1")
    for number in (2, 1):
        journal.write(note(number))
    journal.write(notes.closed(note(2), at=2.0, result=b'{"a":1}'))
    journal.sync()

    assert [(one.number, one.state) for one in runs.notes("r1")] == [(1, "begun"), (2, "passed")]
    assert bytes(runs.notes("r1")[1].result) == b'{"a":1}'
    journal.close()


def test_a_run_without_events_or_notes(runs: Runs) -> None:
    """A run that has only just been opened is there, and empty."""
    journal = runs.open("r1")

    assert runs.events("r1") == b""
    assert runs.notes("r1") == ()
    journal.close()


def test_newest_first(runs: Runs) -> None:
    """Runs are listed by their ids, newest first, as many as asked for."""
    assert runs.newest() == ()
    for run in ("r2", "r3", "r1"):
        runs.open(run).close()

    assert runs.newest() == ("r3", "r2", "r1")
    assert runs.newest(1) == ("r3",)


def test_an_unknown_run(runs: Runs) -> None:
    """Asking for a run that never was is told."""
    for ask in (runs.events, runs.notes):
        with pytest.raises(ShipwayError) as caught:
            ask("r9")
        assert caught.value.id == "run.unknown"


def test_the_living_are_not_abandoned(runs: Runs) -> None:
    """Notes of runs that go on, or that have ended, are nobody else's."""
    living = runs.open("r1")
    living.write(note(1))
    runs.open("r2").close()

    assert list(runs.abandoned()) == []
    living.close()
