"""What looking at a machine gives, in memory and for real."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakes.machine import MemoryMachine
from fakes.sandbox import FakeSandbox
from shipway.adapters.machine import ThisMachine
from shipway.adapters.process import SystemProcesses
from shipway.core.ports.machine import EngineState, KeyState, Machine

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Machine,)


@pytest.fixture(params=["memory", "real"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    """Give a good machine."""
    if request.param == "memory":
        return MemoryMachine()
    (tmp_path / "go1.27.3" / "bin").mkdir(parents=True)
    (tmp_path / "go1.27.3" / "bin" / "go").touch()
    return ThisMachine(
        SystemProcesses(),
        FakeSandbox(SystemProcesses()),
        {"PATH": os.environ["PATH"]},
        store=str(tmp_path / "store"),
        toolchains=str(tmp_path),
        engines=lambda: (EngineState("etcd", made=True),),
        key=lambda: KeyState("SHA256:mine", guarded=True),
    )


def test_a_good_machine(machine: Machine) -> None:
    """Everything is there and says so."""
    folder, free = machine.free()

    assert machine.python().startswith("3.")
    assert machine.program("git", "--version").startswith("git version")
    assert machine.toolchain("go1.27.3").endswith("go1.27.3")
    assert machine.engines() == (EngineState("etcd", made=True),)
    assert machine.key() == KeyState("SHA256:mine", guarded=True)
    assert machine.confinement() == ""
    assert folder.endswith("store")
    assert free > 1 << 20


def test_what_is_not_there_is_empty(machine: Machine) -> None:
    """Neither a program, a toolchain nor a server that is not there is an error."""
    assert machine.program("no-such-program-anywhere") == ""
    assert machine.toolchain("go9.9.9") == ""
    assert machine.date("http://127.0.0.1:1/") is None
