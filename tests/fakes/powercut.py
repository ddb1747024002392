"""A disk that loses power: what a folder may hold afterwards, at each moment of some work.

Only what was written through (fsync) is sure, a file's bytes and a folder's names each by itself.
Everything else may have reached the disk or not, in any order and in part: a name without its
bytes, bytes without their name, zeros where text was. The work is real and goes to a real folder;
what it writes through is overheard, and the disks that may be left are made as folders.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Node = int
"""An inode's number; all that were written through are held open, so that none is used twice."""
HARMS = ("gone", "empty", "torn", "zeros", "there")
"""What becomes of all that was not written through; beside these, ``random`` for each by itself."""


class File(NamedTuple):
    """A file's bytes and mode."""

    data: bytes
    mode: int


class State(NamedTuple):
    """Files and folders by node."""

    files: dict[Node, File]
    folders: dict[Node, dict[str, Node]]


class Moment(NamedTuple):
    """The power is cut here: what programs see, what is sure, and how far the work was."""

    root: Node
    seen: State
    sure: State
    done: int


class Disk:
    """A folder whose power may be cut."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.moments: list[Moment] = []
        self.done = 0
        """How far the work is; who works counts it up."""
        self._sure = State({}, {})
        self._held: list[int] = []
        self._lock = threading.RLock()

    @contextlib.contextmanager
    def overheard(self) -> Iterator[None]:
        """Note a moment around each write-through, and around each change of a name."""
        self._settle(self.root)
        names = ("fsync", "rename", "replace", "link", "unlink")
        before = {name: getattr(os, name) for name in names}
        for name, call in before.items():
            setattr(os, name, self._around(name, call))
        try:
            yield
            self.look()
        finally:
            for name, call in before.items():
                setattr(os, name, call)
            for held in self._held:
                os.close(held)

    def look(self) -> None:
        """Note this moment."""
        sure = State(dict(self._sure.files), dict(self._sure.folders))
        moment = Moment(self.root.stat().st_ino, _seen(self.root), sure, self.done)
        if not self.moments or self.moments[-1] != moment:
            self.moments.append(moment)

    def _around(self, name: str, call: Callable[..., object]) -> Callable[..., object]:
        def heard(*args: object, **options: object) -> object:
            with self._lock:  # what settles files does so in threads
                self.look()
                found = call(*args, **options)
                if name == "fsync":
                    self._settle(Path(f"/proc/self/fd/{args[0]}").resolve())
                self.look()
            return found

        return heard

    def _settle(self, path: Path) -> None:
        held = os.open(path, os.O_RDONLY)
        self._held.append(held)
        node = os.fstat(held).st_ino
        if path.is_dir():
            self._sure.folders[node] = _names(path)
        else:
            self._sure.files[node] = _file(path)


class Image(NamedTuple):
    """What a disk holds: folders, and files with their bytes, by path."""

    folders: tuple[str, ...]
    files: tuple[tuple[str, File], ...]

    def write(self, target: Path) -> None:
        """Make ``target`` this."""
        target.mkdir()
        for path in self.folders:
            (target / path).mkdir()
        for path, file in self.files:
            (target / path).write_bytes(file.data)
            (target / path).chmod(file.mode)


def left(moment: Moment, harm: str) -> Image:
    """Return what a disk may hold after a cut at ``moment``."""
    chance = random.Random(harm)  # noqa: S311  one that can be repeated
    folders: list[str] = []
    files: list[tuple[str, File]] = []

    def choose() -> str:
        return harm if harm in HARMS else chance.choice(HARMS)

    def folder(node: Node, at: str) -> None:
        seen = moment.seen.folders.get(node, {})
        sure = moment.sure.folders.get(node, {})
        for name in sorted({*seen, *sure}):
            kept = sure.get(name)
            here = seen.get(name) if kept == seen.get(name) or choose() != "gone" else kept
            if here is None:
                continue
            if here in moment.seen.folders or here in moment.sure.folders:
                folders.append(at + name)
                folder(here, f"{at}{name}/")
            else:
                files.append((at + name, _kept(moment, here, choose())))

    folder(moment.root, "")
    return Image(tuple(folders), tuple(files))


def _kept(moment: Moment, node: Node, harm: str) -> File:
    """Return a file of which what was written through is there, and of the rest what may be."""
    sure = moment.sure.files.get(node)
    seen = moment.seen.files.get(node) or sure or File(b"", 0o600)
    data, known = seen.data, sure.data if sure else b""
    more = len(data) - len(known) if data.startswith(known) else 0
    found = {
        "gone": known,
        "empty": known,
        "torn": data[: len(known) + more // 2],
        "zeros": known + bytes(more),
        "there": data,
    }
    return File(found[harm], sure.mode if sure and harm == "gone" else seen.mode)


def _seen(root: Path) -> State:
    files, folders = {}, {}
    for place, _, names in os.walk(root):
        folders[Path(place).stat().st_ino] = _names(Path(place))
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                files[Path(place, name).stat().st_ino] = _file(Path(place, name))
    return State(files, folders)


def _names(folder: Path) -> dict[str, Node]:
    with os.scandir(folder) as found:
        return {one.name: one.inode() for one in found}


def _file(path: Path) -> File:
    return File(path.read_bytes(), path.stat().st_mode & 0o777)
