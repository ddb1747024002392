"""Root's files on disk: whole or not at all, and in nobody else's reach."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
import time
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.ground.tree import RootTree
from shipway.core.ports.ground import File
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

TREE = RootTree(owner=os.getuid())


def test_folders_are_made_and_checked(tmp_path: Path) -> None:
    """A folder that is not there is made, those above it too."""
    TREE.secure(str(tmp_path / "a" / "b"))
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o755


def test_a_link_is_refused_with_the_fix(tmp_path: Path) -> None:
    """A symbolic link on the way is refused, wherever it leads."""
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ShipwayError) as caught:
        TREE.secure(str(tmp_path / "link" / "below"))
    assert caught.value.id == "cluster.unsafe"
    assert caught.value.subject == str(tmp_path / "link")
    assert "rm" in caught.value.hint


def test_a_dangling_link_is_refused(tmp_path: Path) -> None:
    """A link to nowhere is refused as well, and nothing is made through it."""
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ShipwayError) as caught:
        TREE.secure(str(tmp_path / "link"))
    assert caught.value.id == "cluster.unsafe"
    assert not (tmp_path / "nowhere").exists()


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    """Group or world write without the sticky bit is refused with the fix."""
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ShipwayError) as caught:
        TREE.secure(str(tmp_path / "open"))
    assert "chmod go-w" in caught.value.hint


def test_a_folder_of_another_is_refused(tmp_path: Path) -> None:
    """A folder that belongs to an account that is not root is refused with the fix."""
    with pytest.raises(ShipwayError) as caught:
        RootTree(owner=12345)._check(_of_another(tmp_path))
    assert "chown" in caught.value.hint


def _of_another(folder: Path) -> Path:
    """Return a folder that neither root nor account 12345 owns."""
    if os.getuid() == 0:
        os.chown(folder, 54321, -1)
    return folder


def test_a_file_has_exactly_its_mode(tmp_path: Path) -> None:
    """The mode is the one asked for, and no temporary file stays."""
    TREE.write(File(str(tmp_path / "f"), "x", 0o640))
    assert stat.S_IMODE((tmp_path / "f").stat().st_mode) == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["f"]


def test_a_link_is_replaced_not_followed(tmp_path: Path) -> None:
    """Writing where a link stands replaces the link and leaves its target; so does removing."""
    (tmp_path / "target").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    TREE.write(File(str(tmp_path / "link"), "new"))
    assert (tmp_path / "target").read_text() == "kept"
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "kept").touch()
    (tmp_path / "other").symlink_to(tmp_path / "folder")
    TREE.remove(str(tmp_path / "other"))
    assert (tmp_path / "folder" / "kept").exists()


def test_a_folder_that_fills_meanwhile_is_removed(tmp_path: Path) -> None:
    """Somebody who writes into a folder while it is removed only makes it take longer."""
    folder = tmp_path / "busy"
    folder.mkdir()
    until = time.monotonic() + 0.2

    def fill() -> None:
        while time.monotonic() < until:
            with contextlib.suppress(OSError):
                (folder / f"{time.monotonic_ns()}").touch()

    thread = threading.Thread(target=fill)
    thread.start()
    TREE.remove(str(folder))
    thread.join()
    TREE.remove(str(folder))

    assert not folder.exists()


def test_what_cannot_be_removed_is_told() -> None:
    """A folder that is a mount point, or the system's own, is named with the next step."""
    with pytest.raises(ShipwayError) as caught:
        TREE.remove("/proc/self")

    assert caught.value.id == "cluster.busy"


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    """A second holder waits for the first to let go."""
    order: list[str] = []

    def second() -> None:
        with TREE.locked(str(tmp_path)):
            order.append("second")

    with TREE.locked(str(tmp_path)):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.1)
        order.append("first")
    thread.join(2)
    assert order == ["first", "second"]
