"""The local store in memory: same promises as the one on disk, and bytes that a test may bend."""

from __future__ import annotations

import gzip
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.oci import digest as digests
from shipway.core.oci.descriptor import LAYER_GZIP, LAYER_TAR, Descriptor, describe
from shipway.core.oci.layer import Encoded
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from shipway.core.oci.digest import Digest

_LEVELS = {"none": -1, "fast": 1, "small": 9}


class MemoryContent:
    """Blobs, encoded layers and pins in dictionaries; ``blobs`` may be looked into and altered."""

    def __init__(self) -> None:
        self.blobs: dict[Digest, bytes] = {}
        self.names: dict[str, Descriptor] = {}
        self.encoded: list[tuple[Digest, str]] = []
        self._known: dict[tuple[Digest, str], Encoded] = {}
        self._folder = ""

    def put(self, data: bytes, media_type: str) -> Descriptor:
        """Keep ``data``."""
        descriptor = describe(data, media_type)
        self.blobs[descriptor.digest] = bytes(data)
        return descriptor

    def adopt(self, path: str, media_type: str) -> Descriptor:
        """Keep the bytes of the file at ``path``."""
        return self.put(Path(path).read_bytes(), media_type)

    def compose(self, parts: Sequence[bytes | Digest], media_type: str) -> Descriptor:
        """Keep the concatenation."""
        return self.put(
            b"".join(self.read(part) if isinstance(part, str) else part for part in parts),
            media_type,
        )

    def gather(self, chunks: Iterable[bytes], expected: Descriptor) -> Descriptor:
        """Keep what arrives if it is what was expected."""
        data = bytearray()
        for chunk in chunks:
            data += chunk
            if 0 <= expected.size < len(data):
                break
        found = describe(data, expected.media_type)
        if found.digest != expected.digest or expected.size not in {-1, found.size}:
            raise ShipwayError(
                "content.altered", Kind.INTEGRITY, "other bytes came", subject=expected.digest
            )
        return self.put(bytes(data), expected.media_type)

    def has(self, digest: Digest) -> bool:
        """Return whether it is kept."""
        return digest in self.blobs

    def read(self, digest: Digest) -> bytes:
        """Return the bytes, proved."""
        if digest not in self.blobs:
            raise ShipwayError(
                "content.missing", Kind.NOT_FOUND, "not in the store", subject=digest
            )
        return digests.check(self.blobs[digest], digest)

    def chunks(self, digest: Digest, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield the bytes in pieces."""
        data = self.read(digest)
        yield from (data[at : at + size] for at in range(0, len(data), size))

    def path(self, digest: Digest) -> str:
        """Write the bytes to a file that lives as long as this store."""
        if not self._folder:
            self._folder = tempfile.mkdtemp(prefix="shipway-fake-")
            weakref.finalize(self, shutil.rmtree, self._folder)
        place = Path(self._folder) / digests.hex_of(digest)
        place.write_bytes(self.read(digest))
        return str(place)

    def encode(self, diff_id: Digest, compression: str) -> Encoded:
        """Compress with the standard library."""
        if compression not in _LEVELS:
            raise ShipwayError("compression.unknown", Kind.USAGE, "unknown", subject=compression)
        if (diff_id, compression) not in self._known:
            self.encoded.append((diff_id, compression))
            self._known[diff_id, compression] = self._encode(diff_id, _LEVELS[compression])
        return self._known[diff_id, compression]

    def _encode(self, diff_id: Digest, level: int) -> Encoded:
        data = self.read(diff_id)
        if level < 0:
            return Encoded(describe(data, LAYER_TAR), "none")
        packed = gzip.compress(data, level, mtime=0)
        return Encoded(self.put(packed, LAYER_GZIP), f"gzip, level {level}")

    def pin(self, name: str, descriptor: Descriptor) -> None:
        """Keep ``descriptor`` under ``name``."""
        self.names[name] = descriptor

    def unpin(self, name: str) -> None:
        """Forget ``name``."""
        self.names.pop(name, None)

    def pins(self) -> dict[str, Descriptor]:
        """Return all names."""
        return dict(self.names)

    def pinned(self, name: str) -> Descriptor | None:
        """Return what ``name`` stands for."""
        return self.names.get(name)
