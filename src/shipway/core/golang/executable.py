"""Where the parts of an executable lie: ELF, Mach-O and PE, as Go's linker writes them.

``buildinfo`` asks, to find what the linker left and to follow addresses in it. The bytes may come
from anybody: whatever does not fit raises, and no table is longer than real ones are.
Spec: System V ABI chapters 4 and 5; Mach-O as in Apple's ``loader.h`` and ``fat.h``; PE Format.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

MAGICS = (
    b"\x7fELF",
    b"MZ",
    b"\xfe\xed\xfa\xce",
    b"\xfe\xed\xfa\xcf",
    b"\xce\xfa\xed\xfe",
    b"\xcf\xfa\xed\xfe",
    b"\xca\xfe\xba\xbe",
)
"""What executables begin with."""

_MOST = 1 << 12
_SECTION, _APPLE_SECTION = b".go.buildinfo", b"__go_buildinfo"
_LOAD, _WRITE = 1, 2
_APPLE_SEGMENT, _APPLE_SEGMENT64, _APPLE_WRITE = 1, 0x19, 2
_FAT = b"\xca\xfe\xba\xbe"
_PE_WRITABLE = 0x80000040
"""IMAGE_SCN_CNT_INITIALIZED_DATA and IMAGE_SCN_MEM_WRITE."""
_CLASS64, _MSB, _PE64 = 2, 2, 0x20B


class Part(NamedTuple):
    """A piece of a file that is loaded at an address."""

    address: int
    offset: int
    size: int


class Layout(NamedTuple):
    """What a reader needs of an executable."""

    loaded: tuple[Part, ...]
    writable: tuple[Part, ...]
    """Where a linker's build information may lie, the likeliest first."""

    def place(self, address: int) -> int:
        """Return where in the file an address lies.

        Raises:
            ValueError: no part holds it.
        """
        for part in self.loaded:
            if part.address <= address < part.address + part.size:
                return address - part.address + part.offset
        raise ValueError("an address outside of the file")


def layout(data: bytes | mmap) -> Layout:
    """Return the layout of an executable; of a universal Mach-O, that of its first program.

    Raises:
        ShipwayError: ``buildinfo.unreadable`` (integrity) for other files.
        struct.error, IndexError, ValueError: a table leaves the file.
    """
    magic = data[:4]
    if magic == _FAT:
        (start,) = struct.unpack_from(">I", data, 16)
        return _apple(data, start)
    if magic == b"\x7fELF" and data[4] in {1, 2} and data[5] in {1, 2}:
        return _elf(data)
    if magic in MAGICS:
        return _apple(data, 0)
    if magic[:2] == b"MZ":
        return _pe(data)
    raise ShipwayError(
        "buildinfo.unreadable",
        Kind.INTEGRITY,
        "not an ELF, Mach-O or PE file",
        operation="reading build information",
    )


def _elf(data: bytes | mmap) -> Layout:
    wide, order = data[4] == _CLASS64, ">" if data[5] == _MSB else "<"
    word = order + ("Q" if wide else "I")
    table, sections = (
        struct.unpack_from(word, data, at)[0] for at in ((32, 40) if wide else (28, 32))
    )
    size, count, width, number, names = struct.unpack_from(order + "5H", data, 54 if wide else 42)
    loaded, writable = [], []
    for at in _rows(table, size, count):
        if wide:
            kind, flags, offset, address, _, length = struct.unpack_from(order + "IIQQQQ", data, at)
        else:
            kind, offset, address, _, length, _, flags = struct.unpack_from(order + "7I", data, at)
        if kind == _LOAD:
            loaded.append(Part(address, offset, length))
            if flags & _WRITE:
                writable.append(loaded[-1])
    named = _elf_section(data, order, (sections, width, number, names), wide=wide)
    return Layout(tuple(loaded), (*named, *writable))


def _elf_section(
    data: bytes | mmap, order: str, table: tuple[int, int, int, int], *, wide: bool
) -> Iterator[Part]:
    """Yield the section that the linker names; none where the table of sections was removed."""
    start, width, count, names = table
    form, skip = (order + "IIQQQQ", 0) if wide else (order + "IIIIII", 0)
    if not start or names >= count:
        return
    base = struct.unpack_from(form, data, start + names * width + skip)[4]
    for at in _rows(start, width, count):
        name, _, _, address, offset, size = struct.unpack_from(form, data, at)
        if data[base + name : base + name + len(_SECTION) + 1] == _SECTION + b"\0":
            yield Part(address, offset, size)


def _apple(data: bytes | mmap, start: int) -> Layout:
    magic = data[start : start + 4]
    order = ">" if magic[:2] == b"\xfe\xed" else "<"
    (number,) = struct.unpack_from(order + "I", data, start)
    if number not in {0xFEEDFACE, 0xFEEDFACF}:
        raise ValueError("not a Mach-O program")
    wide = number == 0xFEEDFACF  # noqa: PLR2004  MH_MAGIC_64
    (count,) = struct.unpack_from(order + "I", data, start + 16)
    at = start + (32 if wide else 28)
    loaded: list[Part] = []
    writable: list[Part] = []
    named: list[Part] = []
    for _ in range(min(count, _MOST)):
        kind, length = struct.unpack_from(order + "II", data, at)
        if kind in {_APPLE_SEGMENT, _APPLE_SEGMENT64}:
            form = order + ("QQQQIIII" if kind == _APPLE_SEGMENT64 else "IIIIIIII")
            address, _, offset, size, most, access, sections, _ = struct.unpack_from(
                form, data, at + 24
            )
            loaded.append(Part(address, start + offset, size))
            if size and address and access & most & _APPLE_WRITE:
                writable.append(loaded[-1])
            first = at + 24 + struct.calcsize(form)
            named += _apple_sections(data, order, (first, sections, start), kind)
        at += max(length, 8)
    return Layout(tuple(loaded), (*named, *writable))


def _apple_sections(
    data: bytes | mmap, order: str, table: tuple[int, int, int], kind: int
) -> Iterator[Part]:
    first, count, start = table
    form = order + ("16s16sQQI" if kind == _APPLE_SEGMENT64 else "16s16sIII")
    for at in _rows(first, 80 if kind == _APPLE_SEGMENT64 else 68, count):
        name, _, address, size, offset = struct.unpack_from(form, data, at)
        if name.rstrip(b"\0") == _APPLE_SECTION:
            yield Part(address, start + offset, size)


def _pe(data: bytes | mmap) -> Layout:
    (start,) = struct.unpack_from("<I", data, 0x3C)
    if data[start : start + 4] != b"PE\0\0":
        raise ValueError("not a PE program")
    (count,) = struct.unpack_from("<H", data, start + 6)
    (optional,) = struct.unpack_from("<H", data, start + 20)
    (magic,) = struct.unpack_from("<H", data, start + 24)
    base = struct.unpack_from(
        *(("<Q", data, start + 48) if magic == _PE64 else ("<I", data, start + 52))
    )[0]
    loaded, writable = [], []
    for at in _rows(start + 24 + optional, 40, count):
        _, address, size, offset = struct.unpack_from("<IIII", data, at + 8)
        (flags,) = struct.unpack_from("<I", data, at + 36)
        loaded.append(Part(base + address, offset, size))
        if address and size and flags & _PE_WRITABLE == _PE_WRITABLE:
            writable.append(loaded[-1])
    return Layout(tuple(loaded), tuple(writable))


def _rows(start: int, size: int, count: int) -> range:
    """Return where each row of a table begins."""
    return range(start, start + max(size, 1) * min(count, _MOST), max(size, 1))
