"""The gate on the real cluster: real kubelet, real scheduler, real refusals, and how fast."""

from __future__ import annotations

import itertools
import json
import os
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fakes.embedded import until
from shipway.adapters.clock import SystemClock
from shipway.adapters.kube import kubeconfig
from shipway.adapters.kube.client import Cluster
from shipway.core.kube import contexts
from shipway.core.kube.objects import Ref, ref_of, uid_of
from shipway.core.project import manifests
from shipway.core.project.workload import Workload
from shipway.stages.gate import Expected, GateRequest, GateResult, watch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.embedded import Embedded

pytestmark = pytest.mark.cluster

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def kube(embedded: Embedded) -> Iterator[Cluster]:
    """Return a client with the person's own kubeconfig entry."""
    documents = kubeconfig.read({"KUBECONFIG": embedded.files.kubeconfig()})
    cluster = Cluster(contexts.choose(contexts.merge(documents), embedded.at.context))
    yield cluster
    cluster.close()


@pytest.fixture
def space(kube: Cluster) -> Iterator[str]:
    """Return the name of a namespace, deleted afterwards."""
    name = f"gate-{next(_numbers)}"
    yield name
    kube.delete(Ref("v1", "Namespace", "", name))


def apply(
    kube: Cluster, space: str, workload: Workload, more: Any = None, **change: Any
) -> tuple[Expected, ...]:
    """Apply the default manifests of a workload, as a deploy would.

    ``more`` is added to the pod, ``change`` to its container.
    """
    overlay = manifests.Overlay(environment="e", namespace=space)
    expected = []
    for obj in manifests.in_memory("shop", (workload,), overlay):
        if obj["kind"] in {"Deployment", "Job"}:
            obj["spec"]["template"]["spec"]["containers"][0].update(change)
            obj["spec"]["template"]["spec"].update(more or {})
        live = kube.apply(obj, force=True)
        metadata = live["metadata"]
        expected.append(
            Expected(
                ref_of(obj), uid_of(live), metadata.get("generation", 0),
                metadata["resourceVersion"],
            )
        )  # fmt: skip
    return tuple(expected)


def gate(kube: Cluster, objects: tuple[Expected, ...], seconds: float = 60) -> GateResult:
    """Ask the gate."""
    return watch(GateRequest(objects=objects, seconds=seconds), kube=kube, clock=SystemClock())


