"""Folders watched by the kernel (inotify, FSEvents) through watchfiles.

Only wiring makes one. Where the kernel's watches run out, or a file system has none, watchfiles'
own polling takes over (``WATCHFILES_FORCE_POLLING`` asks for it by hand).
"""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from shipway import scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from watchfiles._rust_notify import RustNotify  # documented as its direct use

_QUIET, _LONGEST = 20, 300
"""Milliseconds without a change after which a burst of them is over, and its longest."""
_POLL = 100


class FolderWatching:
    """The :class:`~shipway.core.ports.watching.Watching` of this machine."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._polls = bool(environ.get("WATCHFILES_FORCE_POLLING"))

    @contextlib.contextmanager
    def folders(self, paths: Collection[str]) -> Iterator[WatchedFolders]:
        """Watch these folders while in the block."""
        from watchfiles._rust_notify import RustNotify  # noqa: PLC0415  only where one watches

        there = sorted(path for path in set(paths) if Path(path).is_dir())
        try:
            notify = RustNotify(there, False, self._polls, _POLL, False, True)
        except OSError:  # no watches left (fs.inotify.max_user_watches)
            notify = RustNotify(there, False, True, _POLL, False, True)
        with notify:
            yield WatchedFolders(notify)


class WatchedFolders:
    """Keeps :class:`~shipway.core.ports.watching.Watched`."""

    def __init__(self, notify: RustNotify) -> None:
        self._notify = notify

    def wait(self, seconds: float) -> bool:
        """Wait for a change, then for a short silence; return whether there was one in time."""
        here, over = scope.current(), threading.Event()
        with here.on_cancel(over.set):
            found = self._notify.watch(_LONGEST, _QUIET, int(seconds * 1000), over)
        here.check()
        return isinstance(found, set)
