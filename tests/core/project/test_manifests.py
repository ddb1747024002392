"""The default manifests: hardened, laid out for kustomize, and the same in memory."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from shipway.core.kube.objects import RESTRICTED, canonical
from shipway.core.project import manifests
from shipway.core.project.workload import KINDS, Workload, objects

DEV, STAGING, PROD = manifests.overlays("shop")


def pod(workload: Workload) -> Any:
    """Return the pod spec of a workload, wherever its kind keeps it."""
    spec = objects(workload, "shop")[-1]["spec"]
    return (spec.get("jobTemplate") or {"spec": spec})["spec"]["template"]["spec"]


def container(**fields: Any) -> Any:
    """Return the container of a workload with these fields."""
    return pod(Workload(name="web", **fields))["containers"][0]


@pytest.mark.parametrize(("kind", "seconds"), [("worker", 3), ("web", None), ("grpc", None)])
def test_a_worker_counts_once_it_stays_up(kind: str, seconds: int | None) -> None:
    """A worker, which no probe can judge, is available only after some seconds without a crash."""
    spec = objects(Workload(name="bg", kind=kind), "shop")[-1]["spec"]

    assert spec.get("minReadySeconds") == seconds


@pytest.mark.parametrize("kind", KINDS)
def test_hardened(kind: str) -> None:
    """Every kind runs as 1001 with nothing it does not need."""
    found = pod(Workload(name="web", kind=kind))
    (app,) = found["containers"]

    assert found["automountServiceAccountToken"] is False
    assert found["securityContext"]["runAsUser"] == 1001
    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert app["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert set(app["resources"]) == {"requests", "limits"}
    assert app["resources"]["limits"] == {"memory": "256Mi"}
    assert found["volumes"] == [
        {"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}
    ]
    assert app["image"] == "shipway://web"


@pytest.mark.parametrize(
    ("kind", "made"),
    [
        ("web", ["ServiceAccount", "Service", "Deployment"]),
        ("grpc", ["ServiceAccount", "Service", "Deployment"]),
        ("worker", ["ServiceAccount", "Deployment"]),
        ("job", ["ServiceAccount", "Job"]),
        ("cron", ["ServiceAccount", "CronJob"]),
    ],
)
def test_kinds(kind: str, made: list[str]) -> None:
    """Each kind is made of what it needs; only what serves has a Service and probes."""
    found = objects(Workload(name="web", kind=kind), "shop")

    assert [one["kind"] for one in found] == made
    assert found[0]["automountServiceAccountToken"] is False
    app = pod(Workload(name="web", kind=kind))["containers"][0]
    assert ("readinessProbe" in app) is ("Service" in made)
    assert ("ports" in app) is ("Service" in made)


@pytest.mark.parametrize(
    ("fields", "startup", "readiness", "liveness"),
    [
        ({"startup": "/s", "readiness": "/r", "liveness": "/l"}, "/s", "/r", "/l"),
        ({"liveness": "/l"}, "/l", "/l", "/l"),
        ({"readiness": "/r"}, "/r", "/r", None),
        ({}, None, None, None),
    ],
)
def test_routes(fields: Any, startup: str, readiness: str, liveness: str) -> None:
    """Probes ask the routes found, else TCP; a readiness route never decides liveness."""
    app = container(**fields)

    def route(probe: str) -> str | None:
        found = app[probe].get("httpGet")
        assert found is None or found["port"] == "http"
        assert found or app[probe]["tcpSocket"] == {"port": "http"}
        return found and found["path"]

    assert route("startupProbe") == startup
    assert route("readinessProbe") == readiness
    assert route("livenessProbe") == liveness


def test_grpc_health() -> None:
    """Without routes gRPC's own health is asked, where it is served."""
    app = container(kind="grpc", grpc_health=True, port=9090)
    plain = container(kind="grpc")

    assert app["livenessProbe"]["grpc"] == {"port": 9090}
    assert plain["livenessProbe"]["tcpSocket"] == {"port": "grpc"}
    service = objects(Workload(name="web", kind="grpc"), "shop")[1]
    assert service["spec"]["ports"][0]["appProtocol"] == "kubernetes.io/h2c"


@pytest.mark.parametrize(("port", "added"), [(80, ["NET_BIND_SERVICE"]), (1024, None)])
def test_low_port(port: int, added: list[str] | None) -> None:
    """Only a port below 1024 needs a capability."""
    assert container(port=port)["securityContext"]["capabilities"].get("add") == added