@pytest.fixture(scope="module", autouse=True)
def evicted(kube: Cluster, image: str) -> Iterator[Future[GateResult]]:
    """Begin with what takes longest: the kubelet measures volumes once a minute."""
    volumes = {"volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "1Mi"}}]}
    args = ["ill", "write", "/tmp/much"]
    objects = apply(kube, "gate-evicted", Workload(name="web", image=image), volumes, args=args)
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(gate, kube, objects, 120)
    kube.delete(Ref("v1", "Namespace", "", "gate-evicted"))


def test_passes(kube: Cluster, space: str, image: str) -> None:
    """What serves passes as soon as it does; applied again unchanged, at once."""
    web = Workload(name="web", liveness="/", image=image)

    first = gate(kube, apply(kube, space, web))
    again = gate(kube, apply(kube, space, web))

    assert first.passed, first.failures
    assert again.passed, again.failures
    assert again.seconds < 5
    print(f"gate: {first.seconds:.2f} s, unchanged {again.seconds:.2f} s")


def test_crash_loop(kube: Cluster, space: str, image: str) -> None:
    """A container that ends again and again fails long before the time, with its last words."""
    objects = apply(kube, space, Workload(name="web", image=image), args=["no", "database"])

    result = gate(kube, objects)

    assert result.causes == ("CrashLoopBackOff",)
    assert result.failures[0].lines == ("no database",)
    assert "exit code 0" in result.failures[0].message
    assert result.seconds < 20
    print(f"crash loop told after {result.seconds:.2f} s")


def test_old_crash_is_not_held_against_the_next(kube: Cluster, space: str, image: str) -> None:
    """After a crash loop the mended version passes, warnings and old pods notwithstanding."""
    broken = apply(kube, space, Workload(name="web", image=image), args=["no", "database"])
    assert not gate(kube, broken).passed

    mended = gate(kube, apply(kube, space, Workload(name="web", image=image), args=[]))

    assert mended.passed, mended.failures


def test_unpullable(kube: Cluster, space: str, image: str) -> None:
    """An image that the registry does not have fails at once."""
    absent = image.partition("@")[0] + "@sha256:" + "0" * 64

    result = gate(kube, apply(kube, space, Workload(name="web", image=absent)))

    assert result.causes == ("ImagePullBackOff",)
    assert "cannot pull" in result.failures[0].message
    assert result.seconds < 20


def test_unschedulable(kube: Cluster, space: str, image: str) -> None:
    """A pod that no node can take fails at once."""
    much = {"requests": {"memory": "9000Gi"}, "limits": {"memory": "9000Gi"}}

    result = gate(kube, apply(kube, space, Workload(name="web", image=image), resources=much))

    assert result.causes == ("Unschedulable",)
    assert "Insufficient memory" in result.failures[0].message
    assert result.seconds < 20


def test_rejected(kube: Cluster, space: str, image: str) -> None:
    """Pods that Pod Security refuses fail at once, with the refusal."""
    result = gate(kube, apply(kube, space, Workload(name="web", image=image), securityContext={}))

    assert result.causes == ("Rejected",)
    assert "violates PodSecurity" in result.failures[0].message
    assert result.seconds < 20


def test_cannot_start(kube: Cluster, space: str, image: str) -> None:
    """A command that is not in the image fails at once."""
    result = gate(kube, apply(kube, space, Workload(name="web", image=image), command=["/none"]))

    assert result.causes[0] in {"CannotStart", "CrashLoopBackOff"}
    assert result.seconds < 20


def test_job(kube: Cluster, space: str, image: str) -> None:
    """A Job passes when it has completed; one that goes on is too late, not well."""
    migrate = Workload(name="migrate", kind="job", image=image)
    endless = Workload(name="endless", kind="job", image=image)

    done = gate(kube, apply(kube, space, migrate, args=["done"]))
    late = gate(kube, apply(kube, space, endless), seconds=6)

    assert done.passed, done.failures
    assert late.causes == ("Timeout",)
    assert "1 pods are running" in late.failures[0].message


def test_not_ready(kube: Cluster, space: str, image: str) -> None:
    """What runs and never becomes ready is too late, with what it waits for."""
    web = Workload(name="web", liveness="/", readiness="/file?path=/none", image=image)

    result = gate(kube, apply(kube, space, web), seconds=8)

    assert result.causes == ("ProbeFailing",)
    assert "its readiness probe fails" in result.failures[0].message


def tries(number: int) -> dict[str, Any]:
    """Return a startup probe with so many tries of a second each."""
    probe = {"tcpSocket": {"port": "http"}, "periodSeconds": 1, "failureThreshold": number}
    return {"startupProbe": probe, "readinessProbe": {**probe, "failureThreshold": 2}}


def test_wrong_port(kube: Cluster, space: str, image: str) -> None:
    """A container that listens elsewhere fails when its tries are over, and the port is named."""
    web = Workload(name="web", image=image)
    objects = apply(kube, space, web, args=["ill", "listen", ":9090"], **tries(4))

    result = gate(kube, objects)

    assert result.causes == ("WrongPort",)
    assert "nothing listens on port 8080" in result.failures[0].message
    assert "its last lines speak of port 9090" in result.failures[0].message
    assert result.seconds < 30


def test_slow_start(kube: Cluster, space: str, image: str) -> None:
    """A start that takes longer than many tries, and not all of them, passes."""
    web = Workload(name="web", image=image)

    result = gate(kube, apply(kube, space, web, args=["ill", "sleep", "6s"], **tries(20)))

    assert result.passed, result.failures


def test_probe_that_never_passes(kube: Cluster, space: str, image: str) -> None:
    """What is not ready as long as its start was allowed to take fails long before the time."""
    web = Workload(name="web", liveness="/", readiness="/file?path=/none", image=image)
    readiness = {"httpGet": {"path": "/file?path=/none", "port": "http"}, "periodSeconds": 1}
    change = tries(3) | {"readinessProbe": readiness}

    result = gate(kube, apply(kube, space, web, **change))

    assert result.causes == ("ProbeFailing",)
    assert "its readiness probe fails: HTTP probe failed with statuscode: 404" in (
        result.failures[0].message
    )
    assert result.seconds < 45


def test_out_of_memory(kube: Cluster, space: str, image: str) -> None:
    """A container that needs more memory than it may have is told so, with the limit."""
    objects = apply(kube, space, Workload(name="web", image=image), args=["ill", "eat"])

    result = gate(kube, objects)

    assert result.causes == ("OOMKilled",)
    assert "its memory limit is 256Mi" in result.failures[0].message


def test_read_only_root(kube: Cluster, space: str, image: str) -> None:
    """A program that writes beside its binary is told that its root is read-only, and where."""
    web = Workload(name="web", image=image)

    result = gate(kube, apply(kube, space, web, args=["ill", "write", "/state.db"]))

    assert result.causes == ("ReadOnlyRoot",)
    assert "its read-only root (/state.db)" in result.failures[0].message


@pytest.mark.parametrize("honest", [True, False], ids=["said so", "not said"])
def test_another_platform(
    kube: Cluster, space: str, embedded: Embedded, foreign_program: bytes, honest: bool
) -> None:
    """An image for other machines is told as that, whether it says so itself or only fails."""
    other = "arm64" if os.uname().machine == "x86_64" else "amd64"
    image = embedded.push(foreign_program, other if honest else "")

    result = gate(kube, apply(kube, space, Workload(name="web", image=image)))

    assert result.causes == ("WrongPlatform",)


def test_quota(kube: Cluster, space: str, image: str) -> None:
    """Pods that a quota refuses fail at once, by the quota's own cause."""
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team", "namespace": space},
        "spec": {"hard": {"pods": "0"}},
    }
    kube.apply(quota)
    until(lambda: (kube.get(ref_of(quota)) or {}).get("status"), 20)

    result = gate(kube, apply(kube, space, Workload(name="web", image=image)))

    assert result.causes == ("QuotaExceeded",)
    assert "exceeded quota: team" in result.failures[0].message


