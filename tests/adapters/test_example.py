"""The example as a repository of the person's own: made once, kept with its edits."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from shipway.adapters import example
from shipway.adapters.process import SystemProcesses
from shipway.core.ports.process import Completed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def variables(home: Path) -> dict[str, str]:
    """Return an environment without a git configuration."""
    return {"PATH": os.environ["PATH"], "HOME": str(home)}


def test_the_example_is_committed(tmp_path: Path) -> None:
    """The copy is a repository with one commit and nothing beside it."""
    target = str(tmp_path / "demo" / "hello")
    assert example.copy(target, SystemProcesses(), variables(tmp_path)) == target

    git = ("git", "-C", target)
    log = SystemProcesses().run((*git, "log", "--format=%s"), env=variables(tmp_path))
    state = SystemProcesses().run((*git, "status", "--porcelain"), env=variables(tmp_path))
    assert log.out == b"Say hello\n"
    assert state.out == b""


def test_edits_are_kept(tmp_path: Path) -> None:
    """A later demo goes on with what is there."""
    target = tmp_path / "hello"
    example.copy(str(target), SystemProcesses(), variables(tmp_path))
    (target / "main.go").write_text("package main\n")
    example.copy(str(target), SystemProcesses(), variables(tmp_path))

    assert (target / "main.go").read_text() == "package main\n"


def test_a_copy_that_was_stopped_is_made_anew(tmp_path: Path) -> None:
    """A folder without a repository is what a killed demo left."""
    target = tmp_path / "hello"
    target.mkdir()
    (target / "half").write_text("")
    example.copy(str(target), SystemProcesses(), variables(tmp_path))

    assert not (target / "half").exists()
    assert (target / ".git").exists()


class Uncommitting(SystemProcesses):
    """A machine on which git commits nothing."""

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        """Fail at the commit."""
        if "commit" in argv:
            return Completed(1, b"", b"fatal: no space\n")
        return super().run(argv, **options)


def test_a_commit_that_fails_leaves_no_half_repository(tmp_path: Path) -> None:
    """Without a commit there is no copy; the next demo starts anew, and git's words are told."""
    target = tmp_path / "hello"
    with pytest.raises(ShipwayError, match="fatal: no space") as caught:
        example.copy(str(target), Uncommitting(), variables(tmp_path))
    assert (caught.value.id, caught.value.kind) == ("demo.example", Kind.MISSING)
    assert not target.exists()

    example.copy(str(target), SystemProcesses(), variables(tmp_path))
    assert (target / ".git").exists()
