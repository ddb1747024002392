"""What the API server, admission and controllers add to a pod spec by themselves (core/v1).

``live`` takes these as no difference. Anything that is not listed here is one: a table that is too
short says "edited object" of an honest pod, one that is too long hides an edit.
"""

from __future__ import annotations

from typing import Any

CONTAINER_LISTS = frozenset({"containers", "initContainers", "ephemeralContainers"})

NAMED_BY = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "env": "name",
    "ports": "containerPort",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
}
"""The field by which entries of a list are the same entry (patchMergeKey)."""

_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "restartPolicy": ("Always",),
    "terminationGracePeriodSeconds": (30,),
    "dnsPolicy": ("ClusterFirst",),
    "schedulerName": ("default-scheduler",),
    "enableServiceLinks": (True,),
    "preemptionPolicy": ("PreemptLowerPriority",),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "imagePullPolicy": ("IfNotPresent", "Always"),
    "protocol": ("TCP",),
    "scheme": ("HTTP",),
    "timeoutSeconds": (1,),
    "periodSeconds": (10,),
    "successThreshold": (1,),
    "failureThreshold": (3,),
    "defaultMode": (420,),
    "expirationSeconds": (3600,),
    "apiVersion": ("v1",),
    "divisor": ("0",),
    "serviceAccountName": ("default",),
}
"""Field to what SetDefaults_* of core/v1 puts there."""

_TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105  a path
_TOKEN_VOLUME = "kube-api-access-"  # noqa: S105  a prefix of names
_TOKEN_SOURCES = frozenset({"serviceAccountToken", "configMap", "downwardAPI"})
_LIVE = frozenset({"nodeName", "priority", "priorityClassName"})
"""What scheduler and priority admission set on each pod."""
_NODE_TAINTS = ("node.kubernetes.io/",)


def defaulted(
    key: str,
    value: Any,  # noqa: ANN401  any JSON
    wanted: dict[str, Any],
    found: dict[str, Any],
    *,
    live_pod: bool,
) -> bool:
    """Return whether the API server sets ``key`` to ``value`` by itself, given its neighbours."""
    if value in _DEFAULTS.get(key, ()):
        return True
    if key == "serviceAccount":
        return bool(value == found.get("serviceAccountName"))
    if key == "imagePullSecrets":
        return live_pod
    return live_pod and key in _LIVE and key not in wanted


def added_by_admission(key: str, one: dict[str, Any], *, token: bool) -> bool:
    """Return whether admission adds this entry to a pod's list ``key``.

    ``token`` says whether the pod may be given the token of its service account.
    """
    if key == "tolerations":
        return (
            str(one.get("key", ""))
            in {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
            and one.get("effect") == "NoExecute"
            and one.get("tolerationSeconds") == 300  # noqa: PLR2004  DefaultTolerationSeconds
        )
    if not token:
        return False
    if key == "volumeMounts":
        named = str(one.get("name", "")).startswith(_TOKEN_VOLUME)
        return named and one.get("mountPath") == _TOKEN_MOUNT and bool(one.get("readOnly"))
    if key == "volumes":
        sources = (one.get("projected") or {}).get("sources") or ()
        plain = one.keys() <= {"name", "projected"} and all(
            source.keys() <= _TOKEN_SOURCES for source in sources
        )
        return plain and bool(sources) and str(one.get("name", "")).startswith(_TOKEN_VOLUME)
    return False


def added_by_owner(key: str, value: Any, owner: str) -> bool:  # noqa: ANN401  any JSON
    """Return whether the controller of kind ``owner`` sets ``key`` to ``value`` on its pods."""
    if owner == "DaemonSet":
        return key == "affinity" or (key == "tolerations" and _node_taints(value))
    if owner == "StatefulSet":
        return key in {"hostname", "subdomain"} or (key == "volumes" and _claims(value))
    if owner == "Job":
        return key == "hostname" or (key == "env" and _index(value))
    return False


def _node_taints(value: Any) -> bool:  # noqa: ANN401  any JSON
    return all(str(one.get("key", "")).startswith(_NODE_TAINTS) for one in value)


def _claims(value: Any) -> bool:  # noqa: ANN401  any JSON
    return all(one.keys() == {"name", "persistentVolumeClaim"} for one in value)


def _index(value: Any) -> bool:  # noqa: ANN401  any JSON
    return all(one.get("name") == "JOB_COMPLETION_INDEX" for one in value)
