"""Files as the store reads and writes them: hashing, copying, writing through to the disk.

Called within ``adapters.content`` only. It takes open files and knows nothing of blobs.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from typing import TYPE_CHECKING

from shipway import scope
from shipway.core.oci import digest as digests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.oci.digest import Digest

Identity = tuple[int, int, int]
"""Inode, size and time of change (ns): a file that has all three has not been written to."""


def identity(file: int) -> Identity:
    """Return what tells whether an open file is still the one that was hashed."""
    found = os.fstat(file)
    return found.st_ino, found.st_size, found.st_mtime_ns


def hash_file(file: int, size: int) -> Digest:
    """Return the digest of an open file's first ``size`` bytes."""
    if not size:
        return digests.of(b"")
    with mmap.mmap(file, size, access=mmap.ACCESS_READ) as mapped:
        return digests.from_hex(hashlib.sha256(mapped).hexdigest())


def read_all(file: int) -> bytes:
    """Return all bytes of an open file."""
    parts = []
    while part := os.read(file, 1 << 24):
        parts.append(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def pour(chunks: Iterable[bytes], file: int, most: int | None) -> tuple[Digest, int]:
    """Write what arrives, until it is more than ``most``; return its digest and size."""
    hasher, size = hashlib.sha256(), 0
    for chunk in chunks:
        scope.current().check()
        size += len(chunk)
        if most is not None and size > most:
            break
        hasher.update(chunk)
        write(file, chunk)
    return digests.from_hex(hasher.hexdigest()), size


def write(file: int, data: bytes) -> None:
    """Append all of ``data``."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def copy(source: int, target: int, size: int) -> None:
    """Append ``size`` bytes of ``source`` to ``target`` within the kernel where it can."""
    at = 0
    while at < size:
        try:
            done = os.copy_file_range(source, target, size - at, at)
        except (OSError, AttributeError):
            data = os.pread(source, 1 << 20, at)
            write(target, data)
            done = len(data)
        if not done:
            raise OSError("the file became shorter while it was copied")
        at += done
