"""Releases on a real cluster: two services for two platforms, from environment to environment."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from e2e.world import MAIN, SERVES, TEST, served
from shipway.wiring.tools import architecture

if TYPE_CHECKING:
    from e2e.world import Repo, World

pytestmark = pytest.mark.cluster

NAMES = ("back", "front")
OTHER = {"amd64": "arm64", "arm64": "amd64"}
CONFIG = """schema = 1
[project]
name = "release"
[test]
coverage = 5
[environments.dev]
[environments.staging]
registry = "{registry}/live"
targets = [{{ context = "{context}" }}]
"""
SERVICE = """[services.{name}]
package = "./cmd/{name}"
build.platforms = ["linux/{one}", "linux/{two}"]
"""
STATEFUL = """apiVersion: apps/v1
kind: StatefulSet
metadata: {name: sticky}
spec:
  serviceName: sticky
  replicas: 1
  selector: {matchLabels: {app: sticky}}
  template:
    metadata: {labels: {app: sticky}}
    spec:
      automountServiceAccountToken: false
      terminationGracePeriodSeconds: 1
      securityContext: {runAsNonRoot: true, runAsUser: 1001, seccompProfile: {type: RuntimeDefault}}
      containers:
      - name: sticky
        image: shipway://sticky
        readinessProbe: {httpGet: {path: /readyz, port: 8080}, periodSeconds: 1}
        securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


@pytest.fixture(scope="module")
def key(world: World, service: Repo) -> str:
    """Give the person's public key as a file."""
    path = world.folder / "ada-release.pub"
    assert service.shipway("key", "export", str(path)).code == 0
    return str(path)


@pytest.fixture(scope="module")
def pair(world: World, service: Repo) -> Repo:
    """Give a repository of two services, and an environment beside dev, on the same cluster."""
    registry = world.shipway("cluster", "status").answer["registry"]
    here = architecture()
    config = CONFIG.format(registry=registry, context=world.context)
    for name in NAMES:
        service.write(f"cmd/{name}/main.go", MAIN.format(greeting=f"{name} one", body=SERVES))
        service.write(f"cmd/{name}/main_test.go", TEST.format(operator="!="))
        config += SERVICE.format(name=name, one=here, two=OTHER[here])
    for name in ("main.go", "main_test.go"):
        (service.path / name).unlink()
    service.write("shipway.toml", config)
    service.commit("two services")
    return service


def images(world: World, namespace: str) -> dict[str, str]:
    """Return the digest that each Deployment runs."""
    items = world.object("deployments", "-n", namespace)["items"]
    found: dict[str, Any] = {one["metadata"]["name"]: one for one in items}
    return {
        name: one["spec"]["template"]["spec"]["containers"][0]["image"].partition("@")[2]
        for name, one in found.items()
    }


def test_a_release_prints_its_reference_alone(world: World, pair: Repo) -> None:
    """Two services for two platforms are one release; the same commit again is the same one."""
    ran = pair.shipway("release")
    assert ran.code == 0, ran
    built = {line["unit"]["service"] for line in ran.finished("build")}
    assert (built, len(ran.finished("build")), len(ran.finished("test"))) == (set(NAMES), 4, 1)
    done = subprocess.run(
        [sys.executable, "-m", "shipway", "release", "--name", world.cluster],
        cwd=pair.path,
        env=world.env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"{ran.answer['release']}\n", done


def test_it_is_deployed_without_a_build(world: World, pair: Repo) -> None:
    """`deploy` takes the newest release; both services answer."""
    ran = pair.shipway("deploy", "dev")
    assert ran.code == 0, ran
    assert not ran.finished("build")
    for name in NAMES:
        port = world.object("service", name, "-n", "release-dev")["spec"]["ports"][0]["nodePort"]
        assert served(f"http://127.0.0.1:{port}", f"{name} one") == f"{name} one"


def test_it_is_promoted_by_the_same_digests(world: World, pair: Repo, key: str) -> None:
    """Release and evidence arrive where the other environment looks, and the chain holds there."""
    ran = pair.shipway("promote", "dev", "staging", "--key", key)
    assert ran.code == 0, ran
    assert "/live/release/evidence@sha256:" in ran.answer["release"]
    assert images(world, "release-staging") == images(world, "release-dev")
    traced = pair.trace("deployment/front", "--env", "staging", "--key", key)
    assert traced.code == 0, traced
    steps = traced.answer["trace"]["steps"]
    listed = {one["details"].get("platform") for one in steps if one["name"] == "image"} - {None}
    assert listed == {f"linux/{one}" for one in OTHER}


def test_what_departs_is_seen_and_the_environment_goes(world: World, pair: Repo, key: str) -> None:
    """A hand on the cluster shows in `diff`; `delete` takes all but the namespace."""
    same = pair.shipway("diff", "staging", "--key", key)
    assert (same.code, same.answer["changes"]) == (0, {world.context: []}), same
    world.kubectl("scale", "deployment/front", "-n", "release-staging", "--replicas=2")
    other = pair.shipway("diff", "staging", "--key", key)
    assert other.code == 2, other
    assert any("spec.replicas: 2 -> 1" in one for one in other.answer["changes"][world.context])
    gone = pair.shipway("delete", "staging", "--key", key, "--yes")
    assert gone.code == 0, gone
    kinds = "deployments,services,pods"
    assert world.object(kinds, "-n", "release-staging")["items"] == []
    assert world.object("namespace", "release-staging")["status"]["phase"] == "Active"


def test_what_up_built_is_not_promoted(world: World, pair: Repo, key: str) -> None:
    """A dev build is foreseen by its digest, serves where it is, and stays there."""
    pair.write("cmd/front/main.go", MAIN.format(greeting="front two", body=SERVES))
    foreseen = pair.up("front", "--dry-run")
    assert foreseen.code == 0, foreseen
    (line,) = [one for one in foreseen.answer["changes"][world.context] if ".image: " in one]
    ran = pair.up("front", "--tests", "off")
    assert ran.code == 0, ran
    assert line.strip().startswith("spec.template.spec.containers[front].image: ")
    assert pair.up("front", "--dry-run").answer["changes"] == {world.context: []}
    assert {line["unit"]["service"] for line in ran.finished("build")} == {"front"}
    refused = pair.shipway("promote", "dev", "staging", "--key", key)
    assert (refused.code, refused.fault["id"]) == (9, "promote.dev_build"), refused


def test_a_stateful_set_goes_back(world: World) -> None:
    """A broken pod that the controller would wait for is deleted, and what ran before serves."""
    repo = world.repo("sticky")
    repo.write("deploy/overlays/dev/kustomization.yaml", "resources: [set.yaml]\n")
    repo.write("deploy/overlays/dev/set.yaml", STATEFUL)
    first = repo.up("--tests", "off")
    assert first.code == 0, first
    (before,) = repo.pods()
    repo.edit("two", body="os.Exit(1)")
    broken = repo.up("--tests", "off")
    assert (broken.code, broken.fault["id"]) == (9, "gate.crash_loop"), broken
    assert "serves again" in broken.fault["message"], broken
    (after,) = repo.pods()
    assert after["metadata"]["uid"] != before["metadata"]["uid"]
    image = after["spec"]["containers"][0]["image"]
    assert image == before["spec"]["containers"][0]["image"]
    assert [text for text in broken.texts("remark") if "was stuck" in text], broken
