"""What an ELF file needs of others: its loader, libraries, and versions of their symbols.

The Go hand asks it about programs, the hand of base images about their C library (System V ABI,
chapters 4 and 5; Linux Standard Base Core, symbol versioning). The bytes may come from anybody.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import msgspec

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from mmap import mmap

_CLASS64, _MSB = 2, 2
_LOAD, _DYNAMIC, _INTERP = 1, 2, 3
_NEEDED, _STRTAB = 1, 5
_SYMTAB = 2
"""Type of the section with all symbols (SHT_SYMTAB)."""
_VERDEF, _VERDEFNUM, _VERNEED, _VERNEEDNUM = 0x6FFFFFFC, 0x6FFFFFFD, 0x6FFFFFFE, 0x6FFFFFFF
_MOST = 4096
"""Entries of one table that are read: real ones have a few dozen."""


class Linkage(msgspec.Struct, frozen=True, kw_only=True):
    """What a program or library is linked to; all empty for a static one."""

    interpreter: str = ""
    """Path of the loader that starts it."""
    needed: tuple[str, ...] = ()
    """Names of libraries, as ``libc.so.6``."""
    symbols: tuple[str, ...] = ()
    """Versions of symbols that it needs, as ``GLIBC_2.34``."""
    provides: tuple[str, ...] = ()
    """Versions of symbols that it has for others."""


def parse(data: bytes | mmap) -> Linkage:
    """Return the linkage of an ELF file; nothing of any other.

    Raises:
        ShipwayError: ``elf.invalid`` (integrity) where it is cut off or points outside of itself.
    """
    if data[:4] != b"\x7fELF":
        return Linkage()
    try:
        return _File(data).linkage()
    except (struct.error, LookupError, OverflowError, ValueError) as error:
        raise _damaged() from error


def has_symbols(data: bytes | mmap) -> bool:
    """Return whether an ELF file has a symbol table; a stripped one, and any other, has none.

    Raises:
        ShipwayError: ``elf.invalid`` (integrity) where it is cut off or points outside of itself.
    """
    if data[:4] != b"\x7fELF":
        return False
    try:
        return _SYMTAB in _File(data).sections()
    except (struct.error, LookupError, OverflowError, ValueError) as error:
        raise _damaged() from error


def order(version: str) -> tuple[int, ...]:
    """Return a key that sorts versions of one name: ``GLIBC_2.9`` before ``GLIBC_2.34``."""
    return tuple(int(part) for part in version.rpartition("_")[2].split(".") if part.isdigit())


def _damaged() -> ShipwayError:
    return ShipwayError(
        "elf.invalid", Kind.INTEGRITY, "its tables are damaged", operation="reading a program"
    )


class _File:
    def __init__(self, data: bytes | mmap) -> None:
        self._data = data
        self._wide = data[4] == _CLASS64
        self._end = ">" if data[5] == _MSB else "<"
        self._segments = list(self._headers())

    def linkage(self) -> Linkage:
        found: dict[int, list[int]] = {}
        for tag, value in self._dynamic():
            found.setdefault(tag, []).append(value)
        if _STRTAB not in found:
            return Linkage(interpreter=self._interpreter())
        names = self._place(found[_STRTAB][0])
        return Linkage(
            interpreter=self._interpreter(),
            needed=tuple(self._text(names + at) for at in found.get(_NEEDED, ())),
            symbols=self._versions(found, _VERNEED, _VERNEEDNUM, names),
            provides=self._versions(found, _VERDEF, _VERDEFNUM, names),
        )

    def sections(self) -> frozenset[int]:
        """Return the types of its sections."""
        (start,) = self._unpack("Q", 40) if self._wide else self._unpack("I", 32)
        size, count = self._unpack("HH", 58 if self._wide else 46)
        places = range(start, start + size * count, size or 1)
        return frozenset(self._unpack("I", at + 4)[0] for at in places)

    def _unpack(self, layout: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self._end + layout, self._data, at)

    def _headers(self) -> Iterator[tuple[int, int, int, int]]:
        """Yield type, offset, address and size of each segment."""
        (start,) = self._unpack("Q", 32) if self._wide else self._unpack("I", 28)
        size, count = self._unpack("HH", 54 if self._wide else 42)
        for at in range(start, start + size * count, size or 1):
            if self._wide:
                kind, _, offset, address, _, length = self._unpack("IIQQQQ", at)
            else:
                kind, offset, address, _, length = self._unpack("IIIII", at)
            yield kind, offset, address, length

    def _interpreter(self) -> str:
        places = (offset for kind, offset, _, _ in self._segments if kind == _INTERP)
        return next((self._text(offset) for offset in places), "")

    def _dynamic(self) -> Iterator[tuple[int, int]]:
        layout, step = ("qQ", 16) if self._wide else ("iI", 8)
        for kind, offset, _, length in self._segments:
            if kind != _DYNAMIC:
                continue
            for at in range(offset, min(offset + length, offset + step * _MOST), step):
                tag, value = self._unpack(layout, at)
                if not tag:
                    return
                yield tag, value

    def _place(self, address: int) -> int:
        """Return where in the file an address of the loaded program lies."""
        for kind, offset, begins, length in self._segments:
            if kind == _LOAD and begins <= address < begins + length:
                return address - begins + offset
        raise ValueError(address)

    def _text(self, at: int) -> str:
        end = self._data.find(b"\0", at, at + _MOST)
        if end < 0:
            raise ValueError(at)
        return self._data[at:end].decode("utf-8", "replace")

    def _versions(
        self, found: dict[int, list[int]], table: int, count: int, names: int
    ) -> tuple[str, ...]:
        """Return the names in a table of versions: needed ones, or those that are defined."""
        if table not in found:
            return ()
        at, versions = self._place(found[table][0]), []
        for _ in range(min(found[count][0], _MOST)):
            if table == _VERNEED:
                _, inner, _, first, following = self._unpack("HHIII", at)
            else:
                _, _, _, inner, _, first, following = self._unpack("HHHHIII", at)
            place = at + first
            for _ in range(inner):
                if table == _VERNEED:
                    _, _, _, name, below = self._unpack("IHHII", place)
                else:
                    name, below = self._unpack("II", place)
                versions.append(self._text(names + name))
                place += below
                if len(versions) > _MOST:
                    raise ValueError(place)
            at += following
        return tuple(sorted(set(versions), key=lambda one: (order(one), one)))
