"""A ``shipway up`` in a process of its own, which a test may stop as a closed lid does.

``python asleep.py ACCESS`` carries the project of :mod:`roads.test_real_server` to a real API
server for each line on standard input, which says how many seconds its gate may take, and answers
each with a line of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import msgspec

from fakes.git import ROOT
from fakes.hands import MAIN
from roads.test_real_server import RealShop, told
from shipway.adapters.clock import SystemClock
from shipway.adapters.kube.client import Cluster
from shipway.adapters.process import SystemProcesses
from shipway.core.kube.contexts import Access
from shipway.errors import ShipwayError
from shipway.roads.up import UpRequest, up

TESTS = Path(__file__).parents[1]


class Laptop:
    """The process, from the outside."""

    def __init__(self, access: Access) -> None:
        paths = os.pathsep.join([str(TESTS), *sys.path])
        self._child = subprocess.Popen(
            [sys.executable, __file__, msgspec.json.encode(access).decode()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )

    def __enter__(self) -> Self:
        """Use it."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, asleep or not."""
        self._child.kill()
        self._child.communicate()

    def up(self, seconds: float) -> None:
        """Begin to carry, with so many seconds for the gate."""
        assert self._child.stdin is not None
        self._child.stdin.write(f"{seconds}\n")
        self._child.stdin.flush()

    def sleep(self) -> None:
        """Close the lid."""
        os.kill(self._child.pid, signal.SIGSTOP)

    def wake(self) -> None:
        """Open it."""
        os.kill(self._child.pid, signal.SIGCONT)

    def answer(self) -> dict[str, Any]:
        """Return how it ended."""
        assert self._child.stdout is not None
        found: dict[str, Any] = json.loads(self._child.stdout.readline())
        return found


def main(access: str) -> None:
    """Be the process."""
    kube = Cluster(msgspec.json.decode(access, type=Access), processes=SystemProcesses())
    shop = RealShop(kube)
    shop.clock = SystemClock()  # type: ignore[assignment]  # time that goes on while it sleeps
    shop.overlay()
    for line in sys.stdin:
        shop.write("main.go", f"{MAIN}// {time.time()}\n")
        shop.said.clear()
        request = UpRequest(directory=ROOT, architecture="amd64", tests="off", seconds=float(line))
        error = {}
        try:
            up(request, hands=shop, emit=shop.said.append)
        except ShipwayError as caught:
            error = {"id": caught.id, "code": caught.kind.value, "hint": caught.hint}
        try:
            history = told(shop)
        except ShipwayError:
            history = []
        print(json.dumps({"error": error, "said": shop.texts(), "history": history}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
