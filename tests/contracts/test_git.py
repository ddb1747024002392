"""What every Git promises, the repository in memory and the real one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import pytest

from fakes.git import MemoryGit, tree_of
from fakes.repository import Repository
from shipway.adapters.git import GitRepositories
from shipway.adapters.process import SystemProcesses
from shipway.core.ports.git import Git
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Git,)


class Place(Protocol):
    """A repository that a test can change."""

    root: str
    git: Git

    def write(self, path: str, text: str) -> None:
        """Write a file."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def ignore(self, path: str) -> None:
        """Ignore a file, without the repository naming it."""

    def commit(self, time: int) -> None:
        """Commit everything."""

    def tag(self, name: str) -> None:
        """Tag the last commit."""


class _Memory:
    def __init__(self) -> None:
        self.git = MemoryGit()
        self.root = self.git.root

    def write(self, path: str, text: str) -> None:
        self.git.files[path] = text

    def remove(self, path: str) -> None:
        del self.git.files[path]

    def ignore(self, path: str) -> None:
        self.git.ignored.add(path)

    def commit(self, time: int) -> None:
        self.git.commit_all(time)

    def tag(self, name: str) -> None:
        self.git.tags[self.git.commit] = name


class _Real:
    def __init__(self, folder: Path) -> None:
        self.repository = Repository(folder)
        self.root = str(folder)
        self.git = GitRepositories(SystemProcesses(), os.environ)

    def write(self, path: str, text: str) -> None:
        self.repository.write(path, text)

    def remove(self, path: str) -> None:
        (self.repository.root / path).unlink()

    def ignore(self, path: str) -> None:
        with (self.repository.root / ".git/info/exclude").open("a") as file:
            file.write(f"/{path}\n")

    def commit(self, time: int) -> None:
        self.repository.commit(time)

    def tag(self, name: str) -> None:
        self.repository.git("tag", name)


@pytest.fixture(params=["memory", "real"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give an empty repository."""
    return _Memory() if request.param == "memory" else _Real(tmp_path.resolve() / "repository")


def test_no_commit_yet(place: Place) -> None:
    """Without a commit there is a branch and a snapshot, and everything is changed."""
    place.write("a", "1")
    seen = place.git.observe(place.root)

    assert (seen.commit, seen.tree, seen.describe, seen.branch) == ("", "", "", "main")
    assert seen.changed == ("a",)
    assert place.git.snapshot(seen) == tree_of({"a": "1"})


def test_a_clean_commit(place: Place) -> None:
    """A clean commit has its tree, time and tag, and no changes."""
    place.write("a", "1")
    place.write("d/b", "2")
    place.commit(1_600_000_000)
    place.tag("v1.0.0")
    seen = place.git.observe(place.root)

    assert len(seen.commit) == 40
    assert seen.tree == tree_of({"a": "1", "d/b": "2"})
    assert (seen.time, seen.describe, seen.changed) == (1_600_000_000, "v1.0.0", ())


def test_without_a_tag_the_commit_describes_itself(place: Place) -> None:
    """Without tags the description is the abbreviated commit."""
    place.commit(1_600_000_000)
    seen = place.git.observe(place.root)

    assert seen.commit.startswith(seen.describe)


def test_changes_are_in_the_snapshot(place: Place) -> None:
    """Edited, removed and untracked files are in the snapshot; ignored ones are not."""
    for path in ("edited", "removed", "d/kept"):
        place.write(path, "1")
    place.commit(1_600_000_000)
    place.write("edited", "2")
    place.remove("removed")
    place.write("new/file", "3")
    place.write("ignored", "4")
    place.ignore("ignored")
    seen = place.git.observe(place.root)

    assert seen.changed == ("edited", "new/file", "removed")
    assert place.git.snapshot(seen) == tree_of({"edited": "2", "d/kept": "1", "new/file": "3"})


def test_ignored_files_are_unnamed(place: Place) -> None:
    """Only what the snapshot does not hold is unnamed: ignored files, unless they are tracked."""
    place.write("tracked", "1")
    place.commit(1_600_000_000)
    place.ignore("tracked")
    place.ignore("ignored")
    place.write("ignored", "2")
    place.write("untracked", "3")

    assert place.git.unnamed(place.root, ("ignored", "tracked", "untracked")) == ("ignored",)
    assert place.git.unnamed(place.root, ()) == ()


def test_outside_of_a_repository(place: Place) -> None:
    """A folder that lies in no repository is a clear error."""
    with pytest.raises(ShipwayError) as failure:
        place.git.observe("/")

    assert failure.value.id == "source.no-repository"
