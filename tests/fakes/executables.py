"""Small Mach-O and PE files, and ELF files of odd kinds, that carry Go build information."""

from __future__ import annotations

import struct

from fakes.elf import END, FRAME, MAGIC, MODINFO, header

ADDRESS = 0x10000
FAR = b"\0" * (1 << 20)
"""More than is searched of a writable part."""


def apple(
    info: bytes | None = None, *, wide: bool = True, big: bool = False, named: bool = False
) -> bytes:
    """Return a Mach-O file with a segment for reading and one for writing."""
    order = ">" if big else "<"
    info = header("go1.27.3", MODINFO) if info is None else info
    form = order + ("16sQQQQIIII" if wide else "16sIIIIIIII")
    section = struct.pack(
        order + ("16s16sQQIIIIIIII" if wide else "16s16sIIIIIIIII"),
        b"__go_buildinfo" if named else b"__data",
        b"__DATA",
        ADDRESS,
        len(info),
        *(0,) * (8 if wide else 7),
    )
    width = 8 + struct.calcsize(form)
    start = (32 if wide else 28) + 8 + 2 * width + len(section)
    start += -start % 16
    at = 48 if wide else 40
    section = section[:at] + struct.pack(order + "I", start) + section[at + 4 :]
    kind = 0x19 if wide else 1
    text = struct.pack(form, b"__TEXT", 0x1000, 16, 0, 16, 5, 5, 0, 0)
    writes = 1 if named else 3
    data = struct.pack(form, b"__DATA", ADDRESS, len(info), start, len(info), writes, writes, 1, 0)
    commands = [
        struct.pack(order + "II", 2, 8),
        struct.pack(order + "II", kind, width) + text,
        struct.pack(order + "II", kind, width + len(section)) + data + section,
    ]
    head = struct.pack(
        order + "7I", 0xFEEDFACF if wide else 0xFEEDFACE, 0, 0, 2, len(commands), 0, 0
    ) + (b"\0" * 4 if wide else b"")
    return (head + b"".join(commands)).ljust(start, b"\0") + info


def universal(first: bytes) -> bytes:
    """Return a universal Mach-O file whose first program is ``first``."""
    return struct.pack(">7I", 0xCAFEBABE, 1, 0, 0, 64, len(first), 0).ljust(64, b"\0") + first


def windows(*, wide: bool = True, signature: bytes = b"PE\0\0", flags: int = 0xC0000040) -> bytes:
    """Return a PE file with one section that can be written."""
    info = header("go1.27.3", MODINFO)
    optional = 112 if wide else 96
    start = 0x200
    coff = struct.pack("<HHIIIHH", 0x8664, 1, 0, 0, 0, optional, 0)
    magic = struct.pack("<H", 0x20B if wide else 0x10B)
    row = struct.pack(
        "<8sIIIIIIHHI", b".data", len(info), ADDRESS, len(info), start, 0, 0, 0, 0, flags
    )
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 0x80)
    return (head.ljust(0x80, b"\0") + signature + coff + magic.ljust(optional, b"\0") + row).ljust(
        start, b"\0"
    ) + info


def sectioned(*, wide: bool = True, names: int = 1, title: bytes = b".go.buildinfo") -> bytes:
    """Return an ELF file that only its table of sections leads through: nothing is writable."""
    info = header("go1.27.3", MODINFO)
    strings = b"\0.shstrtab\0" + title + b"\0"
    start = 64
    table = start + len(info) + len(strings)
    row = "<IIQQQQ" if wide else "<IIIIII"
    tail = 24 if wide else 16
    sections = b"".join(
        struct.pack(row, name, 1, 0, 0, offset, size) + bytes(tail)
        for name, offset, size in (
            (0, 0, 0),
            (1, start + len(info), len(strings)),
            (11, start, len(info)),
        )
    )
    width = struct.calcsize(row) + tail
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1, 1]).ljust(12, b"\0")
    form = "<HHIQQQIHHHHHH" if wide else "<HHIIIIIHHHHHH"
    head = struct.pack(form, 2, 62, 1, 0, 0, table, 0, 64, 0, 0, width, 3, names)
    return (ident + head).ljust(start, b"\0") + info + strings + sections


def pointed(*, wide: bool = True, big: bool = False, modinfo: str = MODINFO) -> bytes:
    """Return an ELF file as Go 1.13 to 1.17 linked it: the header has pointers."""
    order = ">" if big else "<"
    word = order + ("Q" if wide else "I")
    size = struct.calcsize(word)
    texts = [b"go1.17.5", FRAME + modinfo.encode() + END if modinfo else b""]
    strings, begin = b"", 32 + 4 * size
    rows = b""
    for one in texts:
        rows += struct.pack(word, ADDRESS + begin + len(strings)) + struct.pack(word, len(one))
        strings += one
    pointers = struct.pack(word, ADDRESS + 32) + struct.pack(
        word, ADDRESS + 32 + 2 * size if modinfo else 0
    )
    info = (MAGIC + bytes([size, 1 if big else 0]) + pointers).ljust(32, b"\0") + rows + strings
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]).ljust(12, b"\0")
    start = 128
    if wide:
        head = struct.pack(order + "HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
        row = struct.pack(order + "IIQQQQQQ", 1, 6, start, ADDRESS, 0, len(info), len(info), 16)
    else:
        head = struct.pack(order + "HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        row = struct.pack(order + "IIIIIIII", 1, start, ADDRESS, 0, len(info), len(info), 6, 16)
    return (ident + head + row).ljust(start, b"\0") + info
