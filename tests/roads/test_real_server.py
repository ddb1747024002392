"""Deploys on the real API server, without a node: a set that is denied half way, and a crowd.

What is deployed is a CronJob and ConfigMaps, which serve as soon as they are stored.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from fakes.hands import MAIN
from fakes.shop import OVERLAY, WHERE, Shop
from shipway.adapters.kube.client import Cluster
from shipway.core.kube import head as heads
from shipway.core.kube.objects import Ref
from shipway.core.kube.stamp import INTENT
from shipway.core.ports.renderer import Sourced
from shipway.errors import Failures, ShipwayError
from shipway.roads import status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.registry import MemoryRegistry

SPACE = "shop-dev"
TICK = Ref("batch/v1", "CronJob", SPACE, "tick")
NEW, OLD = (Ref("v1", "ConfigMap", SPACE, name) for name in ("new", "old"))
HEAD = heads.ref("shop", "dev", "shipway")
ADMISSION = "admissionregistration.k8s.io/v1"
NAME = "no-late-cronjobs"
POLICY = {
    "apiVersion": ADMISSION,
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": NAME},
    "spec": {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [
                {
                    "apiGroups": ["batch"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["cronjobs"],
                }
            ]
        },
        "validations": [
            {"expression": "object.spec.schedule != '59 23 * * *'", "message": "that is too late"}
        ],
    },
}
BINDING = {
    "apiVersion": ADMISSION,
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": NAME},
    "spec": {"policyName": NAME, "validationActions": ["Deny"]},
}


class RealShop(Shop):
    """The project before a real API server."""

    def __init__(self, cluster: Cluster, registries: MemoryRegistry | None = None) -> None:
        super().__init__()
        self.real = cluster
        if registries is not None:
            self.registries = registries
        self.overlay_of("0 0 * * *")

    def kube(self, context: str) -> Any:
        """Return the one real cluster."""
        assert context
        return self.real

    def overlay_of(self, schedule: str, *names: str) -> None:
        """Let the overlay be a CronJob of the project, and ConfigMaps by name."""
        self.write(f"{OVERLAY}/kustomization.yaml", "resources: [tick.yaml]\n")
        self.write(f"{OVERLAY}/tick.yaml", f"image: shipway://shop\n# {schedule} {names}\n")
        job = {
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": {"name": "tick"},
            "spec": {
                "schedule": schedule,
                "jobTemplate": {
                    "spec": {
                        "template": {
                            "spec": {
                                "restartPolicy": "Never",
                                "containers": [{"name": "tick", "image": "shipway://shop"}],
                            }
                        }
                    }
                },
            },
        }
        maps = (
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": one}, "data": {"a": "b"}}
            for one in names
        )
        file = f"{OVERLAY}/tick.yaml"
        self.renderer.folders[OVERLAY] = tuple(Sourced(one, file) for one in (job, *maps))


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Give the shared server without anything of the project, and leave it so."""
    found = Cluster(apiserver.shared().access())
    tidy(found)
    yield found
    tidy(found)
    found.close()


def tidy(cluster: Cluster) -> None:
    """Remove what the project deployed, and the policy."""
    kinds = (
        ("ValidatingAdmissionPolicyBinding", ADMISSION),
        ("ValidatingAdmissionPolicy", ADMISSION),
    )
    for kind, version in kinds:
        cluster.delete(Ref(version, kind, "", NAME))
    for ref in (TICK, NEW, OLD, HEAD):
        cluster.delete(ref)


def forbid(cluster: Cluster) -> None:
    """Deny CronJobs of one schedule, and return once the server does."""
    cluster.apply(POLICY, force=True)
    cluster.apply(BINDING, force=True)
    late = cluster.get(TICK) or {}
    spec = {**late["spec"], "schedule": "59 23 * * *"}
    sample = {
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": TICK.name, "namespace": SPACE}, "spec": spec,
    }  # fmt: skip
    until = time.monotonic() + 30
    while True:
        try:
            cluster.apply(sample, force=True, dry_run=True, manager="probe")
        except ShipwayError:
            return
        assert time.monotonic() < until, "the policy is not heeded"
        time.sleep(0.1)


