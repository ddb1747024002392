"""The gate as timelines: what a cluster does after a deploy, and what the gate says when."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.clock import FakeClock
from fakes.kube import MemoryKube
from shipway import scope
from shipway.core.kube.health import Cause, State
from shipway.core.kube.objects import Ref, ref_of
from shipway.core.ports.kube import ChangeType
from shipway.errors import Kind, ShipwayError
from shipway.stages.gate import Expected, GateRequest, GateResult, ObjectStatus, watch

if TYPE_CHECKING:
    from collections.abc import Callable

WEB = Ref("apps/v1", "Deployment", "ns", "web")
CONFIG = Ref("v1", "ConfigMap", "ns", "settings")
JOB = Ref("batch/v1", "Job", "ns", "migrate")
REVISION = "deployment.kubernetes.io/revision"


def deployment(**status: Any) -> dict[str, Any]:
    """Return a Deployment of one pod with this status."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "ns", "annotations": {REVISION: "1"}},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, **status},
    }


def rolled_out(kube: MemoryKube) -> None:
    """Have the controller finish."""
    kube.put(deployment(replicas=1, updatedReplicas=1, availableReplicas=1))


def crash(kube: MemoryKube) -> None:
    """Have the new pod end again and again."""
    web = kube.get(WEB) or {}
    replicas = owned("ReplicaSet", "web-1", "apps/v1", web["metadata"]["uid"])
    replicas["metadata"]["annotations"] = {REVISION: "1"}
    made = kube.put(replicas)
    pod = owned("Pod", "web-1-x", "v1", made["metadata"]["uid"])
    last = {"terminated": {"reason": "Error", "exitCode": 3}}
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    pod["status"] = {
        "containerStatuses": [{"name": "app", "state": state, "lastState": last, "restartCount": 2}]
    }
    kube.put(pod)


def owned(kind: str, name: str, version: str, owner: str) -> dict[str, Any]:
    """Return an object that a controller made."""
    owners = [{"uid": owner, "controller": True}]
    metadata = {"name": name, "namespace": "ns", "ownerReferences": owners}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def gate(
    *steps: Callable[[MemoryKube], object],
    refs: tuple[Ref, ...] = (WEB,),
    seconds: float = 0.2,
    said: list[ObjectStatus] | None = None,
    kube: MemoryKube | None = None,
) -> GateResult:
    """Watch the Deployment while these steps happen."""
    kube = kube or MemoryKube()
    kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}})
    kube.put(deployment())
    kube.steps = list(steps)
    request = GateRequest(objects=tuple(Expected(ref, "u", 1) for ref in refs), seconds=seconds)
    return watch(
        request, kube=kube, clock=FakeClock(), on_change=said.append if said is not None else None
    )


def test_passes_when_all_are_healthy() -> None:
    """It passes with the change that makes the last object healthy, and tells each step."""
    said: list[ObjectStatus] = []

    result = gate(rolled_out, refs=(WEB, CONFIG), said=said, seconds=30)

    assert result.passed
    assert (result.failures, result.causes) == ((), ())
    assert [(str(one.ref), one.state) for one in said] == [
        ("deployment/ns/web", State.PROGRESSING),
        ("configmap/ns/settings", State.HEALTHY),
        ("deployment/ns/web", State.HEALTHY),
    ]


def test_reports_uids_and_generations() -> None:
    """Each object is reported as it is live; what needs no watching, as it was applied."""
    result = gate(rolled_out, refs=(WEB, CONFIG), seconds=30)

    web, config = result.objects
    assert web.uid.startswith("uid-")
    assert web.generation == 1
    assert (config.uid, config.generation) == ("u", 1)


def test_fails_at_once_with_the_last_lines() -> None:
    """A crash loop fails long before the time is over, with cause and the container's words."""
    kube = MemoryKube()
    kube.log_lines["web-1-x", "app", False] = "\n".join(f"line {number}" for number in range(20))

    result = gate(crash, rolled_out, kube=kube, seconds=30)

    assert not result.passed
    assert result.causes == ("CrashLoopBackOff",)
    (failure,) = result.failures
    assert failure.message == "pod web-1-x, container app: Error (exit code 3), 2 restarts"
    assert failure.lines == tuple(f"line {number}" for number in range(10, 20))


