"""A folder of files on disk, for what people own: config, lock and manifests.

Only wiring makes one. It follows no symbolic link out of its folder and never leaves half a file.
"""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
from typing import TYPE_CHECKING

from shipway.adapters import durable
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Folder:
    """Files under ``root``, by path relative to it."""

    def __init__(self, root: str) -> None:
        self.root = pathlib.Path(root).resolve()

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or nothing where there is no such file."""
        with _told("reading", path):
            try:
                return self._inside(path).read_bytes()
            except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
                return None

    def has(self, path: str) -> bool:
        """Return whether a file is there that may be read; nothing of it is read."""
        with _told("looking for", path):
            place = self._inside(path)
            return place.is_file() and os.access(place, os.R_OK)

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that is not there yet, folders too; return whether it was written."""
        with _told("creating", path):
            place = self._inside(path)
            return not os.path.lexists(place) and self._write(place, data, exclusive=True)

    def replace(self, path: str, data: bytes) -> None:
        """Write a file, in place of what was there."""
        with _told("writing", path):
            self._write(self._inside(path), data, exclusive=False)

    def under(
        self, path: str, *, suffixes: tuple[str, ...] = (), every: bool = False
    ) -> tuple[str, ...]:
        """Return the regular files under a folder, sorted; hidden ones are left out."""
        with _told("listing", path):
            return tuple(sorted(self._walk(self._inside(path), suffixes, every=every)))

    def _walk(self, top: pathlib.Path, suffixes: tuple[str, ...], *, every: bool) -> Iterator[str]:
        for folder, below, names in os.walk(top):
            linked = [name for name in below if pathlib.Path(folder, name).is_symlink()]
            below[:] = [name for name in below if every or not name.startswith(".")]
            for name in (*names, *linked):
                place = pathlib.Path(folder, name)
                if not name.endswith(suffixes or ("",)):
                    continue
                is_shown = not name.startswith(".") and place.is_file() and not place.is_symlink()
                if every or is_shown:
                    yield place.relative_to(self.root).as_posix()

    def _inside(self, path: str) -> pathlib.Path:
        place = self.root / path
        if not place.resolve().is_relative_to(self.root):
            linked = os.path.normpath(place).startswith(f"{self.root}/")
            raise ShipwayError(
                "files.outside",
                Kind.USAGE,
                "a symbolic link leads out of the project's folder"
                if linked
                else "the path leaves the folder",
                operation="using a file",
                subject=os.path.normpath(path),
                hint="put a copy of what it points to into the project"
                if linked
                else "give a path inside the project",
            )
        return place

    def _write(self, place: pathlib.Path, data: bytes, *, exclusive: bool) -> bool:
        """Write beside and rename, or link where an existing file must win."""
        durable.folder(place.parent)
        beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        try:
            with beside.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if not exclusive:
                beside.replace(place)
                durable.sync(place.parent)
                return True
            with contextlib.suppress(FileExistsError):
                os.link(beside, place)
                durable.sync(place.parent)
                return True
            return False
        finally:
            beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(operation: str, path: str) -> Iterator[None]:
    """Turn what the operating system says into an error of ours."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # the latter of links in a circle
        raise ShipwayError(
            "files.refused",
            Kind.MISSING,
            getattr(error, "strerror", "") or str(error),
            operation=operation,
            subject=path,
            hint="check the path and its permissions",
        ) from error
