"""Test files that only root can run, run with sudo where the tests are an ordinary account's."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class AsRoot(pytest.Item):
    """The tests of one file that must be root, in a pytest of their own."""

    def __init__(self, *, chosen: tuple[str, ...], **others: Any) -> None:
        super().__init__(**others)
        self.chosen = chosen

    def runtest(self) -> None:
        """Run them.

        Raises:
            AssertionError: what they said, if one does not pass.
        """
        quiet = ("-q", "--no-skips", "-p", "no:cacheprovider")
        done = subprocess.run(
            ["/usr/bin/env", "sudo", "-n", sys.executable, "-m", "pytest", *quiet, *self.chosen],
            cwd=self.config.rootpath,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise AssertionError(f"{done.stdout}\n{done.stderr}")


def gathered(items: Iterable[pytest.Item]) -> list[pytest.Item]:
    """Return the tests, those that must be root (marker ``root``) as one of each file."""
    kept: list[pytest.Item] = []
    rooted: dict[Path, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("root") is None:
            kept.append(item)
        else:
            rooted.setdefault(item.path, []).append(item)
    for path, group in rooted.items():
        chosen = tuple(item.nodeid for item in group)
        parent = group[0].parent
        assert parent is not None
        one = AsRoot.from_parent(parent, name=f"{path.stem}, as root", chosen=chosen)
        for mark in group[0].iter_markers():
            if mark.name != "root":
                one.add_marker(mark.name)
        kept.append(one)
    return kept
