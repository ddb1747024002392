"""Folders whose changes a test tells."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from shipway import scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class MemoryWatching:
    """Wakes whoever waits when :meth:`touch` is called; ``watched`` is what was asked for last."""

    def __init__(self) -> None:
        self.watched: tuple[str, ...] = ()
        self._count = 0
        self._changed = threading.Condition()

    def touch(self) -> None:
        """Let something change."""
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    @contextlib.contextmanager
    def folders(self, paths: Collection[str]) -> Iterator[MemoryWatched]:
        """Watch these."""
        self.watched = tuple(sorted(paths))
        yield MemoryWatched(self)

    def count(self) -> int:
        """Return how often something changed."""
        return self._count

    def beyond(self, seen: int, seconds: float) -> bool:
        """Wait for a change after ``seen`` others; return whether there was one."""
        here = scope.current()
        until = time.monotonic() + seconds
        with here.on_cancel(self.wake), self._changed:
            self._changed.wait_for(
                lambda: self._count > seen or here.cancelled, timeout=until - time.monotonic()
            )
        here.check()
        return self._count > seen

    def wake(self) -> None:
        """Let whoever waits look again."""
        with self._changed:
            self._changed.notify_all()


class MemoryWatched:
    """One watch."""

    def __init__(self, watching: MemoryWatching) -> None:
        self._watching = watching
        self._seen = watching.count()

    def wait(self, seconds: float) -> bool:
        """Wait for a change."""
        changed = self._watching.beyond(self._seen, seconds)
        self._seen = self._watching.count()
        return changed
