"""A person's machine for the suites that drive the whole road: one cluster, own folders, own repos.

``e2e/`` and ``faults/`` use its fixtures (named as a plugin in ``tests/conftest.py``). Shipway runs
as the command line in a process of its own; the real user's home, keys, kubeconfig and Docker
config are never touched. Programs and build caches are shared through links, so nothing is
compiled again.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import pytest

from shipway.adapters.engines.account import cache_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CLUSTERS = ("e2e", "e2e-2", "e2e-3", "e2e-4")
"""Names of the cluster; a session takes the first that no other session on this machine has."""
SHARED = ("engines", "toolchains", "go-build", "engine-modules")
PATIENCE = 300
"""Seconds that one command may take here."""

MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
)

const greeting = "{greeting}"

func greet(w http.ResponseWriter, _ *http.Request) {{ fmt.Fprint(w, greeting) }}

func main() {{
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {{ <-stop; os.Exit(0) }}()
	http.HandleFunc("/healthz", greet)
	http.HandleFunc("/readyz", greet)
	http.HandleFunc("/", greet)
	{body}
}}
"""
SERVES = 'fmt.Println(http.ListenAndServe(":8080", nil))'
"""What a service of these suites ends with, unless it is to fail."""

TEST = """package main

import (
	"net/http/httptest"
	"testing"
)

func TestGreet(t *testing.T) {{
	answer := httptest.NewRecorder()
	greet(answer, nil)
	if answer.Body.String() {operator} greeting {{
		t.Fatal("no greeting")
	}}
}}
"""


WHOLE = {
    "deployment", "intent", "outcome", "verdict", "render", "release", "image", "build", "sbom",
    "signature", "test", "commit", "tree",
}  # fmt: skip
"""Steps of the way back from a workload: every link that the built-in policy requires, too."""


