"""How far the making of engines is, from the lines that Go prints.

The hand that builds feeds lines to a :class:`Meter` and hands its :class:`Progress` values on;
faces show them. Times are arguments.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Phase = Literal["toolchain", "fetch", "download", "compile", "built", "present", "trimmed"]

KEPT = 40
"""Lines of Go's output that an error shows."""


class Progress(msgspec.Struct, frozen=True):
    """One moment in the making of engine ``index`` of ``of``.

    Attributes:
        engine: Its name.
        index: Its place, from 1.
        of: How many are asked for.
        phase: ``toolchain`` (Go itself), ``fetch`` (from a mirror), ``download`` (modules),
            ``compile``, then ``built`` or ``present`` (nothing to do); last of all ``trimmed``.
        done: Modules fetched, or packages compiled.
        total: Of how many; 0 where nobody knows.
        subject: The module or package at hand.
        seconds: Since this engine was begun.
        remaining: Seconds until all are ready, estimated.
        peak: Bytes that the making took on disk at most, in the last event of all.
    """

    engine: str
    index: int
    of: int
    phase: Phase
    done: int = 0
    total: int = 0
    subject: str = ""
    seconds: float = 0.0
    remaining: float = 0.0
    peak: int = 0


def words(moment: Progress) -> str:
    """Return where ``moment`` stands among all engines, in words that a count may follow."""
    place = f"engine {moment.index} of {moment.of}"
    left = f", about {max(1, round(moment.remaining / 60))} min left" * (moment.remaining > 0)
    match moment.phase:
        case "trimmed":
            return f"{moment.peak >> 20} MiB of disk were used at the peak"
        case "present":
            return place
        case "built":
            return f"{place}, in {moment.seconds:.1f} s{left}"
        case "compile" | "download":
            counted = "packages" if moment.phase == "compile" else "modules"
            return f"{place}{left}, {counted}"
    return f"{place}{left}, {moment.subject}"


class Meter:
    """Counts one engine's modules and packages as lines of Go's output go by."""

    def __init__(self, engine: str, index: int, of: int, costs: tuple[float, float]) -> None:
        """Begin; ``costs`` are the expected seconds of this engine, and of all after it."""
        self.engine = engine
        self._index = index
        self._of = of
        self._own, self._later = costs
        self._total = 0
        self._modules = 0
        self._packages: set[str] = set()
        self._compiled = 0
        self._tail: list[str] = []

    @property
    def tail(self) -> str:
        """Return the last lines that were neither package nor download: Go's complaints."""
        return "\n".join(self._tail)

    def listed(self, line: str) -> bool:
        """Take one line of ``go list``; return whether it told of progress."""
        if self._downloading(line):
            return True
        self._packages.add(line)
        self._keep(line)
        return False

    def compiled(self, line: str) -> bool:
        """Take one line of ``go build -v``; return whether it told of progress."""
        if self._downloading(line):
            return True
        if line in self._packages:
            self._compiled += 1
            return True
        self._keep(line)
        return False

    def at(self, phase: Phase, seconds: float, subject: str = "") -> Progress:
        """Return the moment, ``seconds`` after the engine was begun."""
        done, total = self._count(phase)
        return Progress(
            self.engine, self._index, self._of, phase, done, total, subject, round(seconds, 1),
            round(self._remaining(phase), 1),
        )  # fmt: skip

    def _count(self, phase: Phase) -> tuple[int, int]:
        if phase == "download":
            return self._modules, 0
        if phase == "compile":
            return self._compiled, len(self._packages)
        return 0, 0

    def _remaining(self, phase: Phase) -> float:
        """Estimate: what this engine still needs by its expectation, and all after it."""
        if phase in {"built", "present"}:
            return self._later
        share = self._compiled / len(self._packages) if self._packages else 0.0
        return self._own * (1 - share) + self._later

    def _downloading(self, line: str) -> bool:
        if line.startswith("go: downloading "):
            self._modules += 1
            return True
        return False

    def _keep(self, line: str) -> None:
        self._tail = [*self._tail, line][-KEPT:]
