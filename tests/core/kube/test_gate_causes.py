"""Why a gate says no, as a truth table: conditions and events in, cause and sentence out."""

from __future__ import annotations

from typing import Any

import pytest

from core.kube.test_health import (
    BAD,
    NONE,
    OK,
    WAIT,
    Around,
    Cause,
    State,
    assess,
    deployment,
    event,
    obj,
    pod,
    unschedulable,
)
from shipway.core.kube.health import ages, causes

PROBES = {
    "startupProbe": {"periodSeconds": 1, "failureThreshold": 60},
    "readinessProbe": {"periodSeconds": 1},
    "livenessProbe": {},
}
WAITING = deployment(availableReplicas=0)
REFUSED = 'Get "http://10.0.0.7:8080/healthz": dial tcp 10.0.0.7:8080: connect: connection refused'
NOTHING = "nothing listens on port 8080"


def running(*, started: bool = False, probes: Any = None, **status: Any) -> Any:
    """Return a pod whose container runs and is not ready."""
    container = {"state": {"running": {}}, "started": started, "ready": False, **status}
    spec = {"name": "app", **(PROBES if probes is None else probes)}
    return pod(phase="Running", container=container, containers=[{"name": "side"}, spec])


def ended(seconds: int, state: str = "lastState", **more: Any) -> Any:
    """Return a pod whose container's last run took so many seconds."""
    run = {
        "exitCode": 2, "reason": "Error", "startedAt": "2026-01-01T00:00:00Z",
        "finishedAt": f"2026-01-01T00:{seconds // 60:02}:{seconds % 60:02}Z", **more,
    }  # fmt: skip
    now = {"waiting": {"reason": "CrashLoopBackOff"}} if state == "lastState" else {}
    status = {"state": now} | {state: {"terminated": run}}
    return pod(container=status, containers=[{"name": "app", **PROBES}])


def unhealthy(message: str, name: str = "x-1", field: str = "spec.containers{app}") -> Any:
    """Return the kubelet's warning about a probe."""
    return event("Unhealthy", message, name=name, fieldPath=field)


def seen(age: float, *pods: Any, warning: Any = None, **more: Any) -> Around:
    """Return pods whose containers have been as they are for so long."""
    return Around(
        pods=pods, warnings=(warning,) if warning else (), ages={("x-1", "app"): age}, **more
    )


STARTUP = unhealthy(f"Startup probe failed: {REFUSED}")
READINESS = unhealthy("Readiness probe failed: HTTP probe failed with statuscode: 503")
LIVENESS = unhealthy("Liveness probe failed: context deadline exceeded")