class Ran:
    """A command of Shipway that has ended; its events and its answer."""

    def __init__(self, arguments: tuple[str, ...], code: int, out: str, err: str) -> None:
        self.arguments, self.code, self.out, self.err = arguments, code, out, err

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return the objects of NDJSON output."""
        return [json.loads(line) for line in self.out.splitlines() if line.startswith("{")]

    @property
    def answer(self) -> Any:
        """Return what the road returned."""
        return self.lines[-1]["value"]

    @property
    def fault(self) -> dict[str, Any]:
        """Return the error that ended it."""
        fault: dict[str, Any] = self.lines[-1]["fault"]
        return fault

    def texts(self, event: str) -> list[str]:
        """Return the texts of all events of one kind."""
        return [line["text"] for line in self.lines if line["event"] == event]

    def finished(self, step: str) -> list[dict[str, Any]]:
        """Return how the steps of a stage ended."""
        return [
            line for line in self.lines if line["event"] == "step.finished" and line["step"] == step
        ]

    def facts(self, name: str) -> list[str]:
        """Return what the run brought about under ``name``."""
        return [
            line["value"] for line in self.lines if line["event"] == "fact" and line["name"] == name
        ]

    def __repr__(self) -> str:
        """Show all that a failed assertion needs."""
        return f"shipway {' '.join(self.arguments)} -> {self.code}\n{self.out[-6000:]}\n{self.err}"


class World:
    """Folders and environment of the person who uses Shipway here."""

    def __init__(self, folder: Path, kubectl: Path, cluster: str) -> None:
        self.folder, self.kubectl_path, self.cluster = folder, kubectl, cluster
        self.home = folder / "home"
        self.become: tuple[str, ...] = ()
        """What stands before a command so that the person's account runs it."""
        self.python = sys.executable
        self.env = dict(os.environ) | self._folders()
        for name in ("SHIPWAY_KEY_PASSWORD", "COSIGN_PASSWORD"):
            self.env.pop(name, None)
        self._share()

    def _folders(self) -> dict[str, str]:
        home = self.home
        caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_STATE_HOME": str(home / "state"),
            "KUBECONFIG": str(home / "kubeconfig"),
            "DOCKER_CONFIG": str(home / "docker"),
            "GOCACHE": os.environ.get("GOCACHE") or str(caches / "go-build"),
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.com",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.com",
            "NO_COLOR": "1",
        }

    def _share(self) -> None:
        mine, real = self.home / "cache" / "shipway", Path(cache_of(os.environ, None))
        mine.mkdir(parents=True)
        for name in SHARED:
            (real / name).mkdir(parents=True, exist_ok=True)
            (mine / name).symlink_to(real / name)

    def own(self) -> None:
        """Give what a test has written to the person's account; it is the test's own here."""

    @property
    def context(self) -> str:
        """Return the cluster's context in the kubeconfig, which is also the target's name."""
        return f"shipway-{self.cluster}"

    def person(self, name: str) -> World:
        """Return somebody else at this machine: own store, state, cache and key, same cluster."""
        other = World.__new__(World)
        other.become, other.python = self.become, self.python
        other.folder, other.kubectl_path, other.cluster = (
            self.folder / name,
            self.kubectl_path,
            self.cluster,
        )
        other.env = dict(self.env)
        other.home = other.folder / "home"
        other.env |= other._folders() | {
            name: self.env[name] for name in ("KUBECONFIG", "DOCKER_CONFIG", "GOCACHE")
        }
        other._share()
        return other

    def start(self, *arguments: str, cwd: Path | None = None, **env: str) -> subprocess.Popen[str]:
        """Start a command of Shipway with NDJSON output."""
        return subprocess.Popen(
            [
                *self.become,
                self.python,
                "-m",
                "shipway",
                *arguments,
                "--name",
                self.cluster,
                "--output",
                "json",
            ],
            cwd=cwd or self.folder,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def shipway(self, *arguments: str, cwd: Path | None = None, **env: str) -> Ran:
        """Run a command of Shipway and wait for it."""
        child = self.start(*arguments, cwd=cwd, **env)
        try:
            out, err = child.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            end(child)
            raise
        return Ran(arguments, child.returncode, out, err)

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """Ask the API server by the real kubectl."""
        done = subprocess.run(
            [self.kubectl_path, "--context", self.context, *arguments],
            env=self.env,
            input=text,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def object(self, *arguments: str) -> dict[str, Any]:
        """Return a live object."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "-o", "json", *arguments))
        return found

    def repo(self, name: str, greeting: str = "one", folder: str = "") -> Repo:
        """Return a new Go repository with one commit."""
        repo = Repo(self, self.folder / "repos" / (folder or name), name)
        repo.path.mkdir(parents=True)
        repo.write("go.mod", f"module example.com/{name}\n\ngo 1.24\n")
        repo.edit(greeting)
        repo.write("main_test.go", TEST.format(operator="!="))
        repo.git("init", "-q", "-b", "main")
        repo.commit("one")
        return repo


class Repo:
    """A Go repository with one web service."""

    def __init__(self, world: World, path: Path, name: str) -> None:
        self.world, self.path, self.name = world, path, name

    @property
    def namespace(self) -> str:
        """Return where its environment ``dev`` lives."""
        return f"{self.name}-dev"

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        done = subprocess.run(
            [*self.world.become, "git", *arguments],
            cwd=self.path,
            env=self.world.env,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def write(self, name: str, text: str) -> None:
        """Write one file."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.world.own()

    def commit(self, message: str) -> str:
        """Commit all that is there; return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def edit(self, greeting: str, body: str = SERVES) -> None:
        """Change the one line that says what is served, or what the program does."""
        self.write("main.go", MAIN.format(greeting=greeting, body=body))

    def shipway(self, *arguments: str, **env: str) -> Ran:
        """Run Shipway in it."""
        return self.world.shipway(*arguments, cwd=self.path, **env)

    def up(self, *arguments: str, **env: str) -> Ran:
        """Run ``shipway up`` in it."""
        return self.shipway("up", *arguments, **env)

    def trace(self, subject: str, *arguments: str) -> Ran:
        """Trace something in it."""
        return self.shipway("trace", subject, *arguments)

    def history(self) -> Ran:
        """Return its history in ``dev``."""
        return self.shipway("history", "dev")

    def deploys(self) -> list[dict[str, Any]]:
        """Return its deploys and rollbacks in ``dev``, newest first."""
        found: list[dict[str, Any]] = self.history().answer["targets"][0]["deploys"]
        return found

    def pods(self) -> list[dict[str, Any]]:
        """Return its pods that are not being deleted."""
        items = self.world.object("pods", "-n", self.namespace)["items"]
        return [one for one in items if "deletionTimestamp" not in one["metadata"]]

    def url(self) -> str:
        """Return where its Service answers on this machine."""
        service = self.world.object("service", self.name, "-n", self.namespace)
        return f"http://127.0.0.1:{service['spec']['ports'][0]['nodePort']}"


def whole(ran: Ran) -> dict[str, dict[str, Any]]:
    """Return the steps of a trace by name, all of them there and good."""
    assert ran.code == 0, ran
    steps = {step["name"]: step for step in ran.answer["trace"]["steps"]}
    assert steps.keys() >= WHOLE, ran
    assert ran.answer["trace"]["ok"], ran
    assert not ran.answer["trace"]["findings"], ran
    judged = ("intent", "outcome", "verdict", "render", "release", "build", "sbom", "signature")
    assert {steps[name]["state"] for name in judged} == {"verified"}, ran
    return steps


def served(url: str, expected: str, seconds: float = 10.0) -> str:
    """Return what ``url`` serves, asked until it is ``expected`` or time is up."""
    ends = time.monotonic() + seconds
    while True:
        got = ""
        with (
            contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError),
            urllib.request.urlopen(url, timeout=2) as answer,  # noqa: S310  127.0.0.1
        ):
            got = answer.read().decode()
        if got == expected or time.monotonic() > ends:
            return got
        time.sleep(0.05)


def end(child: subprocess.Popen[str]) -> None:
    """Kill a process and all it started, as a loss of power would."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.communicate()


def as_root(*command: str, text: str = "") -> str:
    """Run a program with the rights that the cluster's own folders ask for."""
    sudo = () if os.geteuid() == 0 else ("sudo", "-n")
    done = subprocess.run(
        [*sudo, *command], input=text, capture_output=True, text=True, check=True, timeout=30
    )
    return done.stdout


def _lock(name: str) -> IO[str] | None:
    """Return the lock of a cluster's name; nothing where another session has it."""
    with contextlib.suppress(OSError):
        file = Path(tempfile.gettempdir(), f"shipway-tests-{name}.lock").open("w")  # noqa: SIM115  the session holds it
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
        else:
            return file
    return None


@pytest.fixture(scope="session")
def cluster_name() -> Iterator[str]:
    """Give a cluster's name that is this session's alone."""
    locks = ((name, lock) for name in CLUSTERS if (lock := _lock(name)) is not None)
    name, lock = next(locks)
    with lock:
        yield name


@pytest.fixture(scope="session")
def world(
    tmp_path_factory: pytest.TempPathFactory,
    engine: Callable[[str, str], Path],
    cluster_name: str,
) -> Iterator[World]:
    """Give a person's machine with a running cluster; the cluster is deleted at the end."""
    kubectl = engine("kubernetes", "kubectl")
    made = World(tmp_path_factory.mktemp("world"), kubectl, cluster_name)
    up = made.shipway("cluster", "up")
    assert up.code == 0, up
    yield made
    gone = made.shipway("cluster", "delete")
    assert gone.code == 0, gone


@pytest.fixture(scope="module")
def service(world: World, request: pytest.FixtureRequest) -> Repo:
    """Give a repository of this module's own; its name is the module's last word."""
    return world.repo(request.module.__name__.rpartition("_")[2])
