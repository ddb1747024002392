"""Engines that root starts: copied to where only root can write, proved before each start.

The root part of ``cluster up`` and nobody else calls this. It trusts paths only after looking at
every folder above them, reads a user's file through one descriptor that it checked, and never
runs or compiles anything.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from shipway import scope
from shipway.adapters.engines import hashing
from shipway.core.engines import lock as locks
from shipway.core.ports.engines import Built, Installed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.adapters.engines.locks import LockFolder

SUMS = "SHA256SUMS"
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class InstalledEngines:
    """Engines under ``root``/NAME/LOCKDIGEST, owned by ``owner``.

    ``trusted`` is the folder above which nothing is looked at; it is ``/`` except in tests that
    are not root.
    """

    def __init__(
        self, folder: LockFolder, root: Path, *, owner: int = 0, trusted: Path = Path("/")
    ) -> None:
        self._folder = folder
        self._root = root
        self._owner = owner
        self._trusted = trusted

    def install(self, built: Built) -> Installed:
        """Copy ``built`` here, proving each file against ``built.files``.

        Raises:
            ShipwayError: ``engine.altered`` (also where ``built`` is of another lock than ours),
                ``engine.unsafe``, ``engine.install``.
        """
        if built.lock != self._folder.digest(built.name):
            raise locks.altered(built.directory, "it was made from another lock than this one")
        place = self._place(built.name)
        with contextlib.suppress(ShipwayError):
            return self.installed(built.name)
        try:
            self._copy_to(place, built)
        except OSError as error:
            raise ShipwayError(
                "engine.install",
                Kind.MISSING,
                str(error),
                operation="installing the engine",
                subject=built.name,
                hint=f"root must be able to write below {self._root}",
            ) from error
        return self.installed(built.name)

    def _copy_to(self, place: Path, built: Built) -> None:
        self._make_folders(place.parent)
        with self._part(place) as part:
            self._copy(built, part)
            (part / SUMS).write_text(locks.write_sums(built.files), "utf-8")
            (part / SUMS).chmod(0o644)
            if place.exists():
                shutil.rmtree(place)
            part.rename(place)
        os.sync()

    def installed(self, name: str) -> Installed:
        """Return an installed engine after reading and proving every byte of it.

        Raises:
            ShipwayError: ``engine.missing``, ``engine.altered``, ``engine.unsafe``.
        """
        lock = self._folder.read(name)
        place = self._place(name)
        if not os.path.lexists(place):
            raise _missing(name)
        self._check_folders(place)
        expected = locks.read_sums(self._read_sums(place), str(place))
        if set(expected) != set(lock.recipe.programs):
            raise locks.altered(str(place), "it holds other programs than its lock names")
        paths = {file: place / file for file in expected}
        found = hashing.of_files(paths, self._open_own)
        for file, digest in expected.items():
            if found[file] != digest:
                raise locks.altered(str(paths[file]), f"its bytes have digest {found[file]}")
        files = {file: str(path) for file, path in paths.items()}
        return Installed(name, lock.recipe.version, place.name, str(place), files, expected)

    def _place(self, name: str) -> Path:
        return self._root / name / self._folder.digest(name)

    def _read_sums(self, place: Path) -> str:
        with self._open_own(place / SUMS) as source:
            return source.read(1 << 20).decode("utf-8", "replace")

    def _open_own(self, path: Path) -> BinaryIO:
        """Open a file that nobody but the owner can change."""
        return _open(path, self._owner, private=True)

    def _copy(self, built: Built, part: Path) -> None:
        """Copy all files, each hashed on its way and from the descriptor that was checked."""
        source = Path(built.directory)
        maker = os.lstat(source).st_uid

        def one(file: str) -> None:
            with _open(source / file, maker, private=False) as taken:
                place = part / file
                with place.open("xb") as sink:
                    found = hashing.of_open(taken, sink)
                    sink.flush()
                    os.fchmod(sink.fileno(), 0o755)
                    os.fsync(sink.fileno())
            if found != built.files[file]:
                raise locks.altered(str(source / file), f"its bytes have digest {found}")

        scope.each(one, sorted(built.files), 2)

    @contextlib.contextmanager
    def _part(self, place: Path) -> Iterator[Path]:
        """Give a folder beside ``place`` that is gone afterwards, unless it was moved."""
        for torn in place.parent.glob(".part-*"):
            shutil.rmtree(torn)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=place.parent))
        part.chmod(0o755)
        try:
            yield part
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def _make_folders(self, folder: Path) -> None:
        """Make ``folder`` with mode 0755, looking at each step before going on."""
        for step in self._steps(folder):
            with contextlib.suppress(FileExistsError):
                step.mkdir(mode=0o755)
            self._check_folder(step)

    def _check_folders(self, folder: Path) -> None:
        for step in self._steps(folder):
            self._check_folder(step)

    def _steps(self, folder: Path) -> list[Path]:
        """Return every folder from ``trusted`` down to ``folder``."""
        below = folder.relative_to(self._trusted)
        return [
            self._trusted,
            *(self._trusted.joinpath(*below.parts[: n + 1]) for n in range(len(below.parts))),
        ]

    def _check_folder(self, folder: Path) -> None:
        status = os.lstat(folder)
        if not stat.S_ISDIR(status.st_mode):
            raise _unsafe(folder, "it is not a plain folder (a symbolic link is none)")
        _check_owner(folder, status, self._owner)


def _open(path: Path, owner: int, *, private: bool) -> BinaryIO:
    """Open a plain file of ``owner``, following no link; ``private``: only its owner may write."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise locks.altered(str(path), "it is gone") from error
    except OSError as error:
        raise _unsafe(path, f"it cannot be opened as a plain file ({error.strerror})") from error
    opened = os.fdopen(descriptor, "rb", buffering=0)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _unsafe(path, "it is not a plain file")
        if private or status.st_uid != owner:
            _check_owner(path, status, owner)
    except ShipwayError:
        opened.close()
        raise
    return opened


def _check_owner(path: Path, status: os.stat_result, owner: int) -> None:
    if status.st_uid != owner:
        raise _unsafe(path, f"it belongs to user {status.st_uid}, not {owner}")
    if status.st_mode & _OTHERS_WRITE:
        raise _unsafe(path, f"others can write to it (mode {stat.S_IMODE(status.st_mode):04o})")


def _unsafe(path: Path, reason: str) -> ShipwayError:
    return ShipwayError(
        "engine.unsafe",
        Kind.DENIED,
        reason,
        operation="checking",
        subject=str(path),
        hint=f"as root: chown root:root {path} && chmod 755 {path}; or remove it if it is a link",
    )


def _missing(name: str) -> ShipwayError:
    return ShipwayError(
        "engine.missing",
        Kind.NOT_FOUND,
        "it is not installed on this machine",
        operation="looking for the engine",
        subject=name,
        hint="run: shipway cluster up",
    )
