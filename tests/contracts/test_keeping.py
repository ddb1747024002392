"""What every keeper of a store promises, in memory and on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.content import MemoryContent
from fakes.keeping import MemoryKeeping
from shipway.adapters.content.keeper import Keeper
from shipway.adapters.content.store import Store
from shipway.core.growth.ledger import Build, Ledger
from shipway.core.oci.descriptor import OCTETS
from shipway.core.oci.digest import of
from shipway.core.ports.keeping import Keeping

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Keeping,)
BUILD = Build(project="p", service="s", repository="r/s", manifests=(of(b"m"),), blobs={})


class Shelf:
    """A store, and who keeps it."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.store = MemoryContent() if kind == "memory" else Store(folder / "store")
        self.keeping: Keeping = (
            MemoryKeeping(self.store)
            if isinstance(self.store, MemoryContent)
            else Keeper(self.store)
        )


@pytest.fixture(params=["memory", "disk"])
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Shelf:
    """Give each keeper in turn."""
    return Shelf(request.param, tmp_path)


def test_what_is_noted_stays_noted(shelf: Shelf) -> None:
    """A change is seen at once, and what it made comes back."""
    assert shelf.keeping.ledger() == Ledger()
    after = shelf.keeping.note(lambda known: known.made([BUILD]))
    assert after.builds == (BUILD,)
    assert shelf.keeping.ledger() == after


def test_removed_blobs_are_gone_and_free_their_bytes(shelf: Shelf) -> None:
    """Only those named go; one that is not there frees nothing, and any may come again."""
    one, two = (shelf.store.put(data, OCTETS) for data in (b"one", b"three"))
    assert shelf.keeping.sizes() == {one.digest: 3, two.digest: 5}
    with shelf.keeping.alone() as alone:
        assert alone
        assert shelf.keeping.remove([one.digest, of(b"never")]) == 3
    assert not shelf.store.has(one.digest)
    assert shelf.store.read(two.digest) == b"three"
    assert shelf.store.put(b"one", OCTETS) == one
    assert shelf.store.has(one.digest)


def test_names_lead_to_what_they_mention(shelf: Shelf) -> None:
    """A name holds its blob, and what that blob names by digest."""
    leaf, other = (shelf.store.put(data, OCTETS) for data in (b"leaf", b"other"))
    top = shelf.store.put(b'{"layers": ["%s"]}' % leaf.digest.encode(), OCTETS)
    assert shelf.keeping.pinned() == frozenset()
    shelf.store.pin("kept", top)
    assert shelf.keeping.pinned() == {top.digest}
    assert shelf.keeping.named() == {top.digest, leaf.digest}
    assert other.digest not in shelf.keeping.named()


def test_tidying_removes_no_blob(shelf: Shelf) -> None:
    """Only notes and half written files go; place and limit are told."""
    put = shelf.store.put(b"data", OCTETS)
    shelf.keeping.tidy()
    assert shelf.store.has(put.digest)
    assert shelf.keeping.place.startswith("/")
    assert shelf.keeping.limit == 5 << 30
