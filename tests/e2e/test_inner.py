"""The inner loop on a real cluster: a save is served, pods are heard, ports lead to them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from e2e.world import MAIN, served

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from e2e.world import Repo

pytestmark = pytest.mark.cluster

SCHEMA = Path(__file__).parents[2] / "docs" / "events.schema.json"
HANDLER = """func greet(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	fmt.Fprint(w, greeting, path)
}
"""
SAYS = 'fmt.Println("begun", greeting)\n\tfmt.Println(http.ListenAndServe(":8080", nil))'


class Beside:
    """A command that runs until Ctrl-C; its events as they come."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.events: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.events.append(json.loads(line))

    def texts(self, event: str) -> list[str]:
        """Return the texts of all events of one kind."""
        return [one["text"] for one in self.events if one["event"] == event]

    def until(self, holds: Callable[[], Any], seconds: float = 60) -> Any:
        """Return what holds, once it does."""
        ends = time.monotonic() + seconds
        while not (found := holds()):
            assert time.monotonic() < ends, self.events[-40:]
            assert self.child.poll() is None, self.events[-40:]
            time.sleep(0.02)
        return found

    def url(self) -> str:
        """Return the first URL that it says."""

        def said() -> str:
            named = (one for one in self.events if one["event"] == "fact" and one["name"] == "url")
            return str(next(named, {}).get("value", ""))

        return str(self.until(said))

    def close(self) -> None:
        """Read to the end and let go of the pipes."""
        self._reader.join(10)
        for pipe in (self.child.stdout, self.child.stderr):
            if pipe is not None:
                pipe.close()

    def stop(self) -> int:
        """Press Ctrl-C; return the exit code."""
        began = time.monotonic()
        self.child.send_signal(signal.SIGINT)
        code = self.child.wait(10)
        self.close()
        assert time.monotonic() - began < 5
        return code


@pytest.fixture
def beside(service: Repo) -> Iterator[Callable[..., Beside]]:
    """Give what starts a command in the repository; whatever still runs is killed."""
    begun: list[Beside] = []

    def start(*arguments: str) -> Beside:
        begun.append(Beside(service.world.start(*arguments, cwd=service.path)))
        return begun[-1]

    yield start
    for one in begun:
        if one.child.poll() is None:
            os.killpg(one.child.pid, signal.SIGKILL)
            one.child.wait(10)
        one.close()


def read(url: str) -> str:
    """Return what a URL answers, however long that takes."""
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310  127.0.0.1
        return str(answer.read().decode())


def test_a_day_of_edits(service: Repo, beside: Callable[..., Beside]) -> None:
    """Saves are served, a compile error is said once and ends nothing; events are as published."""
    service.edit("one", SAYS)
    dev = beside("dev", "--tests", "off")
    url = dev.url()
    assert served(url, "one") == "one"
    dev.until(lambda: "begun one" in dev.texts("log"))
    service.edit("two", SAYS)
    assert served(url, "two", 30) == "two"
    dev.until(lambda: "begun two" in dev.texts("log"))
    service.edit("three", "nonsense(")
    broken = dev.until(lambda: [one for one in dev.events if one.get("loud")])
    assert served(url, "two") == "two"
    service.edit("four", SAYS)
    assert served(url, "four", 30) == "four"
    dev.until(lambda: dev.texts("log").count("begun four") == 1)

    assert dev.stop() == 130
    assert len(broken) == 1
    assert dev.events[-1]["event"] == "result"
    validator = Draft202012Validator(json.loads(SCHEMA.read_bytes()))
    for event in dev.events:
        validator.validate(event)
    assert [pod["status"]["phase"] for pod in service.pods()] == ["Running"]


def test_pods_that_come_and_go_are_heard_once(service: Repo, beside: Callable[..., Beside]) -> None:
    """A pod that is deleted is left, its successor joins, and no line comes twice."""
    ends = time.monotonic() + 60
    while len(live := service.world.object("pods", "-n", service.namespace)["items"]) > 1:
        assert time.monotonic() < ends, "pods of versions before are still there"
        time.sleep(0.1)
    (old,) = (pod["metadata"]["name"] for pod in live)
    logs = beside("logs", service.name, "-f")
    logs.until(lambda: "begun four" in logs.texts("log"))
    service.world.kubectl("delete", "pod", "-n", service.namespace, old, "--wait=false")
    logs.until(lambda: logs.texts("log").count("begun four") == 2)
    logs.until(lambda: f"{old}/{service.name} left" in logs.texts("remark"))
    pods = [one["pod"] for one in logs.events if one["event"] == "log"]

    assert logs.stop() == 130
    assert len(pods) == len(set(pods)) == 2
    once = service.shipway("logs", "--tail", "1")
    assert [line["pod"] for line in once.lines if line["event"] == "log"] == pods[1:]


