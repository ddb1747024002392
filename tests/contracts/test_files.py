"""What every folder of files keeps: the one in memory and the one on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.files import MemoryFiles
from shipway.adapters.files import Folder
from shipway.core.ports.files import Files
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Files,)


@pytest.fixture(params=["memory", "disk"])
def files(request: pytest.FixtureRequest, tmp_path: Path) -> Files:
    """Give an empty folder."""
    return MemoryFiles() if request.param == "memory" else Folder(str(tmp_path))


def test_what_is_not_there(files: Files) -> None:
    """A missing file reads as nothing, and a missing folder lists nothing."""
    assert files.read("a/b") is None
    assert not files.has("a/b")
    assert tuple(files.under("a")) == ()


def test_creating_never_overwrites(files: Files) -> None:
    """A file is created once, with its folders; the second attempt says no."""
    assert files.create("a/b.txt", b"one")
    assert files.has("a/b.txt")
    assert not files.has("a")
    assert not files.create("a/b.txt", b"two")
    assert files.read("a/b.txt") == b"one"


def test_replacing(files: Files) -> None:
    """A file is replaced, or made where it was not."""
    files.replace("x/y", b"one")
    files.replace("x/y", b"two")

    assert files.read("x/y") == b"two"


def test_listing(files: Files) -> None:
    """Files under a folder come sorted, by suffix, without hidden ones."""
    for path in ("d/b.yaml", "d/a/c.yml", "d/x.txt", "d/.git/y.yaml", "d/.h.yaml", "e.yaml"):
        files.create(path, b"")

    assert tuple(files.under("d", suffixes=(".yaml", ".yml"))) == ("d/a/c.yml", "d/b.yaml")
    assert tuple(files.under("d")) == ("d/a/c.yml", "d/b.yaml", "d/x.txt")
    assert tuple(files.under("d", suffixes=("yaml",), every=True)) == (
        "d/.git/y.yaml",
        "d/.h.yaml",
        "d/b.yaml",
    )
    assert "e.yaml" in tuple(files.under("."))


@pytest.mark.parametrize("path", ["../x", "a/../../x", "/etc/passwd"])
def test_no_path_leaves(files: Files, path: str) -> None:
    """A path out of the folder is refused, whatever is asked."""
    for ask in (
        files.read,
        files.has,
        lambda p: files.create(p, b""),
        lambda p: files.replace(p, b""),
    ):
        with pytest.raises(ShipwayError) as caught:
            ask(path)
        assert caught.value.id == "files.outside"
