"""The events of ``go test -json`` (go doc test2json), and what they come to.

The test stage calls it. The lines come from programs of the repository and are not trusted: a
line that is no event is kept as output, and a test that began and never ended has failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

PASSED, FAILED, SKIPPED = "pass", "fail", "skip"
_CAUSES = {"panic: test timed out after ": "hung", "race detected during execution": "race"}
"""What package testing writes, and what it means (testing.go; the first of several counts)."""
_ENDS = frozenset({PASSED, FAILED, SKIPPED})


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    """One event, with the fields that are asked for."""

    action: str
    package: str = ""
    test: str = ""
    output: str = ""
    elapsed: float = 0.0
    import_path: str = ""
    """Of ``build-output`` and ``build-fail`` events."""
    failed_build: str = ""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; names are ``import/path.TestName``."""

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Also packages that failed as such (they did not build, or ended early), by import path."""
    skipped: tuple[str, ...] = ()
    output: dict[str, str] = {}
    """What each failed test, and each failed package, wrote."""
    cause: str = ""
    """``hung`` where a test did not end in time, ``race`` where the race detector found one."""


_DECODER = msgspec.json.Decoder(Event)


def parse(line: str) -> Event:
    """Return a line's event; anything else is output of nobody in particular."""
    try:
        return _DECODER.decode(line.encode("utf-8", "surrogateescape"))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Event("output", output=f"{line}\n")


def fold(lines: Iterable[str]) -> Outcome:
    """Return what a whole run came to."""
    ends: dict[tuple[str, str], str] = {}
    output: dict[tuple[str, str], list[str]] = {}
    for event in map(parse, lines):
        place = (event.package or event.import_path, event.test)
        if event.action in {"output", "build-output"}:
            output.setdefault(place, []).append(event.output)
        elif event.action in {"run", "start"}:
            ends[place] = ""
        elif event.action in _ENDS or event.action == "build-fail":
            ends[place] = event.action
    found = _outcome(_with_causes(ends), output)
    if not found.failed:
        return found
    said = [
        mark for mark in _CAUSES if any(mark in text for texts in output.values() for text in texts)
    ]
    return msgspec.structs.replace(found, cause=_CAUSES[said[0]] if said else "")


def _with_causes(ends: dict[tuple[str, str], str]) -> dict[tuple[str, str], str]:
    """Return the ends, with what never ended, or did not build, as failed.

    A failed package counts by itself only where none of its tests did.
    """
    failed = {at: FAILED if end in {"", "build-fail"} else end for at, end in ends.items()}
    named = {package for (package, test), end in failed.items() if test and end == FAILED}
    return {
        (package, test): end
        for (package, test), end in failed.items()
        if test or (end == FAILED and package not in named)
    }


def _outcome(ends: dict[tuple[str, str], str], output: dict[tuple[str, str], list[str]]) -> Outcome:
    named = {(f"{at[0]}.{at[1]}" if at[1] else at[0]): (at, end) for at, end in ends.items()}
    chosen = {
        wanted: tuple(sorted(name for name, (_, end) in named.items() if end == wanted))
        for wanted in _ENDS
    }
    return Outcome(
        passed=chosen[PASSED],
        failed=chosen[FAILED],
        skipped=chosen[SKIPPED],
        output={name: "".join(output.get(named[name][0], ())) for name in chosen[FAILED]},
    )
