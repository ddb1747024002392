"""What an API server's refusal means, as a table of what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shipway.adapters.kube.failures import refused
from shipway.errors import Kind, ShipwayError


def status(message: str = "no", reason: str = "", *causes: dict[str, str], **details: Any) -> bytes:
    """Return a Status object."""
    found = {"causes": list(causes), **details}
    body = {"kind": "Status", "message": message, "reason": reason, "details": found}
    return json.dumps(body).encode()


def judge(code: int, body: bytes) -> ShipwayError:
    """Return the error."""
    return refused(code, body, operation="applying", subject="pod/ns/x")


WEBHOOK = 'admission webhook "x" denied the request: no'
SCHEMA = (
    "failed to create typed patch object (ns/x; apps/v1, Kind=Deployment): "
    ".spec.foo: field not declared in schema"
)
TABLE = [
    (401, status(), "kube.unauthorized", Kind.DENIED),
    (403, status("cannot list pods"), "kube.forbidden", Kind.DENIED),
    (403, status("exceeded quota: q"), "kube.quota", Kind.REJECTED),
    (403, status("maximum memory usage per Container is 1Gi"), "kube.quota", Kind.REJECTED),
    (403, status('violates PodSecurity "restricted"'), "kube.admission", Kind.REJECTED),
    (403, status(WEBHOOK), "kube.admission", Kind.REJECTED),
    (400, status(WEBHOOK), "kube.admission", Kind.REJECTED),
    (500, status('failed calling webhook "x": refused'), "kube.admission", Kind.REJECTED),
    (403, status("terminating", "", {"reason": "NamespaceTerminating"}), "kube.terminating",
     Kind.CONFLICT),
    (404, status(), "kube.not_found", Kind.NOT_FOUND),
    (405, status(), "kube.unknown_kind", Kind.NOT_FOUND),
    (409, status("exists", "AlreadyExists"), "kube.exists", Kind.CONFLICT),
    (409, status("modified", "Conflict"), "kube.conflict", Kind.CONFLICT),
    (410, status(), "kube.gone", Kind.TRANSIENT),
    (415, status(), "kube.invalid", Kind.CONFIG),
    (422, status("invalid", "Invalid"), "kube.invalid", Kind.CONFIG),
    (422, status("is invalid: spec.selector: Invalid value: {}: field is immutable"),
     "kube.immutable", Kind.CONFIG),
    (400, status("strict decoding error"), "kube.invalid", Kind.CONFIG),
    (500, status(SCHEMA), "kube.invalid", Kind.CONFIG),
    (429, status(), "kube.busy", Kind.TRANSIENT),
    (500, status(), "kube.failed", Kind.TRANSIENT),
    (503, b"<html>down</html>", "kube.failed", Kind.TRANSIENT),
    (502, b"[1]", "kube.failed", Kind.TRANSIENT),
    (504, b"", "kube.failed", Kind.TRANSIENT),
]  # fmt: skip


@pytest.mark.parametrize(("code", "body", "name", "kind"), TABLE)
def test_refused(code: int, body: bytes, name: str, kind: Kind) -> None:
    """Each answer becomes one error, with what was tried on what."""
    found = judge(code, body)

    assert (found.id, found.kind) == (name, kind)
    assert (found.operation, found.subject) == ("applying", "pod/ns/x")
    assert found.message


@pytest.mark.parametrize(
    ("code", "body", "hint"),
    [
        (422, status("no", "Invalid", {"field": "spec.b"}, {"field": "spec.a"}, {"field": ""}),
         "fields: spec.a, spec.b"),
        (500, status(SCHEMA), "fields: .spec.foo"),
        (409, status("no", "Conflict", {"reason": "FieldManagerConflict", "field": ".spec.a"},
                     {"reason": "Other", "field": ".x"}), "fields: .spec.a"),
        (409, status("no", "Conflict"), ""),
    ],
)  # fmt: skip
def test_fields(code: int, body: bytes, hint: str) -> None:
    """Fields that the server names are in the hint."""
    assert judge(code, body).hint == hint


RBAC = (
    'deployments.apps is forbidden: User "ci" cannot create resource "deployments" in API group'
    ' "apps" in the namespace "shop-prod"'
)
EVERYWHERE = 'User "ci" cannot list resource "nodes" in API group "" at the cluster scope'
POLICY = "ValidatingAdmissionPolicy 'no-latest' with binding 'all' denied request: failed"
STUCK = (
    'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"a":"b"}: field is immutable'
)
HINTS = [
    (403, RBAC, ('ci lacks this rule in namespace shop-prod: {apiGroups: ["apps"], resources:'
     ' ["deployments"], verbs: ["create"]}')),
    (403, EVERYWHERE, ('ci lacks this rule in the whole cluster: {apiGroups: [""], resources:'
     ' ["nodes"], verbs: ["list"]}')),
    (403, "no", "this user lacks the right; ask whoever runs the cluster"),
    (400, WEBHOOK, "the webhook x says no: change the manifest as it says"),
    (500, 'failed calling webhook "x": refused',
     "the webhook x gives no answer: whoever runs it must bring it back"),
    (422, POLICY, "the policy no-latest says no: change the manifest as it says"),
    (403, 'violates PodSecurity "restricted:latest": a',
     "Pod Security restricted:latest says no: mend each violation that it lists"),
    (403, "somebody denied the request", "the cluster's own rules refused it"),
    (403, "exceeded quota: team, requested: pods=1",
     "raise the quota team or ask for less (kubectl describe quota, limitrange)"),
    (403, "maximum memory usage per Container is 1Gi",
     "raise the quota or ask for less (kubectl describe quota, limitrange)"),
    (422, STUCK, ("spec.selector cannot change in place: give the object a new name, or kubectl"
     " delete pod x -n ns first")),
    (422, "it is immutable after creation", ("it cannot change in place: give the object a new"
     " name, or kubectl delete pod x -n ns first")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "hint"), HINTS)
def test_hints(code: int, message: str, hint: str) -> None:
    """A refusal says who refuses, which rule is missing, and what to do instead."""
    assert judge(code, status(message)).hint == hint


def test_a_cluster_scoped_object_that_cannot_change() -> None:
    """Without a namespace the command names none."""
    body = status("field is immutable")
    found = refused(422, body, operation="applying", subject="storageclass/fast")

    assert found.hint.endswith("kubectl delete storageclass fast first")
    assert refused(422, body, operation="", subject="").hint.endswith("delete KIND  first")


def test_delay() -> None:
    """A busy server says when to come back; where it does not, a second is taken."""
    assert judge(429, status(retryAfterSeconds=7)).delay == 7
    assert judge(429, status()).delay == 1
    assert judge(404, status()).delay is None


def test_text_that_is_no_status() -> None:
    """What is no Status object is shown as it is, cut short."""
    assert judge(502, b"bad gateway").message == "bad gateway"
    assert judge(504, b"").message == "HTTP 504"
