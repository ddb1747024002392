"""A build that is begun before anybody asks: taken if it is the right one, else forgotten."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes.gotools import real_go, target
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.adapters.go import GoTool
    from shipway.core.ports.sandbox import Confined

MAIN = 'package main\n\nfunc main() { println("one") }\n'
FLAGS = "-s -w -buildid="


class Counting(NamespaceSandbox):
    """The real confinement, which counts builds and says when each has begun."""

    def __init__(self) -> None:
        super().__init__(SystemProcesses())
        self.builds = 0
        self.over = threading.Event()

    def run(self, argv: Any, **options: Any) -> Confined:
        """Run."""
        self.builds += "build" in argv
        try:
            return super().run(argv, **options)
        finally:
            self.over.set()


class Project:
    """A module that was built once, and the next process's Go hand."""

    def __init__(self, go_path: str, folder: Path) -> None:
        self.go_path, self.folder = go_path, folder
        self.root = folder / "module"
        self.root.mkdir()
        (self.root / "go.mod").write_text("module example.com/web\n\ngo 1.24\n")
        self.write("one")
        self.scratch = folder / "scratch"
        go, _ = self.hand()
        go.discard(go.build(target(self.root), FLAGS))

    def hand(self) -> tuple[GoTool, Counting]:
        """Return a new hand and what counts its builds."""
        counting = Counting()
        return real_go(self.go_path, self.folder, sandbox=counting), counting

    def write(self, word: str) -> None:
        """Change the one line, or break it."""
        (self.root / "main.go").write_text(
            MAIN.replace('"one"', word if word == "?" else f'"{word}"')
        )

    def left(self) -> list[Path]:
        """Return executables that nobody took."""
        return list(self.scratch.iterdir())


@pytest.fixture
def project(go_path: str, tmp_path: Path) -> Project:
    """Give a project that was built once."""
    return Project(go_path, tmp_path.resolve())


def test_what_was_begun_is_taken(project: Project) -> None:
    """An edit is built once, before anybody asks, from anywhere in the repository."""
    project.write("two")
    (project.root / "deep").mkdir()
    go, counting = project.hand()
    with go.ahead(str(project.root / "deep")):
        built = go.build(target(project.root), FLAGS)
        assert b"two" in Path(built.path).read_bytes()
        assert counting.builds == 1
    assert project.left() == [Path(built.path)]


def test_where_nothing_changed_nothing_is_begun(project: Project) -> None:
    """A project as it was built last is left alone."""
    go, counting = project.hand()
    with go.ahead(str(project.root)):
        assert go.key(target(project.root)) is not None
    assert counting.builds == 0


def test_a_project_that_was_never_built(project: Project, tmp_path: Path) -> None:
    """What never was built here is not built before it is asked for."""
    go, counting = project.hand()
    with go.ahead(str(tmp_path)):
        pass
    assert counting.builds == 0


def test_what_is_written_meanwhile_counts(project: Project) -> None:
    """A file written after the build began is in the program that is given out."""
    project.write("two")
    go, counting = project.hand()
    with go.ahead(str(project.root)):
        assert counting.over.wait(60)
        project.write("three")
        built = go.build(target(project.root), FLAGS)
        assert b"three" in Path(built.path).read_bytes()
    assert project.left() == [Path(built.path)]


def test_another_build_is_not_mistaken_for_it(project: Project) -> None:
    """Where other flags are asked for, what was begun is thrown away."""
    project.write("two")
    go, _ = project.hand()
    with go.ahead(str(project.root)):
        built = go.build(target(project.root), f"{FLAGS} -X main.other=1")
        assert built.flags[-1].endswith("main.other=1")
    assert project.left() == [Path(built.path)]


def test_what_nobody_takes_is_gone(project: Project) -> None:
    """A build that nobody asks for leaves nothing, whether it has ended or not."""
    project.write("two")
    for wait in (0, 60):
        go, counting = project.hand()
        with go.ahead(str(project.root)):
            counting.over.wait(wait)
        assert project.left() == []


def test_what_does_not_compile_is_said_once(project: Project) -> None:
    """A compile error is that of the build that was begun; once mended, it is forgotten."""
    project.write("?")
    go, counting = project.hand()
    with go.ahead(str(project.root)), pytest.raises(ShipwayError) as failure:
        go.build(target(project.root), FLAGS)
    assert (failure.value.id, counting.builds) == ("build.compile", 1)

    go, counting = project.hand()
    with go.ahead(str(project.root)):
        assert counting.over.wait(60)
        project.write("mended")
        built = go.build(target(project.root), FLAGS)
    assert b"mended" in Path(built.path).read_bytes()


def test_a_folder_whose_go_mod_is_gone(project: Project) -> None:
    """What cannot even be begun is told by the build that is asked for."""
    (project.root / "go.mod").unlink()
    go, counting = project.hand()
    with go.ahead(str(project.root)), pytest.raises(ShipwayError) as failure:
        go.build(target(project.root), FLAGS)
    assert (failure.value.id, counting.builds) == ("build.no-module", 0)
