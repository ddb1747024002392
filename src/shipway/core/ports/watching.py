"""Folders that are watched for changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from contextlib import AbstractContextManager


class Watched(Protocol):
    """Folders under watch since before they were handed out: no later change is missed."""

    def wait(self, seconds: float) -> bool:
        """Wait for a change, then for a short silence; return whether there was one in time.

        What changed is not said: whoever waits looks at what counts.
        """
        ...


class Watching(Protocol):
    """Watches folders, each without those below it."""

    def folders(self, paths: Collection[str]) -> AbstractContextManager[Watched]:
        """Watch these absolute paths while in the block; those that are not there are left out."""
        ...
