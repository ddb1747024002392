"""Health as a truth table: what the API server says, and what that means."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube.health import Around, Cause, State, assess, watched

OK, WAIT, BAD = State.HEALTHY, State.PROGRESSING, State.FAILED
NONE = Cause.NONE
T0, T1, T2 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"


def obj(
    kind: str, version: str = "v1", *, spec: Any = None, status: Any = None, **meta: Any
) -> Any:
    """Return an object that we applied at T1 as generation 2."""
    entry = {"manager": "shipway", "operation": "Apply", "time": T1}
    metadata = {"name": "x", "namespace": "ns", "uid": "u", "generation": 2, **meta}
    metadata.setdefault("managedFields", [entry])
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": metadata,
        "spec": spec or {},
        "status": status or {},
    }


def condition(name: str, status: str = "True", **other: str) -> dict[str, str]:
    """Return a condition."""
    return {"type": name, "status": status, **other}


def pod(*, waiting: str = "", message: str = "", phase: str = "Pending", **other: Any) -> Any:
    """Return a pod with one container."""
    state: Any = {"waiting": {"reason": waiting, "message": message}} if waiting else {}
    status = {"name": "app", "image": "img", "state": state, "restartCount": 3}
    status |= other.pop("container", {})
    metadata = {"name": "x-1", "uid": "p", **other.pop("metadata", {})}
    found = {"phase": phase, "containerStatuses": [status], **other.pop("status", {})}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": other, "status": found}


def unschedulable(message: str = "0/1 nodes are available: 1 Insufficient cpu.") -> Any:
    """Return a pod that no node takes."""
    found = condition("PodScheduled", "False", reason="Unschedulable", message=message)
    return pod(status={"conditions": [found]})


def event(reason: str, message: str, *, time: str = T2, version: str = "9", **about: str) -> Any:
    """Return a warning."""
    return {
        "reason": reason,
        "message": message,
        "lastTimestamp": time,
        "metadata": {"resourceVersion": version},
        "involvedObject": about,
    }


ROLLED = {"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
QUOTA = 'pods "x" is forbidden: exceeded quota: q'


def deployment(spec: Any = None, **status: Any) -> Any:
    """Return a Deployment that is rolled out but for ``status``."""
    return obj("Deployment", "apps/v1", spec=spec or {"replicas": 1}, status=ROLLED | status)


def replica_set(message: str, time: str) -> Any:
    """Return a ReplicaSet that could not make pods."""
    found = condition("ReplicaFailure", message=message, lastTransitionTime=time)
    return obj("ReplicaSet", "apps/v1", status={"conditions": [found]})


def stuck(time: str) -> list[dict[str, str]]:
    """Return the condition of a Deployment whose own deadline passed."""
    return [
        condition("Progressing", "False", reason="ProgressDeadlineExceeded", lastUpdateTime=time)
    ]


LEFT = pod(metadata={"deletionTimestamp": T0}, waiting="CrashLoopBackOff")
CRASH = pod(
    waiting="CrashLoopBackOff",
    container={"lastState": {"terminated": {"reason": "Error", "exitCode": 3}}},
)
ENDED = pod(container={"state": {"terminated": {"reason": "Error", "exitCode": 3}}})
BACK_OFF = event("BackOff", "Back-off restarting failed container app in pod x-1", name="x-1")
PULL = "rpc error: code = NotFound: not found"

DEPLOYMENTS: list[tuple[str, Any, Around, State, Cause, str]] = [
    ("rolled out", deployment(), Around(), OK, NONE, ""),
    ("one replica is the default", deployment({"x": 1}), Around(), OK, NONE, ""),
    ("scaled to none", deployment({"replicas": 0}, replicas=0, updatedReplicas=0,
     availableReplicas=0), Around(), OK, NONE, ""),
    ("not seen yet", deployment(observedGeneration=1), Around(), WAIT, NONE, "not seen"),
    ("never seen", obj("Deployment", "apps/v1"), Around(), WAIT, NONE, "not seen"),
    ("paused", deployment({"paused": True}), Around(), WAIT, NONE, "paused"),
    ("too few new", deployment({"replicas": 2}), Around(), WAIT, NONE, "1 of 2 pods are new"),
    ("old left", deployment(replicas=2), Around(), WAIT, NONE, "1 old pods are left"),
    ("not available", deployment(availableReplicas=0), Around(), WAIT, NONE,
     "0 of 1 pods are available"),
    ("deadline", deployment(conditions=stuck(T2)), Around(), BAD, Cause.DEADLINE, "progress"),
    ("deadline of before", deployment(conditions=stuck(T0)), Around(), OK, NONE, ""),
    ("other condition", deployment(conditions=[condition("Progressing", reason="NewReplicaSet")]),
     Around(), OK, NONE, ""),
    ("crash loop", deployment(availableReplicas=0), Around(pods=(CRASH,)), BAD, Cause.CRASH_LOOP,
     "pod x-1, container app: Error (exit code 3), 3 restarts"),
    ("crash loop in an init container", deployment(), Around(pods=(pod(status={
        "initContainerStatuses": [{"name": "init", "state": {"waiting":
                                  {"reason": "CrashLoopBackOff"}}}]}),)),
     BAD, Cause.CRASH_LOOP, "container init: it (exit code ?), 0 restarts"),
    ("a crash known by its event", deployment(availableReplicas=0),
     Around(pods=(ENDED,), warnings=(BACK_OFF,)), BAD, Cause.CRASH_LOOP, "exit code 3"),
    ("a crash of before known by its event", deployment(availableReplicas=0),
     Around(pods=(ENDED,), warnings=(BACK_OFF,), since="10"), WAIT, NONE, "0 of 1"),
    ("one crash", deployment(availableReplicas=0), Around(pods=(ENDED,)), WAIT, NONE, "0 of 1"),
    ("a leaving pod crashes", deployment(), Around(pods=(LEFT,)), OK, NONE, ""),
    ("cannot pull", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="ImagePullBackOff", message="Back-off pulling"),)), BAD,
     Cause.UNPULLABLE, "cannot pull img: Back-off pulling"),
    ("pull refused", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="ErrImagePull", message=PULL),)), BAD, Cause.UNPULLABLE, "NotFound"),
    ("pull failed once", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="ErrImagePull", message="i/o timeout"),)), WAIT, NONE,
     "ErrImagePull: i/o timeout"),
    ("bad image name", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="InvalidImageName"),)), BAD, Cause.UNPULLABLE, "InvalidImageName"),
    ("cannot start", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="RunContainerError", message="no such file"),)), BAD,
     Cause.CANNOT_START, "no such file"),
    ("waits for a Secret", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="CreateContainerConfigError", message='secret "s" not found'),)),
     WAIT, NONE, 'secret "s" not found'),
    ("being created", deployment(availableReplicas=0),
     Around(pods=(pod(waiting="ContainerCreating"),)), WAIT, NONE, "0 of 1 pods"),
    ("unschedulable", deployment(availableReplicas=0), Around(pods=(unschedulable(),)), BAD,
     Cause.UNSCHEDULABLE, "Insufficient cpu"),
    ("unschedulable while others leave", deployment(availableReplicas=0),
     Around(pods=(unschedulable(),), leaving=True), WAIT, Cause.UNSCHEDULABLE,
     "Insufficient cpu"),
    ("unschedulable while the node comes up", deployment(availableReplicas=0),
     Around(pods=(unschedulable("untolerated taint {node.kubernetes.io/not-ready: }"),)), WAIT,
     Cause.NODE, "not-ready"),
    ("refused by quota", deployment(availableReplicas=0),
     Around(warnings=(event("FailedCreate", f"(combined from similar events): {QUOTA}"),)), BAD,
     Cause.QUOTA, QUOTA),
    ("refused before by quota", deployment(), Around(warnings=(event("FailedCreate", QUOTA),),
     since="9"), OK, NONE, ""),
    ("refused before, by time", deployment(),
     Around(warnings=(event("FailedCreate", QUOTA, time=T0, version=""),), since="9"), OK,
     NONE, ""),
    ("refused after, by time", deployment(),
     Around(warnings=(event("FailedCreate", QUOTA, version=""),)), BAD, Cause.QUOTA, QUOTA),
    ("service account not seen yet", deployment(availableReplicas=0),
     Around(warnings=(event("FailedCreate", "error looking up service account ns/x"),)), WAIT,
     NONE, "looking up service account"),
    ("refused, by its ReplicaSet", deployment(availableReplicas=0),
     Around(revision=replica_set('violates PodSecurity "restricted"', T2)), BAD, Cause.REJECTED,
     "violates PodSecurity"),
    ("refused before, by its ReplicaSet", deployment(),
     Around(revision=replica_set('violates PodSecurity "restricted"', T0)), OK, NONE, ""),
    ("last warning", deployment(availableReplicas=0),
     Around(warnings=(event("Unhealthy", "probe failed: 503"),)), WAIT, NONE,
     "0 of 1 pods are available; Unhealthy: probe failed: 503"),
    ("event with a series", deployment(availableReplicas=0), Around(warnings=({
        "reason": "Unhealthy", "message": "503", "metadata": {},
        "series": {"lastObservedTime": T2}},)), WAIT, NONE, "Unhealthy: 503"),
    ("being deleted", obj("Deployment", "apps/v1", deletionTimestamp=T0), Around(), WAIT,
     NONE, "being deleted"),
]  # fmt: skip

READY = {"observedGeneration": 2, "readyReplicas": 2, "updatedReplicas": 2,
         "currentRevision": "a", "updateRevision": "a"}  # fmt: skip
DAEMON = {"observedGeneration": 2, "desiredNumberScheduled": 2, "numberAvailable": 2,
          "updatedNumberScheduled": 2}  # fmt: skip


def stateful(spec: Any = None, **status: Any) -> Any:
    """Return a StatefulSet of two pods."""
    return obj("StatefulSet", "apps/v1", spec={"replicas": 2} | (spec or {}), status=READY | status)


def daemon(spec: Any = None, **status: Any) -> Any:
    """Return a DaemonSet on two nodes."""
    return obj("DaemonSet", "apps/v1", spec=spec, status=DAEMON | status)


def on_delete() -> Any:
    """Return an update strategy that leaves old pods alone."""
    return {"updateStrategy": {"type": "OnDelete"}}


OTHERS: list[tuple[str, Any, Around, State, Cause, str]] = [
    ("set ready", stateful(), Around(), OK, NONE, ""),
    ("set unseen", stateful(observedGeneration=1), Around(), WAIT, NONE, "not seen"),
    ("set half ready", stateful(readyReplicas=1), Around(), WAIT, NONE, "1 of 2 pods are ready"),
    ("set half new", stateful(updatedReplicas=1, updateRevision="b"), Around(), WAIT, NONE,
     "1 of 2 pods are new"),
    ("set new above its partition", stateful(
        {"updateStrategy": {"rollingUpdate": {"partition": 1}}}, updatedReplicas=1,
        updateRevision="b"), Around(), OK, NONE, ""),
    ("set updated by hand", stateful(on_delete(), updatedReplicas=0, updateRevision="b"), Around(),
     OK, NONE, ""),
    ("set crashes", stateful(readyReplicas=0), Around(pods=(CRASH,)), BAD, Cause.CRASH_LOOP, ""),
    ("daemon ready", daemon(), Around(), OK, NONE, ""),
    ("daemon unseen", daemon(observedGeneration=1), Around(), WAIT, NONE, "not seen"),
    ("daemon half new", daemon(updatedNumberScheduled=1), Around(), WAIT, NONE, "1 of 2"),
    ("daemon updated by hand", daemon(on_delete(), updatedNumberScheduled=1), Around(), OK,
     NONE, ""),
    ("daemon half available", daemon(numberAvailable=1), Around(), WAIT, NONE, "available"),
    ("daemon crashes", daemon(), Around(pods=(CRASH,)), BAD, Cause.CRASH_LOOP, ""),
    ("replica set", obj("ReplicaSet", "apps/v1", status=ROLLED), Around(), OK, NONE, ""),
    ("replica set unseen", obj("ReplicaSet", "apps/v1"), Around(), WAIT, NONE, "not seen"),
    ("replica set waits", obj("ReplicaSet", "apps/v1", status={"observedGeneration": 2}), Around(),
     WAIT, NONE, "0 of 1"),
    ("replica set refused", obj("ReplicaSet", "apps/v1", status={"observedGeneration": 2,
     "conditions": [condition("ReplicaFailure", message=QUOTA)]}), Around(), BAD, Cause.QUOTA,
     QUOTA),
    ("replica set crashes", obj("ReplicaSet", "apps/v1", status=ROLLED), Around(pods=(CRASH,)), BAD,
     Cause.CRASH_LOOP, ""),
    ("job complete", obj("Job", "batch/v1", status={"conditions": [condition("Complete")]}),
     Around(), OK, NONE, ""),
    ("job running is no success", obj("Job", "batch/v1", status={"active": 1}), Around(), WAIT,
     NONE, "1 pods are running"),
    ("job waits", obj("Job", "batch/v1", status={"active": 1}),
     Around(pods=(pod(waiting="CreateContainerConfigError"),)), WAIT, NONE, "ConfigError"),
    ("job crashes and may try again", obj("Job", "batch/v1", status={"active": 1}),
     Around(pods=(CRASH,)), WAIT, NONE, "1 pods are running"),
    ("job cannot pull", obj("Job", "batch/v1"), Around(pods=(pod(waiting="ImagePullBackOff"),)),
     BAD, Cause.UNPULLABLE, ""),
    ("job refused", obj("Job", "batch/v1"), Around(warnings=(event("FailedCreate", QUOTA),)), BAD,
     Cause.QUOTA, QUOTA),
    ("job suspended", obj("Job", "batch/v1", spec={"suspend": True}), Around(), OK, NONE,
     "suspended"),
    ("job failed", obj("Job", "batch/v1", status={"conditions": [
        condition("Failed", reason="BackoffLimitExceeded", message="limit")]}),
     Around(pods=(ENDED,)), BAD, Cause.FAILED,
     "BackoffLimitExceeded: limit; container app ended with 3"),
    ("job failed without a pod", obj("Job", "batch/v1", status={"conditions": [
        condition("Failed", reason="DeadlineExceeded", message="late")]}),
     Around(pods=(pod(),)), BAD, Cause.FAILED, "DeadlineExceeded: late"),
    ("cron job", obj("CronJob", "batch/v1"), Around(), OK, NONE, ""),
    ("pod succeeded", pod(phase="Succeeded"), Around(), OK, NONE, ""),
    ("pod failed is no success", pod(phase="Failed", container={"state": {"terminated":
     {"exitCode": 2}}}), Around(), BAD, Cause.FAILED, "container app ended with 2"),
    ("pod evicted", pod(phase="Failed", status={"message": "evicted"}), Around(), BAD, Cause.FAILED,
     "evicted"),
    ("pod crashes", CRASH, Around(), BAD, Cause.CRASH_LOOP, ""),
    ("pod ready", pod(phase="Running", status={"conditions": [condition("Ready")]}), Around(), OK,
     NONE, ""),
    ("pod not ready", pod(phase="Running"), Around(), WAIT, NONE, "it is Running"),
    ("pod unscheduled for now", unschedulable("no nodes available"), Around(), WAIT, Cause.NODE,
     "no nodes available"),
    ("pod that should end", pod(phase="Running", restartPolicy="Never",
     status={"conditions": [condition("Ready")]}), Around(), WAIT, NONE, "it is Running"),
    ("service", obj("Service"), Around(), OK, NONE, ""),
    ("load balancer without address", obj("Service", spec={"type": "LoadBalancer"}), Around(), WAIT,
     NONE, "no address"),
    ("load balancer", obj("Service", spec={"type": "LoadBalancer"}, status={"loadBalancer":
     {"ingress": [{"ip": "10.0.0.1"}]}}), Around(), OK, NONE, ""),
    ("claim bound", obj("PersistentVolumeClaim", status={"phase": "Bound"}), Around(), OK,
     NONE, ""),
    ("claim lost", obj("PersistentVolumeClaim", status={"phase": "Lost"}), Around(), BAD,
     Cause.FAILED, "lost"),
    ("claim pending", obj("PersistentVolumeClaim"), Around(), WAIT, Cause.VOLUME, "no volume"),
    ("claim waits by design", obj("PersistentVolumeClaim"),
     Around(warnings=(event("WaitForFirstConsumer", "waiting"),)), OK, NONE, "first pod"),
    ("namespace", obj("Namespace", status={"phase": "Active"}), Around(), OK, NONE, ""),
    ("namespace going", obj("Namespace", status={"phase": "Terminating"}), Around(), WAIT,
     NONE, "Terminating"),
    ("definition", obj("CustomResourceDefinition", "apiextensions.k8s.io/v1", status={
        "conditions": [condition("Established")]}), Around(), OK, NONE, ""),
    ("definition new", obj("CustomResourceDefinition", "apiextensions.k8s.io/v1"), Around(), WAIT,
     NONE, "Established"),
    ("definition of taken names", obj("CustomResourceDefinition", "apiextensions.k8s.io/v1",
     status={"conditions": [condition("NamesAccepted", "False", reason="Conflict",
                                      message="taken")]}),
     Around(), BAD, Cause.FAILED, "Conflict: taken"),
    ("api service", obj("APIService", "apiregistration.k8s.io/v1", status={
        "conditions": [condition("Available")]}), Around(), OK, NONE, ""),
    ("api service down", obj("APIService", "apiregistration.k8s.io/v1"), Around(), WAIT, NONE,
     "Available"),
    ("unknown kind", obj("Thing", "a.b/v1"), Around(), OK, NONE, ""),
    ("unknown kind unseen", obj("Thing", "a.b/v1", status={"observedGeneration": 1}), Around(),
     WAIT, NONE, "not seen"),
    ("unknown kind stalled", obj("Thing", "a.b/v1", status={"observedGeneration": 2, "conditions": [
        condition("Stalled", reason="Broken", message="beyond repair")]}), Around(), BAD,
     Cause.FAILED, "Broken: beyond repair"),
    ("unknown kind reconciling", obj("Thing", "a.b/v1", status={"conditions": [
        condition("Reconciling")]}), Around(), WAIT, NONE, "Reconciling is True"),
    ("unknown kind ready", obj("Thing", "a.b/v1", status={"conditions": [condition("Ready")]}),
     Around(), OK, NONE, ""),
    ("unknown kind not ready", obj("Thing", "a.b/v1", status={"conditions": [
        condition("Ready", "False", reason="SyncError")]}), Around(), WAIT, NONE, "SyncError"),
    ("unknown kind not available", obj("Thing", "a.b/v1", status={"conditions": [
        condition("Available", "Unknown")]}), Around(), WAIT, NONE, "Available is Unknown"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("live", "around", "state", "cause", "text"),
    [pytest.param(*row[1:], id=row[0]) for row in (*DEPLOYMENTS, *OTHERS)],
)
def test_assess(live: Any, around: Around, state: State, cause: Cause, text: str) -> None:
    """Each row is judged as its name says, with a sentence that tells why."""
    found = assess(live, around)

    assert (found.state, found.cause) == (state, cause)
    assert text in found.message


def test_crash_names_the_log() -> None:
    """A crash says which container's log tells; an image that cannot be pulled has none."""
    crash = assess(deployment(), Around(pods=(CRASH,)))
    pull = assess(deployment(), Around(pods=(pod(waiting="ImagePullBackOff"),)))

    assert (crash.pod, crash.container) == ("x-1", "app")
    assert (pull.pod, pull.container) == ("x-1", "")


def test_unready_names_the_log() -> None:
    """A container that runs and is not ready is named, for when the time runs out."""
    running = pod(container={"state": {"running": {}}, "ready": False})

    found = assess(deployment(availableReplicas=0), Around(pods=(running,)))

    assert (found.state, found.pod, found.container) == (WAIT, "x-1", "app")


def test_ready_containers_have_no_say() -> None:
    """A ready container's log is not asked for."""
    found = assess(
        deployment(availableReplicas=0),
        Around(pods=(pod(container={"state": {"running": {}}, "ready": True}),)),
    )

    assert (found.pod, found.container) == ("", "")


@pytest.mark.parametrize(
    ("group", "kind", "expected"),
    [
        ("", "ConfigMap", False),
        ("rbac.authorization.k8s.io", "Role", False),
        ("apps", "Deployment", True),
        ("example.com", "Role", True),
        ("example.com", "Thing", True),
    ],
)
def test_watched(group: str, kind: str, expected: bool) -> None:
    """Only kinds of Kubernetes itself that are done when stored need no watching."""
    assert watched(group, kind) is expected
