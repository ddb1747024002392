"""What everything that watches folders keeps: the fake and the kernel's."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest

from fakes.watching import MemoryWatching
from shipway import scope
from shipway.adapters.watching import FolderWatching
from shipway.core.ports.watching import Watched, Watching
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path


PORTS = (Watching, Watched)


class World:
    """A folder under watch, and a way to change it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder = folder
        self.memory = MemoryWatching()
        environ = {"WATCHFILES_FORCE_POLLING": "1"} if kind == "polling" else {}
        self.watching: Watching = self.memory if kind == "memory" else FolderWatching(environ)

    def save(self, name: str) -> None:
        """Write a file as editors do: beside, then in its place."""
        beside = self.folder / f".{name}.swp"
        beside.write_text(f"{time.monotonic_ns()}")
        beside.replace(self.folder / name)
        self.memory.touch()


@pytest.fixture(params=["memory", "kernel", "polling"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """Give one."""
    return World(request.param, tmp_path)


def test_a_save_wakes(world: World) -> None:
    """A change after the watch began is seen, also when it came before anyone waited."""
    with world.watching.folders([str(world.folder)]) as watched:
        world.save("a.go")
        assert watched.wait(10)
        threading.Timer(0.05, world.save, ["b.go"]).start()
        assert watched.wait(10)


def test_nothing_changes(world: World) -> None:
    """Where nothing happens the time runs out; a folder that is not there is none."""
    with world.watching.folders([str(world.folder), str(world.folder / "none")]) as watched:
        assert not watched.wait(0.05)


def test_waiting_is_cancelled(world: World) -> None:
    """Who is cancelled waits no longer."""

    def wait() -> None:
        with scope.open() as inside, world.watching.folders([str(world.folder)]) as watched:
            threading.Timer(0.05, inside.cancel).start()
            watched.wait(60)

    with pytest.raises(ShipwayError) as caught:
        wait()

    assert caught.value.id == "run.cancelled"
