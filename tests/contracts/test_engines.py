"""What every :mod:`shipway.core.ports.engines` promises, fake and real."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.engines import FakeEngines, FakeEngineStore
from fakes.tinyengine import write_lock
from fakes.toolchains import FakeToolchains
from shipway.adapters.engines.account import cache_of
from shipway.adapters.engines.build import EngineBuilder
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.engines.store import InstalledEngines
from shipway.adapters.process import SystemProcesses
from shipway.core.ports.engines import Engines, EngineStore
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.engines.progress import Progress

PORTS = (Engines, EngineStore)


class Pair:
    """The user's part, root's part, and a way to alter what is installed."""

    def __init__(self, engines: Engines, store: EngineStore) -> None:
        self.engines = engines
        self.store = store

    def alter(self) -> None:
        """Change a byte of the installed program."""
        if isinstance(self.store, FakeEngineStore):
            self.store.altered.add("tiny")
        else:
            path = Path(self.store.installed("tiny").files["archiver"])
            path.write_bytes(path.read_bytes()[:-1] + b"!")


@pytest.fixture(params=["fake", "real"])
def pair(request: pytest.FixtureRequest, tmp_path: Path, go_path: str) -> Pair:
    """Give both parts, with the engine ``tiny``."""
    if request.param == "fake":
        return Pair(FakeEngines({"tiny": {"archiver": b"program"}}), FakeEngineStore())
    folder = LockFolder(write_lock(tmp_path / "locks"))
    cache = tmp_path / "cache"
    cache.mkdir()
    shared = Path(cache_of(os.environ, None)) / "go-build"
    shared.mkdir(parents=True, exist_ok=True)
    (cache / "go-build").symlink_to(shared)
    engines = EngineBuilder(
        folder,
        SystemProcesses(),
        FakeToolchains(go_path),
        os.environ,
        str(cache),
        cache_limit=1 << 50,
    )
    root = tmp_path / "root"
    store = InstalledEngines(folder, root, owner=os.geteuid(), trusted=tmp_path)
    return Pair(engines, store)


def test_an_engine_is_made_once(pair: Pair) -> None:
    """The second time it is there, with the same digests."""
    moments: list[Progress] = []

    (first,) = pair.engines.ensure(["tiny"], on_progress=moments.append)
    (second,) = pair.engines.ensure(["tiny"], on_progress=moments.append)

    assert first.seconds > 0
    assert second.seconds == 0
    assert (first.files, first.lock, first.directory) == (
        second.files,
        second.lock,
        second.directory,
    )
    assert [m.phase for m in moments if m.phase in {"built", "present"}] == ["built", "present"]
    assert all((m.engine, m.index, m.of) == ("tiny", 1, 1) for m in moments)


def test_names_lists_every_lock(pair: Pair) -> None:
    """All that can be asked for is named."""
    assert pair.engines.names() == ("tiny",)


def test_an_engine_without_a_lock_is_unknown(pair: Pair) -> None:
    """Nothing is made for a name that nobody locked."""
    with pytest.raises(ShipwayError) as caught:
        pair.engines.ensure(["other"], on_progress=lambda _: None)

    assert (caught.value.id, caught.value.kind) == ("engine.unknown", Kind.NOT_FOUND)


def test_what_is_not_installed_is_missing(pair: Pair) -> None:
    """Root starts nothing from the user's cache."""
    pair.engines.ensure(["tiny"], on_progress=lambda _: None)

    with pytest.raises(ShipwayError) as caught:
        pair.store.installed("tiny")

    assert (caught.value.id, caught.value.kind) == ("engine.missing", Kind.NOT_FOUND)


def test_what_is_installed_is_found_with_its_digests(pair: Pair) -> None:
    """Installing twice changes nothing."""
    (built,) = pair.engines.ensure(["tiny"], on_progress=lambda _: None)

    first = pair.store.install(built)

    assert pair.store.install(built) == first
    assert pair.store.installed("tiny") == first
    assert first.digests == built.files
    assert first.files == {"archiver": f"{first.directory}/archiver"}


def test_an_altered_program_is_refused_until_installed_again(pair: Pair) -> None:
    """One changed byte is seen before the start."""
    (built,) = pair.engines.ensure(["tiny"], on_progress=lambda _: None)
    pair.store.install(built)
    pair.alter()

    with pytest.raises(ShipwayError) as caught:
        pair.store.installed("tiny")

    assert (caught.value.id, caught.value.kind) == ("engine.altered", Kind.INTEGRITY)
    assert pair.store.install(built).digests == built.files