def test_given_image_and_schedule() -> None:
    """An image and a schedule may be given."""
    cron = Workload(name="night", kind="cron", image="shipway://web", schedule="1 2 * * *")

    assert objects(cron, "shop")[-1]["spec"]["schedule"] == "1 2 * * *"
    assert pod(cron)["containers"][0]["image"] == "shipway://web"


def test_layout() -> None:
    """A base with a file a service, and three overlays with a namespace each."""
    found = manifests.files("shop", (Workload(name="web"), Workload(name="bg", kind="worker")))

    assert sorted(found) == [
        "deploy/base/bg.yaml",
        "deploy/base/kustomization.yaml",
        "deploy/base/web.yaml",
        "deploy/overlays/dev/kustomization.yaml",
        "deploy/overlays/dev/namespace.yaml",
        "deploy/overlays/prod/kustomization.yaml",
        "deploy/overlays/prod/namespace.yaml",
        "deploy/overlays/staging/kustomization.yaml",
        "deploy/overlays/staging/namespace.yaml",
    ]
    prod = yaml.safe_load(found["deploy/overlays/prod/kustomization.yaml"])
    assert prod["replicas"] == [{"name": "web", "count": 2}, {"name": "bg", "count": 2}]
    space = yaml.safe_load(found["deploy/overlays/dev/namespace.yaml"])
    assert space["metadata"] == {"name": "shop-dev", "labels": RESTRICTED}


def test_files_are_readable() -> None:
    """Texts of several lines are blocks, lists are indented, and nothing is an alias."""
    found = manifests.files("shop", (Workload(name="web"),))

    dev = found["deploy/overlays/dev/kustomization.yaml"]
    assert "    patch: |\n      - op: replace\n" in dev
    assert not any("&id" in text or "*id" in text for text in found.values())


def test_jobs_only() -> None:
    """Without a Service there is nothing to patch, without a Deployment nothing to scale."""
    found = manifests.files("shop", (Workload(name="x", kind="job"),))

    for name in ("dev", "prod"):
        text = yaml.safe_load(found[f"deploy/overlays/{name}/kustomization.yaml"])
        assert sorted(text) == ["apiVersion", "kind", "namespace", "resources"]


def test_node_port() -> None:
    """In dev the Service is a NodePort: the server's choice, or the number given."""

    def port(**other: Any) -> Any:
        found = manifests.in_memory("shop", (Workload(name="web"),), DEV, **other)
        (service,) = [one for one in found if one["kind"] == "Service"]
        assert service["spec"]["type"] == "NodePort"
        return service["spec"]["ports"][0].get("nodePort")

    assert port() is None
    assert port(node_ports={"web": 30080}) == 30080


@pytest.mark.parametrize(("count", "kind"), [(16, "NodePort"), (17, "ClusterIP")])
def test_many_services_have_no_node_ports(count: int, kind: str) -> None:
    """A cluster has but a few for all projects; workers beside do not count."""
    services = tuple(Workload(name=f"s{number}") for number in range(count))
    services += tuple(Workload(name=f"w{number}", kind="worker") for number in range(3))
    found = manifests.in_memory("shop", services, DEV)
    text = manifests.files("shop", services)["deploy/overlays/dev/kustomization.yaml"]

    assert {one["spec"]["type"] for one in found if one["kind"] == "Service"} == {kind}
    assert ("NodePort" in text) == (kind == "NodePort")


def test_prod_scales() -> None:
    """In prod each Deployment has two pods, and its Service stays inside."""
    found = manifests.in_memory("shop", (Workload(name="web"),), PROD)

    kinds = {one["kind"]: one for one in found}
    assert kinds["Deployment"]["spec"]["replicas"] == 2
    assert kinds["Service"]["spec"]["type"] == "ClusterIP"
    assert {one["metadata"].get("namespace", "shop-prod") for one in found} == {"shop-prod"}


def test_deterministic() -> None:
    """The same services give the same bytes."""
    services = (Workload(name="web"), Workload(name="bg", kind="worker"))

    first = [canonical(one) for one in manifests.in_memory("shop", services, STAGING)]
    assert first == [canonical(one) for one in manifests.in_memory("shop", services, STAGING)]
