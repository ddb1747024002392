"""The whole road on a real cluster, as a person sees it: up, edit, trace, rollback, in order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from e2e.world import served, whole

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.world import Repo, World

pytestmark = pytest.mark.cluster


def test_up_prints_a_url_that_answers(world: World, service: Repo) -> None:
    """In a Go repository without a config, one command leads to a URL that answers."""
    done = subprocess.run(
        [sys.executable, "-m", "shipway", "up", "--name", world.cluster],
        cwd=service.path,
        env=world.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    (url,) = [line for line in done.stdout.splitlines() if line.startswith("road: http://")]
    assert served(url.removeprefix("road: "), "one") == "one"
    assert "port = 8080" in done.stderr


def test_nothing_changed_restarts_nothing(service: Repo) -> None:
    """Without a change the same image and the same pods go on."""
    before = [one["metadata"]["uid"] for one in service.pods()]
    first, second = service.up(), service.up()
    assert first.code == second.code == 0, second
    assert first.answer["images"] == second.answer["images"]
    assert first.answer["release"] == second.answer["release"]
    assert [one["metadata"]["uid"] for one in service.pods()] == before


def test_an_edit_serves(service: Repo) -> None:
    """An edited and committed line serves when ``up`` returns."""
    service.edit("two")
    service.commit("two")
    ran = service.up()
    assert ran.code == 0, ran
    assert ran.answer["changed"]
    assert served(ran.answer["urls"]["road"], "two") == "two"


def test_trace_leads_back_to_the_commit(world: World, service: Repo) -> None:
    """From a Deployment, a pod and an image, every link is there, verified, back to the commit."""
    commit = service.git("rev-parse", "HEAD")
    (pod,) = service.pods()
    steps = whole(service.trace("deployment/road"))
    assert steps["commit"]["subject"] == commit
    assert steps["intent"]["details"]["target"] == world.context
    assert steps["outcome"]["details"]["result"] == "passed"
    steps = whole(service.trace(f"pod/{pod['metadata']['name']}"))
    assert steps["pod"]["details"]["uid"] == pod["metadata"]["uid"]
    assert steps["commit"]["subject"] == commit
    image = pod["spec"]["containers"][0]["image"]
    ran = service.trace(image)
    assert ran.code == 0, ran
    found = {step["name"] for step in ran.answer["trace"]["steps"]}
    assert found >= {"build", "sbom", "signature", "test", "commit"}, ran


def test_a_trace_for_people(world: World, service: Repo) -> None:
    """Without --output json the way back is a line a step."""
    done = subprocess.run(
        [sys.executable, "-m", "shipway", "trace", "deployment/road", "--name", world.cluster],
        cwd=service.path,
        env=world.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    assert "the chain holds" in done.stdout
    assert service.git("rev-parse", "HEAD") in done.stdout
    assert "no witness" in done.stdout


def test_an_export_holds_without_a_network(world: World, service: Repo, tmp_path: Path) -> None:
    """The exported trace is judged the same in a namespace without any network, by a key file."""
    export, key = tmp_path / "road.json", tmp_path / "ada.pub"
    there = whole(service.trace("deployment/road", "--export", str(export)))
    assert service.shipway("key", "export", str(key)).code == 0
    unshare = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    offline = [*unshare, sys.executable, "-m", "shipway", "trace", str(export), "--output", "json"]
    done = subprocess.run(
        [*offline, "--trusted-root", str(key)],
        cwd=service.path,
        env=world.env | {"KUBECONFIG": "/nonexistent", "DOCKER_CONFIG": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    answer = json.loads(done.stdout.splitlines()[-1])["value"]["trace"]
    assert {step["name"]: step for step in answer["steps"]} == there


def test_the_real_cosign_verifies(world: World, service: Repo, cosign_path: Path) -> None:
    """Signature, provenance, SBOM and test attestation of what was pushed are cosign's too."""
    (pod,) = service.pods()
    image = pod["spec"]["containers"][0]["image"]
    key = world.home / "config" / "shipway" / "keys" / "shipway.pub"
    usual = ["--key", str(key), "--insecure-ignore-tlog=true", image]

    def cosign(*arguments: str) -> None:
        done = subprocess.run(
            [cosign_path, *arguments, *usual], env=world.env, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()

    cosign("verify")
    for kind in ("slsaprovenance1", "spdxjson", "https://in-toto.io/attestation/test-result/v0.1"):
        cosign("verify-attestation", "--type", kind)


def test_a_dirty_tree_is_no_commit(service: Repo) -> None:
    """What no commit holds is delivered too, and traced to its tree, never to a commit."""
    service.edit("three")
    ran = service.up()
    assert ran.code == 0, ran
    assert served(ran.answer["urls"]["road"], "three") == "three"
    steps = service.trace("deployment/road").answer["trace"]["steps"]
    found = {step["name"]: step["subject"] for step in steps}
    assert found["tree"] != service.git("rev-parse", "HEAD^{tree}")
    assert "commit" not in found


def test_rollback_serves_the_release_before(service: Repo) -> None:
    """After a rollback the old version serves, traces back to its own commit, and is numbered."""
    ran = service.shipway("rollback", "dev", "--reason", "three is too many")
    assert ran.code == 0, ran
    assert served(service.url(), "two") == "two"
    steps = whole(service.trace("deployment/road"))
    assert steps["intent"]["details"]["kind"] == "rollback"
    assert steps["commit"]["subject"] == service.git("rev-parse", "HEAD")
    newest = service.deploys()[0]
    assert newest["kind"] == "rollback"
    assert newest["reason"] == "three is too many"
    assert newest["result"] == "passed"
    assert newest["seconds"] < 30


def test_history_and_status(service: Repo) -> None:
    """History lists every number, newest first, without a gap; status says what runs and how."""
    ran = service.history()
    assert ran.code == 0, ran
    deploys = ran.answer["targets"][0]["deploys"]
    assert [one["number"] for one in deploys] == list(range(len(deploys), 0, -1))
    assert {one["result"] for one in deploys} == {"passed"}
    assert not ran.answer["targets"][0]["findings"]
    now = service.shipway("status")
    assert now.code == 0, now
    objects = now.answer["targets"][0]["objects"]
    assert objects["deployment/road-dev/road"].startswith("healthy")


def test_verify_judges_the_image_alone(service: Repo) -> None:
    """The registry alone proves the image to a stranger with the key."""
    (pod,) = service.pods()
    ran = service.shipway("verify", pod["spec"]["containers"][0]["image"])
    assert ran.code == 0, ran
