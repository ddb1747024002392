"""What a repository says of itself, without running anything that it configures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Sequence


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """One look at a working tree."""

    root: str
    """Absolute path of the working tree's top folder."""
    commit: str = ""
    tree: str = ""
    """HEAD's tree; both are empty without a commit."""
    time: int = 0
    """The commit's time, seconds since the epoch."""
    branch: str = ""
    """Empty where HEAD is detached."""
    describe: str = ""
    """``git describe --tags --always``; empty without a commit."""
    remote: str = ""
    """URL of ``origin``, as configured."""
    shallow: bool = False
    linked: bool = False
    """A linked worktree (``git worktree add``)."""
    submodule: bool = False
    """The tree itself is a submodule of another."""
    links: tuple[str, ...] = ()
    """Paths of its submodules."""
    moved: tuple[str, ...] = ()
    """Submodules whose checked-out commit is not the recorded one, or that have changes."""
    nested: tuple[str, ...] = ()
    """Untracked folders that are repositories of their own."""
    filters: tuple[str, ...] = ()
    """Names of configured content filters; none of them is ever run."""
    hidden: tuple[str, ...] = ()
    """Paths that the index says not to look at (assume-unchanged), although they are there."""
    changed: tuple[str, ...] = ()
    """Paths that differ from HEAD, or are untracked and not ignored."""


class Git(Protocol):
    """A repository that is only read."""

    def observe(self, directory: str) -> Observation:
        """Look at the working tree that ``directory`` lies in.

        Raises:
            ShipwayError: ``source.no-repository`` where there is none (or a bare one),
                ``source.unreadable`` where git cannot read it.
        """
        ...

    def snapshot(self, seen: Observation) -> str:
        """Return the tree id of tracked and untracked, not ignored files as they are now.

        Raises:
            ShipwayError: ``source.unreadable``.
        """
        ...

    def unnamed(self, root: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return those of ``paths`` (relative to ``root``) that a snapshot does not name.

        Ignored files, files of untracked nested repositories, changes inside submodules, and what
        symbolic links reach outside of ``root``: of a link git names only where it points.

        Raises:
            ShipwayError: ``source.unreadable``.
        """
        ...
