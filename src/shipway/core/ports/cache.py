"""Results of stages that make something, kept for the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest


class StageCache(Protocol):
    """Small results by key; losing any of them costs time and nothing else."""

    def get(self, key: Digest) -> bytes | None:
        """Return what was put under ``key``, or nothing where it is absent or damaged."""
        ...

    def put(self, key: Digest, value: bytes) -> None:
        """Keep ``value`` under ``key``, in place of what was there."""
        ...

    def trim(self, limit: int, *, dry: bool = False) -> int:
        """Forget what was asked for longest ago until the rest has at most ``limit`` bytes.

        What killed processes left half written goes, too. Return how many bytes went; ``dry``
        only counts them.
        """
        ...
