"""Statement coverage: duplicates count once."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.golang import coverage
from shipway.errors import ShipwayError

TWO_BINARIES = b"""mode: set
example.com/x/a/a.go:2.21,2.30 1 1
example.com/x/a/a.go:2.32,2.42 1 0
example.com/x/b/b.go:2.21,2.30 2 0
example.com/x/a/a.go:2.21,2.30 1 0
example.com/x/a/a.go:2.32,2.42 1 0
example.com/x/b/b.go:2.21,2.30 2 1
"""


def test_duplicates_count_once() -> None:
    """A block that two test binaries list counts once, covered if either covered it."""
    profile = coverage.merge(TWO_BINARIES)

    assert (profile.statements, profile.covered) == (4, 3)
    assert profile.percent == 75.0


def test_counts_add_up_in_count_mode() -> None:
    """In count and atomic mode the numbers of runs are added."""
    line = b"mode: atomic\nx/a.go:1.1,2.2 3 %d\n"

    assert coverage.merge(line % 2, line % 5).blocks == {("x/a.go", "1.1,2.2"): (3, 7)}


def test_nothing_measured_has_no_percentage() -> None:
    """Without statements there is no percentage, neither 0 nor 100."""
    assert coverage.merge().percent is None
    assert coverage.merge(b"mode: set\nx/a.go:21.18,21.18 0 0\n").percent is None


def test_paths_with_colons_and_carriage_returns() -> None:
    """A line is read from its end: file names may hold colons and spaces."""
    profile = coverage.merge(b"mode: set\r\nC:\\x y\\a.go:1.1,2.2 1 1\r\n")

    assert list(profile.blocks) == [("C:\\x y\\a.go", "1.1,2.2")]


@pytest.mark.parametrize(
    "text",
    [
        b"mode: set\nnot a line\n",
        b"x.go:1.1,2.2 1 1\n",
        b"mode: guess\n",
        b"mode: set\nmode: count\n",
        b"mode: set\nx.go:1.1,2.2 1 1\nx.go:1.1,2.2 2 1\n",
    ],
)
def test_what_is_no_profile_is_an_error(text: bytes) -> None:
    """A broken profile is ``coverage.invalid``, never a wrong percentage."""
    with pytest.raises(ShipwayError) as failure:
        coverage.merge(text)

    assert failure.value.id == "coverage.invalid"


BLOCKS = st.dictionaries(
    st.tuples(
        st.sampled_from(["example.com/x/a.go", "b.go"]),
        st.tuples(*[st.integers(1, 99)] * 4).map(lambda at: "{}.{},{}.{}".format(*at)),
    ),
    st.tuples(st.integers(0, 9), st.integers(0, 3)),
)


@given(BLOCKS, st.sampled_from(["set", "count", "atomic"]), st.integers(1, 3))
def test_merging_and_writing_agree(
    blocks: dict[tuple[str, str], tuple[int, int]], mode: str, times: int
) -> None:
    """A profile that is written and read again is itself; repeating it changes no percentage."""
    profile = coverage.Profile(
        mode, {at: (n, min(c, 1) if mode == "set" else c) for at, (n, c) in blocks.items()}
    )
    written = coverage.write(profile)
    again = coverage.merge(*[written] * times)

    assert coverage.merge(written) == profile
    assert again.percent == profile.percent
    assert coverage.write(coverage.merge(written)) == written


@given(st.binary(max_size=80))
def test_noise_never_breaks_the_reader(noise: bytes) -> None:
    """Any bytes give a profile or a ShipwayError."""
    with contextlib.suppress(ShipwayError):
        assert coverage.merge(b"mode: set\n" + noise).covered >= 0
