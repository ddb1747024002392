"""What a Go program says about itself: the build information that the linker leaves in it.

The Go hand maps a finished binary and asks. The bytes are not trusted: every offset is checked,
and whatever is wrong ends as one error. Only ELF is read, since only Linux programs are shipped.
Spec: golang/go, src/debug/buildinfo (header of Go 1.18 and later) and src/runtime/debug/mod.go.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang.binary import Module
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from mmap import mmap

MAGIC = b"\xff Go buildinf:"
_ALIGN, _HEADER = 16, 32
_INLINE = 2
"""Flag: version and module information follow the header as strings."""
_FRAME = 16
"""Bytes of a sentinel before and after the module information."""
_SEARCHED = 1 << 20
_WRITABLE_LOAD = (1, 2)
"""Program header type PT_LOAD, and the flag PF_W (System V ABI, program headers)."""
_MOST_HEADERS = 1 << 12


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
    """Return the build information of an ELF program.

    Raises:
        ShipwayError: ``buildinfo.unreadable`` (integrity) where there is none.
    """
    try:
        start = _find(data)
        version, place = _text(data, start + _HEADER)
        framed, _ = _text(data, place)
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise _unreadable(str(error)) from error
    text = framed[_FRAME:-_FRAME].decode("utf-8", "replace")
    return _fields(version.decode("utf-8", "replace"), text)


def _find(data: bytes | mmap) -> int:
    """Return the offset of the header."""
    if data[:4] != b"\x7fELF" or data[4] not in {1, 2} or data[5] not in {1, 2}:
        raise _unreadable("not an ELF file")
    start, end = _writable(data)
    place = start
    while (place := data.find(MAGIC, place, min(end, start + _SEARCHED))) >= 0:
        if (place - start) % _ALIGN == 0:
            if not data[place + 15] & _INLINE:
                raise _unreadable("made by a Go older than 1.18")
            return place
        place += 1
    raise _unreadable("not made by Go")


def _writable(data: bytes | mmap) -> tuple[int, int]:
    """Return where the first writable segment lies in the file."""
    wide, order = data[4] == 2, "<" if data[5] == 1 else ">"  # noqa: PLR2004  64-bit
    table = struct.unpack_from(order + ("Q" if wide else "I"), data, 32 if wide else 28)[0]
    size, count = struct.unpack_from(order + "HH", data, 54 if wide else 42)
    for number in range(min(count, _MOST_HEADERS)):
        at = table + number * size
        if wide:
            kind, flags, offset, _, _, length = struct.unpack_from(order + "IIQQQQ", data, at)
        else:
            kind, offset, _, _, length, _, flags = struct.unpack_from(order + "7I", data, at)
        if kind == _WRITABLE_LOAD[0] and flags & _WRITABLE_LOAD[1]:
            return offset, min(offset + length, len(data))
    raise _unreadable("no writable segment")


def _text(data: bytes | mmap, place: int) -> tuple[bytes, int]:
    """Return a string with its length before it as a varint, and where it ends."""
    length, shift = 0, 0
    while True:
        byte = data[place]
        length |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:  # noqa: PLR2004  the continuation bit
            break
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
