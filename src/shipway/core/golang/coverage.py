"""Statement coverage from Go's profiles, with duplicates merged (golang/tools, cover/profile.go).

The test stage calls it. With ``-coverpkg`` each test binary lists the same blocks again, so a sum
over lines is wrong: a block counts once, and is covered if any binary covered it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import msgspec

from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

MODES = ("set", "count", "atomic")

_LINE = late(r"(.+):(\d{1,9}\.\d{1,9},\d{1,9}\.\d{1,9}) (\d{1,9}) (\d{1,20})\Z")


class Profile(msgspec.Struct, frozen=True):
    """A merged profile."""

    mode: str
    blocks: dict[tuple[str, str], tuple[int, int]]
    """File and position (``21.18,24.2``) to statements and count."""

    @property
    def statements(self) -> int:
        """Return how many statements there are."""
        return sum(statements for statements, _ in self.blocks.values())

    @property
    def covered(self) -> int:
        """Return how many of them were run."""
        return sum(statements for statements, count in self.blocks.values() if count)

    @property
    def percent(self) -> float | None:
        """Return the covered share in percent; none where there is no statement."""
        return 100 * self.covered / self.statements if self.statements else None


def merge(*profiles: bytes) -> Profile:
    """Return one profile of the blocks of all, each once.

    Raises:
        ShipwayError: ``coverage.invalid`` (integrity) where a line is no profile's, or two blocks
            at one place disagree about their statements.
    """
    mode = ""
    blocks: dict[tuple[str, str], tuple[int, int]] = {}
    for line in _lines(profiles):
        if line.startswith("mode: "):
            mode = _mode(mode, line.removeprefix("mode: "))
            continue
        match = _LINE.match(line)
        if not match or not mode:
            raise _invalid("not a line of a coverage profile", line)
        place, statements, count = (match[1], match[2]), int(match[3]), int(match[4])
        before, counted = blocks.get(place, (statements, 0))
        if before != statements:
            raise _invalid("one block has two numbers of statements", line)
        total = counted | bool(count) if mode == "set" else counted + count
        blocks[place] = (statements, total)
    return Profile(mode or MODES[0], blocks)


def write(profile: Profile) -> bytes:
    """Return a profile as go writes it, its blocks in order; the same profile, the same bytes."""
    rows = sorted(
        (file, [int(part) for part in re.split(r"[.,]", position)], position, *numbers)
        for (file, position), numbers in profile.blocks.items()
    )
    lines = [
        f"{file}:{position} {statements} {count}" for file, _, position, statements, count in rows
    ]
    return "\n".join([f"mode: {profile.mode}", *lines, ""]).encode()


def _lines(profiles: tuple[bytes, ...]) -> Iterator[str]:
    for profile in profiles:
        for line in profile.decode("utf-8", "replace").split("\n"):
            if line := line.removesuffix("\r"):
                yield line


def _mode(before: str, mode: str) -> str:
    if mode not in MODES or before not in {"", mode}:
        raise _invalid("profiles of different modes cannot be merged", mode)
    return mode


def _invalid(message: str, line: str) -> ShipwayError:
    return ShipwayError(
        "coverage.invalid",
        Kind.INTEGRITY,
        message,
        operation="reading coverage",
        subject=line[:200],
    )
