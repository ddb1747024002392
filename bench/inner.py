"""``dev``: from a save to the new version being served, against ko and kubectl.

Both serve from one cluster, each by a node port; the order turns, no two saves are the same, and
the clock stops when an HTTP request is first answered by what was saved.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

from figures import Figures, target  # noqa: E402

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from run import Bench

OURS = "dev: save to served"
THEIRS = "ko and kubectl: save to served"
_STEP = 0.01
"""Seconds between two requests."""
_PATIENCE = 120.0


class Dev:
    """A ``dev`` that goes on until it is stopped."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self._idle = 0
        self._said = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            event: dict[str, Any] = json.loads(line)
            if str(event.get("text", "")).startswith("watching for changes"):
                with self._said:
                    self._idle += 1
                    self._said.notify_all()

    def idle(self, times: int) -> None:
        """Wait until it has waited for a save so often."""
        with self._said:
            assert self._said.wait_for(lambda: self._idle >= times, _PATIENCE), "dev hangs"

    def stop(self) -> None:
        """Press Ctrl-C."""
        self._child.send_signal(signal.SIGINT)
        self._child.wait(10)


def measure(bench: Bench, rounds: int) -> None:
    """Save once for each of them in every round; the services are delivered already."""
    kubectl = ("-n", "big-dev", "expose", "deployment/peer", "--type=NodePort", "--name=peer")
    bench.world.kubectl(*kubectl, "--port=80", "--target-port=8080")
    theirs = bench.world.object("service", "peer", "-n", "big-dev")
    peer = f"http://127.0.0.1:{theirs['spec']['ports'][0]['nodePort']}"
    dev = Dev(bench.world.start("dev", "--tests", "off", "--no-logs", cwd=bench.repo.path))
    dev.idle(1)

    url = bench.repo.url()

    def ours(number: int) -> None:
        began = time.monotonic()
        _until(bench.figures, OURS, url, bench.edit(bench.repo), began)
        dev.idle(number + 2)

    def others(_: int) -> None:
        began = time.monotonic()
        text = bench.edit(bench.theirs)
        bench.set_image(bench.build_ko(""))
        _until(bench.figures, THEIRS, peer, text, began)
        bench.settle()

    ways: list[Callable[[int], None]] = [ours, others]
    try:
        for number in range(rounds):
            for place in range(len(ways)):
                ways[(number + place) % len(ways)](number)
    finally:
        dev.stop()


def _until(figures: Figures, name: str, url: str, text: str, began: float) -> None:
    """Keep how long it takes from ``began`` until ``url`` answers with ``text``."""
    while time.monotonic() - began < _PATIENCE:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  127.0.0.1
                if answer.read().decode() == text:
                    figures.add(name, time.monotonic() - began)
                    return
        except OSError:
            pass
        time.sleep(_STEP)
    raise AssertionError(f"{url} never served {text}")


def row(figures: Figures) -> str:
    """Return the row of the table."""
    ratio = figures.median(OURS) / figures.median(THEIRS)
    return target("`dev`, a save to served, of ko and kubectl", ratio, 0.85, "x")


def main() -> None:
    """Measure this alone, and print it."""
    from run import Bench  # noqa: PLC0415  run has this among its own

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    folder = Path(tempfile.mkdtemp(prefix="shipway-bench-"))
    bench = Bench(folder)
    try:
        bench.prepare()
        measure(bench, rounds)
    finally:
        bench.delete()
        shutil.rmtree(folder, ignore_errors=True)
    print(row(bench.figures))
    for name in (OURS, THEIRS):
        print(f"{name}: {bench.figures.spread(name)}")


if __name__ == "__main__":
    main()
