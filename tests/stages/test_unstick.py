"""Unstick: broken pods are deleted once the controller has seen the old template, and no others."""

from __future__ import annotations

import pytest

from fakes.clock import FakeClock
from fakes.kube import MemoryKube
from shipway.core.kube.objects import Ref
from shipway.errors import Kind, ShipwayError
from shipway.stages.unstick import UnstickRequest, unstick

SET = Ref("apps/v1", "StatefulSet", "ns", "db")
ASKED = UnstickRequest(sets=(SET,))


def cluster(*, seen: int = 1) -> MemoryKube:
    """Return a cluster with a set of two pods: the second is of a broken revision."""
    kube = MemoryKube()
    kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}})
    live = kube.put(
        {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": "db", "namespace": "ns"},
            "spec": {"replicas": 2},
            "status": {"observedGeneration": seen, "updateRevision": "db-old"},
        }
    )
    for name, revision, ready in (("db-0", "db-old", "True"), ("db-1", "db-broken", "False")):
        owners = [{"uid": live["metadata"]["uid"], "controller": True}]
        metadata = {"name": name, "namespace": "ns", "ownerReferences": owners}
        metadata["labels"] = {"controller-revision-hash": revision}
        status = {"conditions": [{"type": "Ready", "status": ready}]}
        kube.put({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status})
    return kube


def names(kube: MemoryKube) -> list[str]:
    """Return the pods that are there."""
    return sorted(name for _, kind, _, name in kube.objects if kind == "Pod")


def test_the_broken_pod_is_deleted() -> None:
    """The pod that serves stays, and what was deleted is said."""
    kube = cluster()
    done = unstick(ASKED, kube=kube, clock=FakeClock())

    assert [str(one) for one in done.pods] == ["pod/ns/db-1"]
    assert names(kube) == ["db-0"]


def test_a_controller_that_sees_it_later() -> None:
    """Before it has, its revision is the broken one: nothing may be deleted by it."""
    kube = cluster(seen=0)

    class Seeing(FakeClock):
        """Time in which the controller works."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            live = kube.objects[SET.identity]
            kube.put({**live, "status": {**live["status"], "observedGeneration": 1}})

    done = unstick(ASKED, kube=kube, clock=Seeing())
    assert len(done.pods) == 1


def test_a_controller_that_never_answers() -> None:
    """The gate will tell; here nothing is deleted."""
    kube = cluster(seen=0)
    done = unstick(ASKED, kube=kube, clock=FakeClock())

    assert done.pods == ()
    assert names(kube) == ["db-0", "db-1"]


def test_a_set_that_is_gone() -> None:
    """Somebody deleted it meanwhile."""
    kube = cluster()
    kube.drop(SET)
    assert unstick(ASKED, kube=kube, clock=FakeClock()).pods == ()


def test_a_pod_that_was_replaced_meanwhile() -> None:
    """Its name belongs to another pod now, which is left alone."""
    kube = cluster()
    kube.refusals["delete", "pod/ns/db-1"] = ShipwayError("kube.conflict", Kind.CONFLICT, "no")
    assert unstick(ASKED, kube=kube, clock=FakeClock()).pods == ()


def test_a_right_that_is_missing() -> None:
    """Who may not delete pods hears it."""
    kube = cluster()
    kube.refusals["delete", "pod/ns/db-1"] = ShipwayError("kube.forbidden", Kind.DENIED, "no")
    with pytest.raises(ShipwayError) as caught:
        unstick(ASKED, kube=kube, clock=FakeClock())
    assert caught.value.id == "kube.forbidden"
