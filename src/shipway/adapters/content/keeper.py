"""What of the store stays: its ledger, who uses it now, and the removal of blobs.

Called through ``core.ports.keeping``. Whoever uses the store holds ``use.lock`` shared while the
process lives (:meth:`Store.hold`); blobs are removed only under the exclusive lock, so what a run
has found or made cannot go before its end.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters import durable
from shipway.adapters.content import faults
from shipway.adapters.content.links import FOLDER
from shipway.adapters.content.pins import replace
from shipway.core.growth.ledger import Ledger
from shipway.core.oci import digest as digests
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from shipway.adapters.content.store import Store
    from shipway.core.oci.digest import Digest

_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")
LIMIT = 5 << 30
"""Bytes that a store may have unless its person says otherwise."""
_READABLE = 4 << 20
"""Bytes of the largest blob that is read for the digests in it."""


class Keeper:
    """Keeps :class:`~shipway.core.ports.keeping.Keeping` over one store."""

    def __init__(self, store: Store, limit: int = LIMIT) -> None:
        self._store = store
        self.limit = limit
        self._root = store.root
        self._file = store.root / "ledger.json"

    @property
    def place(self) -> str:
        """Return the store's folder."""
        return str(self._root)

    def ledger(self) -> Ledger:
        """Return what is noted."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=Ledger)
        except FileNotFoundError:
            return Ledger()
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ShipwayError(
                "store.ledger",
                Kind.INTEGRITY,
                str(error),
                operation="reading what the store keeps",
                subject=str(self._file),
                hint=f"rm {self._file}: builds noted in it are then no longer told apart",
            ) from error

    def note(self, edit: Callable[[Ledger], Ledger]) -> Ledger:
        """Change the ledger at once and durably."""
        with faults.writing(self._file):
            durable.folder(self._root)
            with (self._root / "ledger.lock").open("wb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                before = self.ledger()
                after = edit(before)
                if after != before:
                    replace(self._file, msgspec.json.encode(after))
                return after

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Hold the store alone, if nobody else uses it."""
        with self._store.alone() as won:
            yield won

    def remove(self, blobs: Iterable[Digest]) -> int:
        """Remove blobs one by one."""
        freed = 0
        for digest in blobs:
            place = self._store.place(digest)
            with contextlib.suppress(FileNotFoundError):
                size = place.stat().st_size
                place.unlink()
                freed += size
        return freed

    def sizes(self) -> dict[Digest, int]:
        """Return every blob with its size."""
        found = {}
        with contextlib.suppress(FileNotFoundError):
            for entry in os.scandir(self._root / "blobs" / "sha256"):
                with contextlib.suppress(FileNotFoundError, ShipwayError):
                    digest = digests.parse(f"sha256:{entry.name}")
                    found[digest] = entry.stat().st_size
        return found

    def pinned(self) -> frozenset[Digest]:
        """Return what names in the index stand for."""
        return frozenset(at.digest for at in self._store.pins().values())

    def named(self) -> frozenset[Digest]:
        """Return what is reachable from names and links, by the digests in their bytes."""
        todo = list(self.pinned())
        for file in (self._root / FOLDER).glob("*/*.json"):
            todo += _mentioned(file)
        found: set[Digest] = set()
        while todo:
            digest = todo.pop()
            if digest not in found:
                found.add(digest)
                todo += _mentioned(self._store.place(digest))
        return frozenset(found)

    def tidy(self) -> None:
        """Remove stale notes of encodings, and half written files."""
        self._store.sweep()
        for file in (self._root / "encodings").glob("*.json"):
            named = _mentioned(file)
            if not all(self._store.has(digest) for digest in named):
                file.unlink(missing_ok=True)


def _mentioned(file: Path) -> list[Digest]:
    """Return the digests in a JSON file; none in one that is not there, is none, or is large."""
    with contextlib.suppress(OSError):
        if file.stat().st_size <= _READABLE:
            data = file.read_bytes()
            if data[:1] in {b"{", b"["}:
                return [digests.parse(one.decode()) for one in _DIGEST.findall(data)]
    return []
