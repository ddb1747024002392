"""The scene: which pods, revisions and warnings belong to an object."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube.health import State
from shipway.core.kube.objects import ref_of
from shipway.core.kube.scene import Scene

REVISION = "deployment.kubernetes.io/revision"


def obj(kind: str, name: str, version: str = "v1", *, owner: str = "", **meta: Any) -> Any:
    """Return an object whose uid is its name."""
    metadata = {"name": name, "namespace": "ns", "uid": name, **meta}
    if owner:
        others = {"uid": "stranger", "controller": False}
        metadata["ownerReferences"] = [others, {"uid": owner, "controller": True}]
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def revision(name: str, number: str, owner: str = "web") -> Any:
    """Return a ReplicaSet."""
    return obj("ReplicaSet", name, "apps/v1", owner=owner, annotations={REVISION: number})


def warning(name: str, about: str, time: str = "1") -> Any:
    """Return an event."""
    return {**obj("Event", name), "involvedObject": {"uid": about}, "lastTimestamp": time}


WEB = obj("Deployment", "web", "apps/v1", annotations={REVISION: "2"})


def scene(*objects: Any) -> Scene:
    """Return a scene of these objects."""
    found = Scene()
    for one in objects:
        found.put(one)
    return found


def names(objects: Any) -> list[str]:
    """Return their names."""
    return [one["metadata"]["name"] for one in objects]


def test_current_pods_of_a_deployment() -> None:
    """Pods of the current ReplicaSet count, those of the one before or of strangers do not."""
    found = scene(
        WEB,
        revision("old", "1"),
        revision("new", "2"),
        revision("other", "2", owner="api"),
        obj("Pod", "old-1", owner="old"),
        obj("Pod", "new-1", owner="new"),
        obj("Pod", "bare"),
    ).around(WEB)

    assert names(found.pods) == ["new-1"]
    assert found.revision is not None
    assert found.revision["metadata"]["name"] == "new"
    assert not found.leaving


def test_deployment_without_revision() -> None:
    """Before its controller acted there is neither revision nor pod."""
    found = scene(WEB, revision("old", "1"), obj("Pod", "old-1", owner="old")).around(WEB)

    assert (found.pods, found.revision) == ((), None)


def test_leaving() -> None:
    """Pods of any revision that are being deleted still hold what they use."""
    old = obj("Pod", "old-1", owner="old", deletionTimestamp="now")

    assert scene(WEB, revision("old", "1"), old).around(WEB).leaving


def test_warnings() -> None:
    """Warnings about the object, its revision and its current pods count, oldest first."""
    found = scene(
        WEB,
        revision("old", "1"),
        revision("new", "2"),
        obj("Pod", "new-1", owner="new"),
        obj("Pod", "old-1", owner="old"),
        warning("c", "new-1", "3"),
        warning("b", "new", "2"),
        warning("a", "web", "1"),
        warning("d", "old-1", "1"),
    ).around(WEB, "7")

    assert names(found.warnings) == ["a", "b", "c"]
    assert found.since == "7"


@pytest.mark.parametrize(
    ("status", "expected"),
    [({"updateRevision": "b"}, ["x-b"]), ({}, ["x-a", "x-b"])],
)
def test_stateful_set(status: dict[str, str], expected: list[str]) -> None:
    """Of a StatefulSet, pods of the update revision count."""
    owner = {**obj("StatefulSet", "x", "apps/v1"), "status": status}
    pods = [
        obj("Pod", f"x-{name}", owner="x", labels={"controller-revision-hash": name})
        for name in "ab"
    ]

    assert names(scene(owner, *pods).around(owner).pods) == expected


@pytest.mark.parametrize(
    ("annotations", "expected"),
    [
        ({"deprecated.daemonset.template.generation": "2"}, ["x-2", "x-none"]),
        ({}, ["x-1", "x-2", "x-none"]),
    ],
)
def test_daemon_set(annotations: dict[str, str], expected: list[str]) -> None:
    """Of a DaemonSet, pods of the newest template count, and those that do not say."""
    owner = obj("DaemonSet", "x", "apps/v1", annotations=annotations)
    pods = [
        obj("Pod", f"x-{name}", owner="x", labels={"pod-template-generation": name})
        for name in "12"
    ]

    found = scene(owner, *pods, obj("Pod", "x-none", owner="x")).around(owner)

    assert names(found.pods) == expected


def test_put_and_remove() -> None:
    """The newest state counts, and what was deleted is gone."""
    found = scene(WEB, {**WEB, "status": {}})

    assert found.live(ref_of(WEB)) == {**WEB, "status": {}}
    found.remove(WEB)
    found.remove(WEB)
    assert found.live(ref_of(WEB)) is None


def test_health() -> None:
    """An object is judged with what stands around it."""
    job = {**obj("Job", "x", "batch/v1"), "status": {"active": 1}}

    assert scene(job).health(job).state is State.PROGRESSING