def test_a_service_without_an_address_is_forwarded_to(
    service: Repo, beside: Callable[..., Beside]
) -> None:
    """A node port is printed; a ClusterIP gets a port here, which outlives the pod behind it."""
    printed = service.shipway("open", service.name, "--print")
    assert printed.answer == {"url": service.url()}
    live = service.world.object("service", service.name, "-n", service.namespace)
    plain = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "plain", "namespace": service.namespace},
        "spec": {
            "selector": live["spec"]["selector"],
            "ports": [{"port": 80, "targetPort": live["spec"]["ports"][0]["targetPort"]}],
        },
    }
    service.world.kubectl("apply", "-f", "-", text=json.dumps(plain))
    way = beside("open", "plain", "--print")
    url = way.url()
    assert served(url, "four") == "four"
    (old,) = (pod["metadata"]["name"] for pod in service.pods())
    service.world.kubectl("delete", "pod", "-n", service.namespace, old, "--wait=false")
    assert served(url, "four", 30) == "four"

    assert way.stop() == 130


def test_a_breakpoint_in_a_pod(
    service: Repo,
    beside: Callable[..., Beside],
    engine: Callable[[str, str], Path],
    tmp_path: Path,
) -> None:
    """Delve's own client, told what `up --debug` prints, holds a request and reads a variable."""
    lines = MAIN.format(greeting="held", body=SAYS).splitlines()
    at = next(n for n, one in enumerate(lines) if one.startswith("func greet"))
    lines[at : at + 1] = HANDLER.splitlines()
    service.write("main.go", "\n".join(lines))
    up = beside("up", "--debug", "--tests", "off")
    (told,) = up.until(
        lambda: [one for one in up.events if one["event"] == "remark" and "Delve" in one["text"]],
        240,
    )
    command, paths, *_ = told["fix"].splitlines()
    (pod,) = service.pods()
    script = tmp_path / "script"
    script.write_text(
        f"{paths.removeprefix('(dlv) ')}\nbreak {service.path}/main.go:{at + 3}\ncontinue\n"
        "print path\nclearall\nquit -c\n"
    )
    options = ("--init", str(script), "--allow-non-terminal-interactive")
    with subprocess.Popen(
        [engine("delve", "dlv"), *command.split()[1:], *options],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    ) as client, ThreadPoolExecutor() as pool:  # fmt: skip
        assert client.stdout is not None
        heard = [next(one for one in client.stdout if one.startswith("Breakpoint 1 set"))]
        answer = pool.submit(read, f"{service.url()}/deep")
        heard += client.stdout
    assert answer.result() == "held/deep"
    assert any("main.greet" in one for one in heard[1:]), heard
    assert '"/deep"\n' in heard, heard

    traced = service.trace(f"deployment/{service.name}")
    assert traced.code == 0, traced
    assert up.stop() == 130
    (same,) = service.pods()
    assert same["metadata"]["uid"] == pod["metadata"]["uid"]
    assert [one["restartCount"] for one in same["status"]["containerStatuses"]] == [0]
    assert same["spec"]["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    plain = service.up("--tests", "off")
    assert plain.code == 0, plain
    assert served(service.url(), "held/") == "held/"
    (after,) = service.pods()
    assert "livenessProbe" in after["spec"]["containers"][0]


def test_doctor_finds_nothing_broken_here(service: Repo) -> None:
    """On a machine with a running cluster every check has an answer, and none failed."""
    examined = service.shipway("doctor")
    states = {one["name"]: one["state"] for one in examined.answer["findings"]}

    assert examined.code == 0, examined
    for name in ("engines", "cluster", "registry", "kubernetes", "clock", "config"):
        assert states[name] == "ok", examined
