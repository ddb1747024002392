"""The first verb: say exactly what is going to be built.

A road calls :func:`resolve` first. It reads the repository through the Git port, runs nothing
that the repository configures, and never writes to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.project.source import Source, is_dirty, source_of

if TYPE_CHECKING:
    from shipway.core.ports.git import Git

VERSION = 1
"""Raised whenever the same request may give another result."""


class SourceRequest(msgspec.Struct, frozen=True):
    """Where to look, and what the CI says."""

    directory: str
    """Absolute path of a folder in the working tree."""
    variables: dict[str, str] = msgspec.field(default_factory=dict)
    """Environment variables of the CI; those that nobody asks for are ignored."""


def resolve(request: SourceRequest, *, git: Git) -> Source:
    """Return the source: commit, tree, branch, version, and what was peculiar about them.

    Raises:
        ShipwayError: ``source.no-repository`` outside of a working tree, ``source.unreadable``.
    """
    seen = git.observe(request.directory)
    return source_of(seen, request.variables, git.snapshot(seen) if is_dirty(seen) else "")
