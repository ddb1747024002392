"""Versions that do not hold: what the gate says, what is put back, what failing tests do."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from e2e.world import SERVES, TEST, served

if TYPE_CHECKING:
    from e2e.world import Ran, Repo, World

pytestmark = pytest.mark.cluster

CRASHES = f'fmt.Println("no flour left"); os.Exit(7)\n\t{SERVES}'


def outcomes(ran: Ran) -> list[dict[str, Any]]:
    """Return the deploys of the only target, newest first."""
    found: list[dict[str, Any]] = ran.answer["targets"][0]["deploys"]
    return found


def test_a_first_deploy_that_crashes(service: Repo) -> None:
    """The gate fails at once with the cause and the container's last lines; nothing to put back."""
    service.edit("zero", CRASHES)
    ran = service.up("--tests", "off")
    assert ran.code == 9, ran
    assert ran.fault["id"] == "gate.crash_loop"
    assert "no release before it" in ran.fault["message"]
    assert "no flour left" in ran.texts("step.line")
    (deployed,) = outcomes(service.history())
    assert deployed["result"] == "failed"
    assert deployed["causes"] == ["CrashLoopBackOff"]


def test_a_crash_puts_the_old_version_back(service: Repo) -> None:
    """A crash loop ends in exit code 9, the old version serves, and the outcome has the seconds."""
    service.edit("one")
    assert service.up("--tests", "off").code == 0
    service.edit("two", CRASHES)
    ran = service.up("--tests", "off")
    assert ran.code == 9, ran
    (gate, again) = ran.finished("gate")
    assert gate["result"] == "refused"
    assert gate["seconds"] < 60, "it waited for the whole patience"
    assert again["result"] == "passed"
    assert re.search(r"serves again after \d+\.\d s", ran.fault["message"]), ran
    assert "no flour left" in ran.texts("step.line")
    assert served(service.url(), "one") == "one"
    back, failed, *_ = outcomes(service.history())
    assert (failed["kind"], failed["result"]) == ("deploy", "failed")
    assert (back["kind"], back["result"], back["reason"]) == ("rollback", "passed", "gate failed")
    assert 0 < back["seconds"] < 30
    traced = service.trace("deployment/failing")
    assert traced.code == 0, traced


def test_an_image_that_cannot_be_placed(service: Repo) -> None:
    """A pod that no node can take fails the gate by its own name, long before time is up."""
    assert service.shipway("init").code == 0
    overlay = service.path / "deploy" / "overlays" / "dev" / "kustomization.yaml"
    before = overlay.read_text()
    patch = (
        '[{"op": "replace", "path": "/spec/template/spec/containers/0/resources/requests/cpu",'
        ' "value": "4000"}]'
    )
    overlay.write_text(f"{before}\npatches:\n- target: {{kind: Deployment}}\n  patch: '{patch}'\n")
    service.edit("one")
    ran = service.up("--tests", "off")
    overlay.write_text(before)
    assert ran.code == 9, ran
    assert ran.fault["id"] == "gate.unschedulable"
    assert "Insufficient cpu" in ran.fault["message"]
    assert ran.finished("gate")[0]["seconds"] < 60
    assert served(service.url(), "one") == "one"


QUOTA = {
    "apiVersion": "v1",
    "kind": "ResourceQuota",
    "metadata": {"name": "one-service"},
    "spec": {"hard": {"count/services": "1"}},
}
EXTRA = """apiVersion: v1
kind: ConfigMap
metadata: {name: extra}
data: {a: b}
---
apiVersion: v1
kind: Service
metadata: {name: extra}
spec: {type: ClusterIP, ports: [{port: 80}]}
"""


