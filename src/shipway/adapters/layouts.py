"""Images written to folders and tars that a person named (``core.ports.layouts``).

Only wiring makes one. Blobs come first and the index last, each by a temporary file and a rename,
so that a reader never sees an index whose blobs are not there.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.oci import layer, layout
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipway.core.oci.layout import Packed
    from shipway.core.ports.content import Content


class LayoutFiles:
    """Layouts on this machine's disk."""

    def folder(self, path: str, images: tuple[Packed, ...], *, content: Content) -> None:
        """Add images to the image layout at ``path``."""
        top = Path(path)
        with _told(path):
            before = _before(top)
            index = layout.index(images, before)
            for blob in layout.blobs(images):
                place = top / layout.place(blob)
                if not place.exists() or place.stat().st_size != blob.size:
                    _write(place, content.chunks(blob.digest))
            _write(top / layout.MARK_FILE, (layout.MARK,))
            _write(top / layout.INDEX_FILE, (index,))

    def archive(self, path: str, images: tuple[Packed, ...], *, content: Content) -> None:
        """Write images into one tar at ``path``."""
        with _told(path):
            _write(Path(path), _pieces(images, content))


def _before(top: Path) -> bytes | None:
    """Return the index of a layout that is there; nothing where nothing is."""
    if not top.exists() or not any(top.iterdir()):
        return None
    if not (top / layout.MARK_FILE).is_file():
        raise ShipwayError(
            "layout.foreign",
            Kind.USAGE,
            "the folder holds other things and is no image layout",
            operation="writing an image layout to",
            subject=str(top),
            hint="name a folder that is empty, not there, or an image layout already",
        )
    with contextlib.suppress(FileNotFoundError):
        return (top / layout.INDEX_FILE).read_bytes()
    return None


def _pieces(images: tuple[Packed, ...], content: Content) -> Iterator[bytes]:
    for part in layer.archive(layout.entries(images)):
        if isinstance(part, bytes):
            yield part
        else:
            yield from content.chunks(part)


def _write(place: Path, pieces: Iterable[bytes]) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(place)
    finally:
        beside.unlink(missing_ok=True)


@contextlib.contextmanager
def _told(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ShipwayError(
            "files.refused",
            Kind.MISSING,
            error.strerror or str(error),
            operation="writing images to",
            subject=path,
            hint="check the path, its permissions and the room on its disk",
        ) from error