GHOST = Ref("v1", "Node", "", "ghost")
ROOM = {"cpu": "4", "memory": "8Gi", "pods": "9"}
DOWN = {
    "capacity": ROOM,
    "allocatable": ROOM,
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "KubeletNotReady", "message": "runtime down"}
    ],
}
"""What the kubelet of a machine says whose containerd is down."""


@pytest.fixture
def ghost(kube: Cluster, embedded: Embedded) -> Iterator[str]:
    """Give the name of a node that is not ready."""
    labels = {"kubernetes.io/hostname": GHOST.name}
    metadata = {"name": GHOST.name, "labels": labels}
    kube.apply({"apiVersion": "v1", "kind": "Node", "metadata": metadata})
    said = json.dumps({"status": DOWN})
    embedded.kubectl("patch", "node", GHOST.name, "--subresource=status", "-p", said)
    until(lambda: "not-ready" in str((kube.get(GHOST) or {})["spec"].get("taints")), 30)
    yield GHOST.name
    kube.delete(GHOST)


def test_node_not_ready(kube: Cluster, space: str, image: str, ghost: str) -> None:
    """A pod whose only node is not ready waits for it, and that is said when time is over."""
    there = {"nodeSelector": {"kubernetes.io/hostname": ghost}}

    result = gate(kube, apply(kube, space, Workload(name="web", image=image), there), seconds=4)

    assert result.causes == ("NodeNotReady",), result.failures[0].message
    assert "(not ready: ghost)" in result.failures[0].message


def test_a_volume_that_nobody_makes(kube: Cluster, space: str) -> None:
    """A claim without a class, where there is no volume, fails at once."""
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}})
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": space},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Mi"}},
        },
    }
    live = kube.apply(claim)
    version = live["metadata"]["resourceVersion"]

    result = gate(kube, (Expected(ref_of(claim), uid_of(live), 0, version),))

    assert result.causes == ("VolumePending",)
    assert "no storage class is set" in result.failures[0].message


def test_eviction(evicted: Future[GateResult]) -> None:
    """A pod that is driven out for what it keeps on disk is told so, with the limit."""
    result = evicted.result()

    assert result.causes == ("Evicted",)
    assert 'exceeds the limit "1Mi"' in result.failures[0].message
