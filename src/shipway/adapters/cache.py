"""Stage results in the user's cache folder, one file a key; deleting them costs only time."""

from __future__ import annotations

import contextlib
import os
import pathlib
import secrets
import time
from typing import TYPE_CHECKING

from shipway.core.oci.digest import hex_of, of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.digest import Digest

_HALF = 3600.0
"""Seconds after which a file that is still half written belongs to a process that was killed."""


class LocalStageCache:
    """Results by key; each file starts with the digest of the rest, so damage is seen."""

    def __init__(self, folder: str) -> None:
        self._folder = pathlib.Path(folder)

    def get(self, key: Digest) -> bytes | None:
        """Return what was put under ``key``, or nothing where it is absent or damaged."""
        place = self._place(key)
        try:
            told, _, value = place.read_bytes().partition(b"\n")
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(place)
        return value if told == of(value).encode() else None

    def put(self, key: Digest, value: bytes) -> None:
        """Keep ``value`` under ``key``; a full or read-only disk is no failure."""
        place = self._place(key)
        beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            beside.write_bytes(of(value).encode() + b"\n" + value)
            beside.replace(place)
        except OSError:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)

    def trim(self, limit: int, *, dry: bool = False) -> int:
        """Forget what was asked for longest ago; a file that cannot be removed stays."""
        gone = 0
        for seen, size, place in sorted(self._files(), reverse=True):
            limit -= size
            half = place.name.startswith(".") and time.time() - seen > _HALF
            if limit >= 0 and not half:
                continue
            with contextlib.suppress(OSError):
                if not dry:
                    place.unlink()
                gone += size
        return gone

    def _files(self) -> Iterator[tuple[float, int, pathlib.Path]]:
        for place in self._folder.glob("*/*"):
            with contextlib.suppress(OSError):
                found = place.stat()
                yield found.st_mtime, found.st_size, place

    def _place(self, key: Digest) -> pathlib.Path:
        name = hex_of(key)
        return self._folder / name[:2] / name[2:]
