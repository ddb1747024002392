"""The contract of the local store: what any of its implementations must keep."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from fakes.content import MemoryContent
from shipway.adapters.content.store import Store
from shipway.core.oci.descriptor import LAYER_GZIP, LAYER_TAR, OCTETS, Descriptor, describe
from shipway.core.oci.digest import Digest, of
from shipway.core.ports.content import Content, Encodings, LayerStore, Pins
from shipway.errors import Kind, ShipwayError

PORTS = (Content, Encodings, LayerStore, Pins)

Stores = Any
ABSENT = of(b"never stored")


@pytest.fixture(params=["memory", "disk"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Stores:
    """Give the fake and the real store in turn."""
    return MemoryContent() if request.param == "memory" else Store(tmp_path / "store")


def _alter(store: Stores, digest: Digest) -> None:
    """Flip one bit of a blob behind the store's back."""
    if isinstance(store, MemoryContent):
        data = store.blobs[digest]
        store.blobs[digest] = bytes([data[0] ^ 1]) + data[1:]
        return
    path = store.root / "blobs" / "sha256" / digest[7:]
    data = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(bytes([data[0] ^ 1]) + data[1:])


@pytest.mark.parametrize("data", [b"", b"x", bytes(3 << 20)])
def test_put_and_read(store: Stores, data: bytes) -> None:
    """What was put is there under its digest, twice as well as once."""
    found = store.put(data, "a/b")

    assert found == describe(data, "a/b") == store.put(data, "a/b")
    assert store.has(found.digest)
    assert store.read(found.digest) == data
    assert Path(store.path(found.digest)).read_bytes() == data


def test_chunks_are_the_blob_in_pieces(store: Stores) -> None:
    """Pieces have the size asked for, the last one the rest."""
    at = store.put(b"abcdefg", "")

    assert list(store.chunks(at.digest, 3)) == [b"abc", b"def", b"g"]
    assert list(store.chunks(at.digest)) == [b"abcdefg"]


def test_adopt_takes_a_file(store: Stores, tmp_path: Path) -> None:
    """A file becomes a blob under its digest; the place it stood at may be empty after."""
    file = tmp_path / "binary"
    file.write_bytes(b"\x7fELF")

    assert store.adopt(str(file), OCTETS) == describe(b"\x7fELF", OCTETS)
    assert store.read(of(b"\x7fELF")) == b"\x7fELF"


def test_compose_joins_bytes_and_blobs(store: Stores) -> None:
    """The whole is the parts in order, blobs by their digest."""
    middle = store.put(b"-middle-", "")

    found = store.compose([b"head", middle.digest, middle.digest, b"tail"], LAYER_TAR)

    assert found == describe(b"head-middle--middle-tail", LAYER_TAR)
    assert store.read(found.digest) == b"head-middle--middle-tail"
    assert store.compose([], LAYER_TAR) == describe(b"", LAYER_TAR)


def test_gather_keeps_only_what_was_expected(store: Stores) -> None:
    """The right bytes are kept; others, fewer or more leave nothing behind."""
    right = describe(b"abcdef", "a/b")
    assert store.gather(iter([b"abc", b"def"]), right) == right
    assert store.gather([b"abcdef"], Descriptor("a/b", right.digest, -1)) == right

    wanted = describe(b"123", "")
    for chunks in ([b"12"], [b"1234"], [b"1", b"24"], []):
        with pytest.raises(ShipwayError) as caught:
            store.gather(iter(chunks), wanted)
        assert (caught.value.id, caught.value.kind) == ("content.altered", Kind.INTEGRITY)
    assert not store.has(wanted.digest)


def test_gather_stops_at_the_size_it_was_told(store: Stores) -> None:
    """A source that never ends is left as soon as it has sent too much."""
    sent = []

    def flood() -> Any:
        while True:
            sent.append(1)
            yield b"x" * 100

    with pytest.raises(ShipwayError):
        store.gather(flood(), Descriptor("", ABSENT, 1000))
    assert len(sent) <= 12


def test_what_is_not_there_is_missing(store: Stores) -> None:
    """Every way to read says that it is not there."""
    ways = (
        lambda: store.read(ABSENT),
        lambda: list(store.chunks(ABSENT)),
        lambda: store.path(ABSENT),
        lambda: store.compose([ABSENT], ""),
        lambda: store.encode(ABSENT, "none"),
        lambda: store.encode(ABSENT, "fast"),
    )
    assert not store.has(ABSENT)
    for way in ways:
        with pytest.raises(ShipwayError) as caught:
            way()
        assert (caught.value.id, caught.value.kind) == ("content.missing", Kind.NOT_FOUND)


def test_one_flipped_bit_is_found_by_every_way_to_read(store: Stores) -> None:
    """Altered bytes are never given out, copied or compressed as if they were right."""
    digest = store.put(b"the right bytes" * 100, "").digest
    _alter(store, digest)
    ways = (
        lambda: store.read(digest),
        lambda: list(store.chunks(digest)),
        lambda: store.path(digest),
        lambda: store.compose([b"a", digest], ""),
        lambda: store.encode(digest, "fast"),
        lambda: store.encode(digest, "small"),
    )

    for way in ways:
        with pytest.raises(ShipwayError) as caught:
            way()
        assert (caught.value.id, caught.value.kind) == ("content.altered", Kind.INTEGRITY)


def test_storing_again_heals_an_altered_blob(store: Stores) -> None:
    """The right bytes replace altered ones."""
    data = b"the right bytes"
    digest = store.put(data, "").digest
    _alter(store, digest)

    store.put(data, "")

    assert store.read(digest) == data


@pytest.mark.parametrize("compression", ["none", "fast", "small"])
def test_encoding_keeps_the_diff_id(store: Stores, compression: str) -> None:
    """However a layer travels, its uncompressed bytes are the same; it is encoded once."""
    tar = b"layer " * 50_000
    diff_id = store.put(tar, LAYER_TAR).digest

    found = store.encode(diff_id, compression)

    packed = store.read(found.layer.digest)
    plain = packed if compression == "none" else gzip.decompress(packed)
    assert of(plain) == diff_id
    assert found.layer.size == len(packed)
    assert found.layer.media_type == (LAYER_TAR if compression == "none" else LAYER_GZIP)
    assert found.compressor
    assert store.encode(diff_id, compression) == found


def test_an_unknown_compression_is_refused(store: Stores) -> None:
    """Only the three policies are known."""
    diff_id = store.put(b"tar", LAYER_TAR).digest

    with pytest.raises(ShipwayError) as caught:
        store.encode(diff_id, "zip")
    assert caught.value.id == "compression.unknown"


def test_pins_name_descriptors(store: Stores) -> None:
    """Names are set, moved and forgotten; what they stand for comes back as it was given."""
    one = Descriptor("a/b", of(b"1"), 1, "t", annotations={"k": "v"})
    two = describe(b"2", "c/d")

    assert store.pins() == {}
    store.pin("x", one)
    store.pin("y", two)
    assert store.pins() == {"x": one, "y": two}
    store.pin("x", two)
    store.unpin("y")
    store.unpin("never")

    assert store.pins() == {"x": two}
    assert store.pinned("x") == two
    assert store.pinned("y") is None
