"""Stage results in the user's cache folder, one file a key; deleting them costs only time."""

from __future__ import annotations

import contextlib
import pathlib
import secrets
from typing import TYPE_CHECKING

from shipway.core.oci.digest import hex_of, of

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest


class LocalStageCache:
    """Results by key; each file starts with the digest of the rest, so damage is seen."""

    def __init__(self, folder: str) -> None:
        self._folder = pathlib.Path(folder)

    def get(self, key: Digest) -> bytes | None:
        """Return what was put under ``key``, or nothing where it is absent or damaged."""
        try:
            told, _, value = self._place(key).read_bytes().partition(b"\n")
        except OSError:
            return None
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

    def _place(self, key: Digest) -> pathlib.Path:
        name = hex_of(key)
        return self._folder / name[:2] / name[2:]
