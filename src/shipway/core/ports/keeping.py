"""What a person keeps on this machine: a ledger of builds, and the blobs that may be removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager

    from shipway.core.growth.ledger import Ledger
    from shipway.core.oci.digest import Digest


class Keeping(Protocol):
    """The one place where blobs of the store are removed."""

    def ledger(self) -> Ledger:
        """Return what is noted; an empty one where nothing is.

        Raises:
            ShipwayError: ``store.ledger`` (integrity) where something else stands in its place.
        """
        ...

    def note(self, edit: Callable[[Ledger], Ledger]) -> Ledger:
        """Change the ledger at once and durably; no other process changes it meanwhile.

        Raises:
            ShipwayError: ``store.ledger``, ``content.disk``.
        """
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """Say whether no other process uses the store; none begins to while this is held."""
        ...

    def remove(self, blobs: Iterable[Digest]) -> int:
        """Remove blobs, those that are there, and return how many bytes that freed.

        Only while :meth:`alone`. A blob is there whole or gone at every moment.
        """
        ...

    def sizes(self) -> dict[Digest, int]:
        """Return every blob with its size in bytes; one look at the whole folder."""
        ...

    def named(self) -> frozenset[Digest]:
        """Return all that the store's names and links lead to, as far as their bytes say."""
        ...

    def tidy(self) -> None:
        """Remove notes about blobs that are gone, and what killed processes left half written."""
        ...

    def pinned(self) -> frozenset[Digest]:
        """Return what the store's names stand for."""
        ...

    @property
    def place(self) -> str:
        """Return the store's folder."""
        ...

    @property
    def limit(self) -> int:
        """Return how many bytes the person lets the store have."""
        ...
