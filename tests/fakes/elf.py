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


def sectioned(*kinds: int, wide: bool = True, big: bool = False) -> bytes:
    """Return an ELF file with sections of these types and nothing else."""
    order = ">" if big else "<"
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]).ljust(12, b"\0")
    if wide:
        head = struct.pack(
            order + "HHIQQQIHHHHHH", 2, 62, 1, 0, 0, 64, 0, 64, 0, 0, 64, len(kinds), 0
        )
        rows = [struct.pack(order + "IIQQQQIIQQ", 0, kind, *[0] * 8) for kind in kinds]
    else:
        head = struct.pack(
            order + "HHIIIIIHHHHHH", 2, 3, 1, 0, 0, 52, 0, 52, 0, 0, 40, len(kinds), 0
        )
        rows = [struct.pack(order + "IIIIIIIIII", 0, kind, *[0] * 8) for kind in kinds]
    return ident + head + b"".join(rows)


BEGINS = 0x10000
"""Where the segment of :func:`linked` is loaded."""


def linked(
    interpreter: str = "/lib64/ld-linux-x86-64.so.2",
    needed: tuple[str, ...] = ("libc.so.6",),
    symbols: tuple[str, ...] = (),
    provides: tuple[str, ...] = (),
    *,
    wide: bool = True,
    big: bool = False,
) -> bytes:
    """Return an ELF file with a loader, a dynamic table and tables of symbol versions."""
    order = ">" if big else "<"
    names, places = bytearray(b"\0"), {}
    for one in (*needed, *symbols, *provides):
        places[one] = len(names)
        names += one.encode() + b"\0"
    start = 64 + 3 * 56 if wide else 52 + 3 * 32
    loader = interpreter.encode() + b"\0"
    strings = start + len(loader)
    verneed = strings + len(names)
    need = b"".join(
        struct.pack(f"{order}IHHII", 0, 0, 0, places[one], 16 * (one != symbols[-1]))
        for one in symbols
    )
    need = struct.pack(f"{order}HHIII", 1, len(symbols), 0, 16, 0) + need if symbols else b""
    verdef = verneed + len(need)
    define = b"".join(
        struct.pack(f"{order}HHHHIII", 1, 0, 0, 1, 0, 20, 28 * (one != provides[-1]))
        + struct.pack(f"{order}II", places[one], 0)
        for one in provides
    )
    tags = [(1, places[one]) for one in needed] + [(5, BEGINS + strings)]
    if symbols:
        tags += [(0x6FFFFFFE, BEGINS + verneed), (0x6FFFFFFF, 1)]
    if provides:
        tags += [(0x6FFFFFFC, BEGINS + verdef), (0x6FFFFFFD, len(provides))]
    layout = f"{order}QQ" if wide else f"{order}II"
    dynamic = b"".join(struct.pack(layout, *tag) for tag in [*tags, (0, 0)])
    at = verdef + len(define)
    total = at + len(dynamic)
    rows = [(1, 0, BEGINS, total), (3, start, BEGINS + start, len(loader))]
    rows.append((2, at, BEGINS + at, len(dynamic)))
    ident = b"\x7fELF" + bytes([2 if wide else 1, 2 if big else 1, 1]).ljust(12, b"\0")
    if wide:
        head = struct.pack(order + "HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 0, 0, 64, 56, 3, 0, 0, 0)
        table = b"".join(
            struct.pack(order + "IIQQQQQQ", kind, 4, offset, begins, 0, size, size, 1)
            for kind, offset, begins, size in rows
        )
    else:
        head = struct.pack(order + "HHIIIIIHHHHHH", 3, 3, 1, 0, 52, 0, 0, 52, 32, 3, 0, 0, 0)
        table = b"".join(
            struct.pack(order + "IIIIIIII", kind, offset, begins, 0, size, size, 4, 1)
            for kind, offset, begins, size in rows
        )
    return ident + head + table + loader + bytes(names) + need + define + dynamic
