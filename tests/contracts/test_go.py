"""What every Go promises, the one in memory and the real one."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import pytest

from fakes.go import FakeGo
from fakes.gotools import real_go, target
from shipway.core.golang import testevents
from shipway.core.ports.go import Go
from shipway.errors import ShipwayError

PORTS = (Go,)


MAIN = "package main\n\nvar version string\n\nfunc main() {\n\tprintln(version)\n}\n"
TEST = 'package main\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {}\n'
FAILING = TEST.replace("{}", '{ t.Fatal("oops") }')


class Module(Protocol):
    """A module that a test can change."""

    root: str
    go: Go

    def write(self, path: str, text: str) -> None:
        """Write a file of it."""


class _Memory:
    root = "/src/module"

    def __init__(self) -> None:
        self.go = FakeGo()

    def write(self, path: str, text: str) -> None:
        self.go.files[path] = text


class _Real:
    def __init__(self, go: str, folder: Path) -> None:
        self.root = str(folder / "module")
        self.go = real_go(go, folder)

    def write(self, path: str, text: str) -> None:
        place = Path(self.root, path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


@pytest.fixture(params=["memory", "real"])
def module(request: pytest.FixtureRequest, go_path: str, tmp_path: Path) -> Module:
    """Give a module with one main package."""
    made: Module = _Memory() if request.param == "memory" else _Real(go_path, tmp_path.resolve())
    made.write("go.mod", "module example.com/web\n\ngo 1.24\n")
    made.write("main.go", MAIN)
    return made


def test_sources_are_read(module: Module) -> None:
    """Sources come by folder and file, tests left out, all or only the folders named."""
    module.write("main_test.go", TEST)
    module.write("internal/meta/m.go", "package meta\n")
    module.write("cmd/tool/t.go", "package main\n")
    everything = module.go.read(module.root, ".")

    assert everything.module == "example.com/web"
    assert everything.packages == {
        ".": {"main.go": MAIN},
        "internal/meta": {"m.go": "package meta\n"},
        "cmd/tool": {"t.go": "package main\n"},
    }
    assert set(module.go.read(module.root, ".", {"meta", "cmd/tool"}).packages) == {
        "internal/meta",
        "cmd/tool",
    }


def test_programs_are_surveyed(module: Module) -> None:
    """Each program comes with what its sources say, and again when they say something else."""
    module.write("cmd/tool/t.go", "package main\n\nfunc main() {}\n")
    found = module.go.survey(module.root, ".")

    assert found.module == "example.com/web"
    assert {one.folder for one in found.mains} == {".", "cmd/tool"}
    listens = 'package main\n\nimport "net"\n\nfunc main() { net.Listen("tcp", ":99") }\n'
    module.write("cmd/tool/t.go", listens)
    first = module.go.survey(module.root, ".").mains[0]
    assert (first.folder, first.name, first.port) == ("cmd/tool", "tool", 99)


def test_without_a_module(module: Module) -> None:
    """A folder without go.mod is a clear error."""
    module.write("go.mod", "")
    with pytest.raises(ShipwayError) as failure:
        module.go.read(module.root, ".")

    assert failure.value.id == "build.no-module"


def test_a_build(module: Module) -> None:
    """A build gives an executable, what it says of itself, and what was read."""
    asked = target(module.root)
    module.go.download(asked)
    built = module.go.build(asked, "-s -w -X main.version=v9")

    assert Path(built.path).stat().st_size
    assert (built.info.package, built.info.main.path) == ("example.com/web", "example.com/web")
    assert built.info.go_version == "go1.27.3"
    assert built.flags[-1] == "-ldflags=-s -w -X main.version=v9"
    assert built.network == "none"
    assert f"{module.root}/main.go" in {file.path for file in built.inputs.files}
    for _ in range(2):
        module.go.discard(built)
    assert not Path(built.path).exists()


def test_the_same_sources_give_the_same_bytes(module: Module) -> None:
    """Building twice gives the same bytes; other sources give others."""
    first = Path(module.go.build(target(module.root), "-s").path).read_bytes()
    again = Path(module.go.build(target(module.root), "-s").path).read_bytes()
    module.write("main.go", MAIN.replace("println(", "println(7, "))

    assert first == again
    assert first != Path(module.go.build(target(module.root), "-s").path).read_bytes()


def test_what_does_not_compile(module: Module) -> None:
    """A compile error carries the compiler's lines."""
    module.write("main.go", "package main\nfunc main() {\n\toops\n}\n")
    with pytest.raises(ShipwayError) as failure:
        module.go.build(target(module.root), "-s")

    assert failure.value.id == "build.compile"
    assert "main.go:3:2: undefined: oops" in failure.value.message


