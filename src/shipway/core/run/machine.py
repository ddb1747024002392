"""What a machine lacks when its operating system says no, whoever happened to ask.

Any open or write may meet these, so they are recognized where an error becomes words
(:func:`~shipway.core.run.events.fault_of`) and not in every hand. Pure: errors in, words out.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

import msgspec

from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Lack(msgspec.Struct, frozen=True):
    """Id, reason and next step of one lack; ``subject`` is the path that was asked for."""

    id: str
    message: str
    hint: str
    subject: str = ""


_FILES = Lack(
    "host.files",
    "no more files can be opened",
    "raise the limit and run the same command again: ulimit -n 4096",
)
_READ_ONLY = Lack(
    "host.read_only",
    "it cannot be written",
    "make it yours and writable, or point HOME (or XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_DATA_HOME, "
    "XDG_CACHE_HOME) to a folder that is",
)
_DISK = Lack("host.disk", "the disk is full", "make room (df -h), then run the same command again")
_ALWAYS = {errno.EMFILE: _FILES, errno.ENFILE: _FILES}
_FOREIGN = {
    errno.EROFS: _READ_ONLY,
    errno.EACCES: _READ_ONLY,
    errno.EPERM: _READ_ONLY,
    errno.ENOSPC: _DISK,
    errno.EDQUOT: _DISK,
}


def lack(error: BaseException) -> Lack | None:
    """Return what the machine lacks if that is why ``error`` came.

    Open files that have run out are found behind any error, since whoever met them first words
    them as something else; the rest counts where nobody has worded it yet.
    """
    for cause in _chain(error):
        if isinstance(cause, OSError) and cause.errno in _ALWAYS:
            return _said(_ALWAYS[cause.errno], cause)
    if isinstance(error, OSError) and error.errno in _FOREIGN:
        return _said(_FOREIGN[error.errno], error)
    return None


def _said(found: Lack, error: OSError) -> Lack:
    reason = f"{found.message} ({error.strerror})" if error.strerror else found.message
    subject = str(error.filename) if error.filename is not None else ""
    return msgspec.structs.replace(found, message=reason, subject=subject)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it; a context that somebody suppressed is none."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        beside = None if current.__suppress_context__ else current.__context__
        if isinstance(current, ShipwayError):
            beside = None  # what else was under way when it was raised is not its cause
        current = current.__cause__ or beside
