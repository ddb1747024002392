"""The real API server's defaults are no edits: what it gives back equals what was applied."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from shipway.adapters.kube.client import Cluster
from shipway.core.kube import live, pods
from shipway.core.kube.objects import Ref, ref_of
from shipway.core.project.workload import KINDS, Workload, objects

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engines

SPACE = "live-compare"
IMAGE = "127.0.0.1:1/shop/web@sha256:" + "a" * 64


@pytest.fixture(scope="module")
def kube() -> Iterator[Cluster]:
    """Give a client of the real API server, with a namespace and its service account."""
    client = Cluster(apiserver.shared().access())
    account = {"name": "default", "namespace": SPACE}
    client.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}})
    client.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account})
    yield client
    client.delete(Ref("v1", "Namespace", "", SPACE))


def placed(obj: dict[str, Any]) -> dict[str, Any]:
    """Return ``obj`` in the test's namespace."""
    return {**obj, "metadata": {**obj["metadata"], "namespace": SPACE}}


def workloads() -> list[dict[str, Any]]:
    """Return what Shipway writes for every kind of service."""
    return [
        placed(obj)
        for kind in KINDS
        for obj in objects(
            Workload(name=f"w-{kind}", kind=kind, image=IMAGE, startup="/s", readiness="/r"), "shop"
        )
    ]


def others() -> list[dict[str, Any]]:
    """Return objects that people write, whose values the API server rewrites."""
    template = copy.deepcopy(pods.template(workloads()[2]) or {})
    template["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "0.5", "memory": "1024Mi"}}
    labels = template["metadata"]["labels"]
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}
    service = {"name": "web", "port": {"number": 80}}
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": service}}
    made: list[tuple[str, str, dict[str, Any]]] = [
        (
            "apps/v1",
            "StatefulSet",
            {
                "serviceName": "x",
                "selector": {"matchLabels": labels},
                "template": template,
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": claim}],
            },
        ),
        ("apps/v1", "DaemonSet", {"selector": {"matchLabels": labels}, "template": template}),
        ("networking.k8s.io/v1", "Ingress", {"rules": [{"http": {"paths": [path]}}]}),
        ("networking.k8s.io/v1", "NetworkPolicy", {"podSelector": {}, "ingress": [{}]}),
        ("policy/v1", "PodDisruptionBudget", {"minAvailable": 1, "selector": {"matchLabels": {}}}),
        ("v1", "ResourceQuota", {"hard": {"limits.memory": "2048Gi", "requests.cpu": "20000m"}}),
    ]
    return [
        placed({"apiVersion": version, "kind": kind, "metadata": {"name": "one"}, "spec": spec})
        for version, kind, spec in made
    ]


@pytest.mark.parametrize("obj", [*workloads(), *others()], ids=lambda obj: str(ref_of(obj)))
def test_applied_object(kube: Cluster, obj: dict[str, Any]) -> None:
    """An object as the server gives it back differs in nothing; edited, in exactly that."""
    kube.apply(obj, force=True)
    served = kube.get(ref_of(obj)) or {}
    assert live.compare(obj, served) == ()
    if (template := pods.template(served)) is not None:
        template["spec"]["containers"].append({"name": "evil", "image": IMAGE})
        assert [one.kind for one in live.compare(obj, served)] == ["injected"]


def test_pod(kube: Cluster) -> None:
    """A pod with all that admission adds to it differs in nothing from its template."""
    template = pods.template(workloads()[2]) or {}
    pod = placed({"apiVersion": "v1", "kind": "Pod", **copy.deepcopy(template)})
    pod["metadata"]["name"] = "one"
    pod["spec"].pop("serviceAccountName", None)
    kube.apply(pod, force=True)
    served = kube.get(ref_of(pod)) or {}
    assert live.compare_pod(pod, served, owner="ReplicaSet") == ()
