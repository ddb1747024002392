"""Ctrl-C, sent to a real process at each long stage: it is over, and the next run goes on.

The API server is the real one, without a node, so that what is deployed never serves; registries
and servers that say nothing hold a connection open for good.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from fakes.registry_server import Fault, RegistryServer
from shipway.adapters.engines.account import cache_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROMPT = 1.5
"""Seconds: the second that is promised, and what the machine may be late by."""
MAIN = "package main\n\nfunc main() { select {} }\n"
SLOW = """package main

import "testing"

func TestSlow(*testing.T) { select {} }
"""
CONFIG = """schema = 1
[services.shop]
package = "."
kind = "worker"
[environments.dev]
registry = "{registry}"
targets = [{{ context = "far" }}]
"""
KUBECONFIG = {"apiVersion": "v1", "kind": "Config"}


class Home:
    """A person's home, a repository, and what its environment names."""

    def __init__(self, folder: Path) -> None:
        self.begun: list[Running] = []
        self._home = folder / "home"
        self._home.mkdir()
        self.repository = folder / "shop"
        self.repository.mkdir()
        self.write("go.mod", "module example.com/interrupted\n\ngo 1.24\n")
        self.write("main.go", MAIN)
        self.variables = {
            "HOME": str(self._home),
            "XDG_CACHE_HOME": str(self._home / "cache"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            "KUBECONFIG": str(self._home / "kubeconfig"),
        }
        mine, real = self._home / "cache" / "shipway", Path(cache_of(os.environ, None))
        mine.mkdir(parents=True)
        for name in ("toolchains", "go-build"):  # both are long in the making
            (mine / name).symlink_to(real / name)
        self.run("git", "init", "-q")
        self.run(sys.executable, "-m", "shipway", "key", "export", "key.pub")

    def run(self, *argv: str) -> None:
        """Run a program in the repository to its end."""
        subprocess.run(
            argv, cwd=self.repository, env=self.variables, check=True, capture_output=True
        )

    def write(self, name: str, text: str) -> None:
        """Write a file of the repository."""
        (self.repository / name).write_text(text)

    def reach(self, server: str, registry: str, **user: Any) -> None:
        """Let the environment be that API server and that registry."""
        self.write("shipway.toml", CONFIG.format(registry=registry))
        ca = user.pop("ca", "")
        cluster = {"server": server} | ({"certificate-authority": ca} if ca else {})
        said = KUBECONFIG | {
            "clusters": [{"name": "far", "cluster": cluster}],
            "users": [{"name": "far", "user": user}],
            "contexts": [{"name": "far", "context": {"cluster": "far", "user": "far"}}],
        }
        Path(self.variables["KUBECONFIG"]).write_text(json.dumps(said))

    def start(self, *words: str, **variables: str) -> Running:
        """Start a command whose events are JSON."""
        child = subprocess.Popen(
            [sys.executable, "-m", "shipway", *words, "--output", "json"],
            cwd=self.repository,
            env=self.variables | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.begun.append(Running(child))
        return self.begun[-1]


class Running:
    """A command on its way."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        self.events.extend(map(json.loads, self.child.stdout))

    def until(self, holds: Callable[[], object]) -> None:
        """Wait until something holds."""
        ends = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < ends, self.events[-9:]
            assert self.child.poll() is None, (self.events[-9:], self.child.stderr)
            time.sleep(0.02)

    def begun(self, step: str) -> None:
        """Wait until a step has begun."""
        self.until(lambda: ("step.started", step) in self.steps())

    def steps(self) -> list[tuple[str, str]]:
        """Return what was said of steps."""
        return [(one["event"], one["step"]) for one in list(self.events) if "step" in one]

    def works(self, program: str) -> None:
        """Wait until a program of this name runs below it."""
        self.until(lambda: program in _below(self.child.pid).values())

    def interrupt(self) -> None:
        """Press Ctrl-C: it ends at once, says so, and leaves no process behind."""
        below = _below(self.child.pid)
        began = time.monotonic()
        self.child.send_signal(signal.SIGINT)
        code = self.child.wait(20)
        took = time.monotonic() - began
        self._reader.join(20)

        assert (code, took < PROMPT) == (130, True), (took, self.events[-3:])
        assert self.events[-1]["fault"]["id"] == "run.cancelled"
        ends = time.monotonic() + 5
        while left := {
            pid: name for pid, name in below.items() if _all().get(pid, ("",))[0] == name
        }:
            assert time.monotonic() < ends, left

    def end(self) -> None:
        """Let go of it, whatever it does."""
        self.child.kill()
        self.child.wait(20)
        self._reader.join(20)
        for pipe in (self.child.stdout, self.child.stderr):
            assert pipe is not None
            pipe.close()


def _all() -> dict[int, tuple[str, int]]:
    """Return the name and the parent of every process that is not over."""
    found = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = place.read_text().partition("(")[2].rpartition(")")
            state, parent, *_ = rest.split()
            if state != "Z":
                found[int(place.parent.name)] = (name, int(parent))
    return found


def _below(pid: int) -> dict[int, str]:
    """Return the processes that descend from one, by number."""
    every, found = _all(), dict[int, str]()
    while fresh := [
        one for one, (_, up) in every.items() if (up == pid or up in found) and one not in found
    ]:
        found |= {one: every[one][0] for one in fresh}
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a home; what still runs in it is killed."""
    found = Home(tmp_path)
    yield found
    for one in found.begun:
        one.end()


@pytest.fixture
def registry() -> Iterator[RegistryServer]:
    """Give a registry."""
    with RegistryServer() as server:
        yield server


@pytest.fixture
def silent() -> Iterator[str]:
    """Give the address of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"127.0.0.1:{listening.getsockname()[1]}"


def test_in_a_test(home: Home) -> None:
    """A program under test that would run for an hour is gone."""
    home.write("main_test.go", SLOW)
    way = home.start("test")
    way.works("interrupted.tes")  # the kernel keeps 15 letters
    way.interrupt()


def test_in_a_compiler(home: Home, tmp_path: Path) -> None:
    """A build that would compile the whole standard library is gone, compilers and all."""
    way = home.start("build", "--push=false", GOCACHE=str(tmp_path / "cold"))
    way.works("compile")
    way.interrupt()


@pytest.mark.parametrize(
    "words", ["up --key key.pub", "status dev --key key.pub", "logs -f", "open shop"]
)
def test_before_a_cluster_that_says_nothing(home: Home, silent: str, words: str) -> None:
    """Whatever is asked first, nobody waits for the answer."""
    home.reach(f"http://{silent}", silent)
    way = home.start(*words.split())
    way.until(lambda: _connected(way.child.pid, silent))
    way.interrupt()


def _connected(pid: int, address: str) -> bool:
    """Return whether a process has a connection to an address."""
    port = f"0100007F:{int(address.rpartition(':')[2]):04X}"
    return any(line.split()[2] == port for line in _lines(f"/proc/{pid}/net/tcp"))


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines()[1:]


def test_while_a_layer_is_sent(home: Home, registry: RegistryServer) -> None:
    """A registry that takes its time over a blob is left at once."""
    real, held = apiserver.shared(), threading.Event()
    home.reach(real.server, registry.domain, ca=real.ca_file, token=apiserver.ADMIN)
    registry.faults = [Fault("PUT", "/blobs/uploads/", hook=lambda: held.wait(60))]
    way = home.start("up", "--tests", "off", "--key", "key.pub")
    way.until(lambda: registry.faults[0].seen)
    way.interrupt()
    held.set()


def test_before_pods_that_never_serve(home: Home, registry: RegistryServer) -> None:
    """The gate is left in the middle; the next run makes nothing again and is at the gate anew."""
    real = apiserver.shared()
    home.reach(real.server, registry.domain, ca=real.ca_file, token=apiserver.ADMIN)
    first = home.start("up", "--tests", "off", "--key", "key.pub")
    first.begun("gate")
    first.interrupt()
    again = home.start("up", "--tests", "off", "--key", "key.pub")
    again.begun("gate")
    again.interrupt()

    cached = {one["step"] for one in again.events if one.get("cached")}
    assert {"build", "image", "sbom"} <= cached
    ended = {one["step"]: one["result"] for one in first.events if one["event"] == "step.finished"}
    assert ended["gate"] == "cancelled"


def test_while_dev_waits_for_a_save(home: Home, registry: RegistryServer) -> None:
    """What it watches for never comes, and it ends all the same."""
    real = apiserver.shared()
    home.reach(real.server, registry.domain, ca=real.ca_file, token=apiserver.ADMIN)
    home.write("main.go", "package main\n\nnonsense(\n")
    way = home.start("dev", "--key", "key.pub")
    way.until(lambda: any("watching for" in one.get("text", "") for one in list(way.events)))
    way.interrupt()
