"""Live against rendered: what the API server does by itself is silent, anything else is named."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from fakes.chain import deployment
from shipway.core.kube import live, pods

IMAGE = "127.0.0.1:5000/shop/web@sha256:" + "a" * 64


def rendered() -> dict[str, Any]:
    """Return a Deployment with a bit of everything."""
    obj = deployment(IMAGE)
    spec = obj["spec"]["template"]["spec"]
    spec["volumes"] = [{"name": "tmp", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}]
    spec["securityContext"] = {"runAsUser": 1001}
    spec["serviceAccountName"] = "web"
    container = spec["containers"][0]
    container["env"] = [
        {"name": "MODE", "value": "fast"},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
    ]
    container["args"] = ["-v", "serve"]
    container["volumeMounts"] = [{"name": "tmp", "mountPath": "/tmp"}]
    container["resources"] = {"requests": {"cpu": "0.1"}, "limits": {"memory": "1024Mi"}}
    container["readinessProbe"] = {"httpGet": {"path": "/readyz", "port": 8080}}
    return obj


def served(obj: dict[str, Any]) -> dict[str, Any]:
    """Return ``obj`` as a real API server gives it back."""
    found = copy.deepcopy(obj)
    found["metadata"] |= {"uid": "u-1", "generation": 1, "managedFields": []}
    found["metadata"]["annotations"] = {"deployment.kubernetes.io/revision": "1"}
    found["metadata"]["labels"]["applyset.kubernetes.io/part-of"] = "x"
    found["status"] = {"readyReplicas": 1}
    found["spec"] |= {"progressDeadlineSeconds": 600, "revisionHistoryLimit": 10}
    template = found["spec"]["template"]
    template["metadata"]["creationTimestamp"] = None
    spec = template["spec"]
    spec |= {
        "restartPolicy": "Always",
        "terminationGracePeriodSeconds": 30,
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "serviceAccount": "web",
    }
    container = spec["containers"][0]
    container |= {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
    }
    container["ports"][0]["protocol"] = "TCP"
    container["resources"] = {
        "requests": {"cpu": "100m"},
        "limits": {"memory": "1Gi"},
    }
    container["readinessProbe"] |= {
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }
    container["readinessProbe"]["httpGet"]["scheme"] = "HTTP"
    container["env"][1]["valueFrom"]["fieldRef"]["apiVersion"] = "v1"
    return found


def pod_of(obj: dict[str, Any]) -> dict[str, Any]:
    """Return a live pod of a served Deployment."""
    template = copy.deepcopy(obj["spec"]["template"])
    template["metadata"] |= {"name": "web-1", "uid": "p-1", "namespace": "shop-dev"}
    template["metadata"]["labels"]["pod-template-hash"] = "h"
    template["spec"]["containers"][0]["resources"]["requests"]["memory"] = "1Gi"
    template["spec"] |= {
        "nodeName": "node",
        "enableServiceLinks": True,
        "priority": 0,
        "preemptionPolicy": "PreemptLowerPriority",
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{what}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            }
            for what in ("not-ready", "unreachable")
        ],
    }
    return {"apiVersion": "v1", "kind": "Pod", **template}


TOKEN = {
    "name": "kube-api-access-abcde",
    "projected": {
        "defaultMode": 420,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt"}},
            {"downwardAPI": {"items": []}},
        ],
    },
}
TOKEN_MOUNT = {
    "name": "kube-api-access-abcde",
    "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
    "readOnly": True,
}


def spec_of(obj: dict[str, Any]) -> dict[str, Any]:
    """Return the pod spec of a Deployment."""
    found: dict[str, Any] = obj["spec"]["template"]["spec"]
    return found


def test_defaults_are_silent() -> None:
    """What the API server and controllers fill in is no difference."""
    assert live.compare(rendered(), served(rendered())) == ()


def test_honest_pod() -> None:
    """A pod that the controller made of the template is no difference."""
    obj = rendered()
    assert live.compare_pod(obj["spec"]["template"], pod_of(served(obj)), owner="ReplicaSet") == ()


def edit(path: str, value: Any) -> dict[str, Any]:
    """Return the served Deployment with one place changed."""
    obj = served(rendered())
    place: Any = obj
    *folders, last = path.split("/")
    for folder in folders:
        place = place[int(folder)] if folder.isdigit() else place[folder]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return obj


SPEC = "spec/template/spec"
IN = "spec.template.spec"
WEB = f"{SPEC}/containers/0"
PRIVILEGED = {"privileged": True}
LIFECYCLE = {"postStart": {"exec": {"command": ["x"]}}}
CLAIM = {"name": "data", "persistentVolumeClaim": {"claimName": "d"}}


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        ("spec/replicas", 3, "spec.replicas"),
        ("metadata/labels/app.kubernetes.io~name", "x", ""),
        (f"{WEB}/image", "evil", f"{IN}.containers[web].image"),
        (f"{WEB}/args", ["-v", "other"], f"{IN}.containers[web].args[1]"),
        (f"{WEB}/args", ["-v"], f"{IN}.containers[web].args"),
        (f"{WEB}/args", None, f"{IN}.containers[web].args"),
        (f"{WEB}/command", ["sh"], f"{IN}.containers[web].command"),
        (f"{WEB}/env/0/value", "slow", f"{IN}.containers[web].env[MODE].value"),
        (f"{WEB}/resources/limits/memory", "2Gi", f"{IN}.containers[web].resources.limits.memory"),
        (f"{WEB}/securityContext", PRIVILEGED, f"{IN}.containers[web].securityContext.privileged"),
        (f"{WEB}/lifecycle", LIFECYCLE, f"{IN}.containers[web].lifecycle.postStart.exec.command"),
        (f"{SPEC}/hostNetwork", True, f"{IN}.hostNetwork"),
        (f"{SPEC}/serviceAccountName", "admin", f"{IN}.serviceAccountName"),
        (f"{SPEC}/nodeName", "evil", f"{IN}.nodeName"),
        (f"{SPEC}/securityContext/runAsUser", 0, f"{IN}.securityContext.runAsUser"),
        (f"{SPEC}/volumes/0/emptyDir", None, f"{IN}.volumes[tmp].emptyDir"),
        (f"{SPEC}/automountServiceAccountToken", True, f"{IN}.automountServiceAccountToken"),
        ("spec/selector/matchLabels/more", "x", "spec.selector.matchLabels.more"),
        ("spec/template", None, "spec.template.metadata.labels"),
        ("spec/template/metadata/labels/app.kubernetes.io~name", "x", ""),
    ],
)  # fmt: skip
def test_edits_are_named(path: str, value: Any, named: str) -> None:
    """Every edit of a field we set, or beyond defaults in a pod template, is named by its path."""
    if "~" in path:
        obj = served(rendered())
        labels = obj["spec"]["template"] if "template" in path else obj
        labels["metadata"]["labels"]["app.kubernetes.io/name"] = value
        found = live.compare(rendered(), obj)
        assert "labels.app.kubernetes.io/name" in found[0].path
        return
    found = live.compare(rendered(), edit(path, value))
    assert named in [one.path for one in found]
    assert {one.kind for one in found} == {"edited"}


def test_added_things_are_named() -> None:
    """Extra env, volume or mount are edits; an extra container of any list is an injected one."""
    obj = served(rendered())
    spec = spec_of(obj)
    spec["containers"].append({"name": "evil", "image": "x"})
    spec["initContainers"] = [{"name": "first", "image": "x"}]
    spec["volumes"].append({"name": "host", "hostPath": {"path": "/"}})
    spec["containers"][0]["env"].append({"name": "LD_PRELOAD", "value": "x"})
    spec["containers"][0]["volumeMounts"].append(TOKEN_MOUNT)
    spec["containers"][0]["envFrom"] = [{"secretRef": {"name": "x"}}]
    found = {(one.kind, one.path.removeprefix(f"{IN}.")) for one in live.compare(rendered(), obj)}
    assert found == {
        ("injected", "containers[evil]"),
        ("injected", "initContainers[first]"),
        ("edited", "volumes[host]"),
        ("edited", "containers[web].env[LD_PRELOAD]"),
        ("edited", "containers[web].envFrom"),
        ("edited", "containers[web].volumeMounts[/var/run/secrets/kubernetes.io/serviceaccount]"),
    }  # fmt: skip


def test_removed_container() -> None:
    """A container that is gone is an edit."""
    obj = served(rendered())
    spec_of(obj)["containers"][0]["name"] = "other"
    found = live.compare(rendered(), obj)
    assert ("edited", f"{IN}.containers[web]") in [(one.kind, one.path) for one in found]
    assert ("injected", f"{IN}.containers[other]") in [(one.kind, one.path) for one in found]


def test_malformed_lists() -> None:
    """A rendered list with something odd in it is compared, not crashed on."""
    obj = rendered()
    spec_of(obj)["containers"].append("odd")
    assert live.compare(obj, served(rendered()))


def test_token_of_the_service_account() -> None:
    """The token that admission mounts is silent, unless the template turned it off."""
    obj = rendered()
    pod = pod_of(served(obj))
    pod["spec"]["volumes"].append(TOKEN)
    pod["spec"]["containers"][0]["volumeMounts"].append(TOKEN_MOUNT)
    template = obj["spec"]["template"]
    assert len(live.compare_pod(template, pod, owner="ReplicaSet")) == 2
    del template["spec"]["automountServiceAccountToken"]
    del pod["spec"]["automountServiceAccountToken"]
    assert live.compare_pod(template, pod, owner="ReplicaSet") == ()
    pod["spec"]["volumes"][-1] = {**TOKEN, "projected": {"sources": [{"secret": {"name": "x"}}]}}
    assert len(live.compare_pod(template, pod, owner="ReplicaSet")) == 1


def test_ephemeral_container() -> None:
    """What ``kubectl debug`` adds is an injected container."""
    obj = rendered()
    pod = pod_of(served(obj))
    pod["spec"]["ephemeralContainers"] = [{"name": "debugger", "image": "busybox"}]
    found = live.compare_pod(obj["spec"]["template"], pod, owner="ReplicaSet")
    assert [(one.kind, one.path) for one in found] == [
        ("injected", "spec.ephemeralContainers[debugger]")
    ]


def test_foreign_toleration() -> None:
    """A toleration that admission does not add is an edit."""
    obj = rendered()
    pod = pod_of(served(obj))
    pod["spec"]["tolerations"].append({"operator": "Exists"})
    found = live.compare_pod(obj["spec"]["template"], pod, owner="ReplicaSet")
    assert [one.path for one in found] == ["spec.tolerations"]


@pytest.mark.parametrize(
    ("owner", "more"),
    [
        ("DaemonSet", {"affinity": {"nodeAffinity": {"x": 1}}}),
        ("DaemonSet", {"tolerations": [{"key": "node.kubernetes.io/disk-pressure"}]}),
        ("StatefulSet", {"hostname": "web-0", "subdomain": "web"}),
        ("StatefulSet", {"volumes": [CLAIM]}),
        ("Job", {"hostname": "web-0"}),
        ("ReplicaSet", {"imagePullSecrets": [{"name": "pull"}]}),
    ],
)  # fmt: skip
def test_what_controllers_add(owner: str, more: dict[str, Any]) -> None:
    """Each controller adds its own fields to its pods; of another owner they are edits."""
    template = {"spec": {"containers": [{"name": "web", "image": IMAGE}]}}
    pod = {"spec": {**template["spec"], **more}}
    assert live.compare_pod(template, pod, owner=owner) == ()
    if owner != "ReplicaSet":
        assert live.compare_pod(template, pod, owner="ReplicaSet") != ()


def test_index_of_a_job() -> None:
    """The completion index is the Job controller's; another variable is an edit."""
    template = {"spec": {"containers": [{"name": "web", "image": IMAGE, "env": []}]}}
    index = {"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}
    pod = {"spec": {"containers": [{"name": "web", "image": IMAGE, "env": [index]}]}}
    assert live.compare_pod(template, pod, owner="Job") == ()
    assert len(live.compare_pod(template, pod, owner="ReplicaSet")) == 1


def test_whole_mappings() -> None:
    """A key added to a ConfigMap's data is an edit; labels of others are not."""
    ours = {
        "kind": "ConfigMap",
        "metadata": {"name": "c", "labels": {"a": "b"}},
        "data": {"x": "1"},
    }
    theirs = {**ours, "metadata": {"name": "c", "labels": {"a": "b", "c": "d"}}}
    assert live.compare(ours, theirs) == ()
    assert [one.path for one in live.compare(ours, {**theirs, "data": {"x": "1", "y": "2"}})] == [
        "data.y"
    ]
    assert [
        one.detail
        for one in live.compare(ours, {"kind": "ConfigMap", "metadata": ours["metadata"]})
    ] == ["it is gone"]


def test_what_the_server_leaves_out() -> None:
    """Empty values that the server drops are silent; a bool is not a number."""
    ours = {"spec": {"paused": False, "note": "", "list": [], "map": {}, "zero": 0, "one": 1}}
    assert live.compare(ours, {"spec": {"one": 1}}) == ()
    assert live.compare({"spec": {"one": 1}}, {"spec": {"one": True}}) != ()


def test_templates_of_known_kinds() -> None:
    """A pod template is found in workloads, CronJobs and Pods; elsewhere there is none."""
    spec = {"spec": {"containers": []}}
    cron = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": spec}}}}
    assert pods.template(cron) == spec
    assert pods.template({"kind": "Pod", **spec}) == {"kind": "Pod", **spec}
    assert pods.template({"kind": "Deployment", "spec": {"template": spec}}) == spec
    assert pods.template({"kind": "Service", "spec": {}}) is None
    assert pods.template({"kind": "CronJob", "spec": {}}) is None


def test_images_anywhere() -> None:
    """Images are found by shape in any kind, volumes included; other strings are none."""
    odd = {
        "spec": {
            "deep": [{"containers": [{"name": "a", "image": IMAGE}, "odd", {"name": "b"}]}],
            "volumes": [
                {"name": "v", "image": {"reference": "x@sha256:" + "b" * 64}},
                {"name": "w"},
                "z",
            ],
            "containers": {"image": "not a list"},
        }
    }  # fmt: skip
    found = pods.images(odd)
    assert [(one.container, one.digest) for one in found] == [
        ("a", "sha256:" + "a" * 64),
        ("volume v", "sha256:" + "b" * 64),
    ]


def test_lists_and_kinds_that_change() -> None:
    """Where a mapping or list became something else, the place is named."""
    assert live.compare({"spec": {"a": {"b": 1}}}, {"spec": {"a": 3}}) != ()
    assert live.compare({"spec": {"a": [1]}}, {"spec": {"a": [2]}}) != ()
    assert live.compare({"spec": {"a": [{"b": 1}]}}, {"spec": {"a": [{"b": 1, "c": 2}]}}) == ()
    assert live.compare({"spec": {"a": [1, 2]}}, {"spec": {"a": [1]}}) != ()
