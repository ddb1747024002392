"""How long it takes to say what is in a program of anybody: Shipway's command beside syft's.

``make bench`` calls it; alone it is ``.venv/bin/python bench/syft.py [ROUNDS] [PROGRAM...]``. Both
are whole processes, from their start to the written document, in turning order, on one file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

from figures import Figures  # noqa: E402

from shipway.adapters.engines import assembly  # noqa: E402
from shipway.adapters.process import SystemProcesses  # noqa: E402

RATIO = 10.0
"""How many times as fast Shipway should be."""


def measure(figures: Figures, rounds: int, programs: list[Path]) -> None:
    """Add ``rounds`` samples of both for each program."""
    builder = assembly.for_caller(SystemProcesses(), os.environ, locks=ROOT / "tests/engines")
    (built,) = builder.ensure(["syft"], on_progress=lambda _: None)
    syft = Path(built.directory) / "syft"
    with tempfile.TemporaryDirectory(prefix="shipway-bench-") as folder:
        out = str(Path(folder, "out.json"))
        ways = {
            "shipway": lambda at: [str(ROOT / ".venv/bin/shipway"), "sbom", at, "--file", out],
            "syft": lambda at: [str(syft), "scan", f"file:{at}", "-q", "-o", f"spdx-json={out}"],
        }
        env = {**os.environ, "HOME": folder, "SYFT_CHECK_FOR_APP_UPDATE": "false"}
        for number in range(rounds):
            for program in programs or [syft]:
                size = program.stat().st_size / 1e6
                for name in sorted(ways, reverse=bool(number % 2)):
                    began = time.monotonic()
                    subprocess.run(
                        ways[name](str(program)), env=env, check=True, stdout=subprocess.DEVNULL
                    )
                    label = f"sbom of {program.name} ({size:.0f} MB), {name}"
                    figures.add(label, time.monotonic() - began)


def rows(figures: Figures) -> list[str]:
    """Return one row a program: both medians, and how many times as fast Shipway is."""
    found = []
    for label in figures.named("sbom of "):
        what, _, name = label.rpartition(", ")
        if name == "shipway":
            mine, other = figures.median(label), figures.median(f"{what}, syft")
            met = "met" if other >= RATIO * mine else "**not met**"
            found.append(
                f"| {what}: syft / shipway | {other:.3f} s / {mine:.3f} s = {other / mine:.1f} "
                f"| {RATIO:g} | {met} |"
            )
    return found


if __name__ == "__main__":
    taken = Figures()
    asked = sys.argv[1:]
    measure(taken, int(asked[0]) if asked else 5, [Path(at) for at in asked[1:]])
    print("\n".join(rows(taken)))
