"""The first verb: say exactly what is going to be built.

A road calls :func:`resolve` first, and :func:`unmoved` once everything is read. Both read the
repository through the Git port, run nothing that it configures, and never write to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.project.source import Source, is_dirty, source_of
from shipway.errors import Kind, ShipwayError, each

if TYPE_CHECKING:
    from shipway.core.ports.git import Git

VERSION = 1
"""Raised whenever the same request may give another result."""

MOVING = "build.moving"


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


def unmoved(source: Source, *, git: Git) -> None:
    """See that commit and files are what they were when ``source`` was resolved.

    Compilers and image files read the working tree, long after that where tests block. Asked when
    everything is read and before anything is pushed or signed, it holds a link to its word.

    Raises:
        ShipwayError: ``build.moving`` (conflict) where anything that a commit would hold is another
            now; ``source.*``.
    """
    seen = git.observe(source.root)
    dirty = is_dirty(seen)
    same = (seen.commit, dirty) == (source.commit, source.dirty)
    if same and (git.snapshot(seen) if dirty else seen.tree) == source.tree:
        return
    named = () if source.dirty else (*seen.changed, *seen.moved, *seen.nested)
    what = f" ({', '.join(named[:5])})" if named else ""
    raise ShipwayError(
        MOVING,
        Kind.CONFLICT,
        f"the source changed after the run began{what}, so that nobody could say what was built",
        operation="building",
        subject=source.version,
        hint="run it again; what tests write belongs into .gitignore or a temporary folder",
    )


def is_moving(error: ShipwayError) -> bool:
    """Return whether a run ended because its source changed meanwhile."""
    return any(getattr(one, "id", "") == MOVING for one in each(error))
