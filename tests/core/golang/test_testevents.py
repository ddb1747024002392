"""What a run of ``go test -json`` comes to."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.golang import testevents
from shipway.core.golang.testevents import Event


def lines(*events: tuple[str, ...]) -> list[str]:
    """Return events as go writes them: action, package, test, output."""
    keys = ("Action", "Package", "Test", "Output")
    return [json.dumps(dict(zip(keys, event, strict=False))) for event in events]


def test_ends_are_sorted_by_name() -> None:
    """Passed, failed and skipped tests are named with their package, subtests too."""
    outcome = testevents.fold(
        lines(
            ("start", "x/a"),
            ("run", "x/a", "TestB"),
            ("pass", "x/a", "TestB"),
            ("pass", "x/a", "TestA/sub case"),
            ("skip", "x/a", "TestS"),
            ("output", "x/a", "TestF", "a_test.go:3: no\n"),
            ("fail", "x/a", "TestF"),
            ("fail", "x/a"),
            ("pass", "x/b"),
            ("skip", "x/c"),
        )
    )

    assert outcome.passed == ("x/a.TestA/sub case", "x/a.TestB")
    assert outcome.skipped == ("x/a.TestS",)
    assert outcome.failed == ("x/a.TestF",)
    assert outcome.output == {"x/a.TestF": "a_test.go:3: no\n"}


def test_a_test_that_never_ended_has_failed() -> None:
    """After a panic or a kill there is no end; such a test has failed."""
    outcome = testevents.fold(lines(("start", "x/a"), ("run", "x/a", "TestP"), ("fail", "x/a")))

    assert outcome.failed == ("x/a.TestP",)


def test_a_package_that_fails_as_such_is_named() -> None:
    """A package that does not build, or ends early, fails under its own name."""
    outcome = testevents.fold(
        [
            '{"ImportPath":"x/b [x/b.test]","Action":"build-output","Output":"b.go:1: oops\\n"}',
            '{"ImportPath":"x/b [x/b.test]","Action":"build-fail"}',
            *lines(("start", "x/a"), ("output", "x/a", "", "exit status 3\n"), ("fail", "x/a")),
        ]
    )

    assert outcome.failed == ("x/a", "x/b [x/b.test]")
    assert outcome.output["x/b [x/b.test]"] == "b.go:1: oops\n"


def test_a_line_that_is_no_event_is_output() -> None:
    """What a test binary prints past the framework is kept as output of nobody."""
    assert testevents.parse("warning: x") == Event("output", output="warning: x\n")
    assert testevents.parse('{"Action": 3}').action == "output"
    assert testevents.fold(["warning"]) == testevents.Outcome()


@given(st.lists(st.text(max_size=60), max_size=5))
def test_any_lines_can_be_folded(noise: list[str]) -> None:
    """No line, however strange, breaks the run's outcome."""
    assert testevents.fold(noise).passed == ()


ACTIONS = st.sampled_from(["start", "run", "pass", "fail", "skip", "output", "build-fail", "cont"])


@given(st.lists(st.tuples(ACTIONS, st.sampled_from("ab"), st.sampled_from(["", "T", "T/s"]))))
def test_every_test_ends_once(events: list[tuple[str, str, str]]) -> None:
    """No test is counted under two results, whatever order its events come in."""
    outcome = testevents.fold(lines(*events))
    names = [*outcome.passed, *outcome.failed, *outcome.skipped]

    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("wrote", "cause"),
    [
        ("panic: test timed out after 1s\n", "hung"),
        ("    testing.go:1: race detected during execution of test\n", "race"),
        ("oops\n", ""),
    ],
)
def test_why_it_failed(wrote: str, cause: str) -> None:
    """What package testing writes of a test that hung, or raced, is told; of a passed one never."""
    at = {"Package": "x", "Test": "TestIt"}
    lines = [{"Action": "run", **at}, {"Action": "output", "Output": wrote, **at}]
    ends = [[*lines, {"Action": end, **at}] for end in ("fail", "pass")]
    failed, passed = (testevents.fold(json.dumps(one) for one in end) for end in ends)

    assert (failed.cause, passed.cause) == (cause, "")
