"""What only real processes can show: groups, floods, stubborn and lingering children."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from shipway import scope
from shipway.adapters import process
from shipway.adapters.process import SystemProcesses
from shipway.errors import ShipwayError

ENV = {"PATH": "/usr/bin:/bin"}


def shell(script: str, **options: object) -> process.Completed:
    """Run a script."""
    return SystemProcesses().run(["/bin/sh", "-c", script], env=ENV, **options)  # type: ignore[arg-type]


def is_alive(pid: int) -> bool:
    """Return whether a process is there, and no zombie, for a second."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        try:
            if " Z " in Path(f"/proc/{pid}/stat").read_text("ascii"):
                return False
        except (FileNotFoundError, ProcessLookupError):
            return False
    return True


def test_a_stubborn_child_is_killed(tmp_path: Path) -> None:
    """A group that ignores SIGTERM is killed a second later."""
    note = tmp_path / "pid"
    with pytest.raises(ShipwayError):
        shell(f"trap '' TERM; echo $$ > {note}; while :; do sleep 0.1; done", timeout=0.3)

    assert not is_alive(int(note.read_text()))


def test_children_left_behind_are_ended(tmp_path: Path) -> None:
    """What a program leaves running in its group ends with it, and is not waited for."""
    note = tmp_path / "pid"
    began = time.monotonic()
    done = shell(f"sleep 60 & echo $! > {note}; echo ok")

    assert done.out == b"ok\n"
    assert time.monotonic() - began < 5
    assert not is_alive(int(note.read_text()))


def test_a_flood_is_stopped() -> None:
    """A program that writes without end is ended before it fills the memory."""
    with pytest.raises(ShipwayError) as failure:
        shell("head -c 300000000 /dev/zero", timeout=60)

    assert failure.value.id == "process.flood"


def test_only_the_end_of_streamed_output_is_kept() -> None:
    """Where lines are heard as they come, only the last of them are kept."""
    heard = []
    done = shell("yes 0123456789 | head -n 300000", on_line=heard.append)

    assert len(heard) == 300000
    assert len(done.out) == process.KEPT


def test_standard_error_is_bounded() -> None:
    """Only the last mebibyte of standard error is kept."""
    done = shell("yes 0123456789 | head -n 300000 >&2; echo end >&2")

    assert len(done.err) == process.KEPT
    assert done.err.endswith(b"end\n")


def test_a_child_that_does_not_read_is_no_error() -> None:
    """Input that nobody reads is dropped."""
    assert SystemProcesses().run(["/bin/true"], env={}, stdin=b"x" * 1_000_000).code == 0


def test_closed_outputs_do_not_end_the_wait() -> None:
    """A program that closes its outputs early is waited for, and its code returned."""
    assert shell("exec >&- 2>&-; sleep 0.3; exit 7").code == 7
    with pytest.raises(ShipwayError):
        shell("exec >&- 2>&-; sleep 30", timeout=0.3)


def test_a_missing_folder_is_named() -> None:
    """Where the folder is missing, and not the program, the error names the folder."""
    with pytest.raises(ShipwayError) as failure:
        shell("true", cwd="/nowhere/at/all")

    assert failure.value.subject == "/nowhere/at/all"


def test_it_runs_in_its_own_session() -> None:
    """A child has a process group and session of its own, so that Ctrl-C is ours to hand on."""
    session = int(shell("cut -d' ' -f6 /proc/self/stat").out)

    assert session != os.getsid(0)


def test_a_talk_ends_in_time(tmp_path: Path) -> None:
    """A program that may ask is ended with its time or the scope's; what it said comes back."""
    machine = SystemProcesses()
    env = {"PATH": "/usr/bin:/bin"}

    done = machine.talk(["sh", "-c", "echo said; exit 3"], env=env, timeout=20)
    assert (done.code, done.out, done.err) == (3, b"said\n", b"")
    with pytest.raises(ShipwayError) as late:
        machine.talk(["sleep", "20"], env=env, timeout=0.2)
    with pytest.raises(ShipwayError) as cancelled, scope.open(seconds=0.2):
        machine.talk(["sleep", "20"], env=env, timeout=20)
    with pytest.raises(ShipwayError) as missing:
        machine.talk([str(tmp_path / "none")], env=env, timeout=20)

    found = [one.value.id for one in (late, cancelled, missing)]
    assert found == ["process.timeout", "run.deadline", "process.missing"]
