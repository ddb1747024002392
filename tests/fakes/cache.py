"""Stage results in memory."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest


class MemoryStageCache:
    """Results by key."""

    def __init__(self) -> None:
        self.values: dict[Digest, bytes] = {}
        self._used: dict[Digest, int] = {}
        self._clock = itertools.count(1)

    def get(self, key: Digest) -> bytes | None:
        """Return what was put, or nothing."""
        self._used[key] = next(self._clock)
        return self.values.get(key)

    def put(self, key: Digest, value: bytes) -> None:
        """Keep a value."""
        self.values[key] = value
        self._used[key] = next(self._clock)

    def trim(self, limit: int, *, dry: bool = False) -> int:
        """Forget the oldest."""
        gone = 0
        for key in sorted(self.values, key=lambda one: -self._used.get(one, 0)):
            limit -= len(self.values[key])
            if limit < 0:
                gone += len(self.values[key])
                if not dry:
                    del self.values[key]
        return gone
