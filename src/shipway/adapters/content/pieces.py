"""The parts of a composition: literal bytes, or a whole blob that is mapped and copied.

Called by :mod:`.blobs` only.
"""

from __future__ import annotations

import contextlib
import mmap
import os
from typing import TYPE_CHECKING, Protocol, Self

from shipway.adapters.content import bytework

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.core.oci.digest import Digest


class Opened(Protocol):
    """What a piece needs of the blobs: one to read, one proved."""

    def open(self, digest: Digest) -> contextlib.AbstractContextManager[int]:
        """Yield a blob's file."""
        ...

    def path(self, digest: Digest) -> Path:
        """Return where the proved blob lies."""
        ...


class Piece:
    """A part of a composition: its bytes as a view, and how they are copied."""

    def __init__(self, blobs: Opened, part: bytes | Digest) -> None:
        self._blobs = blobs
        self._digest = part if isinstance(part, str) else None
        self._data = b"" if isinstance(part, str) else part
        self._stack = contextlib.ExitStack()
        self._file = -1
        self._mapped: mmap.mmap | None = None
        self.size = len(self._data)

    def __enter__(self) -> Self:
        if self._digest is not None:
            self._file = self._stack.enter_context(self._blobs.open(self._digest))
            self.size = os.fstat(self._file).st_size
            if self.size:
                mapped = mmap.mmap(self._file, 0, access=mmap.ACCESS_READ)
                self._mapped = self._stack.enter_context(mapped)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def view(self) -> bytes | mmap.mmap:
        """Return its bytes, mapped where they lie in a blob."""
        return self._data if self._mapped is None else self._mapped

    def prove(self) -> None:
        """Check a blob's digest, unless it was proved before."""
        if self._digest is not None:
            self._blobs.path(self._digest)

    def copy_to(self, file: int) -> None:
        """Append the bytes to ``file``."""
        if self._digest is None:
            bytework.write(file, self._data)
        else:
            bytework.copy(self._file, file, self.size)
