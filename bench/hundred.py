"""A hundred services in one repository: what it takes to render, verify and apply them.

Each is a small program of its own with a ServiceAccount, a Service and a Deployment, as ``shipway
init`` writes them; they ask for less of the processor than that writes, so that one small node has
room for all. ``up`` builds and starts them. Then ``deploy`` brings the same
images with another annotation on every object: all are applied, no pod is started anew. Counted is
from the first step of rendering to the last object that the API server took, signatures and head
included; what Shipway and the API server used of the processors meanwhile; and the most memory that
Shipway had.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

from figures import Figures, target  # noqa: E402

from e2e.world import Ran, Repo, World  # noqa: E402
from shipway.adapters.engines import assembly  # noqa: E402
from shipway.adapters.process import SystemProcesses  # noqa: E402

if TYPE_CHECKING:
    from subprocess import Popen

CLUSTER = "bench-hundred"
SERVICES = 100
APPLIED = "100 services: rendered, verified and applied"
OURS, THEIRS = f"{APPLIED}, CPU of Shipway", f"{APPLIED}, CPU of the API server"
FIRST, AGAIN = "first up as a whole", "deploy as a whole"
MEMORY = "100 services, {}: memory of Shipway (MB)"
PATIENCE = ("--timeout", "600")
_GAP = 0.05
"""Seconds between two looks at the processes."""
_TICK = os.sysconf("SC_CLK_TCK")

MAIN = """package main

import (
	"net"
	"os"
	"os/signal"
	"syscall"
)

const name = "{name}"

