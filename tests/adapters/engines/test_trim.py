"""Go's build cache is cut to its limit without harm."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from shipway.adapters.engines.trim import Gauge, to_limit

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024


def put(cache: Path, number: int, size: int, age: float) -> Path:
    """Put one output, and the entry that names it, as Go does."""
    output = f"{number:064x}"
    action = f"{number + 1000:064x}"
    folder = cache / output[:2]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{action}-a").write_text(f"v1 {action} {output} {size:20} {1:20}\n")
    path = folder / f"{output}-d"
    path.write_bytes(b"x" * size)
    os.utime(path, (1_000_000 - age, 1_000_000 - age))
    return path


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    """What was used last stays within the limit, with its entry."""
    paths = [put(tmp_path, number, 100 * KIB, age=number) for number in range(5)]

    to_limit(tmp_path, 250 * KIB, [])

    assert [path.exists() for path in paths] == [True, True, False, False, False]
    assert len(list(tmp_path.glob("??/*-a"))) == 2


def test_what_is_kept_stays_however_old(tmp_path: Path) -> None:
    """The standard library is the oldest, and every application needs it."""
    old, new = put(tmp_path, 1, 100 * KIB, age=99), put(tmp_path, 2, 100 * KIB, age=1)

    to_limit(tmp_path, 0, [str(old)])

    assert (old.exists(), new.exists()) == (True, False)


def test_a_cache_within_its_limit_is_left_alone(tmp_path: Path) -> None:
    """Nothing goes that has not to."""
    path = put(tmp_path, 1, KIB, age=9)

    to_limit(tmp_path, 1 << 30, [])

    assert path.exists()


def test_an_unreadable_entry_goes(tmp_path: Path) -> None:
    """Go would not read it either."""
    put(tmp_path, 1, KIB, age=1)
    torn = tmp_path / "00" / ("e" * 64 + "-a")
    torn.write_text("torn")

    to_limit(tmp_path, 1 << 30, [])

    assert not torn.exists()


def test_the_gauge_remembers_the_most(tmp_path: Path) -> None:
    """A peak does not shrink."""
    gauge = Gauge(tmp_path / "new")
    gauge.read()
    first = gauge.peak
    gauge.read()

    assert gauge.peak >= first >= 0
