"""``make bench``: Shipway against bare ``go build`` and ko, interleaved, on a cluster of its own.

One round edits the service once for each of them, in turning order, so that a busy moment of the
machine hits all alike. Figures are medians; the table goes to ``docs/speed.md``, met or not.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "bench")]

import affected  # noqa: E402
import bundles  # noqa: E402
import history  # noqa: E402
import hundred  # noqa: E402
import inner  # noqa: E402
import many  # noqa: E402
import msgspec  # noqa: E402
import sbom  # noqa: E402
import service  # noqa: E402
import syft  # noqa: E402
import ten  # noqa: E402
from figures import Figures, publish, target  # noqa: E402

from e2e.world import Repo, World, as_root, served  # noqa: E402
from shipway.adapters.engines import assembly  # noqa: E402
from shipway.adapters.process import SystemProcesses  # noqa: E402
from shipway.adapters.toolchain import GoToolchains  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

CLUSTER = "bench"
GO = "go1.27.3"
PSS = """import pathlib, sys
parents = {}
for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
    try:
        parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        pass
mine, total = {int(sys.argv[1])}, 0
while grown := {pid for pid, parent in parents.items() if parent in mine} - mine:
    mine |= grown
for pid in mine:
    try:
        for line in open(f"/proc/{pid}/smaps_rollup"):
            total += int(line.split()[1]) if line.startswith("Pss:") else 0
    except OSError:
        pass
