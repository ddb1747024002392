"""Stage results in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest


class MemoryStageCache:
    """Results by key."""

    def __init__(self) -> None:
        self.values: dict[Digest, bytes] = {}

    def get(self, key: Digest) -> bytes | None:
        """Return what was put, or nothing."""
        return self.values.get(key)

    def put(self, key: Digest, value: bytes) -> None:
        """Keep a value."""
        self.values[key] = value
