"""Which pods keep a StatefulSet from going back, and which are none of our business."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube.stuck import is_seen, stuck

OLD, BROKEN = "db-old", "db-broken"


def stateful_set(**bend: Any) -> dict[str, Any]:
    """Return a set whose template was put back."""
    return {
        "kind": "StatefulSet",
        "metadata": {"name": "db", "uid": "u", "generation": 3},
        "spec": {"updateStrategy": {"type": bend.get("strategy", "RollingUpdate")}},
        "status": {"observedGeneration": 3, "updateRevision": bend.get("wanted", OLD)},
    }


def pod(**bend: Any) -> dict[str, Any]:
    """Return a pod of the broken revision that never got ready."""
    metadata: dict[str, Any] = {
        "name": "db-1",
        "uid": "p",
        "labels": {"controller-revision-hash": bend.get("revision", BROKEN)},
        "ownerReferences": [{"uid": bend.get("owner", "u"), "controller": True}],
    }
    if bend.get("ending"):
        metadata["deletionTimestamp"] = "2026-11-25T00:00:00Z"
    ready = {"type": "Ready", "status": "True" if bend.get("ready") else "False"}
    return {"kind": "Pod", "metadata": metadata, "status": {"conditions": [ready]}}


def test_a_broken_pod_of_the_revision_that_was_taken_back() -> None:
    """It is the one for which the controller would wait for ever."""
    assert stuck(stateful_set(), [pod()]) == (pod(),)


@pytest.mark.parametrize(
    "bend",
    [{"revision": OLD}, {"owner": "another"}, {"ending": True}, {"ready": True}],
    ids=["of the old revision", "of another set", "on its way out", "ready"],
)
def test_a_pod_that_is_left_alone(bend: dict[str, Any]) -> None:
    """One reason is enough."""
    assert stuck(stateful_set(), [pod(**bend)]) == ()


def test_pods_that_a_person_replaces() -> None:
    """OnDelete means that nobody else deletes them."""
    assert stuck(stateful_set(strategy="OnDelete"), [pod()]) == ()


def test_a_set_that_says_nothing() -> None:
    """Without a status there is no revision to go back to; it was not seen either."""
    bare = {"kind": "StatefulSet", "metadata": {"name": "db", "uid": "u", "generation": 1}}
    assert stuck(bare, [pod(), {}]) == ()
    assert not is_seen(bare)
    assert is_seen(stateful_set())
