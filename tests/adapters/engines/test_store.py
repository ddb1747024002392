"""Root starts only what root alone can change, and only the bytes that were built."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fakes.tinyengine import TOML, write_lock
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.engines.store import InstalledEngines
from shipway.core.oci.digest import of
from shipway.core.ports.engines import Built
from shipway.errors import Kind, ShipwayError

PROGRAM = b"program" * 1000


class Machine:
    """A user's cache with one built engine, and the folders of a root."""

    def __init__(self, folder: Path) -> None:
        self.cache = folder / "cache"
        self.cache.mkdir()
        self.lib = folder / "lib"
        self.locks = LockFolder(write_lock(folder / "locks"))
        (self.cache / "archiver").write_bytes(PROGRAM)
        self.store = InstalledEngines(
            self.locks, self.lib / "engines", owner=os.geteuid(), trusted=folder
        )

    def built(self, data: bytes = PROGRAM) -> Built:
        """Return the engine in the cache, said to be ``data``."""
        lock = self.locks.digest("tiny")
        return Built("tiny", "v1.0.0", lock, str(self.cache), {"archiver": of(data)})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine."""
    return Machine(tmp_path)


def refused(machine: Machine) -> ShipwayError:
    """Return why the installed engine is not started."""
    with pytest.raises(ShipwayError) as caught:
        machine.store.installed("tiny")
    return caught.value


def test_an_installed_program_is_a_copy_that_all_may_run(machine: Machine) -> None:
    """Mode 0755, and nothing of the way there is left."""
    installed = machine.store.install(machine.built())

    program = Path(installed.files["archiver"])
    assert program.read_bytes() == PROGRAM
    assert program.stat().st_mode & 0o7777 == 0o755
    assert [path.name for path in program.parent.parent.iterdir()] == [installed.lock]


def test_what_a_killed_install_left_is_removed(machine: Machine) -> None:
    """A half copy is no engine and does not stay."""
    left = machine.lib / "engines" / "tiny" / ".part-left"
    left.mkdir(parents=True)

    machine.store.install(machine.built())

    assert not left.exists()


def test_bytes_that_changed_after_the_build_are_not_installed(machine: Machine) -> None:
    """The copy is proved on its way; nothing of it stays."""
    with pytest.raises(ShipwayError) as caught:
        machine.store.install(machine.built(b"what was built"))

    assert caught.value.kind is Kind.INTEGRITY
    assert not list((machine.lib / "engines" / "tiny").iterdir())


def test_an_engine_of_another_lock_is_not_installed(machine: Machine) -> None:
    """Another Shipway's engine does not slip in under this one's digest."""
    built = Built("tiny", "v1", "f" * 64, str(machine.cache), {"archiver": of(PROGRAM)})

    with pytest.raises(ShipwayError) as caught:
        machine.store.install(built)

    assert caught.value.id == "engine.altered"


@pytest.mark.parametrize("kind", ["link", "pipe", "gone"])
def test_only_a_plain_file_is_copied(machine: Machine, kind: str) -> None:
    """A link could name anything that only root may read; a pipe would hold root up."""
    source = machine.cache / "archiver"
    source.unlink()
    if kind == "link":
        source.symlink_to("/etc/shadow")
    elif kind == "pipe":
        os.mkfifo(source)

    with pytest.raises(ShipwayError) as caught:
        machine.store.install(machine.built())

    assert caught.value.id == ("engine.altered" if kind == "gone" else "engine.unsafe")


@pytest.mark.parametrize("place", ["lib", "engines", "tiny", "lock"])
def test_a_folder_that_others_can_write_is_refused_with_the_fix(
    machine: Machine, place: str
) -> None:
    """At every level, for starting and for installing."""
    installed = Path(machine.store.install(machine.built()).directory)
    folders = [machine.lib, machine.lib / "engines", installed.parent, installed]
    folder = dict(zip(["lib", "engines", "tiny", "lock"], folders, strict=True))[place]
    folder.chmod(0o777)

    error = refused(machine)

    assert (error.id, error.kind, error.subject) == ("engine.unsafe", Kind.DENIED, str(folder))
    assert f"chmod 755 {folder}" in error.hint


def test_installing_below_a_folder_that_others_can_write_is_refused(machine: Machine) -> None:
    """It is looked at before anything is written there."""
    machine.lib.mkdir()
    machine.lib.chmod(0o777)

    with pytest.raises(ShipwayError) as caught:
        machine.store.install(machine.built())

    assert caught.value.id == "engine.unsafe"
    assert not list(machine.lib.iterdir())


def test_a_root_that_cannot_be_written_is_said(machine: Machine) -> None:
    """Whatever the system says reaches the reader, with the folder."""
    machine.lib.mkdir()
    store = InstalledEngines(
        machine.locks,
        machine.lib / ("x" * 300),
        owner=os.geteuid(),
        trusted=machine.lib.parent,
    )

    with pytest.raises(ShipwayError) as caught:
        store.install(machine.built())

    assert (caught.value.id, caught.value.kind) == ("engine.install", Kind.MISSING)


def test_a_linked_folder_is_refused(machine: Machine) -> None:
    """Whoever owns what it points to could change what root starts."""
    machine.store.install(machine.built())
    machine.lib.rename(machine.lib.with_name("elsewhere"))
    machine.lib.symlink_to("elsewhere")

    assert refused(machine).id == "engine.unsafe"


def test_a_program_that_others_can_write_is_refused(machine: Machine) -> None:
    """Even while its bytes are still right."""
    installed = machine.store.install(machine.built())
    Path(installed.files["archiver"]).chmod(0o775)

    assert refused(machine).id == "engine.unsafe"


def test_somebody_elses_folder_is_refused(machine: Machine) -> None:
    """The owner must be the one who starts it."""
    machine.store.install(machine.built())
    other = InstalledEngines(
        machine.locks, machine.lib / "engines", owner=12345, trusted=machine.lib.parent
    )

    with pytest.raises(ShipwayError) as caught:
        other.installed("tiny")

    assert "not 12345" in caught.value.message


def test_a_program_that_is_gone_is_an_altered_engine(machine: Machine) -> None:
    """The list of sums says what has to be there."""
    Path(machine.store.install(machine.built()).files["archiver"]).unlink()

    assert refused(machine).id == "engine.altered"


def test_a_list_of_other_programs_is_an_altered_engine(machine: Machine) -> None:
    """Root starts what the lock names."""
    place = Path(machine.store.install(machine.built()).directory)
    (place / "archiver").rename(place / "other")
    sums = place / "SHA256SUMS"
    sums.write_text(sums.read_text().replace("archiver", "other"))

    assert refused(machine).id == "engine.altered"


def test_the_whole_way_from_the_root_is_looked_at(machine: Machine) -> None:
    """By default no folder above is trusted."""
    machine.store.install(machine.built())
    strict = InstalledEngines(machine.locks, machine.lib / "engines", owner=54321)

    with pytest.raises(ShipwayError) as caught:
        strict.installed("tiny")

    assert caught.value.subject == "/"


def test_another_recipe_is_another_engine(machine: Machine) -> None:
    """After an upgrade the old one does not count."""
    machine.store.install(machine.built())
    write_lock(machine.locks.folder, TOML.replace("v1.0.0", "v1.0.1"))

    assert refused(machine).id == "engine.missing"