def serves_nothing(kube: MemoryKube, tries: int = 2) -> None:
    """Have the new pod run, and its startup probe be refused; it may fail for a tenth second."""
    web = kube.get(WEB) or {}
    replicas = owned("ReplicaSet", "web-1", "apps/v1", web["metadata"]["uid"])
    replicas["metadata"]["annotations"] = {REVISION: "1"}
    pod = owned("Pod", "web-1-x", "v1", kube.put(replicas)["metadata"]["uid"])
    probe = {"periodSeconds": 0.05, "failureThreshold": tries, "timeoutSeconds": 0}
    pod["spec"] = {"containers": [{"name": "app", "startupProbe": probe}]}
    running = {"name": "app", "state": {"running": {}}, "started": False, "ready": False}
    pod["status"] = {"containerStatuses": [running]}
    about = {"uid": kube.put(pod)["metadata"]["uid"], "name": "web-1-x"}
    kube.put(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "e", "namespace": "ns"},
            "type": "Warning",
            "reason": "Unhealthy",
            "message": "Startup probe failed: dial tcp 10.0.0.1:80: connect: connection refused",
            "involvedObject": about,
        }
    )


def test_a_start_whose_tries_are_over_fails_without_another_word() -> None:
    """Time alone decides it, long before the gate's own is over; the log tells the port."""
    kube = MemoryKube()
    kube.log_lines["web-1-x", "app", False] = "listening on :9090"

    result = gate(serves_nothing, kube=kube, seconds=30)

    assert result.causes == ("WrongPort",)
    (failure,) = result.failures
    assert failure.message.endswith("its last lines speak of port 9090")


def test_a_slow_start_within_its_tries_passes() -> None:
    """A container that serves before its tries are over was never in the way."""
    result = gate(lambda kube: serves_nothing(kube, 200), rolled_out, seconds=30)

    assert result.passed


def test_a_start_that_the_gate_has_no_time_for() -> None:
    """Where the gate's time is over first, the cause is what it waited for."""
    result = gate(lambda kube: serves_nothing(kube, 2000))

    assert (result.passed, result.causes) == (False, ("WrongPort",))


def test_what_vanished_while_nobody_looked_is_gone() -> None:
    """When a watch begins anew, only what it shows then is there."""

    def vanishes(kube: MemoryKube) -> None:
        serves_nothing(kube)
        kube.drop(Ref("apps/v1", "ReplicaSet", "ns", "web-1"))

    result = gate(serves_nothing, vanishes, rolled_out, seconds=30)

    assert result.passed


def test_a_claim_that_nobody_makes_a_volume_for() -> None:
    """What the controller says of a claim is listened to, though it is no warning."""
    claim = Ref("v1", "PersistentVolumeClaim", "ns", "data")
    kube = MemoryKube()

    def says(kube: MemoryKube) -> None:
        message = "no persistent volumes available for this claim and no storage class is set"
        uid = (kube.get(claim) or {})["metadata"]["uid"]
        kube.put(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": "e", "namespace": "ns"},
                "type": "Normal",
                "reason": "FailedBinding",
                "message": message,
                "involvedObject": {"kind": "PersistentVolumeClaim", "uid": uid},
            }
        )

    metadata = {"name": "data", "namespace": "ns"}
    kube.put({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata})

    assert gate(says, refs=(claim,), kube=kube, seconds=30).causes == ("VolumePending",)


def test_lines_of_the_run_before() -> None:
    """Where the newest run has said nothing, the one before is asked."""
    kube = MemoryKube()
    kube.log_lines["web-1-x", "app", True] = "panic"

    assert gate(crash, kube=kube).failures[0].lines == ("panic",)


def test_no_lines() -> None:
    """A log that cannot be read does not hide the answer."""
    kube = MemoryKube()
    name = "pod/ns/web-1-x"
    kube.refusals["logs", name] = ShipwayError("kube.forbidden", Kind.DENIED, "no")

    failure = gate(crash, kube=kube).failures[0]

    assert (failure.cause, failure.lines) == (Cause.CRASH_LOOP, ())


def test_time_is_over() -> None:
    """What is still on its way when the time is over fails as too late, with what it waits for."""
    result = gate()

    assert not result.passed
    assert result.causes == ("Timeout",)
    assert result.failures[0].message == "0 of 1 pods are new"


def test_what_happened_while_nobody_heard_counts() -> None:
    """When time is over what is there is listed once more: a dead connection told nothing of it."""

    class Deaf(MemoryKube):
        def watch(self, selections: Any, *, seconds: float) -> Any:
            for change in super().watch(selections, seconds=seconds):
                yield change
                if change.type is ChangeType.SYNCED:
                    rolled_out(self)
                    return

    result = gate(kube=Deaf())

    assert result.passed, result.failures


def test_a_cluster_that_is_gone_when_time_is_over() -> None:
    """Who cannot look once more does not know whether it serves, and says that."""

    class Gone(MemoryKube):
        looks = 0

        def watch(self, selections: Any, *, seconds: float) -> Any:
            self.looks += 1
            if self.looks > 1:
                raise ShipwayError("kube.unreachable", Kind.TRANSIENT, "no route")
            yield from super().watch(selections, seconds=seconds)

    with pytest.raises(ShipwayError) as caught:
        gate(kube=Gone())

    assert caught.value.id == "kube.unreachable"


