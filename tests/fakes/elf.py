"""Small ELF files that carry Go build information, whole or broken."""

from __future__ import annotations

import struct

MAGIC = b"\xff Go buildinf:"
FRAME = b"0w\xaf\x0c\x92t\x08\x02A\xe1\xc1\x07\xe6\xd6\x18\xe6"
END = b"\xf92C1\x86\x18 r\x00\x82B\x10A\x16\xd8\xf2"

MODINFO = (
    "path\texample.com/web/cmd/web\n"
    "mod\texample.com/web\t(devel)\t\n"
    "dep\texample.com/a\tv1.2.3\th1:aaa=\n"
    "dep\texample.com/b\tv2.0.0+incompatible\n"
    "=>\texample.com/c\tv2.1.0\th1:ccc=\n"
    "dep\texample.com/d\tv0.0.0\n"
    "=>\t../d\n"
    'build\t-compiler="gc"\n'
    "build\tCGO_ENABLED=0\n"
)


def varint(number: int) -> bytes:
    """Return ``number`` as Go's encoding/binary writes an unsigned varint."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def text(value: bytes) -> bytes:
    """Return a string with its length before it."""
    return varint(len(value)) + value


def header(version: str, modinfo: str, flags: int = 2) -> bytes:
    """Return the build information as the linker lays it out."""
    framed = FRAME + modinfo.encode() + END
    return (MAGIC + bytes([8, flags])).ljust(32, b"\0") + text(version.encode()) + text(framed)


def program(
    version: str = "go1.27.3",
    modinfo: str = MODINFO,
    *,
    wide: bool = True,
    big: bool = False,
    before: bytes = b"",
    flags: int = 2,
    writable: bool = True,
) -> bytes:
    """Return an ELF file with one writable segment that starts with ``before``."""
    order = ">" if big else "<"
    segment = before + header(version, modinfo, flags)
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]).ljust(12, b"\0")
    access = 6 if writable else 4
    if wide:
        start = 64 + 2 * 56
        head = struct.pack(order + "HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
        rows = struct.pack(order + "IIQQQQQQ", 1, 5, 0, 0, 0, 64, 64, 4096)
        rows += struct.pack(
            order + "IIQQQQQQ", 1, access, start, 0, 0, len(segment), len(segment), 4096
        )
    else:
        start = 52 + 2 * 32
        head = struct.pack(order + "HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, 32, 2, 0, 0, 0)
        rows = struct.pack(order + "IIIIIIII", 1, 0, 0, 0, 52, 52, 5, 4096)
        rows += struct.pack(
            order + "IIIIIIII", 1, start, 0, 0, len(segment), len(segment), access, 4096
        )
    return ident + head + rows + segment
