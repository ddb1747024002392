"""What a person keeps, in memory, over a store in memory."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from shipway.core.growth.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from fakes.content import MemoryContent
    from shipway.core.oci.digest import Digest
    from shipway.errors import ShipwayError


class MemoryKeeping:
    """Keeps the Keeping port.

    Attributes:
        busy: Whether another process uses the store.
        limit: Bytes that it may have.
        taken: How often somebody wanted it alone.
    """

    place = "/home/ann/store"

    def __init__(self, content: MemoryContent) -> None:
        self._content = content
        self._ledger = Ledger()
        self.busy = False
        self.broken: ShipwayError | None = None
        self.limit = 5 << 30
        self.looks = 0
        self.taken = 0

    def ledger(self) -> Ledger:
        """Return what is noted."""
        if self.broken:
            raise self.broken
        return self._ledger

    def note(self, edit: Callable[[Ledger], Ledger]) -> Ledger:
        """Change it."""
        self._ledger = edit(self._ledger)
        return self._ledger

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Say whether nobody else is there."""
        self.taken += 1
        yield not self.busy

    def remove(self, blobs: Iterable[Digest]) -> int:
        """Remove them."""
        return sum(len(self._content.blobs.pop(digest, b"")) for digest in blobs)

    def sizes(self) -> dict[Digest, int]:
        """Return all blobs."""
        self.looks += 1
        return {digest: len(data) for digest, data in self._content.blobs.items()}

    def pinned(self) -> frozenset[Digest]:
        """Return what names stand for."""
        return frozenset(at.digest for at in self._content.names.values())

    def named(self) -> frozenset[Digest]:
        """Return what names lead to, as far as one blob tells."""
        found = set(self.pinned())
        for digest in self.pinned():
            data = self._content.blobs.get(digest, b"")
            found |= {one for one in self._content.blobs if one.encode() in data}
        return frozenset(found)

    def tidy(self) -> None:
        """Do nothing: nothing is half written."""
