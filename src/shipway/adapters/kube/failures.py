"""What an API server's refusal means, as one of Shipway's errors.

Only this package calls it. The server answers with a ``Status`` object (apimachinery,
``metav1.Status``); its ``reason`` and ``details.causes`` are read before its text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    import re

_FORBIDDEN, _CONFLICT, _UNPROCESSABLE = 403, 409, 422
_QUOTA = late(r"exceeded quota|must specify \S+ for:|limit is|maximum .* usage per")
_ADMISSION = late(
    r"admission webhook|violates PodSecurity|ValidatingAdmissionPolicy|denied the request"
    r"|failed calling webhook"
)
_WEBHOOK = late(r'(?:admission webhook|(?P<failed>failed calling webhook)) "(?P<name>[^"]+)"')
_POLICY = late(r"ValidatingAdmissionPolicy '(?P<name>[^']+)'")
_SECURITY = late(r'violates PodSecurity "(?P<level>[^"]+)"')
_EXCEEDED = late(r"exceeded quota: (?P<name>[^,\s]+)")
_LACKS = late(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\S+) resource "(?P<resource>[^"]+)"'
    r' in API group "(?P<group>[^"]*)"(?: in the namespace "(?P<namespace>[^"]+)")?'
)
"""The words of RBAC (apiserver, pkg/endpoints/handlers/responsewriters)."""
_IMMUTABLE = late(
    r"field is immutable|may not change once set|is immutable after creation"
    r"|updates to statefulset spec for fields other than"
)
_FIELD = late(r"(?:is invalid: |\[|, )([a-zA-Z][\w.\[\]]*): (?:Invalid value|Forbidden)")
_SCHEMA = late(r"failed to create typed patch object .*?: (?P<field>\.[^:\s]+): ")
"""Server-side apply answers 500 where a field is unknown or of another type."""


def refused(code: int, body: bytes, *, operation: str, subject: str) -> ShipwayError:
    """Return the error that an HTTP answer of 400 or more stands for."""
    status = _status(body)
    message = str(status.get("message") or body[:300].decode(errors="replace") or f"HTTP {code}")
    name, kind, hint = _judge(code, status, message, subject)
    return ShipwayError(
        name,
        kind,
        message,
        operation=operation,
        subject=subject,
        hint=hint,
        delay=_delay(status) if kind is Kind.TRANSIENT else None,
    )


def _status(body: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _judge(code: int, status: dict[str, Any], message: str, subject: str) -> tuple[str, Kind, str]:
    """Return error id, kind and hint."""
    causes = (status.get("details") or {}).get("causes") or []
    if any(cause.get("reason") == "NamespaceTerminating" for cause in causes):
        return "kube.terminating", Kind.CONFLICT, "wait until its namespace is gone, then repeat"
    if code == _CONFLICT:
        return _conflict(status, causes)
    return _by_text(code, message, subject) or _by_code(code, causes)


def _by_text(code: int, message: str, subject: str) -> tuple[str, Kind, str] | None:
    """Return what only the text tells: admission and quota answer with the codes of others."""
    if code in {400, 403, 422, 500} and _ADMISSION.search(message):
        return "kube.admission", Kind.REJECTED, _who(message)
    if code == _FORBIDDEN and _QUOTA.search(message):
        return "kube.quota", Kind.REJECTED, _quota(message)
    if code == _FORBIDDEN and (found := _LACKS.search(message)):
        return "kube.forbidden", Kind.DENIED, _rule(found)
    if code == _UNPROCESSABLE and _IMMUTABLE.search(message):
        return "kube.immutable", Kind.CONFIG, _instead(message, subject)
    if found := _SCHEMA.match(message):
        return "kube.invalid", Kind.CONFIG, f"fields: {found['field']}"
    return None


def _who(message: str) -> str:
    """Return who refused: a webhook, a policy, or Pod Security."""
    if found := _WEBHOOK.search(message):
        if found["failed"]:
            return (
                f"the webhook {found['name']} gives no answer: whoever runs it must bring it back"
            )
        return f"the webhook {found['name']} says no: change the manifest as it says"
    if found := _POLICY.search(message):
        return f"the policy {found['name']} says no: change the manifest as it says"
    if found := _SECURITY.search(message):
        return f"Pod Security {found['level']} says no: mend each violation that it lists"
    return "the cluster's own rules refused it"


def _quota(message: str) -> str:
    found = _EXCEEDED.search(message)
    name = f" {found['name']}" if found else ""
    return f"raise the quota{name} or ask for less (kubectl describe quota, limitrange)"


def _rule(found: re.Match[str]) -> str:
    """Return the rule of RBAC that is missing, as a Role or ClusterRole would have it."""
    where = f"namespace {found['namespace']}" if found["namespace"] else "the whole cluster"
    rule = (
        f'{{apiGroups: ["{found["group"]}"], resources: ["{found["resource"]}"],'
        f' verbs: ["{found["verb"]}"]}}'
    )
    return f"{found['user']} lacks this rule in {where}: {rule}"


def _instead(message: str, subject: str) -> str:
    """Return what to do where a field cannot change."""
    kind, *place, name = subject.split("/") if subject.count("/") else ("KIND", subject)
    fields = sorted(set(_FIELD.findall(message)))
    told = f"{', '.join(fields)} cannot change in place" if fields else "it cannot change in place"
    space = f" -n {place[0]}" if place else ""
    return f"{told}: give the object a new name, or kubectl delete {kind} {name}{space} first"


def _by_code(code: int, causes: list[dict[str, Any]]) -> tuple[str, Kind, str]:
    if code in {400, 422}:
        return "kube.invalid", Kind.CONFIG, _fields(causes)
    return _BY_CODE.get(code, ("kube.failed", Kind.TRANSIENT, _REPEAT))


_REPEAT = "run the same command again; it goes on where it stopped"
_BY_CODE = {
    401: ("kube.unauthorized", Kind.DENIED, "the credentials are wrong or have run out"),
    403: ("kube.forbidden", Kind.DENIED, "this user lacks the right; ask whoever runs the cluster"),
    404: ("kube.not_found", Kind.NOT_FOUND, "kubectl get shows what is there; is its namespace?"),
    405: ("kube.unknown_kind", Kind.NOT_FOUND, "the server does not serve this"),
    410: ("kube.gone", Kind.TRANSIENT, _REPEAT),
    415: ("kube.invalid", Kind.CONFIG, "the server does not know server-side apply"),
    429: ("kube.busy", Kind.TRANSIENT, _REPEAT),
}


def _conflict(status: dict[str, Any], causes: list[dict[str, Any]]) -> tuple[str, Kind, str]:
    if status.get("reason") == "AlreadyExists":
        return "kube.exists", Kind.CONFLICT, ""
    fields = _fields([cause for cause in causes if cause.get("reason") == "FieldManagerConflict"])
    return "kube.conflict", Kind.CONFLICT, fields


def _fields(causes: list[dict[str, Any]]) -> str:
    """Return the fields that the server named, for people."""
    names = sorted({str(cause["field"]) for cause in causes if cause.get("field")})
    return f"fields: {', '.join(names)}" if names else ""


def _delay(status: dict[str, Any]) -> float:
    return float((status.get("details") or {}).get("retryAfterSeconds") or 1.0)
