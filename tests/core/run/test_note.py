"""A note says what a step was asked, how it ended, and which digests went in and out."""

from __future__ import annotations

import msgspec
import pytest

from shipway.core.oci.digest import of
from shipway.core.run import note as notes
from shipway.core.run.events import Fault, Unit
from shipway.core.run.note import Note
from shipway.errors import ShipwayError

ONE, TWO, THREE = of(b"1"), of(b"2"), of(b"3")


def begun(number: int = 3, inputs: tuple[str, ...] = (ONE,)) -> Note:
    """Return a begun note."""
    return Note(
        run="r",
        trace="t",
        number=number,
        step="build",
        unit=Unit("web", "linux/amd64"),
        version="0.1.0/1",
        began=10.0,
        request=TWO,
        inputs=inputs,
    )


def test_its_name_sorts_and_is_safe() -> None:
    """A note's file name holds number, step and unit, and nothing a path could mind."""
    assert begun().name == "003-build-web-linux-amd64"
    assert msgspec.structs.replace(begun(), unit=Unit("../" * 99)).name == "003-build"


def test_a_begun_note_round_trips() -> None:
    """A note without a result comes back as it was."""
    assert notes.dump(notes.load(notes.dump(begun()))) == notes.dump(begun())
    assert b'"result"' not in notes.dump(begun())


def test_closing_with_a_result() -> None:
    """A closed note holds the result as it is and the digests that stand in it."""
    note = notes.closed(begun(), at=12.0, result=f'{{"a":"{THREE}"}}'.encode())
    loaded = notes.load(notes.dump(note))

    assert (loaded.state, loaded.ended, loaded.outputs) == ("passed", 12.0, (THREE,))
    assert bytes(loaded.result) == f'{{"a":"{THREE}"}}'.encode()


def test_closing_with_a_fault() -> None:
    """A failed step's note carries the fault; a stated state wins where there is none."""
    fault = Fault("a.b", "rejected", "no")

    assert notes.closed(begun(), at=1, fault=fault).state == "refused"
    assert notes.closed(begun(), at=1, state="refused").state == "refused"
    assert notes.load(notes.dump(notes.closed(begun(), at=1, fault=fault))).fault == fault


def test_closing_for_a_dead_process() -> None:
    """The note of a killed process is interrupted, with the time of who noticed."""
    note = notes.interrupted(begun(), at=99.0)

    assert (note.state, note.ended) == ("interrupted", 99.0)


def test_digests_stand_once_in_order() -> None:
    """Digests are found as whole texts only."""
    data = msgspec.json.encode([TWO, {"x": ONE}, TWO, f"repo@{THREE}", "sha256:short"])

    assert notes.digests(data) == (TWO, ONE)


def test_canonical_json_is_sorted() -> None:
    """Equal values give equal bytes, in whatever order they were built."""
    assert notes.canonical({"b": 1, "a": {"d": 1, "c": 2}}) == b'{"a":{"c":2,"d":1},"b":1}'


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b'{"run":"r"}'])
def test_what_is_no_note(data: bytes) -> None:
    """Damage is said."""
    with pytest.raises(ShipwayError) as caught:
        notes.load(data)

    assert caught.value.id == "run.note"


def test_who_produced_a_digest() -> None:
    """The producer is the newest note that has it in its result and not in its request."""
    made = notes.closed(begun(1), at=1, result=f'["{THREE}"]'.encode())
    again = notes.closed(begun(2), at=1, result=f'["{THREE}"]'.encode())
    passed_on = notes.closed(begun(3, (THREE,)), at=1, result=f'["{THREE}"]'.encode())

    assert notes.producer((made, again, passed_on), THREE) == again
    assert notes.producer((made,), ONE) is None
