"""Refusals as the real API server words them, and what they become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shipway.adapters.kube.client import Cluster
from shipway.core.kube.objects import RESTRICTED, Ref
from shipway.core.project import manifests
from shipway.core.project.workload import KINDS, Workload
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.apiserver import ApiServer


@pytest.fixture
def cluster(apiserver: ApiServer) -> Iterator[Cluster]:
    """Return a client, and a namespace that enforces Pod Security restricted."""
    found = Cluster(apiserver.access())
    metadata = {"name": "refusing", "labels": dict(RESTRICTED)}
    found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, force=True)
    yield found
    found.close()


def obj(kind: str, version: str = "v1", name: str = "x", **fields: Any) -> dict[str, Any]:
    """Return an object in that namespace."""
    metadata = {"name": name, "namespace": "refusing"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def deployment(label: str = "x", **spec: Any) -> dict[str, Any]:
    """Return a Deployment."""
    labels = {"app": label}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    return obj("Deployment", "apps/v1",
               spec={"selector": {"matchLabels": labels}, "template": pod, **spec})  # fmt: skip


def refusal(cluster: Cluster, refused: dict[str, Any]) -> ShipwayError:
    """Return how the server's refusal is told."""
    with pytest.raises(ShipwayError) as caught:
        cluster.apply(refused, force=True)
    return caught.value


def test_pod_security(cluster: Cluster) -> None:
    """Pod Security is an admission refusal, with every violation in the text."""
    found = refusal(cluster, obj("Pod", spec={"containers": [{"name": "a", "image": "b"}]}))

    assert (found.id, found.kind) == ("kube.admission", Kind.REJECTED)
    assert "runAsNonRoot" in found.message


@pytest.mark.parametrize(
    ("spec", "field"),
    [({"replica": 1}, ".spec.replica"), ({"replicas": "two"}, ".spec.replicas"),
     ({"replicas": -1}, "spec.replicas")],
)  # fmt: skip
def test_fields(cluster: Cluster, spec: dict[str, Any], field: str) -> None:
    """An unknown field, a wrong type and a bad value name the field."""
    found = refusal(cluster, deployment(**spec))

    assert (found.id, found.hint) == ("kube.invalid", f"fields: {field}")


def test_immutable(cluster: Cluster) -> None:
    """So does a change of what cannot change."""
    cluster.apply(deployment("one"), force=True)

    found = refusal(cluster, deployment("two"))

    assert (found.id, found.hint) == ("kube.invalid", "fields: spec.selector")
    cluster.delete(Ref("apps/v1", "Deployment", "refusing", "x"))


def test_limits(cluster: Cluster) -> None:
    """What a LimitRange forbids is a matter of quota."""
    limit = {"type": "Container", "max": {"memory": "1Gi"}}
    cluster.apply(obj("LimitRange", spec={"limits": [limit]}))
    found = manifests.in_memory(
        "shop", (Workload(name="web"),), manifests.Overlay(environment="e", namespace="refusing")
    )
    (web,) = [one for one in found if one["kind"] == "Deployment"]
    pod = obj("Pod", name="big", spec=web["spec"]["template"]["spec"])
    pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": "2Gi"}}
    del pod["spec"]["serviceAccountName"]

    refused = refusal(cluster, pod)

    assert (refused.id, refused.kind) == ("kube.quota", Kind.REJECTED)
    cluster.delete(Ref("v1", "LimitRange", "refusing", "x"))


def test_terminating(cluster: Cluster) -> None:
    """A namespace that is going away takes nothing new."""
    name = Ref("v1", "Namespace", "", "going")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "going"}})
    cluster.delete(name)
    late = obj("ConfigMap")
    late["metadata"]["namespace"] = "going"

    found = refusal(cluster, late)

    assert (found.id, found.kind) == ("kube.terminating", Kind.CONFLICT)


@pytest.mark.parametrize("kind", KINDS)
def test_default_manifests_are_accepted(cluster: Cluster, kind: str) -> None:
    """What init writes is taken by the real server, in a namespace that is restricted."""
    overlay = manifests.Overlay(environment="e", namespace="refusing", replicas=2)
    found = manifests.in_memory("shop", (Workload(name=f"a-{kind}", kind=kind, port=80),), overlay)

    for one in found:
        cluster.apply(one, force=True)

    pods = [one["spec"]["template"] for one in found if one["kind"] in {"Deployment", "Job"}]
    for number, template in enumerate(pods):
        spec = {key: value for key, value in template["spec"].items() if "ervice" not in key}
        cluster.apply(obj("Pod", name=f"pod-{kind}-{number}", spec=spec), dry_run=True)
