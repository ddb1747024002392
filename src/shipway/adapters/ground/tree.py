"""Files that root owns: written whole or not at all, in folders that nobody else can change."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.ground import File


_TRIES = 5
_PAUSE = 0.1
"""How often, and after how many seconds, a folder that fills while it is removed is tried."""


class RootTree:
    """Keeps :class:`~shipway.core.ports.ground.Tree`."""

    def __init__(self, *, owner: int = 0) -> None:
        self._owner = owner

    def secure(self, path: str) -> None:
        """Make folder by folder, each checked before the next is entered."""
        for folder in (*reversed(Path(path).parents), Path(path)):
            self._check(folder)

    def _check(self, folder: Path) -> None:
        if not folder.exists() and not folder.is_symlink():
            folder.mkdir(mode=0o755)
        found = folder.lstat()
        fault, fix = "", ""
        if stat.S_ISLNK(found.st_mode):
            fault, fix = "it is a symbolic link", f"remove it: sudo rm {folder}"
        elif found.st_uid not in {0, self._owner}:
            fault, fix = f"user {found.st_uid} owns it", f"sudo chown root:root {folder}"
        elif found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
            fault, fix = "others than root may write to it", f"sudo chmod go-w {folder}"
        if fault:
            raise ShipwayError(
                "cluster.unsafe",
                Kind.DENIED,
                f"{fault}, so what root starts from it could be changed",
                operation="checking folder",
                subject=str(folder),
                hint=fix,
            )

    @contextlib.contextmanager
    def locked(self, path: str) -> Iterator[None]:
        """Lock the folder itself, so that nothing is left behind (flock(2))."""
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def read(self, path: str) -> str | None:
        """Return a file's text."""
        try:
            return Path(path).read_text()
        except FileNotFoundError:
            return None

    def write(self, file: File) -> bool:
        """Write by temporary file, flush and rename, if text or mode differ."""
        path = Path(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if self._same(path, file):
            return False
        temporary = path.with_name(f".{path.name}.tmp")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, file.mode)
        with os.fdopen(descriptor, "w") as stream:
            stream.write(file.text)
            stream.flush()
            os.fchmod(stream.fileno(), file.mode)
            os.fdatasync(stream.fileno())
        temporary.rename(path)
        return True

    def _same(self, path: Path, file: File) -> bool:
        try:
            return stat.S_IMODE(path.lstat().st_mode) == file.mode and path.read_text() == file.text
        except FileNotFoundError:
            return False

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write without flushing."""
        place = Path(path)
        place.unlink(missing_ok=True)
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)

    def folder(self, path: str, mode: int) -> None:
        """Make it or change its mode."""
        place = Path(path)
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(mode)

    def remove(self, path: str) -> None:
        """Remove without following a link; again where somebody writes into it meanwhile."""
        for _ in range(_TRIES):
            try:
                return _remove(Path(path))
            except OSError as error:
                last = error
                time.sleep(_PAUSE)
        raise ShipwayError(
            "cluster.busy",
            Kind.TRANSIENT,
            last.strerror or str(last),
            operation="removing",
            subject=path,
            hint="end what still writes or is mounted there, then run the command again",
        ) from last

    def entries(self, path: str) -> tuple[str, ...]:
        """Return the sorted names in a folder."""
        try:
            return tuple(sorted(entry.name for entry in Path(path).iterdir()))
        except FileNotFoundError:
            return ()


def _remove(place: Path) -> None:
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink(missing_ok=True)
