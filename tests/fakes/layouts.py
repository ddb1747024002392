"""Image layouts and tars in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci import layer, layout
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.oci.layout import Packed
    from shipway.core.ports.content import Content


class MemoryLayouts:
    """Files by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def folder(self, path: str, images: tuple[Packed, ...], *, content: Content) -> None:
        """Add to a folder."""
        there = {name for name in self.files if name.startswith(f"{path}/")}
        if there and f"{path}/{layout.MARK_FILE}" not in there:
            raise ShipwayError("layout.foreign", Kind.USAGE, "other things", subject=path)
        for blob in layout.blobs(images):
            self.files[f"{path}/{layout.place(blob)}"] = content.read(blob.digest)
        before = self.files.get(f"{path}/{layout.INDEX_FILE}")
        self.files[f"{path}/{layout.INDEX_FILE}"] = layout.index(images, before)
        self.files[f"{path}/{layout.MARK_FILE}"] = layout.MARK

    def archive(self, path: str, images: tuple[Packed, ...], *, content: Content) -> None:
        """Write one tar."""
        parts = layer.archive(layout.entries(images))
        self.files[path] = b"".join(
            part if isinstance(part, bytes) else content.read(part) for part in parts
        )
