"""Files on their way into images, from a project in memory."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from shipway.core.oci.descriptor import OCTETS
from shipway.core.oci.layer import Entry, Type
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fakes.content import MemoryContent
    from fakes.files import MemoryFiles


class MemoryImageFiles:
    """Keeps the ImageFiles port over the files of one project."""

    def __init__(self, content: MemoryContent, project: MemoryFiles) -> None:
        self._content, self._project = content, project

    def folder(self, root: str, path: str) -> bool:
        """Return whether anything lies below a path."""
        del root
        return bool(self._project.under(path))

    def collect(self, root: str, files: Mapping[str, str]) -> tuple[Entry, ...]:
        """Return the files, each as a blob."""
        del root
        found = []
        for target, path in files.items():
            place = posixpath.normpath(path)
            below = self._project.under(place)
            if not self._project.has(place) and not below:
                raise ShipwayError("image.files", Kind.CONFIG, "it is not there", subject=path)
            for name in (place,) if self._project.has(place) else below:
                blob = self._content.put(self._project.files[name], OCTETS)
                at = f"{target}{name.removeprefix(place)}".lstrip("/")
                found.append(Entry(path=at, type=Type.FILE, blob=blob))
        return tuple(found)
