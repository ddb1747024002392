"""Layers of anybody: whole ones are read, and attacks end as one error in little memory."""

from __future__ import annotations

import contextlib
import gzip
import io
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci import unpack
from shipway.core.oci.descriptor import LAYER_GZIP, LAYER_TAR
from shipway.core.oci.manifest import LAYER_ZSTD
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator


def tar(*members: tuple[str, bytes], **fields: str) -> bytes:
    """Return a tar of files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as made:
        for name, data in members:
            one = tarfile.TarInfo(name)
            one.size = len(data)
            one.pax_headers = fields
            made.addfile(one, io.BytesIO(data))
    return out.getvalue()


def special(name: str, kind: bytes, link: str = "") -> bytes:
    """Return a tar of one entry that is no file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        one = tarfile.TarInfo(name)
        one.type, one.linkname = kind, link
        made.addfile(one)
    return out.getvalue()


def pieces(data: bytes, size: int = 700) -> Iterator[bytes]:
    """Yield data in pieces, an empty one among them."""
    yield b""
    for at in range(0, len(data), size):
        yield data[at : at + size]


def read(data: bytes, kind: str = LAYER_TAR, free: int = unpack.FREE) -> dict[str, bytes | None]:
    """Return what each path is, none for what is taken away."""
    return {
        file.path + "/" * file.below: b"".join(file.pieces) if file.is_there else None
        for file in unpack.files(pieces(data), kind, free=free)
    }


def refused(data: bytes, kind: str = LAYER_TAR, free: int = unpack.FREE) -> str:
    """Return why a layer is refused."""
    with pytest.raises(ShipwayError) as caught:
        read(data, kind, free)
    assert caught.value.id == "layer.unreadable"
    return caught.value.message


def test_files_are_read_in_every_packing() -> None:
    """Plain and gzip layers, in one member or several, give the same files."""
    data = tar(("./a/b", b"1" * 3000), ("/c", b""), ("a" * 200, b"long"))
    packed = gzip.compress(data[:700]) + gzip.compress(data[700:])
    found = {"a/b": b"1" * 3000, "c": b"", "a" * 200: b"long"}

    assert read(data) == read(packed, LAYER_GZIP) == found
    assert read(packed, "application/vnd.docker.image.rootfs.diff.tar.gzip") == found


def test_files_that_nobody_reads_are_passed_over() -> None:
    """Whoever wants one file need not read the others."""
    data = tar(("a", b"1" * 100_000), ("b", b"2"), ("c", b"3" * 512))
    wanted = [
        b"".join(one.pieces) for one in unpack.files(pieces(data), LAYER_TAR) if one.path == "b"
    ]

    assert wanted == [b"2"]


def test_what_is_taken_away() -> None:
    """Whiteouts name what goes, and links and devices stand where a file was."""
    assert read(tar(("a/.wh.b", b""))) == {"a/b": None}
    assert read(tar(("a/.wh..wh..opq", b""))) == {"a/": None}
    assert read(special("bin/sh", tarfile.SYMTYPE, "busybox")) == {"bin/sh": None}
    assert read(special("dev/null", tarfile.CHRTYPE)) == {"dev/null": None}
    assert read(special("etc", tarfile.DIRTYPE)) == {}


@pytest.mark.parametrize("name", ["../a", "a/../../b", "/..", "a/.."])
def test_names_that_leave_the_layer(name: str) -> None:
    """A name that goes up is an attack, wherever it would lead."""
    assert "leaves the layer" in refused(tar((name, b"x")))


def test_a_bomb() -> None:
    """What unpacks to a multiple of its size is refused long before its end."""
    bomb = gzip.compress(tar(("zeros", b"\0" * (1 << 23))))

    assert "unpacks to more" in refused(bomb, LAYER_GZIP, free=1 << 10)
    assert read(bomb, LAYER_GZIP)["zeros"] == b"\0" * (1 << 23)


def test_a_header_that_is_a_bomb() -> None:
    """A header of many bytes is not read into memory."""
    head = tarfile.TarInfo("pax")
    head.type, head.size = tarfile.XHDTYPE, 1 << 40
    data = head.tobuf(tarfile.GNU_FORMAT) + bytes(4096)
    tracemalloc.start()
    why = refused(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert "a header of" in why
    assert peak < 1 << 22


def test_an_entry_that_leads_back() -> None:
    """A size below nothing would have the same entries read for ever."""
    head = tarfile.TarInfo("a")
    head.size = -1024
    refused(head.tobuf(tarfile.GNU_FORMAT) + bytes(4096))


def test_a_sparse_file_is_passed_over() -> None:
    """A file that claims to be larger than its bytes is never read out."""
    fields = {
        "GNU.sparse.major": "1",
        "GNU.sparse.minor": "0",
        "GNU.sparse.realsize": "1" + "0" * 15,
    }
    data = tar(("a", b"1\n0\n10\n".ljust(512, b"\0") + b"x" * 10), **fields)

    assert read(data) == {"a": None}


@pytest.mark.parametrize(
    ("data", "kind", "why"),
    [
        (b"", LAYER_TAR, "empty"),
        (b"no tar" * 200, LAYER_TAR, "invalid header"),
        (tar(("a", b"1" * 3000))[:2000], LAYER_TAR, "unexpected end"),
        (tar(("a", b"1"))[:1024] + b"x" * 512, LAYER_TAR, "damaged"),
        (tar(("a", b"1")) + tar(("b", b"2")), LAYER_TAR, "after its end"),
        (tar(("a", b"1")), LAYER_ZSTD, "not read"),
        (b"no gzip", LAYER_GZIP, "incorrect header"),
        (gzip.compress(tar(("a", b"1" * 3000)))[:-20], LAYER_GZIP, ""),
        (b"", LAYER_GZIP, ""),
    ],
)
def test_damaged_layers(data: bytes, kind: str, why: str) -> None:
    """A layer that is damaged, cut off, or more than an archive is refused."""
    assert why in refused(data, kind)


@given(st.data())
def test_bent_layers(data: st.DataObject) -> None:
    """Any change of any bytes gives files or a ShipwayError, and nothing else."""
    kind = data.draw(st.sampled_from([LAYER_TAR, LAYER_GZIP]))
    whole = tar(("a/b", b"1" * 600), ("a/.wh.c", b""), ("d", b"2"), comment="x" * 40)
    raw = bytearray(whole if kind == LAYER_TAR else gzip.compress(whole))
    for place in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=8)):
        raw[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ShipwayError):
        read(bytes(raw[: data.draw(st.integers(0, len(raw)))]), kind)