def tainted(kube: MemoryKube) -> None:
    """Let the scheduler say that nodes have taints, and not which."""
    replicas = owned("ReplicaSet", "web-1", "apps/v1", (kube.get(WEB) or {})["metadata"]["uid"])
    replicas["metadata"]["annotations"] = {REVISION: "1"}
    pod = owned("Pod", "web-1-x", "v1", kube.put(replicas)["metadata"]["uid"])
    said = "0/1 nodes are available: 1 node(s) had untolerated taint(s)."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    pod["status"] = {"conditions": [{**condition, "message": said}]}
    kube.put(pod)


@pytest.mark.parametrize(
    ("taint", "cause", "most"),
    [
        ("node.kubernetes.io/not-ready", "NodeNotReady", 0.2),
        ("ours", "Unschedulable", 30),
        ("", "Unschedulable", 0.2),
    ],
    ids=["a node that is not ready", "ready nodes, at once", "nodes that nobody may list"],
)
def test_taints_that_nobody_names(taint: str, cause: str, most: float) -> None:
    """The nodes tell whether waiting may help; where they are not shown it is waited."""

    class Named(MemoryKube):
        def watch(self, selections: Any, *, seconds: float) -> Any:
            if not taint and any(one.kind == "Node" for one in selections):
                raise ShipwayError("kube.forbidden", Kind.DENIED, "no")
            yield from super().watch(selections, seconds=seconds)

    kube = Named()
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"}}
    kube.put({**node, "spec": {"taints": [{"key": taint or "x"}]}})
    began = time.monotonic()

    result = gate(tainted, kube=kube, seconds=most)

    assert result.causes == (cause,)
    assert time.monotonic() - began < 20


def test_waiting_is_no_cause_when_another_failed() -> None:
    """When one object fails at once, the others are not blamed for being on their way."""
    job = {"apiVersion": "batch/v1", "kind": "Job",
           "metadata": {"name": "migrate", "namespace": "ns"}, "status": {}}  # fmt: skip
    kube = MemoryKube()
    kube.put(job)

    result = gate(crash, refs=(JOB, WEB), kube=kube)

    assert [one.cause for one in result.failures] == [Cause.CRASH_LOOP, Cause.NONE]
    assert result.causes == ("CrashLoopBackOff",)


def test_running_job_is_no_success() -> None:
    """A Job passes when it is complete, not while it runs."""
    job: dict[str, Any] = {"apiVersion": "batch/v1", "kind": "Job",
                           "metadata": {"name": "migrate", "namespace": "ns"}}  # fmt: skip
    kube = MemoryKube()
    kube.put({**job, "status": {"active": 1}})
    done = {"conditions": [{"type": "Complete", "status": "True"}]}

    def completes(kube: MemoryKube) -> None:
        kube.put({**job, "status": done})

    assert gate(refs=(JOB,), kube=kube).causes == ("Timeout",)
    assert gate(completes, refs=(JOB,), kube=kube, seconds=30).passed


def test_removed_by_somebody() -> None:
    """An object that vanishes fails at once."""

    def removes(kube: MemoryKube) -> None:
        kube.drop(WEB)

    result = gate(removes, seconds=30)

    assert result.causes == ("Removed",)
    assert result.failures[0].uid == "u"


def test_never_seen() -> None:
    """A watch that ends before it showed the state is no success."""

    class Blind(MemoryKube):
        def watch(self, selections: Any, *, seconds: float) -> Any:  # noqa: ARG002
            yield from ()

    result = gate(kube=Blind())

    assert (result.passed, result.causes) == (False, ("Timeout",))
    assert result.failures[0].message == "it was not seen"


def test_nothing_to_watch() -> None:
    """Objects that are done when stored pass at once."""
    assert gate(refs=(CONFIG,), seconds=30).passed


def test_warnings_of_before_do_not_count() -> None:
    """A refusal that is older than the apply is not held against it."""
    kube = MemoryKube()
    kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns"}})
    web = kube.put(deployment())
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "ns"},
        "type": "Warning",
        "reason": "FailedCreate",
        "message": "exceeded quota: q",
        "involvedObject": {"uid": web["metadata"]["uid"]},
    }
    version = kube.put(event)["metadata"]["resourceVersion"]
    rolled_out(kube)

    def passes(since: str) -> bool:
        request = GateRequest(objects=(Expected(ref_of(web), version=since),), seconds=5)
        return watch(request, kube=kube, clock=FakeClock()).passed

    assert passes(since=version)
    assert not passes(since=str(int(version) - 1))


def test_cancelled() -> None:
    """A cancelled scope ends the wait."""
    with scope.open() as inner, pytest.raises(ShipwayError) as caught:
        gate(lambda _: inner.cancel(), seconds=30)

    assert caught.value.id == "run.cancelled"
