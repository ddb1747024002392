"""Entries of a vulnerability database: which versions of which modules they are about.

``affected`` asks it of what runs now, where no source is at hand (ossf.github.io/osv-schema,
ranges of type SEMVER; golang/vuln, internal/semver, for versions of Go itself).
"""

from __future__ import annotations

import re

import msgspec

from shipway.core.patterns import late
from shipway.core.wire import decode

_VERSION = late(r"(?:v|go)?(\d+)(?:\.(\d+))?(?:\.(\d+))?(?:-?([0-9A-Za-z][0-9A-Za-z.-]*))?")
_FIELD = late(r"\d+|[A-Za-z-]+")
_LEAST = ((-1, -1, -1), (0,))
Order = tuple[tuple[int, int, int], tuple[object, ...]]


class _Event(msgspec.Struct, frozen=True):
    introduced: str | None = None
    fixed: str | None = None


class _Range(msgspec.Struct, frozen=True):
    type: str = ""
    events: tuple[_Event, ...] = ()


class _Package(msgspec.Struct, frozen=True):
    name: str


class _Affected(msgspec.Struct, frozen=True):
    package: _Package
    ranges: tuple[_Range, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """One vulnerability."""

    id: str
    aliases: tuple[str, ...] = ()
    summary: str = ""
    withdrawn: str = ""
    affected: tuple[_Affected, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Return every name of it."""
        return frozenset((self.id, *self.aliases))

    @property
    def modules(self) -> frozenset[str]:
        """Return the modules that it is about."""
        return frozenset(one.package.name for one in self.affected)

    def affects(self, module: str, version: str) -> bool:
        """Return whether that version of a module has it; a version that is none may have it."""
        return not self.withdrawn and any(
            _within(one.ranges, version) for one in self.affected if one.package.name == module
        )

    def fixed(self, module: str, version: str) -> str:
        """Return the first version after this one that has it no more; empty for none."""
        at = order(version)
        ends = [
            event.fixed
            for one in self.affected
            if one.package.name == module
            for span in one.ranges
            for event in span.events
            if event.fixed and order(event.fixed) > at
        ]
        return min(ends, key=order, default="")


def read(data: bytes) -> Entry:
    """Return one entry.

    Raises:
        ShipwayError: ``scan.database`` (integrity) for anything else.
    """
    return decode(data, Entry, error="scan.database", subject="an entry of the database")


def order(version: str) -> Order:
    """Return a key that sorts versions as semver.org does; ``0`` and what is none come first.

    A leading ``v`` or ``go`` does not count, nor does what follows a ``+`` or a space;
    ``go1.22rc1`` is ``1.22.0-rc.1``.
    """
    plain = re.split(r"[+ ]", version, maxsplit=1)[0]
    found = _VERSION.fullmatch(plain)
    if found is None or plain == "0":
        return _LEAST
    major, minor, patch = (int(part or 0) for part in found.groups()[:3])
    fields = [word for part in (found[4] or "").split(".") for word in _FIELD.findall(part)]
    before = tuple((0, int(one), "") if one.isdigit() else (1, 0, one) for one in fields)
    return (major, minor, patch), (0, *before) if before else (1,)


def _within(ranges: tuple[_Range, ...], version: str) -> bool:
    spans = [one for one in ranges if one.type == "SEMVER"]
    if not spans or order(version) == _LEAST:
        return True
    return any(_inside(one, order(version)) for one in spans)


def _inside(span: _Range, at: Order) -> bool:
    """Return whether the newest event up to a version introduces it (left-closed, right-open)."""
    events = [(order(one.fixed or one.introduced or "0"), one.fixed is None) for one in span.events]
    past = [event for event in events if event[0] <= at]
    return bool(past) and max(past)[1]
