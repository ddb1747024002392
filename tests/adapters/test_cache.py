"""The cache on disk answers nothing rather than damage, and fails nobody."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from shipway.adapters.cache import LocalStageCache
from shipway.core.oci.digest import of

if TYPE_CHECKING:
    from pathlib import Path


def test_damage_is_absence(tmp_path: Path) -> None:
    """A file cut short or flipped is as if it were not there."""
    cache = LocalStageCache(str(tmp_path))
    cache.put(of(b"k"), b"value")
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    whole = file.read_bytes()

    for damaged in (whole[:-1], whole[:-1] + b"X", b""):
        file.write_bytes(damaged)
        assert cache.get(of(b"k")) is None


def test_an_unwritable_cache_is_no_failure(tmp_path: Path) -> None:
    """A cache that cannot be written keeps nothing and says nothing."""
    (tmp_path / "file").write_text("")
    cache = LocalStageCache(str(tmp_path / "file"))
    cache.put(of(b"k"), b"value")

    assert cache.get(of(b"k")) is None


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    """After an hour nobody writes it any more; one that is being written stays."""
    cache = LocalStageCache(str(tmp_path))
    cache.put(of(b"k"), b"value")
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    old, new = (file.with_name(f".{file.name}.{one}") for one in ("old", "new"))
    for one in (old, new):
        one.write_bytes(b"half")
    os.utime(old, (time.time() - 7200, time.time() - 7200))

    assert cache.trim(1 << 20) == 4
    assert (old.exists(), new.exists(), cache.get(of(b"k"))) == (False, True, b"value")
