"""Whether a program that is not static can run on a base image.

The road asks before an image is assembled: a missing loader or library, or a C library older than
the one that was linked against, shows only when a pod starts.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang import elf
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.golang.elf import Linkage

BASE = "gcr.io/distroless/base-debian12"
"""A base with glibc and little else, to name in messages."""
STUBS = ("github.com/mattn/go-sqlite3",)
"""Modules that compile without C, and then refuse to work."""


class Libraries(msgspec.Struct, frozen=True):
    """What a base has of shared libraries."""

    names: frozenset[str] = frozenset()
    """File names of libraries and loaders."""
    provides: tuple[str, ...] = ()
    """Symbol versions of its C library, as ``GLIBC_2.36``."""


def check(linkage: Linkage, libraries: Libraries, *, base: str, service: str) -> None:
    """Return if ``base`` has what a program is linked to.

    Raises:
        ShipwayError: ``image.libc`` (config) where a loader or library is missing, and
            ``image.libc-old`` (config) where the base's C library is older than what is needed.
    """
    if not linkage.interpreter:
        return
    wanted = (posixpath.basename(linkage.interpreter), *linkage.needed)
    missing = [name for name in wanted if name not in libraries.names]
    if missing:
        raise ShipwayError(
            "image.libc",
            Kind.CONFIG,
            f"the program is linked to {', '.join(missing)}, which {base} does not have",
            operation="assembling",
            subject=service,
            hint=f'choose a base that has it: base = "{BASE}" under [services.{service}.image]',
        )
    lacking = [one for one in _glibc(linkage.symbols) if one not in libraries.provides]
    if lacking:
        newest = max(_glibc(libraries.provides), key=elf.order, default="none")
        raise ShipwayError(
            "image.libc-old",
            Kind.CONFIG,
            f"the program needs {lacking[-1]} of libc.so.6, and {base} has {newest}",
            operation="assembling",
            subject=service,
            hint="choose a base as new as this machine's distribution, or build on an older one",
        )


def _glibc(versions: tuple[str, ...]) -> list[str]:
    """Return the numbered versions of glibc among these; private ones promise nothing."""
    return [one for one in versions if one.startswith("GLIBC_") and elf.order(one)]
