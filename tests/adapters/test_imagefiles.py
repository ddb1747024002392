"""Files on their way into an image: the same entries on every machine, nothing from outside."""

from __future__ import annotations

import os
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from fakes.content import MemoryContent
from shipway.adapters.content.store import Store
from shipway.adapters.imagefiles import RepositoryFiles, encoded
from shipway.core.oci.layer import Entry, Type
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Give a repository with a few files."""
    top = tmp_path / "repository"
    (top / "web" / "css").mkdir(parents=True)
    (top / "web" / "index.html").write_bytes(b"<html>")
    (top / "web" / "css" / "a.css").write_bytes(b"a{}")
    (top / "run.sh").write_bytes(b"#!/bin/sh\n")
    (top / "run.sh").chmod(0o700)
    (top / "web" / "index.html").chmod(0o600)
    return top


def _collect(root: Path, files: dict[str, str]) -> dict[str, Entry]:
    content = MemoryContent()
    found = RepositoryFiles(content).collect(str(root), files)
    for entry in found:
        assert entry.blob is None or content.has(entry.blob.digest)
    return {entry.path: entry for entry in found}


def test_folders_are_taken_with_all_below(root: Path) -> None:
    """Names in the image are below the target; modes are 0644 and 0755, owner root, no time."""
    found = _collect(root, {"/srv/www": "web", "/usr/bin/run": "run.sh"})

    assert {path: (entry.type, entry.mode) for path, entry in found.items()} == {
        "srv/www": (Type.DIRECTORY, 0o755),
        "srv/www/css": (Type.DIRECTORY, 0o755),
        "srv/www/css/a.css": (Type.FILE, 0o644),
        "srv/www/index.html": (Type.FILE, 0o644),
        "usr/bin/run": (Type.FILE, 0o755),
    }
    assert all(entry.uid == entry.gid == entry.mtime == 0 for entry in found.values())


def test_the_root_of_the_image_may_be_the_target(root: Path) -> None:
    """What lies in a folder may be laid out from / on."""
    assert {"css", "css/a.css", "index.html"} == set(_collect(root, {"/": "web"}))


def test_links_within_are_followed(root: Path) -> None:
    """A link to a file of the repository is that file."""
    (root / "web" / "link.html").symlink_to("index.html")
    (root / "other").symlink_to("web")

    found = _collect(root, {"/a": "other"})

    assert found["a/link.html"].blob == found["a/index.html"].blob


@pytest.mark.parametrize("source", ["none", "../outside", "/etc/passwd", "link", "pipe", "loop"])
def test_what_is_outside_or_no_file_is_refused(root: Path, source: str) -> None:
    """Missing, outside, a pipe, a folder within itself: each is image.files, by name."""
    (root.parent / "outside").write_bytes(b"secret")
    (root / "link").symlink_to("../outside")
    os.mkfifo(root / "pipe")
    (root / "loop").mkdir()
    (root / "loop" / "again").symlink_to(".")

    with pytest.raises(ShipwayError) as caught:
        _collect(root, {"/x": source})

    assert (caught.value.id, caught.value.kind) == ("image.files", Kind.CONFIG)
    assert caught.value.subject


def test_a_file_that_cannot_be_read_is_told(root: Path) -> None:
    """A store or disk that refuses is no traceback."""

    class Refusing(MemoryContent):
        def put(self, data: bytes, media_type: str) -> Any:
            raise PermissionError(13, "Permission denied", media_type, len(data))

    with pytest.raises(ShipwayError, match="Permission denied"):
        RepositoryFiles(Refusing()).collect(str(root), {"/x": "run.sh"})


def test_names_that_are_not_utf8_are_percent_encoded(root: Path) -> None:
    """Every name is text in the image."""
    (root / "web" / os.fsdecode(b"caf\xe9 1%.txt")).write_bytes(b"x")

    assert "w/caf%E9 1%25.txt" in _collect(root, {"/w": "web"})
    assert encoded("café 1%.txt") == "café 1%.txt"


def test_a_big_file_is_never_in_memory_as_a_whole(root: Path) -> None:
    """A file of any size is stored piece by piece."""
    with (root / "big").open("wb") as file:
        file.truncate(40 << 20)
    store = Store(root.parent / "store")
    tracemalloc.start()
    (entry,) = RepositoryFiles(store).collect(str(root), {"/big": "big"})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert entry.blob is not None
    assert (entry.blob.size, store.has(entry.blob.digest)) == (40 << 20, True)
    assert peak < 16 << 20