func main() {{
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {{ <-stop; os.Exit(0) }}()
	listener, err := net.Listen("tcp", ":8080")
	if err != nil {{
		panic(err)
	}}
	for {{
		if peer, err := listener.Accept(); err == nil {{
			peer.Write([]byte(name))
			peer.Close()
		}}
	}}
}}
"""


def write(folder: Path) -> None:
    """Write the module and the config."""
    (folder / "go.mod").write_text("module x.test/hundred\n\ngo 1.24\n")
    config = ["schema = 1"]
    for number in range(SERVICES):
        name = f"s{number:03d}"
        place = folder / "cmd" / name
        place.mkdir(parents=True)
        (place / "main.go").write_text(MAIN.format(name=name))
        config += [f"[services.{name}]", f'package = "./cmd/{name}"', 'kind = "web"', "port = 8080"]
    (folder / "shipway.toml").write_text("\n".join(config) + "\n")


def fit(folder: Path) -> None:
    """Have the manifests ask for little."""
    for file in (folder / "deploy" / "base").glob("s*.yaml"):
        text = file.read_text()
        less = text.replace("cpu: 50m", "cpu: 1m").replace("memory: 64Mi", "memory: 8Mi")
        assert less != text, f"{file} asks for something else"
        file.write_text(less)


def annotate(folder: Path, word: str) -> None:
    """Change an annotation of every object."""
    file = folder / "deploy" / "overlays" / "dev" / "kustomization.yaml"
    mark = "# every object\n"
    kept = file.read_text().partition(mark)[0]
    # a patch, since commonAnnotations would reach the pods' templates as well
    kinds = ("ServiceAccount", "Service", "Deployment")
    patches = "".join(
        f"- target: {{kind: {kind}}}\n  patch: |\n    - op: add\n"
        f"      path: /metadata/annotations\n      value: {{x.test/word: {word}}}\n"
        for kind in kinds
    )
    file.write_text(f"{kept}{mark}patches:\n{patches}")


class Watched:
    """A process of Shipway, and the API server, looked at while it runs."""

    def __init__(self, child: Popen[str], apiserver: int) -> None:
        self.memory = 0
        """KiB, the most there ever was."""
        self._child, self._apiserver = child, apiserver
        self._seen: list[tuple[float, float, float]] = []
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def between(self, begin: float, end: float) -> tuple[float, float]:
        """Return the processor seconds of both between two times."""
        self._thread.join()
        before = max((one for one in self._seen if one[0] <= begin), default=self._seen[0])
        after = min((one for one in self._seen if one[0] >= end), default=self._seen[-1])
        return after[1] - before[1], after[2] - before[2]

    def _look(self) -> None:
        with contextlib.suppress(OSError):
            while self._child.poll() is None:
                now = time.time()
                self._seen.append((now, _cpu(self._child.pid), _cpu(self._apiserver)))
                status = Path(f"/proc/{self._child.pid}/status").read_text()
                if most := re.search(r"VmHWM:\s+(\d+)", status):
                    self.memory = max(self.memory, int(most[1]))
                time.sleep(_GAP)


def _cpu(pid: int) -> float:
    """Return the processor seconds that a process used, its children aside."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def apiserver(init: int) -> int:
    """Return the API server's process below a cluster's init."""
    parents, named = {}, {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            stat = (place / "stat").read_text().rpartition(")")[2]
            parents[int(place.name)] = int(stat.split()[1])
            named[int(place.name)] = (place / "cmdline").read_bytes().replace(b"\0", b" ")
    mine = {init}
    while grown := {pid for pid, parent in parents.items() if parent in mine} - mine:
        mine |= grown
    (found,) = (pid for pid in mine if b"--etcd-servers" in named.get(pid, b""))
    return found


class Hundred:
    """The repository, on a cluster of its own."""

    def __init__(self, folder: Path, figures: Figures) -> None:
        engines = assembly.for_caller(SystemProcesses(), os.environ)
        (built,) = engines.ensure(["kubernetes"], on_progress=lambda _: None)
        self.world = World(folder, Path(built.directory) / "kubectl", CLUSTER)
        self.figures = figures
        self.repo = Repo(self.world, folder / "repos" / "hundred", "hundred")
        self.repo.path.mkdir(parents=True)
        self.server = 0

    def prepare(self) -> None:
        """Start the cluster, and write the repository with its manifests."""
        up = self.world.shipway("cluster", "up")
        assert up.code == 0, up
        self.server = apiserver(self.world.shipway("cluster", "status").answer["pid"])
        write(self.repo.path)
        self.repo.git("init", "-q", "-b", "main")
        self.repo.commit("one")
        wrote = self.repo.shipway("init")
        assert wrote.code == 0, wrote
        fit(self.repo.path)
        self.repo.commit("two")

    def run(self, kind: str, *asked: str) -> dict[str, Any]:
        """Run a command of Shipway under watch; return its answer."""
        began = time.monotonic()
        child = self.world.start(*asked, cwd=self.repo.path)
        watched = Watched(child, self.server)
        out, err = child.communicate(timeout=1800)
        ran = Ran(asked, child.returncode, out, err)
        assert ran.code == 0, ran
        self.figures.add(f"100 services, {kind}", time.monotonic() - began)
        begin, end = _span(ran.lines)
        self.figures.add(APPLIED, end - begin)
        ours, theirs = watched.between(begin, end)
        self.figures.add(OURS, ours)
        self.figures.add(THEIRS, theirs)
        self.figures.add(MEMORY.format(kind), watched.memory * 1024 / 1e6)
        answer: dict[str, Any] = ran.answer
        return answer

    def delete(self) -> None:
        """Remove the cluster, stopped first: nothing in its registry is worth copying."""
        self.world.shipway("cluster", "down")
        self.world.shipway("cluster", "delete")


def _span(lines: list[dict[str, Any]]) -> tuple[float, float]:
    """Return when rendering began and when the last object was applied."""
    begin = [one["at"] for one in lines if (one["event"], one.get("step")) == BEGAN]
    end = [one["at"] for one in lines if (one["event"], one.get("step")) == ENDED]
    return begin[0], end[-1]


BEGAN, ENDED = ("step.started", "render"), ("step.finished", "deploy")


def measure(figures: Figures, rounds: int = 3) -> None:
    """Measure all, on a cluster that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="shipway-bench-"))
    one = Hundred(folder, figures)
    try:
        one.prepare()
        said = one.run(FIRST, "up", "--tests", "off", *PATIENCE)
        for number in range(rounds):
            annotate(one.repo.path, f"round-{number}")
            one.run(AGAIN, "deploy", "dev", said["release"], *PATIENCE)
    finally:
        one.delete()
        shutil.rmtree(folder, ignore_errors=True)


def rows(figures: Figures) -> list[str]:
    """Return the rows of the table."""
    most = max(figures.median(MEMORY.format(kind)) for kind in (FIRST, AGAIN))
    share = figures.median(OURS) / (figures.median(THEIRS) or 1.0)
    return [
        target(APPLIED, figures.median(APPLIED), 20),
        target("... CPU of Shipway, of the API server's", share, 1.0, "x"),
        target("... memory of Shipway", most, 150, "MB"),
    ]


def main() -> None:
    """Measure this alone, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    figures = Figures()
    measure(figures, parser.parse_args().rounds)
    print("\n".join(rows(figures)))
    for name in figures.named("100 services"):
        print(f"{name}: {figures.spread(name)}")


if __name__ == "__main__":
    main()
