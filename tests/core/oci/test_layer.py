"""Layers: deterministic tars that every reader understands."""

from __future__ import annotations

import io
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci.descriptor import OCTETS, Descriptor, Platform, describe
from shipway.core.oci.layer import Entry, Type, archive, header_of
from shipway.errors import ShipwayError

_NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=130
).filter(lambda name: name not in {".", ".."})
_PATHS = st.lists(_NAMES, min_size=1, max_size=4).map("/".join)


def _tar(*entries: Entry, blobs: dict[str, bytes] | None = None) -> bytes:
    held = blobs or {}
    return b"".join(
        held[part] if isinstance(part, str) else part for part in archive(tuple(entries))
    )


def _read(data: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        return tar.getmembers()


@given(
    st.dictionaries(_PATHS, st.binary(max_size=1500), max_size=6),
    st.integers(0, 0o7777),
    st.integers(0, 2**33 - 1),
    st.integers(0, 0o7777777),
)
def test_tarfile_reads_back_what_was_written(
    files: dict[str, bytes], mode: int, mtime: int, owner: int
) -> None:
    """Paths of any length and script, bytes, mode, owner and time survive."""
    prefixes = {path.rsplit("/", at)[0] for path in files for at in range(1, path.count("/") + 1)}
    files = {path: data for path, data in files.items() if path not in prefixes}

    data = _tar(
        *(
            Entry(path=path, data=body, mode=mode, mtime=mtime, uid=owner, gid=owner)
            for path, body in files.items()
        )
    )

    with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
        found = {member.name: member for member in tar.getmembers() if member.isfile()}
        assert files == {name: tar.extractfile(at).read() for name, at in found.items()}  # type: ignore[union-attr]  # all are files
    for member in found.values():
        assert (mode, mtime, owner, owner) == (member.mode, member.mtime, member.uid, member.gid)
    assert len(data) % 10240 == 0


@given(st.permutations([Entry(path=name, data=name.encode()) for name in ("b", "a/x", "a-b", "c")]))
def test_the_order_of_entries_is_nothing(entries: list[Entry]) -> None:
    """The same entries in any order are the same bytes, sorted, folders before what is in them."""
    data = _tar(*entries)

    assert _tar(*sorted(entries, key=lambda entry: entry.path)) == data
    assert [member.name for member in _read(data)] == ["a", "a/x", "a-b", "b", "c"]


def test_missing_folders_are_made() -> None:
    """Parents appear with mode 0755 and root as owner; given ones keep their own mode."""
    found = _read(
        _tar(
            Entry(path="var/lib/app/x", data=b"1"),
            Entry(path="var/lib", type=Type.DIRECTORY, mode=0o700),
        )
    )

    assert [(member.name, member.mode) for member in found] == [
        ("var", 0o755),
        ("var/lib", 0o700),
        ("var/lib/app", 0o755),
        ("var/lib/app/x", 0o644),
    ]
    assert all(member.uid == member.gid == member.mtime == 0 for member in found)


def test_symbolic_links_keep_their_target() -> None:
    """A link of any length and script points where it was told."""
    long = "é" * 80
    found = _read(
        _tar(
            Entry(path="a", type=Type.LINK, target="../b"),
            Entry(path="c", type=Type.LINK, target=long),
            Entry(path="d", type=Type.LINK, target="x" * 101),
        )
    )

    assert ["../b", long, "x" * 101] == [member.linkname for member in found]
    assert all(member.issym() for member in found)


def test_blobs_stand_as_references() -> None:
    """A file given by reference costs no bytes here, and the whole is what literal bytes give."""
    body = b"\x7fELF" + bytes(3000)
    at = describe(body, OCTETS)
    entry = Entry(path="app/web", blob=at, mode=0o555)

    parts = archive((entry,))

    assert [bytes, str, bytes] == [type(part) for part in parts]
    assert at.digest == parts[1]
    same = Entry(path="app/web", data=body, mode=0o555)
    assert _tar(entry, blobs={at.digest: body}) == _tar(same)


def test_huge_files_say_their_size_in_pax() -> None:
    """Eight gibibytes and more do not fit ustar's field."""
    at = Descriptor(OCTETS, describe(b"", OCTETS).digest, 8**11)

    header = header_of(Entry(path="big", blob=at))

    assert b"size=8589934592\n" in header
    assert [member.size for member in _read_header(header)] == [8**11]


def _read_header(header: bytes) -> list[tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(header)) as tar:
        first = tar.next()
        return [first] if first else []


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/", ".", "a\0b"])
def test_paths_stay_within_the_image(path: str) -> None:
    """Absolute, climbing, empty and unclean paths are refused by name."""
    with pytest.raises(ShipwayError) as caught:
        archive((Entry(path=path, data=b""),))

    assert caught.value.id == "layer.path"
    assert path == caught.value.subject


def test_a_path_is_there_once() -> None:
    """Two files of one path are refused."""
    with pytest.raises(ShipwayError, match="twice"):
        archive((Entry(path="a", data=b"1"), Entry(path="a", data=b"2")))


def test_platforms_read_as_go_has_them() -> None:
    """A platform prints as os/arch, with its variant where it has one."""
    assert str(Platform("amd64")) == "linux/amd64"
    assert str(Platform("arm", variant="v7")) == "linux/arm/v7"


@pytest.mark.parametrize("length", [*range(85, 105), 990, 991, 992, 993, 994])
def test_pax_records_count_themselves(length: int) -> None:
    """The length at the start of a record includes its own digits."""
    name = "ü" + "x" * (length - 2)

    assert [name] == [member.name for member in _read(_tar(Entry(path=name, data=b"")))]


@pytest.mark.parametrize(
    "path",
    [
        "a" * 100,
        "a" * 101,
        "a" * 60 + "/" + "b" * 60,
        "a" * 155 + "/" + "b" * 100,
        "a" * 156 + "/" + "b" * 100,
        "a/" + "b" * 101,
        "/".join("d" * 9 for _ in range(30)),
    ],
)
def test_long_paths(path: str) -> None:
    """Paths that fit ustar's two fields and those that do not read back alike."""
    assert path == _read(_tar(Entry(path=path, data=b"")))[-1].name
