"""A folder of files in memory."""

from __future__ import annotations

import posixpath

from shipway.errors import Kind, ShipwayError


class MemoryFiles:
    """Files by relative path."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.files = dict(files or {})

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or nothing."""
        return self.files.get(_inside(path))

    def has(self, path: str) -> bool:
        """Return whether there is such a file."""
        return _inside(path) in self.files

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that is not there yet; return whether it was written."""
        if (place := _inside(path)) in self.files:
            return False
        self.files[place] = data
        return True

    def replace(self, path: str, data: bytes) -> None:
        """Write a file."""
        self.files[_inside(path)] = data

    def under(
        self, path: str, *, suffixes: tuple[str, ...] = (), every: bool = False
    ) -> tuple[str, ...]:
        """Return the files under a folder, sorted; hidden ones are left out."""
        top = _inside(path)
        below = [name for name in self.files if top == "." or name.startswith(f"{top}/")]
        shown = [name for name in below if every or not _is_hidden(name.split("/"))]
        return tuple(sorted(name for name in shown if name.endswith(suffixes or ("",))))


def _is_hidden(parts: list[str]) -> bool:
    return any(part.startswith(".") for part in parts)


def _inside(path: str) -> str:
    place = posixpath.normpath(path)
    if place.startswith(("../", "/")) or place == "..":
        raise ShipwayError("files.outside", Kind.USAGE, "the path leaves the folder", subject=path)
    return place
