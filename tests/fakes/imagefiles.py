"""Files on their way into images, from a project in memory."""

from __future__ import annotations

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
            data = self._project.read(path)
            if data is None:
                raise ShipwayError("image.files", Kind.CONFIG, "it is not there", subject=path)
            blob = self._content.put(data, OCTETS)
            found.append(Entry(path=target.lstrip("/"), type=Type.FILE, blob=blob))
        return tuple(found)
