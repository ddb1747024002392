"""Refusals as the real API server words them, and what they become."""

from __future__ import annotations

import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from shipway.adapters.kube.client import Cluster
from shipway.core.kube.objects import RESTRICTED, Ref
from shipway.core.project import manifests
from shipway.core.project.workload import KINDS, Workload
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.apiserver import ApiServer


@pytest.fixture
def cluster(apiserver: ApiServer) -> Iterator[Cluster]:
    """Return a client, and a namespace that enforces Pod Security restricted."""
    found = Cluster(apiserver.access())
    metadata = {"name": "refusing", "labels": dict(RESTRICTED)}
    found.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, force=True)
    yield found
    found.close()


def obj(kind: str, version: str = "v1", name: str = "x", **fields: Any) -> dict[str, Any]:
    """Return an object in that namespace."""
    metadata = {"name": name, "namespace": "refusing"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def deployment(label: str = "x", **spec: Any) -> dict[str, Any]:
    """Return a Deployment."""
    labels = {"app": label}
    pod = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "a", "image": "b"}]}}
    return obj("Deployment", "apps/v1",
               spec={"selector": {"matchLabels": labels}, "template": pod, **spec})  # fmt: skip


def refusal(cluster: Cluster, refused: dict[str, Any]) -> ShipwayError:
    """Return how the server's refusal is told."""
    with pytest.raises(ShipwayError) as caught:
        cluster.apply(refused, force=True)
    return caught.value


def test_pod_security(cluster: Cluster) -> None:
    """Pod Security is an admission refusal, with every violation in the text."""
    found = refusal(cluster, obj("Pod", spec={"containers": [{"name": "a", "image": "b"}]}))

    assert (found.id, found.kind) == ("kube.admission", Kind.REJECTED)
    assert "runAsNonRoot" in found.message


@pytest.mark.parametrize(
    ("spec", "field"),
    [({"replica": 1}, ".spec.replica"), ({"replicas": "two"}, ".spec.replicas"),
     ({"replicas": -1}, "spec.replicas")],
)  # fmt: skip
def test_fields(cluster: Cluster, spec: dict[str, Any], field: str) -> None:
    """An unknown field, a wrong type and a bad value name the field."""
    found = refusal(cluster, deployment(**spec))

    assert (found.id, found.hint) == ("kube.invalid", f"fields: {field}")


def test_immutable(cluster: Cluster) -> None:
    """A change of what cannot change names the field, and what to do instead."""
    cluster.apply(deployment("one"), force=True)

    found = refusal(cluster, deployment("two"))

    assert (found.id, found.kind) == ("kube.immutable", Kind.CONFIG)
    assert found.hint.startswith("spec.selector cannot change in place")
    assert "kubectl delete deployment x -n refusing" in found.hint
    cluster.delete(Ref("apps/v1", "Deployment", "refusing", "x"))


def test_limits(cluster: Cluster) -> None:
    """What a LimitRange forbids is a matter of quota."""
    limit = {"type": "Container", "max": {"memory": "1Gi"}}
    cluster.apply(obj("LimitRange", spec={"limits": [limit]}))
    found = manifests.in_memory(
        "shop", (Workload(name="web"),), manifests.Overlay(environment="e", namespace="refusing")
    )
    (web,) = [one for one in found if one["kind"] == "Deployment"]
    pod = obj("Pod", name="big", spec=web["spec"]["template"]["spec"])
    pod["spec"]["containers"][0]["resources"] = {"limits": {"memory": "2Gi"}}
    del pod["spec"]["serviceAccountName"]

    refused = refusal(cluster, pod)

    assert (refused.id, refused.kind) == ("kube.quota", Kind.REJECTED)
    cluster.delete(Ref("v1", "LimitRange", "refusing", "x"))


def test_terminating(cluster: Cluster) -> None:
    """A namespace that is going away takes nothing new."""
    name = Ref("v1", "Namespace", "", "going")
    cluster.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "going"}})
    cluster.delete(name)
    late = obj("ConfigMap")
    late["metadata"]["namespace"] = "going"

    found = refusal(cluster, late)

    assert (found.id, found.kind) == ("kube.terminating", Kind.CONFLICT)


