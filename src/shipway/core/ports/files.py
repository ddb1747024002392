"""Files that people own: a project's config and manifests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Files(Protocol):
    """Files under one folder, by path relative to it with ``/``; no path leaves the folder.

    Every method raises ShipwayError ``files.outside`` (usage) for a path that does, and
    ``files.refused`` (missing) where the operating system says no.
    """

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or nothing where there is no such file."""
        ...

    def has(self, path: str) -> bool:
        """Return whether a file is there that may be read; nothing of it is read."""
        ...

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that is not there yet, folders too; return whether it was written."""
        ...

    def replace(self, path: str, data: bytes) -> None:
        """Write a file, in place of what was there: a reader sees the old one or the new one."""
        ...

    def under(
        self, path: str, *, suffixes: tuple[str, ...] = (), every: bool = False
    ) -> Iterable[str]:
        """Return the regular files under a folder, sorted; hidden ones are left out.

        With ``every``, all that is no folder: hidden files and symbolic links (not followed) too.
        """
        ...
