"""What a machine lacks is told as that, and nothing else is taken for it."""

from __future__ import annotations

import errno
import os

import pytest

from shipway.core.run.events import Fault, fault_of
from shipway.core.run.machine import lack
from shipway.errors import Kind, ShipwayError


def _os(number: int, path: str | None = None) -> OSError:
    return OSError(number, os.strerror(number), path)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (errno.EMFILE, "host.files"),
        (errno.ENFILE, "host.files"),
        (errno.EROFS, "host.read_only"),
        (errno.EACCES, "host.read_only"),
        (errno.EPERM, "host.read_only"),
        (errno.ENOSPC, "host.disk"),
        (errno.EDQUOT, "host.disk"),
    ],
)
def test_a_foreign_error_of_the_machine(number: int, expected: str) -> None:
    """It is missing something, says on what, and what to do: it is no defect."""
    found = fault_of(_os(number, "/home/ann/x"))

    assert (found.id, found.kind, found.subject) == (expected, "missing", "/home/ann/x")
    assert os.strerror(number) in found.message
    assert found.hint
    assert found.operation == "using"


@pytest.mark.parametrize("error", [_os(errno.EINVAL), OSError("bare"), ValueError("x")])
def test_anything_else_is_a_defect(error: Exception) -> None:
    """Other errors of the operating system stay what they are."""
    assert lack(error) is None
    assert fault_of(error).id == "run.defect"


def test_without_a_path() -> None:
    """Nothing is named that nobody knows."""
    bare = OSError()
    bare.errno = errno.ENOSPC

    assert fault_of(bare) == Fault(
        "host.disk",
        "missing",
        "the disk is full",
        hint=lack(bare).hint,  # type: ignore[union-attr]
    )


def _worded(cause: OSError) -> ShipwayError:
    """Return what a hand made of an error, with what it tried."""
    error = ShipwayError(
        "process.missing", Kind.MISSING, "no", operation="starting", subject="git", hint="install"
    )
    error.__cause__ = cause
    return error


def test_open_files_are_found_behind_another_word() -> None:
    """Who met the limit first says what was tried; the reason is the limit."""
    found = fault_of(_worded(_os(errno.EMFILE)))

    assert (found.id, found.operation, found.subject) == ("host.files", "starting", "git")
    assert "ulimit" in found.hint


def test_a_worded_disk_keeps_its_word() -> None:
    """A hand that knows what was full says it better."""
    assert fault_of(_worded(_os(errno.ENOSPC))).id == "process.missing"


def test_what_was_merely_under_way_is_no_cause() -> None:
    """Neither a suppressed context nor one beside an error of ours is looked at."""
    ours = ShipwayError("a.b", Kind.USAGE, "no")
    ours.__context__ = _os(errno.EMFILE)
    foreign = ValueError("x")
    foreign.__context__ = _os(errno.EMFILE)
    suppressed = ValueError("x")
    suppressed.__context__ = _os(errno.EMFILE)
    suppressed.__suppress_context__ = True

    assert lack(ours) is None
    assert lack(suppressed) is None
    assert (lack(foreign) or lack(ours)).id == "host.files"  # type: ignore[union-attr]


def test_a_circle_of_causes_ends() -> None:
    """An error that led to itself is looked at once."""
    one, two = ValueError("1"), ValueError("2")
    one.__cause__, two.__cause__ = two, one

    assert lack(one) is None
