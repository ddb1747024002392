"""The kill table: ``up`` ends by kill -9 at every stage boundary, and within push and apply.

Each row changes one line, kills the run where its name says, and runs ``up`` again: the rerun must
complete and serve. At the end the history has every number, no fork and no gap; a deploy that was
killed after its intent is named unfinished, one that lost its turn abandoned.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from e2e.world import Ran, served

if TYPE_CHECKING:
    from e2e.world import Repo

pytestmark = pytest.mark.cluster

STEPS = (
    "source", "build", "image", "sbom", "publish", "attest", "seal", "render", "attest", "verify",
    "attest", "attest", "deploy", "gate", "attest",
)  # fmt: skip
"""The steps of a run without tests; sbom and publish run side by side."""
ROWS = [
    *(("started", step, STEPS[: place + 1].count(step), 0.0) for place, step in enumerate(STEPS)),
    ("finished", "attest", STEPS.count("attest"), 0.0),
]
"""Every boundary: before each step, and after the last."""
WITHIN = [("started", step, 1, pause) for step in ("publish", "deploy") for pause in (0.01, 0.05)]
"""Seconds into a push and an apply."""


def name_of(row: tuple[str, str, int, float]) -> str:
    """Return a row's name, as ``attest-2-finished``."""
    edge, step, count, pause = row
    return f"{step}-{count}-{edge}" + (f"-{pause * 1000:.0f}ms" if pause else "")


def killed(repo: Repo, row: tuple[str, str, int, float]) -> bool:
    """Kill a run at the row's event; return whether it was still running."""
    edge, step, count, pause = row
    child = repo.world.start("up", "--tests", "off", cwd=repo.path)
    assert child.stdout is not None
    for line in child.stdout:
        event = json.loads(line)
        if event["event"] == f"step.{edge}" and event["step"] == step:
            count -= 1
            if count == 0:
                break
    time.sleep(pause)
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    return count == 0 and child.returncode == -signal.SIGKILL


@pytest.fixture(scope="module")
def repo(service: Repo) -> Repo:
    """Give a service that runs, whose ``up`` has exactly the boundaries of the table."""
    assert service.up("--tests", "off").code == 0
    service.edit("again")
    ran = service.up("--tests", "off")
    assert ran.code == 0, ran
    started = [line["step"] for line in ran.lines if line["event"] == "step.started"]
    assert sorted(started) == sorted(STEPS), ran
    return service


def rerun(repo: Repo, row: tuple[str, str, int, float]) -> None:
    """Change a line, kill the run at the row, and run again: it completes and serves."""
    repo.edit(name_of(row))
    assert killed(repo, row)
    ran = repo.up("--tests", "off")
    assert ran.code == 0, ran
    assert served(ran.answer["urls"][repo.name], name_of(row)) == name_of(row)


@pytest.mark.parametrize("row", [*ROWS, *WITHIN], ids=name_of)
def test_a_rerun_completes(repo: Repo, row: tuple[str, str, int, float]) -> None:
    """Killed here, the run has harmed nothing: the same command again completes and serves."""
    rerun(repo, row)


@pytest.fixture(scope="module")
def unfinished(repo: Repo) -> Repo:
    """Give the service after a kill between intent and outcome, whichever tests ran before."""
    rerun(repo, ("started", "gate", 1, 0.0))
    return repo


def test_the_history_is_whole(unfinished: Repo) -> None:
    """After any number of kills no number is missing, the killed are named, what runs is proved."""
    repo = unfinished
    ran = repo.shipway("history", "dev", "--limit", "500")
    target = ran.answer["targets"][0]
    numbers = [one["number"] for one in target["deploys"]]
    assert numbers == list(range(len(numbers), 0, -1)), ran
    named = {one.partition(" (")[0] for one in target["findings"]}
    assert "deploy unfinished" in named
    assert named <= {"deploy unfinished", "abandoned"}, ran
    traced = repo.trace(f"deployment/{repo.name}")
    assert traced.code == 0, traced


def test_the_notes_are_closed(unfinished: Repo) -> None:
    """The steps that were killed stand as interrupted in the records of their runs."""
    records = Path(unfinished.world.env["XDG_STATE_HOME"]) / "shipway"
    states = [
        json.loads(path.read_text())["state"]
        for path in records.rglob("*.json")
        if '"state"' in path.read_text()
    ]
    assert "interrupted" in states, sorted(set(states))
    assert "begun" not in states


def test_killed_at_any_moment(repo: Repo) -> None:
    """Killed at moments that no event marks, one after the other, the last run still completes."""
    repo.edit("at any moment")
    for seconds in (0.3, 0.6, 0.9, 1.2):
        child = repo.world.start("up", "--tests", "off", cwd=repo.path)
        time.sleep(seconds)
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
    ran: Ran = repo.up("--tests", "off")
    assert ran.code == 0, ran
    assert served(repo.url(), "at any moment") == "at any moment"
