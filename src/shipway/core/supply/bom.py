"""What something is made of: components, and how they hang together.

The one model behind every SBOM. ``programs`` and ``images`` fill it, ``spdx`` and ``cyclonedx``
write it. It says what is known and what is not: a component in :attr:`Bom.open` has needs that
nobody looked into, which both formats can tell apart from having none.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest, hex_of, of

if TYPE_CHECKING:
    from collections.abc import Iterable

CONTAINER, APPLICATION, SOURCE, LIBRARY = "container", "application", "source", "library"
TOOL, SYSTEM = "tool", "operating-system"
"""Kinds of components; a tool made another component and is no part of it."""

CONTAINS, DEPENDS_ON, GENERATED_FROM, BUILD_TOOL_OF = (
    "CONTAINS",
    "DEPENDS_ON",
    "GENERATED_FROM",
    "BUILD_TOOL_OF",
)
"""Kinds of relations, in the words of SPDX 2.3 (clause 11)."""


class Sbom(msgspec.Struct, frozen=True):
    """An SPDX document in the store."""

    document: Descriptor
    packages: int
    """How many packages it names."""


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One thing with a name; what is empty is not known."""

    ref: str
    """Its identifier in a document: letters, digits, dots and dashes (see :func:`ref`)."""
    kind: str
    name: str
    version: str = ""
    purl: str = ""
    cpe: str = ""
    """Of the form 2.3."""
    digest: Digest | None = None
    """Of its bytes as one file, never of anything else."""
    go_sum: str = ""
    """The ``h1:`` hash of ``go.sum``: over names and contents of files, of no file's bytes."""
    declared: str = ""
    """Licence that its makers state, as an SPDX expression."""
    concluded: str = ""
    """Licence that somebody is sure of, having read it."""
    supplier: str = ""
    file: str = ""
    """Name or path of the file that it is."""
    comment: str = ""
    origin: str = ""
    """Where its source came from."""


class Relation(msgspec.Struct, frozen=True, array_like=True):
    """``subject`` ``kind`` ``target``, both by their ``ref``."""

    subject: str
    kind: str
    target: str


class Bom(msgspec.Struct, frozen=True, kw_only=True):
    """A whole: the component it is about, and all others by their relations."""

    name: str
    time: int
    """When it was made: seconds since 1970, from what it is about and not from a clock."""
    subject: str
    """``ref`` of what it is about."""
    components: tuple[Component, ...]
    relations: tuple[Relation, ...]
    open: tuple[str, ...] = ()
    """Those whose own needs are not known."""
    notes: tuple[str, ...] = ()
    """What a reader must know, a sentence each."""


def instant(text: str) -> int:
    """Return the seconds since 1970 of a time as RFC 3339 has it; 0 for anything else."""
    try:
        return max(0, int(dt.datetime.fromisoformat(text).timestamp()))
    except (ValueError, OverflowError):
        return 0


def ref(kind: str, name: str, version: str = "") -> str:
    """Return an identifier that is unique for these three, and the same every time."""
    plain = re.sub(r"[^A-Za-z0-9.-]+", "-", f"{name}-{version}".rstrip("-"))
    return f"{kind}-{plain[:120]}-{hex_of(of(f'{name}@{version}'.encode()))[:8]}"


def merged(parts: Iterable[Bom]) -> tuple[tuple[Component, ...], tuple[Relation, ...]]:
    """Return components and relations of several, each once, in the order they come."""
    components: dict[str, Component] = {}
    relations: dict[Relation, None] = {}
    for part in parts:
        for one in part.components:
            components.setdefault(one.ref, one)
        relations |= dict.fromkeys(part.relations)
    return tuple(components.values()), tuple(relations)
