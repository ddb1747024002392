"""Build metadata put into a program by the linker (``go tool link -X importpath.name=value``).

The build stage calls it. The linker says nothing about a variable that does not exist, so the
sources are read first: a package-level ``var`` of type string, without an initial value that is
computed. What is not found there is never claimed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shipway.core.golang.lexer import strip
from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shipway.core.project.source import Source

NAMES = ("gitCommit", "gitBranch", "isDirty", "buildTime", "version")

FOLDERS = frozenset({"metadata", "buildinfo", "buildmeta", "version", "meta"})
"""Last elements of folders that are searched where the config names no metadata package."""

_VALUE = r'(?:\s*=\s*(?:""|``))'
_SINGLE = late(
    rf"^var\s+(?P<names>[\w\s,]+?)(?:\s+string\s*{_VALUE}?|{_VALUE})\s*;?$", re.MULTILINE
)
_GROUP = late(r"^var\s*\((?P<body>.*?)^\)", re.MULTILINE | re.DOTALL)
_MEMBER = late(
    rf"^[ \t]+(?P<names>\w[\w, \t]*?)(?:[ \t]+string[ \t]*{_VALUE}?|{_VALUE})[ \t]*;?$",
    re.MULTILINE,
)


def variables(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the names among :data:`NAMES` that a package's sources declare, as they write them.

    ``GitCommit`` counts as ``gitCommit``.
    """
    declared: set[str] = set()
    for text in texts:
        plain = strip(text)
        bodies = [match["body"] for match in _GROUP.finditer(plain)]
        found = [*_SINGLE.finditer(plain), *(m for body in bodies for m in _MEMBER.finditer(body))]
        declared |= {name.strip() for match in found for name in match["names"].split(",")}
    wanted = [form for name in NAMES for form in (name, name[0].upper() + name[1:])]
    return tuple(name for name in wanted if name in declared)


def values(source: Source) -> dict[str, str]:
    """Return the metadata of a source, by lower-camel-case name."""
    return {
        "gitCommit": source.commit,
        "gitBranch": source.branch,
        "isDirty": "true" if source.dirty else "false",
        "buildTime": rfc3339(source.time),
        "version": source.version,
    }


def rfc3339(seconds: int) -> str:
    """Return a time in UTC as RFC 3339 writes it, to the second."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def choose(
    packages: Mapping[str, Mapping[str, str]], wanted: str, first: str
) -> tuple[str, tuple[str, ...]]:
    """Return the folder whose package takes the metadata, and its variables.

    ``packages`` maps folders to sources by file name; ``wanted`` is the folder that the config
    names, empty to search; ``first`` is the main package's folder, the last resort. Nothing found
    where nothing was asked for is fine: ``("", ())``.

    Raises:
        ShipwayError: ``build.metadata`` (config) where the named package has none of them.
    """
    folders = [wanted] if wanted else sorted(packages, key=lambda at: (at == first, len(at), at))
    for folder in folders:
        if found := variables(packages.get(folder, {}).values()):
            return folder, found
    if not wanted:
        return "", ()
    raise ShipwayError(
        "build.metadata",
        Kind.CONFIG,
        f"it declares none of the string variables {', '.join(NAMES)}"
        if wanted in packages
        else "there is no such package in this module",
        operation="putting metadata into",
        subject=wanted,
        hint="declare `var gitCommit string` there, or correct the metadata key in shipway.toml",
    )


def assignments(package: str, names: Iterable[str], source: Source) -> dict[str, str]:
    """Return what the linker sets: ``importpath.name`` to value."""
    known = values(source)
    return {f"{package}.{name}": known[name[0].lower() + name[1:]] for name in names}


def ldflags(assigned: Mapping[str, str], *, debug: bool = False) -> str:
    """Return the linker's flags: no build id, ``assigned``, and no symbols unless ``debug``."""
    words = [f"-X {_quoted(f'{name}={value}')}" for name, value in assigned.items()]
    return " ".join([*(["-s -w"] * (not debug)), "-buildid=", *words])


def _quoted(word: str) -> str:
    """Return a word as go's flag splitting reads it (cmd/internal/quoted): it knows no escapes."""
    if not re.search(r"[\s'\"]", word):
        return word
    if "'" not in word:
        return f"'{word}'"
    return '"' + word.replace('"', "%22") + '"'
