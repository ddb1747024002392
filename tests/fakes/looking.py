"""Files of anybody, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.golang import buildinfo
from shipway.core.oci import layout
from shipway.core.oci.digest import of
from shipway.core.supply.programs import Program
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.descriptor import Descriptor


class MemoryLooking:
    """Files by path; folders are what lies above them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def shape(self, path: str) -> str:
        """Return what lies at ``path``."""
        if path in self.files:
            return "file"
        return "folder" if any(name.startswith(f"{path}/") for name in self.files) else ""

    def program(self, path: str) -> Program:
        """Return a Go program."""
        data = self._read(path)
        info = buildinfo.parse(data)
        return Program(name=path.rpartition("/")[2], digest=of(data), info=info)

    def index(self, folder: str) -> bytes:
        """Return the index of an image layout."""
        return self._read(f"{folder}/{layout.INDEX_FILE}")

    def blob(self, folder: str, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob in two pieces, and prove it."""
        data = self._read(f"{folder}/{layout.place(descriptor)}")
        yield data[:1000]
        yield data[1000:]
        if of(data) != descriptor.digest or len(data) != descriptor.size:
            raise ShipwayError("content.altered", Kind.INTEGRITY, "not itself")

    def _read(self, path: str) -> bytes:
        if path not in self.files:
            raise ShipwayError("files.refused", Kind.MISSING, "no such file", subject=path)
        return self.files[path]

    def write(self, path: str, data: bytes) -> None:
        """Write a file whose folder is there."""
        if self.shape(path.rpartition("/")[0]) != "folder" or self.shape(path) == "folder":
            raise ShipwayError("files.refused", Kind.MISSING, "no such folder", subject=path)
        self.files[path] = data