def test_a_set_that_a_quota_denies_half_way(service: Repo) -> None:
    """The objects before the denied one are taken back, and the old version has never stopped."""
    world, space = service.world, service.namespace
    world.kubectl("apply", "-n", space, "-f", "-", text=json.dumps(QUOTA))
    while not world.object("resourcequota", "one-service", "-n", space)["status"].get("hard"):
        time.sleep(0.1)
    overlay = service.path / "deploy" / "overlays" / "dev" / "kustomization.yaml"
    before = overlay.read_text()
    overlay.with_name("extra.yaml").write_text(EXTRA)
    overlay.write_text(before.replace("resources:\n", "resources:\n  - extra.yaml\n"))
    service.edit("half")
    ran = service.up("--tests", "off")
    world.kubectl("delete", "resourcequota", "one-service", "-n", space)
    overlay.write_text(before)
    assert ran.code == 9, ran
    assert ran.fault["id"] == "kube.quota", ran
    assert re.search(r"serves again after \d+\.\d s", "\n".join(ran.texts("remark"))), ran
    assert served(service.url(), "one") == "one"
    back, failed, *_ = outcomes(service.history())
    assert (back["kind"], back["result"], back["reason"]) == ("rollback", "passed", "apply failed")
    assert (failed["result"], failed["causes"]) == ("failed", ["kube.quota"])
    named = world.kubectl("get", "configmaps,services", "-o", "name", "-n", space)
    assert "extra" not in named
    traced = service.trace("deployment/failing")
    assert traced.code == 0, traced


def test_failing_tests_beside_do_not_stop_serving(service: Repo) -> None:
    """Tests that fail beside: exit code 3 and a loud line; it serves, and trace says failed."""
    service.edit("three", SERVES)
    service.write("main_test.go", TEST.format(operator="=="))
    ran = service.up()
    assert ran.code == 3, ran
    assert ran.answer["tests"] == "failed"
    assert [line for line in ran.lines if line["event"] == "remark" and line.get("loud")], ran
    assert served(service.url(), "three") == "three"
    traced = service.trace("deployment/failing")
    steps = {step["name"]: step for step in traced.answer["trace"]["steps"]}
    assert steps["test"]["details"]["result"] == "FAILED", traced
    assert steps["test"]["signer"]


def test_blocking_tests_stop_everything(service: Repo) -> None:
    """With dev = "block" failing tests deploy nothing, and what they said is kept signed."""
    service.edit("four")
    service.write("shipway.toml", 'schema = 1\n\n[test]\ndev = "block"\n')
    numbers = len(service.deploys())
    ran = service.up()
    assert ran.code == 9, ran
    assert ran.fault["id"] == "test.failed"
    assert len(service.deploys()) == numbers
    assert served(service.url(), "three") == "three"
    (told,) = re.findall(r"is signed: shipway trace ([0-9a-f]{40})", "\n".join(ran.texts("remark")))
    traced = service.trace(told)
    assert traced.code == 0, traced
    (step,) = [one for one in traced.answer["trace"]["steps"] if one["name"] == "test"]
    assert (step["state"], step["details"]["result"]) == ("verified", "FAILED"), traced


def test_code_that_does_not_compile(world: World) -> None:
    """A compile error names file and line, and nothing is deployed."""
    repo = world.repo("broken")
    repo.edit("one", "undefined()")
    ran = repo.up("--tests", "off")
    assert ran.code != 0, ran
    assert ran.fault["id"].startswith(("go.", "build.")), ran
    told = " ".join((ran.fault["message"], *ran.texts("step.line")))
    assert re.search(r"main\.go:\d+", told), ran
    assert "undefined" in told


def test_a_module_without_a_main(world: World) -> None:
    """A library has nothing to run: it is said, with what to do."""
    repo = world.repo("library")
    repo.write("main.go", "package library\n")
    repo.write("main_test.go", "package library\n")
    ran = repo.up()
    assert ran.code != 0, ran
    assert "main" in ran.fault["message"], ran
    assert ran.fault["hint"], ran


def test_a_folder_without_go(world: World) -> None:
    """A folder that is no Go module is said so."""
    folder = world.folder / "repos" / "empty"
    folder.mkdir()
    ran = world.shipway("up", cwd=folder)
    assert ran.code != 0, ran
    assert ran.fault["hint"], ran
