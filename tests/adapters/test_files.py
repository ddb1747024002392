"""A folder on disk follows no link out of itself and says what the system says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shipway.adapters.files import Folder
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path


def test_links_out_are_refused(tmp_path: Path) -> None:
    """A link to elsewhere is not read, and a dangling one is not written through."""
    (tmp_path / "project").mkdir()
    (tmp_path / "secret").write_text("s")
    (tmp_path / "project" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "project" / "inner").symlink_to("nowhere")
    folder = Folder(str(tmp_path / "project"))

    with pytest.raises(ShipwayError, match="leads out of the project"):
        folder.read("link")
    assert not folder.create("inner", b"x")
    assert tuple(folder.under(".")) == ()


def test_what_the_system_refuses(tmp_path: Path) -> None:
    """A folder where a file should be is told, and nothing half-written stays."""
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    folder = Folder(str(tmp_path))

    for ask in (lambda: folder.create("file/x", b""), lambda: folder.replace("full", b"")):
        with pytest.raises(ShipwayError) as caught:
            ask()
        assert (caught.value.id, caught.value.kind) == ("files.refused", Kind.MISSING)
    assert folder.read("full") is None
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


def test_links_in_a_circle(tmp_path: Path) -> None:
    """They are told as what they are, whatever is asked."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    folder = Folder(str(tmp_path))

    for ask in (folder.read, folder.has, folder.under):
        with pytest.raises(ShipwayError) as caught:
            ask("a")
        assert caught.value.id == "files.refused"


def test_of_two_writers_one_wins(tmp_path: Path) -> None:
    """A file that appears while another is being written is kept."""
    folder = Folder(str(tmp_path))
    place = tmp_path / "x"
    place.write_text("theirs")

    assert not folder._write(place, b"ours", exclusive=True)
    assert place.read_text() == "theirs"
