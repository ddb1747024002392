"""Adoption on the real API server: whoever made an object, afterwards it is as one made anew."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from fakes.chain import deployment
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.objects import ref_of
from stages.test_deploy_server import LIFE, SPACE, Environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fakes.apiserver import ApiServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Return a server of this module's own."""
    with apiserver.running(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def environment(server: ApiServer) -> Iterator[Environment]:
    """Return an environment on it, whose namespace is there."""
    cluster = Cluster(server.access())
    cluster.apply(SPACE, force=True)
    yield Environment(cluster)
    cluster.close()


def workload(image: str, namespace: str, *, theirs: bool) -> list[dict[str, Any]]:
    """Return objects as the release has them, or as their former maker wrote them."""
    meta = {"namespace": namespace, **({"labels": {"theirs": "1"}} if theirs else {})}
    web = deployment(image, space=LIFE)
    web["metadata"] = {**web["metadata"], **meta}
    pod = web["spec"]["template"]["spec"]
    port = {"name": "http", "port": 80, "targetPort": 8080}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", **meta},
        "spec": {"selector": {"app": "web"}, "ports": [port]},
    }
    settings = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", **meta},
        "data": {"ours": "1"},
    }
    if theirs:
        web["spec"] |= {"minReadySeconds": 9, "revisionHistoryLimit": 3}
        pod["containers"][0]["env"] = [{"name": "OLD", "value": "1"}]
        pod["containers"].append({"name": "sidecar", "image": "old"})
        pod["nodeSelector"] = {"disk": "old"}
        pod["volumes"] = [{"name": "old", "emptyDir": {}}]
        service["spec"]["selector"]["release"] = "old"
        service["spec"]["ports"].append({"name": "old", "port": 81, "targetPort": 81})
        service["spec"]["sessionAffinity"] = "ClientIP"
        settings["data"] = {"ours": "0", "old": "1"}
    return [web, service, settings]


def by_kubectl(
    server: ApiServer, _: Cluster, objects: list[dict[str, Any]], tmp_path: Path, *verb: str
) -> None:
    """Make the objects as a person with kubectl would."""
    (tmp_path / "theirs.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    )
    done = subprocess.run(
        [
            apiserver.program("kubectl", "kubernetes"), *verb, "-f", "theirs.json",
            f"--server={server.server}", f"--token={apiserver.ADMIN}",
            f"--certificate-authority={server.ca_file}",
        ],
        cwd=tmp_path, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def by_applying(_server: ApiServer, kube: Cluster, objects: list[dict[str, Any]], _: Path) -> None:
    """Make them as another tool that applies on the server's side would."""
    for one in objects:
        kube.apply(one, manager="another-tool")


def by_creating(_server: ApiServer, kube: Cluster, objects: list[dict[str, Any]], _: Path) -> None:
    """Make them as a program of somebody's own would."""
    for one in objects:
        kube.create(one)


MAKERS = {
    "kubectl apply": lambda *a: by_kubectl(*a, "apply"),
    "kubectl create": lambda *a: by_kubectl(*a, "create"),
    "kubectl apply --server-side": lambda *a: by_kubectl(*a, "apply", "--server-side"),
    "another tool": by_applying,
    "a program": by_creating,
}


def meaning(kube: Cluster, one: dict[str, Any]) -> dict[str, Any]:
    """Return what a live object says, without what the server gave to it alone."""
    live = kube.get(ref_of(one)) or {}
    spec = {
        key: value
        for key, value in (live.get("spec") or {}).items()
        if key not in {"clusterIP", "clusterIPs"}
    }
    return {"spec": spec, "data": live.get("data")}


@pytest.mark.parametrize("maker", MAKERS)
def test_an_adopted_object_is_as_one_made_anew(
    environment: Environment, server: ApiServer, tmp_path: Path, maker: str
) -> None:
    """Whoever made it before: after adoption nothing of theirs is left in what it does."""
    kube, image = environment.kube, environment.chain.published.reference
    fresh = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fresh"}}
    kube.apply(fresh, force=True)
    theirs = workload(image, LIFE, theirs=True)
    ours, anew = (workload(image, space, theirs=False) for space in (LIFE, "fresh"))
    for one in (*theirs, *anew):
        kube.delete(ref_of(one))
    MAKERS[maker](server, kube, theirs, tmp_path)
    for one in anew:
        kube.apply(one)

    environment.carry(environment.plan(SPACE, *ours, adopt=True))

    for mine, new in zip(ours, anew, strict=True):
        assert meaning(kube, mine) == meaning(kube, new)
    again = environment.plan(SPACE, *ours)
    assert not again.changes


def test_an_adopted_workload_keeps_what_its_autoscaler_chose(environment: Environment) -> None:
    """Replicas that an autoscaler decides survive the adoption of what somebody else made."""
    kube, image = environment.kube, environment.chain.published.reference
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": LIFE},
        "spec": {
            "maxReplicas": 9,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    theirs = workload(image, LIFE, theirs=True)[0]
    theirs["spec"]["replicas"] = 5
    for one in (theirs, scaler):
        kube.delete(ref_of(one))
        kube.create(one)

    environment.carry(environment.plan(SPACE, deployment(image, space=LIFE), scaler, adopt=True))

    assert environment.web()["spec"]["replicas"] == 5
    assert "minReadySeconds" not in environment.web()["spec"]
