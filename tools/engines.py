"""Build every engine, the cluster's and those that only tests need; print seconds for each.

``make test`` and ``.ci/run`` call this before any test; what is there already takes no time. It
never installs anything for root.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters.engines import assembly
from shipway.adapters.engines.locks import PACKAGED
from shipway.adapters.process import SystemProcesses
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.engines.progress import Progress

TESTS = Path(__file__).parents[1] / "tests" / "engines"
EVERY = 15.0


class Lines:
    """Prints at most one line of progress every 15 s, and one for each engine."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, moment: Progress) -> None:
        """Print what ``moment`` says if it is time."""
        now = time.monotonic()
        if moment.phase == "trimmed":
            print(f"engines: {moment.peak >> 20} MiB of disk at the peak", flush=True)
        elif moment.phase in {"built", "present"}:
            took = f"{moment.seconds:.1f} s" if moment.phase == "built" else "cached"
            print(f"engine {moment.engine}: {took}", flush=True)
        elif now - self._last > EVERY:
            self._last = now
            print(f"engine {moment.index}/{moment.of} {told(moment)}", flush=True)


def told(moment: Progress) -> str:
    """Return one moment in words."""
    count = f" {moment.done}" + (f"/{moment.total}" if moment.total else "") if moment.done else ""
    left = f", about {moment.remaining / 60:.0f} min left"
    return f"{moment.engine}: {moment.phase}{count} ({moment.seconds:.0f} s{left})"


def main() -> int:
    """Build all; return the exit code."""
    for locks in (PACKAGED, TESTS):
        engines = assembly.for_caller(SystemProcesses(), os.environ, locks=locks)
        try:
            engines.ensure(engines.names(), on_progress=Lines())
        except ShipwayError as error:
            print(f"{error}\n{error.hint}", file=sys.stderr)
            return error.kind.value
    return 0


if __name__ == "__main__":
    sys.exit(main())
