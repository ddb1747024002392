"""Figures: samples of each thing measured, their medians, and the table that people read."""

from __future__ import annotations

import statistics
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- figures: written by make bench -->\n", "<!-- end of figures -->\n"


class Figures:
    """Seconds (or bytes) by name, in the order in which they were first seen."""

    def __init__(self) -> None:
        self._samples: dict[str, list[float]] = defaultdict(list)

    def add(self, name: str, value: float) -> None:
        """Add one sample."""
        self._samples[name].append(value)
        print(f"  {name}: {value:.3f}", flush=True)

    def median(self, name: str) -> float:
        """Return the median of all samples of ``name``; 0 without any."""
        return statistics.median(self._samples.get(name) or [0.0])

    def spread(self, name: str) -> str:
        """Return lowest, median and highest, and how many there were."""
        found = sorted(self._samples.get(name) or [0.0])
        return f"{found[0]:.3f} / {self.median(name):.3f} / {found[-1]:.3f} ({len(found)})"

    def named(self, prefix: str) -> list[str]:
        """Return the names that begin so."""
        return [name for name in self._samples if name.startswith(prefix)]


def target(name: str, value: float, limit: float, unit: str = "s") -> str:
    """Return one row of the table of targets."""
    met = "met" if value <= limit else "**not met**"
    return f"| {name} | {value:.3f} {unit} | {limit:g} {unit} | {met} |"


def publish(path: Path, text: str) -> None:
    """Put ``text`` between the marks of a document."""
    before = path.read_text()
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    path.write_text(f"{head}{BEGIN}{text}{END}{tail}")
