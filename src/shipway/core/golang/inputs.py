"""What a build really read, and whether any of it is different now.

The Go hand looks at the disk and asks here what that means. A commit does not name ignored,
generated, embedded or outside files, nor GOFLAGS; the recorded inputs of the last build do, and
their :func:`key` is the key of "nothing changed". Pure: stamps and digests are arguments.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.golang.listing import SUFFIXES
from shipway.core.oci.digest import Digest, of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Stamp = tuple[int, int, int, int]
"""Size in bytes, mtime and ctime in nanoseconds, inode."""


class InputFile(msgspec.Struct, frozen=True, array_like=True):
    """One file: where, what it held, and its stamp then."""

    path: str
    """Absolute."""
    stamp: Stamp
    digest: Digest
    shape: str
    """See :func:`shape`."""


class InputFolder(msgspec.Struct, frozen=True, array_like=True):
    """The names in one folder that count."""

    path: str
    all: bool
    """Whether every name counts (embedding), or only those of source files."""
    names: str


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """All that one build read of ours."""

    unit: str
    """What was built with what: package, platform, tags, flags, environment, toolchain."""
    files: tuple[InputFile, ...]
    folders: tuple[InputFolder, ...]
    packages: tuple[str, ...] = ()
    """Import paths of the packages of ours in it."""
    needs: dict[str, tuple[str, ...]] | None = None
    """Which module needs which (:attr:`~shipway.core.golang.listing.Named.needs`)."""
    licences: dict[str, str] = {}
    """By folder of a module in the module cache, its licence; empty where it is not sure."""
    modules: dict[str, str] = {}
    """By path of a module, that folder."""
    seen: int = 0
    """When it was recorded, nanoseconds since the epoch."""


GONE = Digest("sha256:" + "0" * 64)
"""Stands for a file that is not there."""

TICK = 20_000_000
"""Nanoseconds within which a file system may give two writes one stamp."""

_CHOOSING = ("go.sum", "go.work.sum", "vendor/modules.txt")

_PACKAGE = re.compile(rb"^package\b", re.MULTILINE)
_BODY = re.compile(rb"^(?:func|type|var|const)\b", re.MULTILINE)
_IMPORT = re.compile(rb"^[ \t]*import\b", re.MULTILINE)
_EMBED = re.compile(rb"^[ \t]*//go:embed\b.*$", re.MULTILINE)


def shape(path: str, source: bytes) -> str:
    """Return a digest of what decides which other files a file brings into a build.

    Of a Go file its build constraints, package clause, imports and embed patterns: an edit inside
    a function leaves it as it was. Where that cannot be told cheaply, and for all other sources
    and the files that choose modules, the digest of everything; for plain data nothing.
    """
    if not path.endswith(".go"):
        return of(source) if path.endswith((*SUFFIXES, *_CHOOSING)) else ""
    clause = _PACKAGE.search(source)
    body = _BODY.search(source, clause.end()) if clause else None
    if not body:
        return of(source)
    if _IMPORT.search(source, body.start()):
        return of(source)
    return of(b"\n".join([source[: body.start()], *_EMBED.findall(source, body.start())]))


def is_trusted(stamp: Stamp, recorded: InputFile, seen: int) -> bool:
    """Return whether an unchanged stamp proves unchanged bytes.

    A file written within a tick of being recorded may have been written again unnoticed.
    """
    newest = max(stamp[1], stamp[2])
    return stamp == recorded.stamp and newest + TICK < seen


def key(unit: str, files: Iterable[InputFile], folders: Iterable[InputFolder], root: str) -> Digest:
    """Return the key of "nothing changed": equal where everything that a build reads is equal."""
    rows = [f"{_within(file.path, root)}\0{file.digest}" for file in files]
    rows += [f"{_within(folder.path, root)}/\0{folder.names}" for folder in folders]
    return of("\n".join([unit, *sorted(rows)]).encode("utf-8", "surrogateescape"))


def is_same_shape(recorded: Inputs, files: Iterable[InputFile], names: Mapping[str, str]) -> bool:
    """Return whether the recorded list of files still is what ``go list`` would answer."""
    before = {file.path: file.shape for file in recorded.files}
    return all(before[file.path] == file.shape for file in files) and all(
        names.get(folder.path) == folder.names for folder in recorded.folders
    )


def is_same_content(one: Inputs, other: Inputs) -> bool:
    """Return whether two looks at the same files found the same bytes; stamps may differ."""
    return [file.digest for file in one.files] == [file.digest for file in other.files]


def _within(path: str, root: str) -> str:
    return f"{path}/".removeprefix(f"{root}/").removesuffix("/")
