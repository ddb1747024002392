"""How much disk the making of engines took, and how little of it stays.

The builder beside it calls this when something was made. Go's build cache is a folder of
``HASH-a`` entries (which name an output) and ``HASH-d`` outputs; Go takes anything missing there
as not built yet, so removing is always safe (cmd/go/internal/cache).
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.patterns import late

if TYPE_CHECKING:
    from collections.abc import Iterable

_ENTRY = late(rb"v1 [0-9a-f]{64} ([0-9a-f]{64}) ")
_BLOCK = 4096


class Gauge:
    """The most that the file system of ``folder`` has filled up by since this was made."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._before = shutil.disk_usage(folder).free
        self.peak = 0

    def read(self) -> None:
        """Look once; a system call, cheap enough for every event."""
        self.peak = max(self.peak, self._before - shutil.disk_usage(self._folder).free)


def to_limit(cache: Path, limit: int, keep: Iterable[str]) -> None:
    """Remove outputs of the build cache, least recently used first, until ``limit`` bytes stay.

    Outputs whose paths are in ``keep`` count but stay. Entries whose output is gone go too.
    """
    kept = {Path(path).name for path in keep}
    outputs = sorted(_outputs(cache), key=lambda found: (found[2].name in kept, found[0]))
    total = sum(size for _, size, _ in outputs)
    for _, size, path in outputs:
        if total <= limit or path.name in kept:
            break
        path.unlink(missing_ok=True)
        total -= size
    _drop_entries(cache)


def _outputs(cache: Path) -> Iterable[tuple[float, int, Path]]:
    """Yield last use, size on disk (with the entry that names it) and path of each output."""
    for path in cache.glob("??/*-d"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            yield status.st_mtime, max(status.st_size, _BLOCK) + _BLOCK, path


def _drop_entries(cache: Path) -> None:
    """Remove entries that name an output which is not there."""
    there = {path.name[:64].encode() for path in cache.glob("??/*-d")}
    for path in cache.glob("??/*-a"):
        with contextlib.suppress(FileNotFoundError):
            entry = _ENTRY.match(path.read_bytes())
            if entry is None or entry[1] not in there:
                path.unlink()