def test_the_key_of_nothing_changed(module: Module) -> None:
    """There is a key after a build; it changes with a source and comes back with it."""
    asked = target(module.root)
    assert module.go.key(asked) is None
    module.go.build(asked, "-s")
    before = module.go.key(asked)
    module.write("main.go", MAIN.replace("println(", "println(1, "))
    edited = module.go.key(asked)
    module.write("main.go", MAIN)

    assert before is not None
    assert edited not in {None, before}
    assert module.go.key(asked) == before


def test_a_key_of_what_still_is_as_it_was_read(module: Module) -> None:
    """Asked so, there is a key after the same bytes were written again, and none after others."""
    asked = target(module.root)
    module.go.build(asked, "-s")
    before = module.go.key(asked, still=True)
    module.write("main.go", MAIN)
    assert before is not None
    assert module.go.key(asked, still=True) == before
    module.write("main.go", MAIN.replace("println(", "println(1, "))

    assert module.go.key(asked, still=True) is None
    assert module.go.key(asked) not in {None, before}


def test_the_folders_of_a_build(module: Module) -> None:
    """They are known after a build: those of all files that were read."""
    module.write("inner/inner.go", "package inner\n\nconst One = 1\n")
    using = 'package main\n\nimport "example.com/web/inner"\n\nfunc main() { println(inner.One) }\n'
    module.write("main.go", using)
    asked = target(module.root)
    assert module.go.folders(asked) == ()
    module.go.build(asked, "-s")

    assert set(module.go.folders(asked)) == {module.root, f"{module.root}/inner"}


def test_tests_are_run(module: Module) -> None:
    """Events come line by line as they happen, and all of them at the end."""
    module.write("main_test.go", TEST)
    heard: list[str] = []
    tested = module.go.test(
        target(module.root, "./..."), across=False, network=False, on_line=heard.append
    )

    assert tested.code == 0
    assert tuple(heard) == tested.events
    assert testevents.fold(tested.events).passed == ("example.com/web.TestIt",)
    assert [lock.name for lock in tested.locks] == ["go.mod"]
    assert module.go.key(target(module.root, "./..."), tests=True)


def test_tests_watched_for_races_have_a_key_of_their_own(module: Module) -> None:
    """Files for the race detector alone are inputs, and count only where it watches."""
    module.write("main_test.go", TEST)
    module.write("race_test.go", f"//go:build race\n\n{TEST.replace('TestIt', 'TestRace')}")
    asked = target(module.root, "./...", cgo=True)
    assert module.go.test(asked, across=False, network=False, race=True).code == 0
    before = module.go.key(asked, tests=True, race=True)
    assert before is not None
    assert module.go.key(asked, tests=True) is None
    module.write("race_test.go", f"//go:build race\n\n{TEST.replace('TestIt', 'TestOther')}")

    assert module.go.key(asked, tests=True, race=True) != before


def test_a_failing_test_is_no_exception(module: Module) -> None:
    """Tests that fail are an answer."""
    module.write("main_test.go", FAILING)
    tested = module.go.test(target(module.root, "./..."), across=True, network=False)

    assert tested.code == 1
    assert testevents.fold(tested.events).failed == ("example.com/web.TestIt",)
