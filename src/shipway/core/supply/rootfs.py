"""What an image's layers amount to, as far as an SBOM asks: programs, and who installed what.

Pure: the layers come in pieces, lowest first, and upper ones hide what lies below.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang import buildinfo
from shipway.core.golang.executable import MAGICS
from shipway.core.oci import unpack
from shipway.core.oci.digest import of
from shipway.core.supply import packages
from shipway.core.supply.packages import Package, System
from shipway.core.supply.programs import Program
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes beyond which a file is named and not read."""

    program: int = 1 << 29
    database: int = 1 << 26
    layer: int = unpack.FREE
    """To which a layer of any size may unpack."""


LIMITS = Limits()


class Rootfs(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    programs: tuple[Program, ...] = ()
    """Go programs by their paths, sorted."""
    packages: tuple[Package, ...] = ()
    system: System = System()
    notes: tuple[str, ...] = ()
    """What was seen and not read, a sentence each."""


class _Seen(msgspec.Struct):
    """Files that count, by path."""

    programs: dict[str, Program] = msgspec.field(default_factory=dict)
    files: dict[str, bytes] = msgspec.field(default_factory=dict)
    large: dict[str, None] = msgspec.field(default_factory=dict)
    rpm: dict[str, None] = msgspec.field(default_factory=dict)

    def take(self, other: _Seen) -> None:
        """Take over what a layer above has."""
        self.programs |= other.programs
        self.files |= other.files
        self.large |= other.large
        self.rpm |= other.rpm

    def hide(self, path: str, *, below: bool) -> None:
        """Forget a path and what lies under it; with ``below`` only the latter."""
        for one in (self.programs, self.files, self.large, self.rpm):
            for name in [name for name in one if _is_under(name, path, below=below)]:
                del one[name]


def look(layers: Iterable[tuple[Iterator[bytes], str]], *, limits: Limits = LIMITS) -> Rootfs:
    """Return what layers (their bytes in pieces, and their media type) amount to.

    Raises:
        ShipwayError: ``layer.unreadable`` (integrity), and whatever the pieces raise.
    """
    seen = _Seen()
    for chunks, media_type in layers:
        own = _Seen()
        for file in unpack.files(chunks, media_type, free=limits.layer):
            seen.hide(file.path, below=file.below)
            if file.is_there:
                _keep(file, own, limits)
        seen.take(own)
    notes = []
    if seen.rpm:
        notes.append("It has an rpm database, which is not read: its packages are missing here.")
    if seen.large:
        notes.append(f"Too large to be looked into: {', '.join(sorted(seen.large))}.")
    return Rootfs(
        programs=tuple(seen.programs[path] for path in sorted(seen.programs)),
        packages=packages.installed(seen.files),
        system=packages.system(seen.files),
        notes=tuple(notes),
    )


def _keep(file: unpack.File, own: _Seen, limits: Limits) -> None:
    """Take over a file if it counts."""
    if file.path.startswith(packages.RPM):
        own.rpm[file.path] = None
    elif packages.is_wanted(file.path):
        if file.size <= limits.database:
            own.files[file.path] = b"".join(file.pieces)
        else:
            own.large[file.path] = None
    else:
        _program(file, own, limits)


def _program(file: unpack.File, own: _Seen, limits: Limits) -> None:
    """Take over a Go program; one of another language is none."""
    pieces = iter(file.pieces)
    head = next(pieces, b"")
    if not head.startswith(MAGICS):
        return
    if file.size > limits.program:
        own.large[file.path] = None
        return
    data = b"".join((head, *pieces))
    with contextlib.suppress(ShipwayError):
        info = buildinfo.parse(data)
        own.programs[file.path] = Program(name=file.path, digest=of(data), info=info)


def _is_under(name: str, path: str, *, below: bool) -> bool:
    return (name == path and not below) or not path or name.startswith(f"{path}/")
