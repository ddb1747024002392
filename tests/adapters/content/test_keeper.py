"""The store on disk while it is pruned, by several processes, and after a power cut."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.content.keeper import Keeper
from shipway.adapters.content.links import LinkStore
from shipway.adapters.content.store import Store
from shipway.core.evidence.link import Link
from shipway.core.growth.ledger import Build, Ledger
from shipway.core.oci.descriptor import LAYER_TAR, MANIFEST, OCTETS
from shipway.core.oci.digest import of
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

_HOLDER = """
import sys
from pathlib import Path
from shipway.adapters.content.store import Store
Store(Path(sys.argv[1])).hold()
print("held", flush=True)
sys.stdin.read()
"""
_NOTER = """
import sys
from pathlib import Path
from shipway.adapters.content.keeper import Keeper
from shipway.adapters.content.store import Store
from shipway.core.growth.ledger import Build
from shipway.core.oci.digest import of
keeper = Keeper(Store(Path(sys.argv[1])))
for number in range(20):
    name = f"{sys.argv[2]} {number}"
    build = Build(project="p", service=name, repository="r", manifests=(of(b"m"),), blobs={})
    keeper.note(lambda known: known.made([build]))
"""


def test_nobody_is_alone_beside_another_process(tmp_path: Path) -> None:
    """A process that holds the store keeps others from removing; its end, however, lets them."""
    store = Store(tmp_path / "store")
    keeper = Keeper(store)
    argv = [sys.executable, "-c", _HOLDER, str(store.root)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with keeper.alone() as alone:
            assert not alone
        holder.kill()
        holder.wait()
    with keeper.alone() as alone:
        assert alone
    with keeper.alone() as alone:
        assert alone


def test_who_comes_while_blobs_are_removed_waits(tmp_path: Path) -> None:
    """A run that starts in mid-collection begins when that has ended."""
    store = Store(tmp_path / "store")
    argv = [sys.executable, "-c", _HOLDER, str(store.root)]
    with Keeper(store).alone() as alone:
        assert alone
        comer = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            comer.wait(0.5)
    with comer:
        assert comer.stdout is not None
        assert comer.stdout.readline() == b"held\n"
        comer.kill()


def test_a_store_that_cannot_be_written_is_never_alone(tmp_path: Path) -> None:
    """Where not even a lock can lie, nothing is removed."""
    (tmp_path / "file").write_text("")
    with Keeper(Store(tmp_path / "file" / "store")).alone() as alone:
        assert not alone


def test_two_processes_note_without_losing_a_word(tmp_path: Path) -> None:
    """Each change is made on what the other one left."""
    noters = [
        subprocess.Popen([sys.executable, "-c", _NOTER, str(tmp_path), name]) for name in "ab"
    ]
    assert [one.wait() for one in noters] == [0, 0]
    assert len(Keeper(Store(tmp_path)).ledger().builds) == 40


def test_a_ledger_that_is_none_is_named(tmp_path: Path) -> None:
    """Nothing is removed and nothing overwritten where something else stands in its place."""
    keeper = Keeper(Store(tmp_path))
    keeper.note(lambda known: known.measured(1, 1.0))
    (tmp_path / "ledger.json").write_text("mine")
    for way in (keeper.ledger, lambda: keeper.note(lambda _: Ledger())):
        with pytest.raises(ShipwayError) as caught:
            way()
        assert (caught.value.id, caught.value.kind) == ("store.ledger", Kind.INTEGRITY)
        assert str(tmp_path) in caught.value.subject
    assert (tmp_path / "ledger.json").read_text() == "mine"


def test_links_lead_to_their_bundles(tmp_path: Path) -> None:
    """What a link's manifest names is held by the link; a torn index of links holds nothing."""
    store = Store(tmp_path)
    bundle = store.put(b"bundle", OCTETS)
    data = json.dumps({"layers": [{"digest": bundle.digest}]}).encode()
    manifest = store.put(data, MANIFEST)
    said = Link(
        predicate_type="https://example.com/p",
        payload=of(b"payload"),
        bundle=bundle,
        manifest=manifest,
        subject=of(b"image"),
    )
    links = LinkStore(store)
    links.keep([])
    assert Keeper(store).named() == frozenset()
    links.keep([said])
    assert Keeper(store).named() >= {bundle.digest, manifest.digest}
    (file,) = (tmp_path / "links").glob("*/*.json")
    file.write_bytes(file.read_bytes()[:20])
    assert links.about(of(b"image")) == ()
    assert bundle.digest not in Keeper(store).named()
    links.keep([said])
    assert links.about(of(b"image")) == (manifest,)


def test_stale_notes_of_encodings_go(tmp_path: Path) -> None:
    """A note about a layer that is gone is removed; one about a layer that is there stays."""
    store = Store(tmp_path)
    layers = [store.put(bytes(5000) + text, LAYER_TAR) for text in (b"one", b"two")]
    encoded = [store.encode(layer.digest, "fast").layer for layer in layers]
    keeper = Keeper(store)
    keeper.remove([encoded[0].digest])
    keeper.tidy()

    assert len(list((tmp_path / "encodings").glob("*.json"))) == 1
    assert store.encode(layers[0].digest, "fast").layer == encoded[0]


def _cut(path: Path, harm: str) -> None:
    """Leave of a file what a power cut may: nothing, no bytes, a part, or zeros."""
    data = path.read_bytes()
    path.chmod(0o644)
    if harm == "gone":
        path.unlink()
        return
    path.write_bytes(
        {"empty": b"", "torn": data[: len(data) // 2], "zeros": bytes(len(data))}[harm]
    )


@pytest.mark.parametrize("harm", ["gone", "empty", "torn", "zeros"])
def test_no_order_of_writes_is_assumed(tmp_path: Path, harm: str) -> None:
    """Whatever was not written through may be lost: it is absent then, and is stored again."""
    store = Store(tmp_path)
    big = b"big" * (1 << 20)
    put = store.put(big, OCTETS)
    place = store.place(put.digest)
    assert place.stat().st_mode & 0o200
    _cut(place, harm)
    after = Store(tmp_path)

    assert not after.has(put.digest)
    assert after.put(big, OCTETS) == put
    assert after.read(put.digest) == big


@pytest.mark.parametrize("harm", ["gone", "empty", "torn", "zeros"])
def test_what_was_altered_is_said_once_and_made_again(tmp_path: Path, harm: str) -> None:
    """A blob that was on the disk and is no more itself is named; the next run does not meet it."""
    store = Store(tmp_path)
    put = store.put(b"small and durable", OCTETS)
    store.flush()
    place = store.place(put.digest)
    _cut(place, harm)
    if harm != "gone":
        place.chmod(0o444)
    for way in (store.read, store.path, lambda digest: list(store.chunks(digest))):
        with pytest.raises(ShipwayError) as caught:
            way(put.digest)
        assert caught.value.id == ("content.missing" if harm == "gone" else "content.altered")
    assert not Store(tmp_path).has(put.digest)
    assert Store(tmp_path).put(b"small and durable", OCTETS) == put
    assert Store(tmp_path).read(put.digest) == b"small and durable"


def test_a_ledger_survives_a_power_cut_whole(tmp_path: Path) -> None:
    """What was half written beside it counts for nothing."""
    keeper = Keeper(Store(tmp_path))
    build = Build(project="p", service="s", repository="r", manifests=(of(b"m"),), blobs={})
    keeper.note(lambda known: known.made([build]))
    (tmp_path / ".ledger.json.abc").write_bytes(b'{"builds": [')

    assert keeper.ledger().builds == (build,)
