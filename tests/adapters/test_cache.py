"""The cache on disk answers nothing rather than damage, and fails nobody."""

from __future__ import annotations

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
