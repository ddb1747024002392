"""What every Processes promises, the one in memory and the one of this machine."""

from __future__ import annotations

import stat
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fakes.process import MemoryProcesses
from shipway import scope
from shipway.adapters.process import SystemProcesses
from shipway.core.ports.process import Completed, Processes
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from fakes.process import Call

PORTS = (Processes,)


def _sleep(call: Call) -> Completed:
    call.sleep(30)
    return Completed(0, b"", b"")


PROGRAMS: dict[str, tuple[str, Callable[[Call], Completed]]] = {
    "greet": (
        "printf 'one\\ntwo\\nlast'; printf bad >&2; exit 3",
        lambda _: Completed(3, b"one\ntwo\nlast", b"bad"),
    ),
    "echo": ("/bin/cat", lambda call: Completed(0, call.stdin, b"")),
    "environment": (
        "/usr/bin/env | /bin/grep -v -e ^PWD= -e ^SHLVL= -e ^_= | /usr/bin/sort",
        lambda call: Completed(
            0, "".join(f"{k}={v}\n" for k, v in sorted(call.env.items())).encode(), b""
        ),
    ),
    "sleep": ("/bin/sleep 30 & /bin/sleep 30", _sleep),
}


@pytest.fixture(params=["memory", "system"])
def machine(
    request: pytest.FixtureRequest, tmp_path: Path
) -> tuple[Processes, Callable[[str], str]]:
    """Give processes, and the path of each of the programs."""
    if request.param == "memory":
        return MemoryProcesses(
            {name: run for name, (_, run) in PROGRAMS.items()}
        ), lambda name: name
    for name, (script, _) in PROGRAMS.items():
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(stat.S_IRWXU)
    return SystemProcesses(), lambda name: str(tmp_path / name)


Machine = "tuple[Processes, Callable[[str], str]]"


def test_code_and_outputs_are_returned(machine: Machine) -> None:
    """A program's exit code and both its outputs come back apart; a failure is no exception."""
    processes, path = machine

    assert processes.run([path("greet")], env={}) == Completed(3, b"one\ntwo\nlast", b"bad")


def test_lines_are_heard(machine: Machine) -> None:
    """Each line of the standard output is heard once, in order, the unfinished last one too."""
    processes, path = machine
    heard: list[str] = []
    processes.run([path("greet")], env={}, on_line=heard.append)

    assert heard == ["one", "two", "last"]


def test_stdin_is_given_whole(machine: Machine) -> None:
    """A program reads exactly the bytes given, however many."""
    processes, path = machine
    data = bytes(range(256)) * 2000

    assert processes.run([path("echo")], env={}, stdin=data).out == data
    assert processes.run([path("echo")], env={}).out == b""


def test_the_environment_is_exactly_what_is_given(machine: Machine) -> None:
    """Nothing of our own environment reaches a program."""
    processes, path = machine

    assert processes.run([path("environment")], env={"B": "2", "A": "1"}).out == b"A=1\nB=2\n"


def test_a_missing_program_is_named(machine: Machine) -> None:
    """Where there is no such program the error says which."""
    processes, path = machine
    with pytest.raises(ShipwayError) as failure:
        processes.run([path("nothing")], env={})

    assert failure.value.id == "process.missing"
    assert failure.value.subject == path("nothing")


def test_a_timeout_ends_the_whole_group(machine: Machine) -> None:
    """After its time a program and its children are ended, and the error says so."""
    processes, path = machine
    began = time.monotonic()
    with pytest.raises(ShipwayError) as failure:
        processes.run([path("sleep")], env={}, timeout=0.2)

    assert failure.value.id == "process.timeout"
    assert time.monotonic() - began < 5


def test_cancellation_ends_it(machine: Machine) -> None:
    """A cancelled scope ends the program at once and raises ``run.cancelled``."""
    processes, path = machine
    began = time.monotonic()

    def interrupted() -> None:
        with scope.open() as inside:
            threading.Timer(0.2, inside.cancel).start()
            processes.run([path("sleep")], env={})

    with pytest.raises(ShipwayError) as failure:
        interrupted()

    assert failure.value.id == "run.cancelled"
    assert time.monotonic() - began < 5


def test_nothing_starts_in_a_cancelled_scope(machine: Machine) -> None:
    """A scope that was cancelled before runs nothing more."""
    processes, path = machine

    def interrupted() -> None:
        with scope.open() as inside:
            inside.cancel()
            processes.run([path("greet")], env={})

    with pytest.raises(ShipwayError) as failure:
        interrupted()

    assert failure.value.id == "run.cancelled"