PROBED: list[tuple[str, Any, Around, State, Cause, str]] = [
    ("a slow start within its time", WAITING, seen(60.9, running(), warning=STARTUP), WAIT,
     Cause.PORT, NOTHING),
    ("a start whose tries are over", WAITING, seen(61, running(), warning=STARTUP), BAD,
     Cause.PORT, NOTHING),
    ("a start that answers wrongly", WAITING, seen(61, running(),
     warning=unhealthy("Startup probe failed: HTTP probe failed with statuscode: 500")), BAD,
     Cause.PROBE, "its startup probe fails: HTTP probe failed with statuscode: 500"),
    ("a start of which nothing is said", WAITING, seen(99, running()), WAIT, NONE, "0 of 1"),
    ("a start that another container fails", WAITING, seen(99, running(),
     warning=unhealthy("Startup probe failed: x", field="spec.containers{other}")), WAIT, NONE,
     "0 of 1"),
    ("a start that another pod fails", WAITING, seen(99, running(),
     warning=unhealthy("Startup probe failed: x", name="x-2")), WAIT, NONE, "0 of 1"),
    ("a start that failed before this deploy", WAITING,
     seen(99, running(), warning=STARTUP, since="10"), WAIT, NONE, "0 of 1"),
    ("a probe that could not be tried", WAITING, seen(61, running(),
     warning=unhealthy("Startup probe errored and resulted in unknown state: rpc error")), BAD,
     Cause.PROBE, "rpc error"),
    ("gRPC on a port where nothing listens", WAITING, seen(61, running(), warning=unhealthy(
     'Startup probe failed: timeout: failed to connect service "10.0.0.7:9090" within 1s')), BAD,
     Cause.PORT, "nothing listens on port 9090"),
    ("ready soon after the start", WAITING, seen(60.9, running(started=True), warning=READINESS),
     WAIT, Cause.PROBE, "statuscode: 503"),
    ("not ready as long as a start may take", WAITING,
     seen(61, running(started=True), warning=READINESS), BAD, Cause.PROBE, "statuscode: 503"),
    ("a readiness probe with more tries than the start", WAITING, seen(61, running(started=True,
     probes={"startupProbe": {"periodSeconds": 1}, "readinessProbe": {"failureThreshold": 9}}),
     warning=READINESS), WAIT, Cause.PROBE, "503"),
    ("not ready without a startup probe", WAITING, seen(9999, running(probes={"readinessProbe":
     {"periodSeconds": 1}}), warning=READINESS), WAIT, Cause.PROBE, "503"),
    ("a start that the kubelet gave up", WAITING,
     seen(0, ended(59), warning=STARTUP), BAD, Cause.PORT, NOTHING),
    ("a start that the kubelet has just given up", WAITING,
     seen(0, ended(60, "state"), warning=STARTUP), BAD, Cause.PORT, NOTHING),
    ("a start that the kubelet gave up before this deploy", WAITING, seen(0, ended(59,
     startedAt="2025-12-31T23:00:00Z", finishedAt="2025-12-31T23:00:59Z"), warning=STARTUP), BAD,
     Cause.CRASH_LOOP, "exit code 2"),
    ("a crash while it starts", WAITING, seen(0, ended(5), warning=STARTUP), BAD,
     Cause.CRASH_LOOP, "exit code 2"),
    ("the first crash while it starts", WAITING, seen(0, ended(5, "state"), warning=STARTUP), WAIT,
     NONE, "0 of 1"),
    ("a run of unknown length", WAITING, seen(0, ended(59, finishedAt=None), warning=STARTUP), BAD,
     Cause.CRASH_LOOP, "exit code 2"),
    ("ended by its liveness probe", WAITING, seen(0, ended(20), warning=LIVENESS), BAD,
     Cause.PROBE, "its liveness probe fails: context deadline exceeded"),
    ("a leaving pod's probe fails", WAITING, seen(99, running() | {"metadata": {
     "name": "x-1", "deletionTimestamp": "now"}}, warning=STARTUP), WAIT, NONE, "0 of 1"),
    ("a container that is ready", WAITING, seen(99, running(ready=True), warning=STARTUP), WAIT,
     NONE, "Unhealthy"),
    ("a container that nobody described", WAITING, seen(99, pod(container={"state": {"running":
     {}}}), warning=READINESS), WAIT, Cause.PROBE, "503"),
    ("a bare pod", running(), Around(warnings=(event("Unhealthy", STARTUP["message"], name="x-1"),),
     ages={("x-1", "app"): 61}), BAD, Cause.PORT, NOTHING),
]  # fmt: skip


def killed(limit: str = "64Mi") -> Any:
    """Return a pod whose container used too much memory."""
    limits = {"resources": {"limits": {"memory": limit}}} if limit else {}
    last = {"terminated": {"reason": "OOMKilled", "exitCode": 137}}
    status = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": last}
    return pod(container=status, containers=[{"name": "app", **limits}])


def evicted(message: str, name: str = "x-1") -> Any:
    """Return a pod that was driven from its node."""
    found = pod(phase="Failed", status={"reason": "Evicted", "message": message})
    return found | {"metadata": {"name": name, "uid": name}}


def failed_job(one: Any) -> tuple[Any, Around]:
    """Return a Job that failed with this pod."""
    found = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "m"}]
    return obj("Job", "batch/v1", status={"conditions": found}), Around(pods=(one,))


def node(name: str, *taints: str) -> Any:
    """Return a node with these taints."""
    return obj("Node", "v1") | {
        "metadata": {"name": name}, "spec": {"taints": [{"key": one} for one in taints]}
    }  # fmt: skip


TAINTED = "0/2 nodes are available: 2 node(s) had untolerated taint(s)."
OUT = pod(container={"state": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}},
          containers=[{"name": "app", "resources": {"limits": {"memory": "64Mi"}}}])  # fmt: skip
