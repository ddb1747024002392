"""What databases of vulnerabilities and their scanner promise, in memory and for real."""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import pytest

from fakes.goproxy import FileProxy
from fakes.gotools import CACHE, OURS, real_go, target
from fakes.toolchains import FakeToolchains
from fakes.vulnerable import CVE, ID, LEAKY, MODIFIED, SERVICE, write_database, write_project
from fakes.vulns import FakeScanner, MemoryDatabases, known
from shipway.adapters.go.vulncheck import Govulncheck
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.adapters.vulndb import VulnDatabases
from shipway.core.ports.vulns import Databases, Scanner
from shipway.core.vulns import finding, osv
from shipway.core.vulns.finding import CALLED, IMPORTED, REQUIRED
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PORTS = (Databases, Scanner)


class Place(Protocol):
    """A project with three programs, a database, and programs that are built."""

    root: str
    source: str
    databases: Databases
    scanner: Scanner

    def program(self, name: str, *, stripped: bool = False) -> str:
        """Return the path of a program of the project."""


class _Memory:
    def __init__(self, folder: Path) -> None:
        self.root, self.source = str(folder), str(folder / "db")
        self.databases = MemoryDatabases()
        self.databases.known[self.source] = known()
        self.scanner = FakeScanner(self.databases)
        for name, grade in (("calls", CALLED), ("imports", IMPORTED), ("requires", REQUIRED)):
            self.scanner.near[f"./cmd/{name}"] = grade

    def program(self, name: str, *, stripped: bool = False) -> str:
        path = f"{self.root}/bin/{name}"
        self.scanner.near[path] = self.scanner.near[f"./cmd/{name}"]
        self.scanner.stripped |= {path} if stripped else set()
        return path


class _Real:
    def __init__(self, folder: Path, go: str, govulncheck: Callable[[], Path]) -> None:
        proxy = FileProxy(folder / "proxy")
        self.root = str(write_project(folder / "shop", proxy))
        self.source = str(write_database(folder / "db"))
        variables = {"GOPROXY": proxy.url, "GOSUMDB": "off", "GOMODCACHE": str(folder / "mod")}
        variables |= {"GOFLAGS": "-modcacherw"}
        self._go = real_go(go, folder, variables)
        self._go.download(target(self.root, "./cmd/calls"))
        self.databases = VulnDatabases(_no_network, str(folder / "cache"))
        self.scanner = Govulncheck(
            lambda: (str(govulncheck()), "v1.9.0"),
            NamespaceSandbox(SystemProcesses()),
            FakeToolchains(go),
            {"HOME": str(folder), "PATH": os.environ["PATH"], "GOENV": "off", **variables},
            ours=OURS,
            state=str(folder / "state"),
            cache=CACHE,
        )

    def program(self, name: str, *, stripped: bool = False) -> str:
        flags = "-s -w" if stripped else ""
        return self._go.build(target(self.root, f"./cmd/{name}"), flags).path


def _no_network() -> None:
    raise AssertionError("nobody asked for an address")


@pytest.fixture(params=["memory", "real"], scope="module")
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Give a project and a database of each kind; nothing here changes them."""
    tmp_path = tmp_path_factory.mktemp("vulns")
    if request.param == "memory":
        return _Memory(tmp_path)
    engine = request.getfixturevalue("engine")
    go = request.getfixturevalue("go_path")
    return _Real(tmp_path.resolve(), go, lambda: engine("govulncheck", "govulncheck"))


def test_a_folder_is_a_database(place: Place) -> None:
    """Its date is the one that it gives; any other folder is refused."""
    found = place.databases.open(place.source, (LEAKY,))

    assert found.source == "folder"
    assert found.modified == datetime.fromisoformat(MODIFIED).timestamp()
    with pytest.raises(ShipwayError) as caught:
        place.databases.open(f"{place.source}/nothing", ())
    assert caught.value.id == "scan.database"


def test_entries_are_found_by_their_modules(place: Place) -> None:
    """Whole, as the database has them; none about any other module."""
    database = place.databases.open(place.source, (LEAKY,))
    (found,) = place.databases.entries(database, {LEAKY, SERVICE})

    assert osv.read(found).names == {ID, CVE}
    assert osv.read(found).affects(LEAKY, "v1.0.0")
    assert place.databases.entries(database, {SERVICE}) == ()


def test_source_and_twin_say_how_near(place: Place) -> None:
    """Called, imported, required, by the call graph and by what is linked in; each is told."""
    database = place.databases.open(place.source, ())
    for name, grade in (("calls", CALLED), ("imports", IMPORTED), ("requires", REQUIRED)):
        asked = target(place.root, f"./cmd/{name}")
        source = finding.read(place.scanner.source(asked, database))
        twin = finding.read(place.scanner.twin(asked, "-s -w -buildid=", database))
        (one,) = finding.join(source, twin)
        assert (one.id, one.module, one.grade) == (ID, LEAKY, grade)
        assert one.seen == {"source": grade, "program": grade}
        assert one.aliases == (CVE,)
        assert (one.version, one.fixed) == ("v1.0.0", "v1.2.0")
        if grade == CALLED:
            assert one.symbol == f"{LEAKY}.Spill"
            assert one.path[0].endswith("cmd/calls.main")


def test_a_program_is_read_by_its_symbols(place: Place) -> None:
    """Of one without symbols everything counts as called, and that can be told beforehand."""
    database = place.databases.open(place.source, ())
    whole, bare = place.program("requires"), place.program("imports", stripped=True)

    assert place.scanner.has_symbols(whole)
    assert not place.scanner.has_symbols(bare)
    assert {LEAKY, SERVICE} <= set(place.scanner.linked(whole))
    assert finding.read(place.scanner.program(whole, database)).findings[0].grade == REQUIRED
    assert finding.read(place.scanner.program(bare, database)).findings[0].grade == CALLED


def test_what_cannot_be_scanned_is_an_error(place: Place) -> None:
    """A path without a program, and a folder without a module; never a clean scan."""
    database = place.databases.open(place.source, ())
    with pytest.raises(ShipwayError) as caught:
        place.scanner.has_symbols(f"{place.root}/bin/nothing")
    assert caught.value.id == "scan.failed"
    with pytest.raises(ShipwayError):
        place.scanner.program(f"{place.root}/bin/nothing", database)
    with pytest.raises(ShipwayError) as caught:
        place.scanner.modules(target(place.root, ".", module_dir="nowhere"))
    assert caught.value.id == "build.no-module"


def test_the_modules_are_known_beforehand(place: Place) -> None:
    """All that a target may be made of, so that a database far away is asked about those."""
    found = place.scanner.modules(target(place.root, "./cmd/calls"))

    assert {LEAKY, SERVICE} <= set(found)
    assert place.scanner.name() == "govulncheck v1.9.0"
