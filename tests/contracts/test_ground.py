"""What every tree of root's files does, in memory and on disk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakes.ground import MemoryTree
from shipway.adapters.ground.tree import RootTree
from shipway.core.ports.ground import File, Tree

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Tree,)


@pytest.fixture(params=["memory", "disk"])
def tree(request: pytest.FixtureRequest) -> Tree:
    """Give each kind of tree."""
    if request.param == "memory":
        return MemoryTree()
    return RootTree(owner=os.getuid())


@pytest.fixture
def top(tmp_path: Path, tree: Tree) -> str:
    """Give a folder to work in."""
    path = str(tmp_path / "top")
    tree.secure(path)
    return path


def test_what_was_written_is_read(tree: Tree, top: str) -> None:
    """A file's text comes back; one that is not there is nothing."""
    assert tree.write(File(f"{top}/a/b", "text"))
    assert tree.read(f"{top}/a/b") == "text"
    assert tree.read(f"{top}/none") is None


def test_writing_the_same_changes_nothing(tree: Tree, top: str) -> None:
    """Only a new text or mode is a change."""
    assert tree.write(File(f"{top}/a", "text"))
    assert not tree.write(File(f"{top}/a", "text"))
    assert tree.write(File(f"{top}/a", "text", 0o644))
    assert tree.write(File(f"{top}/a", "other", 0o644))


def test_entries_are_sorted_names(tree: Tree, top: str) -> None:
    """Names right below a folder, sorted; none where there is no folder."""
    for name in ("b", "a", "c/d"):
        tree.write(File(f"{top}/{name}", ""))
    assert tree.entries(top) == ("a", "b", "c")
    assert tree.entries(f"{top}/none") == ()


def test_removing_takes_all_below(tree: Tree, top: str) -> None:
    """A folder goes with what is in it, a file alone, and what is not there is no fault."""
    tree.write(File(f"{top}/a/b/c", ""))
    tree.write(File(f"{top}/d", ""))
    tree.remove(f"{top}/a")
    tree.remove(f"{top}/d")
    tree.remove(f"{top}/none")
    assert tree.entries(top) == ()


def test_bytes_and_folders(tree: Tree, top: str) -> None:
    """Bytes are there at once, and folders have what is asked for above them."""
    tree.folder(f"{top}/x/y", 0o700)
    tree.write_bytes(f"{top}/x/y/z", b"bytes")
    tree.write_bytes(f"{top}/x/y/z", b"other")
    assert tree.read(f"{top}/x/y/z") == "other"


def test_a_lock_leaves_nothing(tree: Tree, top: str) -> None:
    """A folder can be held, again and again, and has nothing in it for that."""
    for _ in range(2):
        with tree.locked(top):
            assert tree.entries(top) == ()