PRESSURE = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "
CLAIM = obj("PersistentVolumeClaim", status={"phase": "Pending"})
NO_CLASS = 'storageclass.storage.k8s.io "fast" not found'
OTHERS: list[tuple[str, Any, Around, State, Cause, str]] = [
    ("out of memory", WAITING, Around(pods=(killed(),)), BAD, Cause.OOM,
     "OOMKilled (exit code 137), 3 restarts; its memory limit is 64Mi"),
    ("out of the node's memory", WAITING, Around(pods=(killed(""),)), BAD, Cause.OOM,
     "it has no memory limit"),
    ("a job out of memory", *failed_job(OUT), BAD, Cause.OOM, "(OOMKilled); its memory limit is"),
    ("a pod out of memory", OUT | {"status": OUT["status"] | {"phase": "Failed"}}, Around(), BAD,
     Cause.OOM, "ended with 137"),
    ("another platform's image", WAITING, Around(pods=(pod(waiting="ErrImagePull",
     message="no match for platform in manifest sha256:1: not found"),)), BAD, Cause.PLATFORM,
     "cannot pull img"),
    ("another platform's program", WAITING, Around(pods=(pod(waiting="RunContainerError",
     message="exec /app: exec format error"),)), BAD, Cause.PLATFORM, "exec format error"),
    ("evicted once for the node's sake", WAITING, Around(pods=(evicted(PRESSURE),)), WAIT,
     Cause.EVICTED, "was evicted: The node was low"),
    ("evicted twice", WAITING, Around(pods=(evicted(PRESSURE), evicted(PRESSURE, "x-2"))), BAD,
     Cause.EVICTED, "was evicted"),
    ("evicted twice and serving again", deployment(), Around(pods=(evicted(PRESSURE),
     evicted(PRESSURE, "x-2"))), OK, NONE, ""),
    ("evicted once and serving again", deployment(), Around(pods=(evicted(PRESSURE),)), OK, NONE,
     ""),
    ("evicted for its own limit", WAITING, Around(pods=(evicted(
     'Usage of EmptyDir volume "tmp" exceeds the limit "64Mi". '),)), BAD, Cause.EVICTED, "64Mi"),
    ("a bare pod evicted", evicted(PRESSURE), Around(), BAD, Cause.EVICTED, "low on resource"),
    ("its node is lost", WAITING, Around(warnings=(event("NodeNotReady", "Node is not ready"),)),
     WAIT, Cause.NODE, "NodeNotReady: Node is not ready"),
    ("a job's node is lost", obj("Job", "batch/v1", status={"active": 1}), Around(warnings=(
     event("NodeNotReady", "Node is not ready"),)), WAIT, Cause.NODE, "NodeNotReady"),
    ("taints that nobody named", WAITING, Around(pods=(unschedulable(TAINTED),)), WAIT,
     Cause.UNSCHEDULABLE, "untolerated taint(s)"),
    ("taints of a node that is not ready", WAITING, Around(pods=(unschedulable(TAINTED),),
     nodes=(node("b", "own"), node("a", "node.kubernetes.io/not-ready"))), WAIT, Cause.NODE,
     "(not ready: a)"),
    ("a job's pod and a node that is not ready", obj("Job", "batch/v1", status={"active": 1}),
     Around(pods=(unschedulable(TAINTED),), nodes=(node("a", "node.kubernetes.io/unreachable"),)),
     WAIT, Cause.NODE, "(not ready: a)"),
    ("a bare pod and a node that is not ready", unschedulable(TAINTED),
     Around(nodes=(node("a", "node.kubernetes.io/unreachable"),)), WAIT, Cause.NODE, "(not ready"),
    ("taints of nodes that are ready", WAITING, Around(pods=(unschedulable(TAINTED),),
     nodes=(node("a", "own"), node("b"))), BAD, Cause.UNSCHEDULABLE, "untolerated taint(s)"),
    ("a node that is not ready, told by an event alone", WAITING, Around(warnings=(
     event("FailedScheduling", TAINTED),), nodes=(node("a", "node.kubernetes.io/not-ready"),)),
     WAIT, Cause.NODE, "(not ready: a)"),
    ("no room, told by an event alone", WAITING, Around(warnings=(
     event("FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu."),)), WAIT,
     Cause.UNSCHEDULABLE, "Insufficient cpu"),
    ("a volume that is not there yet", WAITING, Around(pods=(unschedulable(
     "pod has unbound immediate PersistentVolumeClaims"),)), WAIT, Cause.VOLUME, "unbound"),
    ("a claim that is not there", WAITING, Around(pods=(unschedulable(
     'persistentvolumeclaim "data" not found'),)), BAD, Cause.VOLUME, '"data" not found'),
    ("a claim without a class", CLAIM, Around(warnings=(event("FailedBinding",
     "no persistent volumes available for this claim and no storage class is set"),)), BAD,
     Cause.VOLUME, "no storage class is set"),
    ("a claim of an unknown class", CLAIM, Around(warnings=(event("ProvisioningFailed",
     NO_CLASS),)), BAD, Cause.VOLUME, "fast"),
    ("a claim that is being made", CLAIM, Around(warnings=(event("ExternalProvisioning",
     "waiting for a volume"),)), WAIT, Cause.VOLUME, "waiting for a volume"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("live", "around", "state", "cause", "text"),
    [pytest.param(*row[1:], id=row[0]) for row in (*PROBED, *OTHERS)],
)
def test_causes(live: Any, around: Around, state: State, cause: Cause, text: str) -> None:
    """Each row is judged as its name says, with a sentence that tells why."""
    found = assess(live, around)

    assert (found.state, found.cause) == (state, cause)
    assert text in found.message


def test_a_wait_says_when_it_is_over() -> None:
    """What time alone decides comes with the seconds that are left, and names the log."""
    found = assess(WAITING, seen(21, running(), warning=STARTUP))

    assert (found.due, found.pod, found.container) == (40, "x-1", "app")


def test_ages() -> None:
    """A run's age counts from its first sight; a restart and the end of the start begin anew."""
    one = ages.Ages()
    first = running()
    one.see(first, 10)
    one.see(first, 15)

    assert one.of(first, 17) == {("x-1", "app"): 7}
    assert one.of(running(restartCount=9), 17) == {("x-1", "app"): 0}
    assert one.of(running(started=True), 17) == {("x-1", "app"): 0}
    assert one.of(ended(3), 17) == {}


LINES = [
    (Cause.CRASH_LOOP, ("exec /app: exec format error",), Cause.PLATFORM, "another platform"),
    (Cause.CRASH_LOOP, ("panic: open /data/x.db: read-only file system",), Cause.READ_ONLY,
     "its read-only root (/data/x.db)"),
    (Cause.FAILED, ("mkdir: Read-only file system",), Cause.READ_ONLY, "its read-only root"),
    (Cause.CRASH_LOOP, ("no flour left",), Cause.CRASH_LOOP, ""),
    (Cause.OOM, ("open /a: read-only file system",), Cause.OOM, ""),
    (Cause.PORT, ("2026 listening on :9090", "started"), Cause.PORT, "speak of port 9090"),
    (Cause.PORT, ("serving http at 127.0.0.1:8080",), Cause.PORT, ""),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "lines", "expected", "text"), LINES)
def test_last_lines(cause: Cause, lines: tuple[str, ...], expected: Cause, text: str) -> None:
    """A container's last lines make a cause more exact where they say so, and only there."""
    found, message = causes.refined(cause, f"x: {NOTHING} (refused)", lines)

    assert found is expected
    assert text in message
    assert text or message == f"x: {NOTHING} (refused)"


def test_a_port_is_spoken_of_only_where_none_answers() -> None:
    """Without a port in the message the lines add nothing."""
    assert causes.refined(Cause.PORT, "m", ["listening on :9090"]) == (Cause.PORT, "m")


def test_every_cause_has_a_page_of_its_own() -> None:
    """Each cause is told by an id and a next step; several by one id for all."""
    ids = [causes.PAGES[cause].id for cause in Cause]

    assert len(set(ids)) == len(ids)
    assert all(causes.PAGES[cause].hint for cause in Cause)
    assert causes.page([Cause.OOM, Cause.NONE, Cause.OOM]).id == "gate.oom_killed"
    assert causes.page([Cause.OOM, Cause.PORT]).id == causes.SEVERAL
    assert causes.page([]).id == causes.SEVERAL
