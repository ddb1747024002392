"""What every stage cache keeps: the one in memory and the one on disk."""

from __future__ import annotations

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
