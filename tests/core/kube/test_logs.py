"""Log lines: stamps, what was seen already, and whose pods they are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.kube import logs
from shipway.core.kube.logs import Cursor, Stamped

DAY = "2026-11-25T03:04:"


def line(second: float, text: str = "x") -> str:
    """Return a line as the kubelet writes it."""
    return f"{DAY}{second:012.9f}Z {text}"


def test_stamps_count_in_nanoseconds_of_any_zone() -> None:
    """Nine digits count, fewer are filled up, and an offset is taken off."""
    first = logs.stamped(f"{DAY}05.000000001Z a b")
    other = logs.stamped("2026-11-25T05:04:05.5+02:00 ")

    assert first is not None
    assert other is not None
    assert (other.at - first.at, first.text, other.text) == (499_999_999, "a b", "")


@pytest.mark.parametrize(
    "text", ["", "no stamp", "2026-13-45T00:00:00Z x", "unable to retrieve container logs for x"]
)
def test_what_has_no_stamp_is_no_line(text: str) -> None:
    """Words of the kubelet's own are none of the container's."""
    assert logs.stamped(text) is None
    assert Cursor().take(text) is None


def test_a_cursor_asks_from_the_second_before() -> None:
    """At first from no time; then from a whole second in which nothing may be missing."""
    cursor = Cursor()
    assert cursor.resume() == ""
    assert cursor.take(line(5.5)) is not None

    assert cursor.resume() == f"{DAY}04Z"


def test_a_late_line_is_shown_and_moves_nothing() -> None:
    """A line from long before the newest one is new all the same."""
    cursor = Cursor()
    assert cursor.take(line(9)) is not None
    assert cursor.take(line(1)) is not None

    assert cursor.resume() == f"{DAY}08Z"


def test_equal_lines_are_told_apart_by_their_number() -> None:
    """Two equal lines of one moment are both shown, once each, whatever comes again."""
    cursor = Cursor()
    twice = [line(1, "same"), line(1, "same")]
    first = [cursor.take(one) for one in twice]
    cursor.resume()
    again = [cursor.take(one) for one in [*twice, line(1, "same")]]

    assert [one is not None for one in (*first, *again)] == [True, True, False, False, True]


@given(
    st.lists(st.tuples(st.integers(0, 4_000), st.sampled_from("abc")), max_size=40),
    st.lists(st.integers(0, 40), max_size=4),
    st.randoms(use_true_random=False),
)
def test_no_line_is_lost_or_shown_twice(
    written: list[tuple[int, str]], breaks: list[int], random: Any
) -> None:
    """However often it is asked again, and however two streams overtake each other a little."""
    ordered = sorted(written, key=lambda one: one[0] + random.randint(0, 500))
    log = [line(at / 1000, text) for at, text in ordered]
    cursor, shown, reached = Cursor(), [], 0
    for end in [*sorted(breaks), len(log)]:
        since = cursor.resume()
        start = next((n for n, one in enumerate(log) if one[:19] >= since[:19]), len(log))
        read = [
            one for one in log[min(start, reached) : max(end, reached)] if one[:19] >= since[:19]
        ]
        shown += [found for found in map(cursor.take, read) if found is not None]
        reached = max(end, reached)

    assert sorted(shown) == sorted(logs.stamped(one) or Stamped(0, "") for one in log)


def pod(*states: dict[str, Any], image: str = "r.test/shop/web@sha256:0", **labels: str) -> Any:
    """Return a pod whose containers are in these states."""
    statuses = [{"name": f"c{n}", **state} for n, state in enumerate(states)]
    return {
        "kind": "Pod",
        "metadata": {"name": "web-1", "namespace": "shop-dev", "uid": "u", "labels": labels},
        "spec": {"containers": [{"name": "c0", "image": image}]},
        "status": {"containerStatuses": statuses},
    }


def test_containers_that_have_begun() -> None:
    """Running, ended and restarting ones have a log; one that still waits has none."""
    found = list(
        logs.sources(
            pod(
                {"state": {"running": {}}},
                {"state": {"waiting": {}}},
                {"state": {"waiting": {}}, "restartCount": 2},
                {"state": {"terminated": {}}},
            )
        )
    )

    assert [(one.container, one.running, one.restarts) for one in found] == [
        ("c0", True, 0),
        ("c2", False, 2),
        ("c3", False, 0),
    ]
    assert found[0].key == ("u", "c0")
    assert list(logs.sources({})) == []


def test_whose_pod_it_is() -> None:
    """The image's repository tells, or the recommended label; nothing that only looks alike."""
    digest = "sha256:" + "0" * 64

    assert logs.is_of(pod(image=f"127.0.0.1:5000/shop/web@{digest}"), "shop", "web")
    assert not logs.is_of(pod(image=f"r.test/shop/web-admin@{digest}"), "shop", "web")
    assert not logs.is_of(pod(image=f"r.test/workshop/web@{digest}"), "shop", "web")
    assert logs.is_of(pod(image="NOT AN IMAGE", **{logs.NAME_LABEL: "web"}), "shop", "web")
    assert not logs.is_of(pod(image="NOT AN IMAGE"), "shop", "web")


def test_a_line_far_behind_is_shown_and_not_kept() -> None:
    """What comes long after its time is shown, and is nothing to tell a repeat by."""
    cursor = Cursor()

    assert [cursor.take(line(at)) is not None for at in (50, 1, 1)] == [True, True, True]
