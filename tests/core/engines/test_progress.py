"""Go's lines become a count that a person can follow."""

from __future__ import annotations

import pytest

from shipway.core.engines.progress import KEPT, Meter, Progress, words


@pytest.fixture
def meter() -> Meter:
    """A meter for the second of three engines: 100 s for itself, 20 s for the third."""
    return Meter("etcd", 2, 3, (100.0, 20.0))


def test_downloads_are_counted(meter: Meter) -> None:
    """Nobody knows how many modules there will be."""
    told = [meter.listed(line) for line in ("go: downloading x.dev/a v1", "x.dev/a", "fmt")]

    assert told == [True, False, False]
    assert meter.at("download", 1.23, "x.dev/a") == Progress(
        "etcd", 2, 3, "download", 1, 0, "x.dev/a", 1.2, 120.0
    )


def test_compiled_packages_are_counted_against_the_list(meter: Meter) -> None:
    """A package that was listed counts, a late download too, a complaint does not."""
    for package in ("a", "b", "c", "d"):
        meter.listed(package)

    told = [meter.compiled(line) for line in ("a", "# b", "go: downloading x v1", "b")]

    assert told == [True, False, True, True]
    now = meter.at("compile", 30.0)
    assert (now.done, now.total, now.remaining) == (2, 4, 70.0)


@pytest.mark.parametrize("phase", ["built", "present"])
def test_a_ready_engine_leaves_only_the_later_ones(meter: Meter, phase: str) -> None:
    """Its own expected seconds are over."""
    now = meter.at(phase, 90.0)  # type: ignore[arg-type]

    assert (now.done, now.total, now.remaining) == (0, 0, 20.0)


def test_complaints_are_kept_for_the_error(meter: Meter) -> None:
    """The last lines are kept, not the first."""
    for number in range(KEPT + 5):
        meter.compiled(f"line {number}")

    lines = meter.tail.split("\n")
    assert (len(lines), lines[0], lines[-1]) == (KEPT, "line 5", f"line {KEPT + 4}")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (Progress("a", 1, 7, "toolchain", subject="go1", remaining=571.0),
         "engine 1 of 7, about 10 min left, go1"),
        (Progress("a", 1, 7, "fetch", subject="etcd"), "engine 1 of 7, etcd"),
        (Progress("a", 1, 7, "download", 3, remaining=20.0),
         "engine 1 of 7, about 1 min left, modules"),
        (Progress("a", 2, 7, "compile", 3, 9, remaining=120.0),
         "engine 2 of 7, about 2 min left, packages"),
        (Progress("a", 7, 7, "built", seconds=12.34), "engine 7 of 7, in 12.3 s"),
        (Progress("a", 7, 7, "present"), "engine 7 of 7"),
        (Progress("a", 7, 7, "trimmed", peak=5 << 20), "5 MiB of disk were used at the peak"),
    ],
)  # fmt: skip
def test_a_moment_is_told_in_words(moment: Progress, text: str) -> None:
    """What, how far, how long."""
    assert words(moment) == text