@pytest.mark.parametrize("kind", KINDS)
def test_default_manifests_are_accepted(cluster: Cluster, kind: str) -> None:
    """What init writes is taken by the real server, in a namespace that is restricted."""
    overlay = manifests.Overlay(environment="e", namespace="refusing", replicas=2)
    found = manifests.in_memory("shop", (Workload(name=f"a-{kind}", kind=kind, port=80),), overlay)

    for one in found:
        cluster.apply(one, force=True)

    pods = [one["spec"]["template"] for one in found if one["kind"] in {"Deployment", "Job"}]
    for number, template in enumerate(pods):
        spec = {key: value for key, value in template["spec"].items() if "ervice" not in key}
        cluster.apply(obj("Pod", name=f"pod-{kind}-{number}", spec=spec), dry_run=True)


def eventually(cluster: Cluster, refused: dict[str, Any], text: str) -> ShipwayError:
    """Return the refusal with this text as soon as the server knows of what refuses."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            cluster.apply(refused, force=True, dry_run=True)
        except ShipwayError as error:
            if text in error.message:
                return error
        time.sleep(0.1)
    raise AssertionError(f"no {text}")


def chosen() -> dict[str, Any]:
    """Return the selector of the namespace that this module works in."""
    return {"matchLabels": {"kubernetes.io/metadata.name": "refusing"}}


RULES = [
    {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["configmaps"],
    }
]


def test_policy(cluster: Cluster) -> None:
    """A ValidatingAdmissionPolicy is named, with its own message."""
    version = "admissionregistration.k8s.io/v1"
    expression = {"expression": "false", "message": "no settings on Fridays"}
    policy = {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "fridays"},
        "spec": {
            "matchConstraints": {"resourceRules": RULES, "namespaceSelector": chosen()},
            "validations": [expression],
        },
    }
    binding = {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "fridays"},
        "spec": {"policyName": "fridays", "validationActions": ["Deny"]},
    }
    cluster.apply(policy)
    cluster.apply(binding)

    found = eventually(cluster, obj("ConfigMap", name="friday"), "no settings on Fridays")

    assert (found.id, found.kind) == ("kube.admission", Kind.REJECTED)
    assert found.hint.startswith("the policy fridays says no")
    cluster.delete(Ref(version, "ValidatingAdmissionPolicyBinding", "", "fridays"))
    cluster.delete(Ref(version, "ValidatingAdmissionPolicy", "", "fridays"))


@pytest.fixture
def webhook(apiserver: ApiServer) -> Iterator[str]:
    """Return the address of an admission webhook that denies everything."""

    class Denying(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status = {"message": "settings have an owner"}
            answer = {"uid": review["request"]["uid"], "allowed": False, "status": status}
            data = json.dumps({**review, "response": answer}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Denying)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(apiserver.folder / "server.crt", apiserver.folder / "server.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"https://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_webhook(cluster: Cluster, apiserver: ApiServer, webhook: str) -> None:
    """A webhook that says no is named with its words; one that is gone is named as gone."""
    version = "admissionregistration.k8s.io/v1"
    hook = {
        "name": "owners.example.com",
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "rules": RULES,
        "namespaceSelector": chosen(),
        "clientConfig": {"url": webhook, "caBundle": apiserver.data("ca.crt")},
    }
    made = {
        "apiVersion": version,
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "owners"},
        "webhooks": [hook],
    }
    cluster.apply(made)

    denied = eventually(cluster, obj("ConfigMap", name="owned"), "settings have an owner")
    hook["clientConfig"] = {"url": "https://127.0.0.1:1/", "caBundle": apiserver.data("ca.crt")}
    cluster.apply(made)
    gone = eventually(cluster, obj("ConfigMap", name="owned"), "failed calling webhook")
    cluster.delete(Ref(version, "ValidatingWebhookConfiguration", "", "owners"))

    assert {denied.id, gone.id} == {"kube.admission"}
    assert denied.hint.startswith("the webhook owners.example.com says no")
    assert gone.hint.startswith("the webhook owners.example.com gives no answer")


def test_quota(cluster: Cluster, apiserver: ApiServer) -> None:
    """A quota that is used up is named, with what was asked, used and allowed."""
    cluster.apply(obj("ResourceQuota", name="team", spec={"hard": {"configmaps": "0"}}))
    counted = {"hard": {"configmaps": "0"}, "used": {"configmaps": "0"}}
    apiserver.write_status("/api/v1/namespaces/refusing/resourcequotas/team", counted)

    found = eventually(cluster, obj("ConfigMap", name="more"), "exceeded quota")
    cluster.delete(Ref("v1", "ResourceQuota", "refusing", "team"))

    assert (found.id, found.kind) == ("kube.quota", Kind.REJECTED)
    assert "limited: configmaps=0" in found.message
    assert found.hint.startswith("raise the quota team")
