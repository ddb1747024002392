"""Folders that survive a power cut: a name is on the disk once its folder was written through.

Any hand that promises durability calls it (fsync(2): "calling fsync() does not necessarily ensure
that the entry in the directory containing the file has also reached disk").
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def folder(path: Path, mode: int = 0o777) -> None:
    """Make a folder, and those above it, durably; ``mode`` is that of the last one.

    Raises:
        OSError: where it cannot be made, or is something else.
    """
    missing = []
    at = path
    while not at.is_dir():
        missing.append(at)
        if at == at.parent:
            break
        at = at.parent
    for one in reversed(missing):
        one.mkdir(mode if one == path else 0o777, exist_ok=True)
        sync(one.parent)


def sync(path: Path) -> None:
    """Make the names in a folder durable.

    Raises:
        OSError: where the disk refuses.
    """
    file = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)
