"""One service as Kubernetes objects: the hardened default that Shipway writes.

``core.project.manifests`` lays these out as files or renders them in memory. User 1001, read-only
root, no capability (NET_BIND_SERVICE only below port 1024), seccomp default, memory-backed /tmp, no
API token, requests and a memory limit; it passes Pod Security ``restricted``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj

KINDS = ("web", "grpc", "worker", "job", "cron")
SERVED = ("web", "grpc")
"""Kinds that have a port and a Service."""

_USER = 1001
_STEADY = 3
"""Seconds that a worker must stay up before it counts: it has no probe that could tell."""
_PRIVILEGED = 1024
"""Ports below it need a capability."""


class Workload(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one service: from the config, else detected, else these defaults."""

    name: str
    kind: str = "web"
    port: int = 8080
    startup: str = ""
    """HTTP route of the probe; empty: see :func:`_probes`."""
    readiness: str = ""
    liveness: str = ""
    grpc_health: bool = False
    """Whether it serves ``grpc.health.v1``."""
    schedule: str = "0 3 * * *"
    """Of a cron, in the controller's time zone (UTC)."""
    image: str = ""
    """Empty: the placeholder ``shipway://NAME``."""

    @property
    def reference(self) -> str:
        """Return what stands in the image field."""
        return self.image or f"shipway://{self.name}"


def objects(workload: Workload, project: str) -> tuple[Obj, ...]:
    """Return ServiceAccount, Service (where it has a port) and the workload itself."""
    labels = _labels(workload, project)
    account: Obj = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": workload.name, "labels": labels},
        "automountServiceAccountToken": False,
    }
    service = (_service(workload, labels),) if workload.kind in SERVED else ()
    return (account, *service, _WORKLOADS[workload.kind](workload, labels))


def _labels(workload: Workload, project: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": workload.name, "app.kubernetes.io/part-of": project}


def _service(workload: Workload, labels: dict[str, str]) -> Obj:
    port: dict[str, object] = {"name": _port_name(workload), "port": workload.port}
    port |= {"targetPort": _port_name(workload), "protocol": "TCP"}
    if workload.kind == "grpc":
        port["appProtocol"] = "kubernetes.io/h2c"
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": workload.name, "labels": labels},
        "spec": {"type": "ClusterIP", "selector": labels, "ports": [port]},
    }


def _deployment(workload: Workload, labels: dict[str, str]) -> Obj:
    rolling = {"maxSurge": 1, "maxUnavailable": 0}
    steady = {} if workload.kind in SERVED else {"minReadySeconds": _STEADY}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": workload.name, "labels": labels},
        "spec": {
            "replicas": 1,
            **steady,
            "selector": {"matchLabels": labels},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling},
            "template": {"metadata": {"labels": labels}, "spec": _pod(workload)},
        },
    }


def _job_spec(workload: Workload, labels: dict[str, str]) -> Obj:
    pod = {**_pod(workload), "restartPolicy": "Never"}
    return {"backoffLimit": 2, "template": {"metadata": {"labels": labels}, "spec": pod}}


def _job(workload: Workload, labels: dict[str, str]) -> Obj:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": workload.name, "labels": labels},
        "spec": _job_spec(workload, labels),
    }


def _cron(workload: Workload, labels: dict[str, str]) -> Obj:
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": workload.name, "labels": labels},
        "spec": {
            "schedule": workload.schedule,
            "concurrencyPolicy": "Forbid",
            "jobTemplate": {"spec": _job_spec(workload, labels)},
        },
    }


_WORKLOADS = {
    "web": _deployment,
    "grpc": _deployment,
    "worker": _deployment,
    "job": _job,
    "cron": _cron,
}


def _pod(workload: Workload) -> Obj:
    return {
        "serviceAccountName": workload.name,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_container(workload)],
        "volumes": [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}],
    }


def _container(workload: Workload) -> Obj:
    capabilities: dict[str, list[str]] = {"drop": ["ALL"]}
    served = workload.kind in SERVED
    if served and workload.port < _PRIVILEGED:
        capabilities["add"] = ["NET_BIND_SERVICE"]
    container: Obj = {"name": workload.name, "image": workload.reference}
    if served:
        container["ports"] = [{"name": _port_name(workload), "containerPort": workload.port}]
        container["env"] = [{"name": "PORT", "value": str(workload.port)}]
        container |= _probes(workload)
    return container | {
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"memory": "256Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": capabilities,
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108  in the container
    }


def _probes(workload: Workload) -> Obj:
    """Return the three probes: on the routes found, else gRPC health, else TCP.

    A readiness route never decides liveness: a failing dependency must not restart the process.
    """
    readiness = workload.readiness or workload.liveness
    startup = workload.startup or workload.liveness or workload.readiness
    return {
        "startupProbe": {**_check(workload, startup), "periodSeconds": 1, "failureThreshold": 60},
        "readinessProbe": {**_check(workload, readiness), "periodSeconds": 1},
        "livenessProbe": {**_check(workload, workload.liveness), "periodSeconds": 10},
    }


def _check(workload: Workload, route: str) -> Obj:
    if route:
        return {"httpGet": {"path": route, "port": _port_name(workload)}}
    if workload.grpc_health:
        return {"grpc": {"port": workload.port}}
    return {"tcpSocket": {"port": _port_name(workload)}}


def _port_name(workload: Workload) -> str:
    return "grpc" if workload.kind == "grpc" else "http"