def told(shop: Shop) -> list[tuple[int, str, str, tuple[str, ...]]]:
    """Return number, kind, result and causes of each deploy of a sound history, newest first."""
    (target,) = status.past(WHERE, limit=500, hands=shop).targets
    assert target.sound, target.findings
    return [(one.number, one.kind, one.result, one.causes) for one in target.deploys]


def settled(shop: RealShop) -> None:
    """See that the head is the newest number, and that what stands carries its stamp."""
    data = (shop.real.get(HEAD) or {})["data"]
    deploys = told(shop)
    assert [one[0] for one in deploys] == list(range(len(deploys), 0, -1))
    assert int(data["sequence"]) == deploys[0][0]
    metadata = (shop.real.get(TICK) or {})["metadata"]
    assert metadata["annotations"][INTENT] == data["intent"]


def test_a_set_that_is_denied_half_way(cluster: Cluster) -> None:
    """A real admission policy denies one object: what was applied before it is taken back."""
    shop = RealShop(cluster)
    shop.overlay_of("0 0 * * *", "old")
    shop.carry(tests="off")
    forbid(cluster)
    shop.overlay_of("59 23 * * *", "new")
    with pytest.raises(ShipwayError, match="that is too late") as caught:
        shop.carry(tests="off")

    assert caught.value.id == "kube.admission"
    assert [one[:3] for one in told(shop)] == [
        (3, "rollback", "passed"), (2, "deploy", "failed"), (1, "deploy", "passed"),
    ]  # fmt: skip
    assert told(shop)[1][3] == ("kube.admission",)
    assert cluster.get(NEW) is None
    assert cluster.get(OLD) is not None
    assert (cluster.get(TICK) or {})["spec"]["schedule"] == "0 0 * * *"
    settled(shop)


def test_a_first_set_that_is_denied_half_way(cluster: Cluster) -> None:
    """Without a release before it what was applied is left, and removed by the next one."""
    RealShop(cluster).carry(tests="off")
    forbid(cluster)
    tidy_but_policy = (TICK, HEAD)
    for ref in tidy_but_policy:
        cluster.delete(ref)
    shop = RealShop(cluster)
    shop.overlay_of("59 23 * * *", "new")
    with pytest.raises(ShipwayError, match="that is too late"):
        shop.carry(tests="off")
    assert cluster.get(NEW) is not None
    shop.overlay_of("0 0 * * *")
    shop.carry(tests="off")

    assert cluster.get(NEW) is None
    assert [one[:3] for one in told(shop)] == [(2, "deploy", "passed"), (1, "deploy", "failed")]


@pytest.mark.parametrize("crowd", [2, 20])
def test_at_once(cluster: Cluster, crowd: int) -> None:
    """Twenty deploys, by twos or all together: one head, no number lost, the newest stands."""
    first = RealShop(cluster)
    first.carry(tests="off")
    lost = {"deploy.lost_swap", "deploy.overtaken", "deploy.contested"}
    for turn in range(20 // crowd):
        start = threading.Barrier(crowd)

        def go(who: int, turn: int = turn, start: threading.Barrier = start) -> set[str]:
            shop = RealShop(cluster, first.registries)
            shop.write("main.go", f"{MAIN}// {turn} {who}\n")
            start.wait()
            try:
                shop.carry(tests="off")
            except ShipwayError as error:
                several = error.failures if isinstance(error, Failures) else (error,)
                return {one.id for one in several if isinstance(one, ShipwayError)}
            return set()

        with ThreadPoolExecutor(crowd) as pool:
            ended = list(pool.map(go, range(crowd)))
        assert set().union(*ended) <= lost
        assert set() in ended, "all were lost"
        settled(first)