print(total)
"""
"""Print the summed PSS in KiB of a process and all below it."""


class Bench:
    """One service, three ways to build it, one cluster."""

    def __init__(self, folder: Path) -> None:
        processes = SystemProcesses()
        kubernetes, registry = assembly.for_caller(processes, os.environ).ensure(
            ["kubernetes", "registry"], on_progress=lambda _: None
        )
        self.registry = Path(registry.directory) / "registry"
        locks = ROOT / "tests" / "engines"
        (ko,) = assembly.for_caller(processes, os.environ, locks=locks).ensure(
            ["ko"], on_progress=lambda _: None
        )
        self.ko = Path(ko.directory) / "ko"
        self.world = World(folder, Path(kubernetes.directory) / "kubectl", CLUSTER)
        cache = str(Path(self.world.env["XDG_CACHE_HOME"]) / "shipway")
        self.go = Path(GoToolchains(processes, os.environ, cache).ensure(GO))
        self.world.env |= {
            "GOMODCACHE": self._asked("GOMODCACHE"),
            "CGO_ENABLED": "0",
            "GOTOOLCHAIN": "local",
            "PATH": f"{self.go.parent}:{os.environ['PATH']}",
        }
        self.figures = Figures()
        self.edits = 0
        self.repo = self._repo("big")
        self.theirs = self._repo("big-ko")
        self.bare = self._repo("big-bare")
        self.image = ""

    def _asked(self, name: str) -> str:
        """Return a setting of the real user's Go."""
        done = subprocess.run([self.go, "env", name], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def _repo(self, name: str, write: Callable[[Path], None] = service.first) -> Repo:
        repo = Repo(self.world, self.world.folder / "repos" / name, name)
        repo.path.mkdir(parents=True)
        write(repo.path)
        repo.git("init", "-q", "-b", "main")
        repo.commit("one")
        return repo

    def edit(self, repo: Repo, write: Callable[[Path, str], None] = service.write) -> str:
        """Change the one line to what nobody has built yet, and return what that is."""
        self.edits += 1
        text = f"edit {self.edits} of {time.time()}"
        write(repo.path, text)
        return text

    def timed(self, name: str, command: list[str | Path], folder: Path, **env: str) -> str:
        """Run a program, keep how long it took, and return what it wrote."""
        began = time.monotonic()
        done = subprocess.run(
            command,
            cwd=folder,
            env=self.world.env | env,
            capture_output=True,
            text=True,
            check=False,
        )
        if name:
            self.figures.add(name, time.monotonic() - began)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def build(self, name: str = "go build") -> None:
        """Run bare ``go build`` with Shipway's flags."""
        flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="]
        self.timed(name, [self.go, "build", *flags, "-o", "big", "."], self.bare.path)

    def build_ko(self, name: str = "ko: image pushed with SBOM") -> str:
        """Run ko; return the image."""
        repository = f"{self.image.partition('/')[0]}/big-ko/big"
        out = self.timed(
            name, [self.ko, "build", "--bare", "."], self.theirs.path, KO_DOCKER_REPO=repository
        )
        return out.strip()

    def up(self, kind: str) -> dict[str, Any]:
        """Run ``shipway up``; keep when the image was signed, when all was over, and each step."""
        began, wall = time.monotonic(), time.time()
        ran = self.repo.up("--tests", "off")
        total = time.monotonic() - began
        assert ran.code == 0, ran
        steps: dict[str, int] = {}
        signed, first = None, None
        for line in ran.lines:
            if line["event"] == "run.started":
                first = line["at"] - wall
            if line["event"] == "step.finished":
                steps[line["step"]] = steps.get(line["step"], 0) + 1
                label = f"{line['step']} {steps[line['step']]}"
                self.figures.add(f"{kind} step {label}", line["seconds"])
                if line["step"] == "attest" and signed is None:
                    signed = line["at"] - wall
                if line["step"] == "gate":
                    self.figures.add(f"{kind}: all pods Available", line["at"] - wall)
        self.figures.add(f"{kind} step (before the run)", first or 0.0)
        if signed is not None:
            self.figures.add(f"{kind}: image pushed, SBOM, signed", signed)
        self.figures.add(f"{kind}: up as a whole", total)
        found: dict[str, Any] = ran.answer
        return found

    def deploy_ko(self) -> None:
        """Edit, build with ko, set the image and wait for the rollout."""
        self.edit(self.theirs)
        began = time.monotonic()
        self.set_image(self.build_ko())
        self.settle()
        self.figures.add("ko: edit to all pods Available", time.monotonic() - began)

    def set_image(self, image: str) -> None:
        """Let the peer run an image."""
        self._kubectl("set", "image", "deployment/peer", f"big={image}")

    def settle(self) -> None:
        """Wait until the peer's rollout is over."""
        self._kubectl("rollout", "status", "deployment/peer")

    def _kubectl(self, *words: str) -> None:
        kubectl = [self.world.kubectl_path, "--context", f"shipway-{CLUSTER}", "-n", "big-dev"]
        self.timed("", [*kubectl, *words], ROOT)

    def prepare(self) -> None:
        """Deliver once with each tool, so that every cache is warm."""
        up = self.world.shipway("cluster", "up")
        assert up.code == 0, up
        self.build("first go build")
        self.image = self.up("first")["images"]["big"]
        service.configure_ko(self.theirs.path, self.image)
        image = self.build_ko("first ko")
        live = self.world.object("deployment", "big", "-n", "big-dev")
        live["metadata"] = {"name": "peer", "namespace": "big-dev"}
        live["spec"]["selector"]["matchLabels"] = {"peer": "ko"}
        live["spec"]["template"]["metadata"] = {"labels": {"peer": "ko"}}
        live["spec"]["template"]["spec"]["containers"][0]["image"] = image
        self.world.kubectl("create", "-f", "-", text=msgspec.json.encode(live).decode())
        self.world.kubectl("rollout", "status", "deployment/peer", "-n", "big-dev")

    def round(self, number: int) -> None:
        """Edit once for each tool, in turning order; then run each without an edit."""

        def bare() -> None:
            self.edit(self.bare)
            self.build()

        def ours() -> None:
            self.edit(self.repo)
            self.up("edit")

        tools: list[Callable[[], None]] = [bare, ours, self.deploy_ko]
        for place in range(len(tools)):
            tools[(number + place) % len(tools)]()
        self.up("nothing changed")
        self.build_ko("ko, nothing changed")

    def many(self) -> None:
        """Measure a run without an edit in a repository of 20,000 files."""
        repo = self._repo("many", many.write)
        for number in range(7):
            began = time.monotonic()
            ran = repo.up("--tests", "off")
            assert ran.code == 0, ran
            if number > 1:  # the first builds, the second reads what was still warm from writing
                self.figures.add(f"{many.FILES:,} files, nothing changed", time.monotonic() - began)

    def ten(self, rounds: int) -> None:
        """Edit what ten services share; build them by one ``go build`` each, and by ``up``."""
        repo, bare = (self._repo(name, ten.first) for name in ("ten", "ten-bare"))
        ran = repo.up("--tests", "off")
        assert ran.code == 0, ran
        flags = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid=", "-o", "out"]

        def builds() -> None:
            self.edit(bare, ten.write)
            began = time.monotonic()
            for name in ten.NAMES:
                self.timed("", [self.go, "build", *flags, f"./cmd/{name}"], bare.path)
            self.figures.add("ten services: one go build each", time.monotonic() - began)

        def ours() -> None:
            self.edit(repo, ten.write)
            began = time.time()
            ran = repo.up("--tests", "off")
            assert ran.code == 0, ran
            (sealed,) = ran.finished("seal")
            self.figures.add("ten services: pushed, signed, sealed", sealed["at"] - began)

        for number in range(rounds):
            for one in (builds, ours) if number % 2 else (ours, builds):
                one()
        ran = repo.shipway("delete", "dev", "--yes")
        assert ran.code == 0, ran

    def commands(self) -> None:
        """Measure commands that only look."""
        python = [sys.executable, "-I", "-c", "pass"]
        for _ in range(9):
            self.timed("python -c pass", [*python], ROOT)
            self.timed("shipway --version", [sys.executable, "-m", "shipway", "--version"], ROOT)
        for seconds in sbom.samples(self.registry, 7):
            self.figures.add("SBOM: read and described", seconds)
        for name, seconds in bundles.samples(5):
            self.figures.add(name, seconds)
        syft.measure(self.figures, 5, [self.registry])
        for _ in range(7):
            began = time.monotonic()
            ran = self.repo.trace("deployment/big")
            self.figures.add("trace", time.monotonic() - began)
            assert ran.code == 0, ran
            began = time.monotonic()
            ran = self.world.shipway("cluster", "status")
            self.figures.add("cluster status", time.monotonic() - began)
            assert ran.code == 0, ran

    def ground(self, settle: float) -> None:
        """Measure the cluster: from stopped to ready, to a service answering, memory, delete."""
        url = self.repo.url()
        text = served(url, "")
        for _ in range(3):
            assert self.world.shipway("cluster", "down").code == 0
            began = time.monotonic()
            ran = self.world.shipway("cluster", "up")
            assert ran.code == 0, ran
            self.figures.add("cluster: stopped to ready", time.monotonic() - began)
            assert served(url, text, 60) == text
            self.figures.add("cluster: a service answers again", time.monotonic() - began)
        print(f"  waiting {settle:.0f} s before its memory is measured", flush=True)
        time.sleep(settle)
        pid = self.world.shipway("cluster", "status").answer["pid"]
        kib = int(as_root(sys.executable, "-c", PSS, str(pid)))
        self.figures.add("cluster: memory (GiB)", kib / (1 << 20))

    def delete(self) -> None:
        """Measure how long the cluster takes to go, its links copied."""
        began = time.monotonic()
        ran = self.world.shipway("cluster", "delete")
        self.figures.add("cluster: delete", time.monotonic() - began)
        assert ran.code == 0, ran

    def table(self, settle: float, load: tuple[float, float], size: int) -> str:
        """Return what goes into the document."""
        of = self.figures.median
        signed = of("edit: image pushed, SBOM, signed")
        rows = [
            target(
                "edit to image pushed and signed, over `go build`", signed - of("go build"), 0.15
            ),
            target(
                "edit to image pushed and signed, of ko",
                signed / of("ko: image pushed with SBOM"),
                0.7,
                "x",
            ),
            target("SBOM in process, of a program of 55 MB", of("SBOM: read and described"), 0.06),
            *syft.rows(self.figures),
            target("nothing changed", of("nothing changed: up as a whole"), 0.25),
            target(
                "ten services, edit to pushed, signed and sealed, of their `go build`s",
                of("ten services: pushed, signed, sealed")
                / (of("ten services: one go build each") or 1),
                1.0,
                "x",
            ),
            target("... in 20,000 files", of("20,000 files, nothing changed"), 0.5),
            history.row(self.figures),
            *hundred.rows(self.figures),
            affected.row(self.figures),
            target(
                "edit to all pods Available, of ko and kubectl",
                of("edit: all pods Available") / of("ko: edit to all pods Available"),
                1.0,
                "x",
            ),
            inner.row(self.figures),
            target("`shipway --version`", of("shipway --version"), 0.08),
            *(
                target(f"`{name}`", of(name), 0.15)
                for name in self.figures.named("verify --bundle")
            ),
            *(target(name, of(name), 2) for name in self.figures.named("1,000 bundles")),
            target("`trace`", of("trace"), 0.5),
            target("cluster from stopped to ready", of("cluster: stopped to ready"), 5),
            target("... a service answers again", of("cluster: a service answers again"), 8),
            target(f"memory {settle:.0f} s after", of("cluster: memory (GiB)"), 0.9, "GiB"),
            target("`cluster status`", of("cluster status"), 0.3),
            target("`cluster delete`, links copied", of("cluster: delete"), 2),
        ]
        head = (
            f"{time.strftime('%Y-%m-%d %H:%M UTC', time.gmtime())}, {os.cpu_count()} cores, Linux"
            f" {platform.release()}, load average {load[0]:.1f} before and {load[1]:.1f} after.\n"
            f"The service's binary: {size / 1e6:.0f} MB.\n"
        )
        lines = [head, "| what | median | target | |", "|---|---|---|---|", *rows, ""]
        lines += ["| measured | lowest / median / highest (samples), s |", "|---|---|"]
        seen = [name for name in self.figures.named("") if " step " not in name]
        lines += [f"| {name} | {self.figures.spread(name)} |" for name in seen]
        for kind in ("edit", "nothing changed"):
            lines += ["", f"| step, {kind} | median, s |", "|---|---|"]
            steps = self.figures.named(f"{kind} step ")
            lines += [f"| {name.partition(' step ')[2]} | {of(name):.3f} |" for name in steps]
        return "\n".join(lines) + "\n"


def main() -> None:
    """Run all rounds, print the table and put it into the document."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--settle", type=float, default=300.0, help="seconds before memory")
    parser.add_argument("--dry-run", action="store_true", help="leave docs/speed.md as it is")
    asked = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(str(ROOT / "src"), quiet=1)  # as pip does for whatever it installs
    before = os.getloadavg()[0]
    folder = Path(tempfile.mkdtemp(prefix="shipway-bench-"))
    bench = Bench(folder)
    try:
        bench.prepare()
        for number in range(asked.rounds):
            print(f"round {number + 1} of {asked.rounds}", flush=True)
            bench.round(number)
        inner.measure(bench, asked.rounds)
        bench.commands()
        bench.many()
        bench.ten(min(asked.rounds, 3))
        after = os.getloadavg()[0]
        bench.ground(asked.settle)
        size = (bench.bare.path / "big").stat().st_size
    finally:
        bench.delete()
        shutil.rmtree(folder, ignore_errors=True)
    history.measure(bench.figures)
    hundred.measure(bench.figures)
    affected.measure(bench.figures)
    text = bench.table(asked.settle, (before, after), size)
    print(text)
    if not asked.dry_run:
        publish(ROOT / "docs" / "speed.md", text)


if __name__ == "__main__":
    main()
