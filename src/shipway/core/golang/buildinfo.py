"""What a Go program says about itself: the build information that the linker leaves in it.

The Go hand maps a finished binary and asks, and so does what looks into programs of others. The
bytes are not trusted: every offset is checked, and whatever is wrong ends as one error.
Spec: golang/go, src/debug/buildinfo (both headers) and src/runtime/debug/mod.go.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang import executable
from shipway.core.golang.binary import Module
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from mmap import mmap

    from shipway.core.golang.executable import Layout

MAGIC = b"\xff Go buildinf:"
_ALIGN, _HEADER = 16, 32
_INLINE = 2
"""Flag: version and module information follow the header as strings."""
_BIG = 1
"""Flag: pointers are big-endian."""
_FRAME = 16
"""Bytes of a sentinel before and after the module information."""
_SEARCHED = 1 << 20
_WIDEST = 63
"""Bits of a length at most."""


class BuildInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The build information of one program."""

    go_version: str
    package: str
    """Import path of the main package."""
    main: Module
    modules: tuple[Module, ...] = ()
    """Those that packages in the program come from, the main module not among them."""
    settings: dict[str, str] = msgspec.field(default_factory=dict)


def parse(data: bytes | mmap) -> BuildInfo:
    """Return the build information of an ELF, Mach-O or PE program.

    Raises:
        ShipwayError: ``buildinfo.unreadable`` (integrity) where there is none.
    """
    try:
        places = executable.layout(data)
        start = _find(data, places)
        if data[start + 15] & _INLINE:
            version, place = _text(data, start + _HEADER)
            framed, _ = _text(data, place)
        else:
            version, framed = _pointed(data, start, places)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise _unreadable(str(error)) from error
    text = framed[_FRAME:-_FRAME].decode("utf-8", "replace")
    return _fields(version.decode("utf-8", "replace"), text)


def _find(data: bytes | mmap, places: Layout) -> int:
    """Return the offset of the header."""
    for start, end in ((part.offset, part.offset + part.size) for part in places.writable):
        place, last = start, min(end, start + _SEARCHED)
        while (place := data.find(MAGIC, place, last)) >= 0:
            if (place - start) % _ALIGN == 0:
                return place
            place += 1
    raise _unreadable("not made by Go")


def _pointed(data: bytes | mmap, place: int, places: Layout) -> tuple[bytes, bytes]:
    """Return both texts of a program of Go 1.13 to 1.17, whose header points at them."""
    wide, order = data[place + 14] == 8, ">" if data[place + 15] & _BIG else "<"  # noqa: PLR2004
    word = order + ("Q" if wide else "I")
    size = struct.calcsize(word)
    found = []
    for at in (place + 16, place + 16 + size):
        (address,) = struct.unpack_from(word, data, at)
        if not address:
            found.append(b"")
            continue
        text, length = struct.unpack_from(
            order + ("QQ" if wide else "II"), data, places.place(address)
        )
        begin = places.place(text) if length else 0
        if length > len(data) - begin:
            raise ValueError("a string leaves the file")
        found.append(bytes(data[begin : begin + length]))
    return found[0], found[1]


def _text(data: bytes | mmap, place: int) -> tuple[bytes, int]:
    """Return a string with its length before it as a varint, and where it ends."""
    length, shift = 0, 0
    while True:
        byte = data[place]
        length |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004  the continuation bit
            break
        if shift > _WIDEST:
            raise ValueError("a length without an end")
    if length > len(data) - place:
        raise ValueError("a string leaves the file")
    return bytes(data[place : place + length]), place + length


def _fields(version: str, text: str) -> BuildInfo:
    """Return the lines of the module information as values."""
    found: dict[str, list[Module]] = {"mod": [], "dep": []}
    package, last, settings = "", "", {}
    for line in text.splitlines():
        verb, *words = line.split("\t")
        if verb in found:
            found[verb].append(_module(words))
            last = verb
        elif verb == "=>" and last and found[last]:
            before = found[last].pop()
            found[last].append(msgspec.structs.replace(before, replace=_module(words)))
        elif verb == "path":
            package = words[0] if words else ""
        elif verb == "build" and words:
            key, _, value = words[0].partition("=")
            settings[key] = value.strip('"')
    if not re.match(r"(go|devel)", version) or not package:
        raise _unreadable("its build information is empty")
    main = found["mod"][0] if found["mod"] else Module(path="")
    return BuildInfo(
        go_version=version.partition(" ")[0],
        package=package,
        main=main,
        modules=tuple(found["dep"]),
        settings=settings,
    )


def _module(words: list[str]) -> Module:
    path, version, checksum = (*words, "", "", "")[:3]
    return Module(path=path, version=version, sum=checksum)


def _unreadable(reason: str) -> ShipwayError:
    return ShipwayError(
        "buildinfo.unreadable", Kind.INTEGRITY, reason, operation="reading build information"
    )
