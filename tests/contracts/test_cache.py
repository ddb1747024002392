"""What every stage cache keeps: the one in memory and the one on disk."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from fakes.cache import MemoryStageCache
from shipway.adapters.cache import LocalStageCache
from shipway.core.oci.digest import of
from shipway.core.ports.cache import StageCache

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (StageCache,)


@pytest.fixture(params=["memory", "disk"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> StageCache:
    """Give an empty cache."""
    return MemoryStageCache() if request.param == "memory" else LocalStageCache(str(tmp_path))


def test_values_by_key(cache: StageCache) -> None:
    """What was put last under a key is what is got; another key has nothing."""
    cache.put(of(b"k"), b"one\n")
    cache.put(of(b"k"), b"two\n\nlines")

    assert cache.get(of(b"k")) == b"two\n\nlines"
    assert cache.get(of(b"other")) is None


def test_what_was_asked_for_longest_ago_is_forgotten_first(cache: StageCache) -> None:
    """What is used stays within the limit, and a dry run only counts."""
    for name in (b"a", b"b", b"c"):
        cache.put(of(name), name * 1000)
        time.sleep(0.01)
    assert cache.get(of(b"a"))

    assert cache.trim(1 << 20) == 0
    assert 1000 <= cache.trim(2500, dry=True) < 1100
    assert 1000 <= cache.trim(2500) < 1100
    assert [cache.get(of(name)) is not None for name in (b"a", b"b", b"c")] == [True, False, True]
    assert cache.trim(0) >= 2000
    assert cache.get(of(b"a")) is None
