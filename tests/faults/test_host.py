"""A machine that runs out or says no: named by what it lacks, nothing half done, and it goes on.

Each is caused for real: a limit of open files, a read-only home, a full disk (in a mount namespace
of the test's own).
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MAIN = "package main\n\nfunc main() {}\n"
STORE = """
import sys
from pathlib import Path
from shipway.adapters.content.store import Store
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError
store = Store(Path(sys.argv[1]))
small, big = bytes(1000), bytes(range(256)) * 20_000
kept = store.put(small, "x/y")
for _ in range(2):
    try:
        store.put(big, "x/y")
    except ShipwayError as error:
        print(error.id, error.kind.name, store.has(of(big)), store.read(kept.digest) == small)
    Path(sys.argv[2]).unlink(missing_ok=True)
print(store.read(store.put(big, "x/y").digest) == big)
"""
FILES = """
import sys
from pathlib import Path
from shipway.adapters.cache import LocalStageCache
from shipway.adapters.userfiles import AccountFiles, person
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError
home = Path(sys.argv[1])
text = "a login " * 20_000
try:
    AccountFiles(person({"HOME": str(home)}), {}).change(str(home / "config"), lambda _: text)
except ShipwayError as error:
    print(error.id, error.message)
cache = LocalStageCache(str(home / "cache"))
cache.put(of(b"key"), text.encode())
print(cache.get(of(b"key")), sorted(one.name for one in home.rglob("*") if one.is_file()))
"""


class Machine:
    """A person's home and a repository, and the way to run things where something lacks."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        self.repository = folder / "hello"
        self.repository.mkdir()
        (self.repository / "go.mod").write_text("module example.com/hello\n\ngo 1.24\n")
        (self.repository / "main.go").write_text(MAIN)
        self.run("git", "init", "-q")
        self.run("git", "add", "-A")

    def run(self, *argv: str, before: str = "") -> subprocess.CompletedProcess[str]:
        """Run a program in the repository, after a line of shell in a namespace where given."""
        if before:
            alone = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c")
            argv = (*alone, f'{before} && exec "$@"', "sh", *argv)
        return subprocess.run(
            argv,
            cwd=self.repository,
            env={
                "HOME": str(self.home),
                "PATH": os.environ["PATH"],
                "LC_ALL": "C.UTF-8",
                "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def shipway(self, *words: str, before: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command."""
        return self.run(sys.executable, "-m", "shipway", *words, before=before)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Give a machine."""
    return Machine(tmp_path)


@pytest.mark.parametrize("most", [8, 16])
def test_out_of_file_descriptors(machine: Machine, tmp_path: Path, most: int) -> None:
    """The limit is named with the way to raise it, whatever met it first; nothing was made."""
    out = tmp_path / "out"

    done = machine.shipway("build", "--oci-layout", str(out), before=f"ulimit -n {most}")

    assert done.returncode == 5
    assert "host.files" in done.stderr
    assert "next: raise the limit and run the same command again: ulimit -n" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()


def test_a_read_only_home(machine: Machine) -> None:
    """What needs a key or a record says which folder; what needs neither works."""
    closed = (
        f"mount --bind {machine.home} {machine.home} && mount -o remount,bind,ro {machine.home}"
    )

    key = machine.shipway("key", "show", before=closed)
    build = machine.shipway("build", "--push=false", before=closed)
    page = machine.shipway("explain", "host.read_only", before=closed)

    assert (key.returncode, build.returncode, page.returncode) == (5, 5, 0)
    assert "host.read_only" in key.stderr
    assert str(machine.home) in key.stderr
    assert "host.read_only" in build.stderr
    assert "Traceback" not in key.stderr + build.stderr
    assert not any(machine.home.iterdir())


def test_a_full_home(machine: Machine) -> None:
    """A key is whole or not there."""
    full = (
        f"mount -t tmpfs -o size=64k none {machine.home} && "
        f"(head -c 100k /dev/zero > {machine.home}/filled || true) 2>/dev/null"
    )
    keys = f"{machine.home}/.config/shipway/keys"
    show = f"{sys.executable} -m shipway key show; echo $?; ls -A {keys}"

    done = machine.run("sh", "-c", show, before=full)

    assert "host.disk" in done.stderr
    assert "next: make room" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == "5\n"


def test_a_full_disk_leaves_no_half_file(machine: Machine) -> None:
    """A file of logins stays as it was, a cache without an entry, and nothing lies beside them."""
    full = f"mount -t tmpfs -o size=64k none {machine.home}"

    done = machine.run(sys.executable, "-c", FILES, str(machine.home), before=full)

    told = ["userfile.denied No space left on device", "None []"]
    assert done.stdout.splitlines() == told, done.stderr


def test_a_full_store(machine: Machine) -> None:
    """A blob that found no room is not there, those before it are whole, and with room it goes."""
    place = machine.home / "store"
    place.mkdir()
    full = (
        f"mount -t tmpfs -o size=8m none {place} && (head -c 6m /dev/zero > {place}/filled || true)"
    )

    done = machine.run(
        sys.executable, "-c", STORE, str(place / "s"), str(place / "filled"), before=full
    )

    assert done.stdout.splitlines() == ["content.disk MISSING False True", "True"], done.stderr
