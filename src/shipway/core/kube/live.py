"""What is live against what was rendered: every field we set, and in pods anything beyond that.

``roads.trace`` asks; nothing here reads a cluster. The API server fills in defaults and rewrites
quantities, and admission adds the service account's token: those are no differences. Everything
else is named by its path.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube import quantity
from shipway.core.kube.podspec import (
    CONTAINER_LISTS,
    NAMED_BY,
    added_by_admission,
    added_by_owner,
    defaulted,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.objects import Obj

EDITED = "edited"
INJECTED = "injected"

_QUANTITIES = frozenset(
    {"requests", "limits", "sizeLimit", "storage", "capacity", "hard", "averageValue", "divisor"}
)
_WHOLE = frozenset({"data", "binaryData", "stringData", "selector", "matchLabels", "nodeSelector"})
"""Mappings of which we set the whole."""
_UNOWNED = frozenset({"status", "apiVersion"})
_METADATA = frozenset({"name", "namespace", "labels", "annotations"})


class Difference(msgspec.Struct, frozen=True):
    """One place where a live object is not what was rendered."""

    kind: str
    """``edited`` or ``injected`` (a container that the template does not have)."""
    path: str
    detail: str = ""


def compare(rendered: Obj, live: Obj) -> tuple[Difference, ...]:
    """Return how a live object differs from its rendered bytes.

    Extra fields count inside pod templates only, for elsewhere controllers may set what we do not.
    """
    return tuple(_object(rendered, live))


def compare_pod(template: Obj, pod: Obj, *, owner: str) -> tuple[Difference, ...]:
    """Return how a live pod differs from the template that should have made it.

    ``owner`` is the kind of what owns the pod (``ReplicaSet``, ``Job``, ``DaemonSet``...), which
    adds fields of its own to each pod.
    """
    wanted = template.get("spec") or {}
    found = list(_metadata(template.get("metadata") or {}, pod.get("metadata") or {}))
    token = wanted.get("automountServiceAccountToken") is not False
    allowed = _Allowed(live_pod=True, token=token, owner=owner)
    return (*found, *_pod("spec", wanted, pod.get("spec") or {}, allowed))


class _Allowed(msgspec.Struct, frozen=True):
    live_pod: bool = False
    token: bool = False
    owner: str = ""


def _object(rendered: Obj, live: Obj) -> Iterator[Difference]:
    for key, wanted in rendered.items():
        if key in _UNOWNED:
            continue
        found = live.get(key)
        if key == "metadata":
            yield from _metadata(wanted, found or {})
        else:
            yield from _value(key, wanted, found)


def _metadata(wanted: Obj, found: Obj) -> Iterator[Difference]:
    for key in _METADATA & wanted.keys():
        yield from _value(f"metadata.{key}", wanted[key], found.get(key))


def _value(path: str, wanted: Any, found: Any) -> Iterator[Difference]:  # noqa: ANN401  any JSON
    if isinstance(wanted, dict):
        if _is_template(path, wanted):
            yield from _template(path, wanted, found)
        elif not isinstance(found, dict):
            yield from _scalar(path, wanted, found)
        else:
            yield from _mapping(path, wanted, found)
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from _list(path, wanted, found)
    else:
        yield from _scalar(path, wanted, found)


def _is_template(path: str, wanted: Obj) -> bool:
    return path.rpartition(".")[2] == "template" and "containers" in (wanted.get("spec") or {})


def _template(path: str, wanted: Obj, found: Any) -> Iterator[Difference]:  # noqa: ANN401
    live = found if isinstance(found, dict) else {}
    for one in _metadata(wanted.get("metadata") or {}, live.get("metadata") or {}):
        yield msgspec.structs.replace(one, path=f"{path}.{one.path}")
    yield from _pod(f"{path}.spec", wanted["spec"], live.get("spec") or {}, _Allowed())


def _mapping(path: str, wanted: Obj, found: Obj) -> Iterator[Difference]:
    for key, inner in wanted.items():
        yield from _value(f"{path}.{key}", inner, found.get(key))
    if path.rpartition(".")[2] in _WHOLE:
        for key in found.keys() - wanted.keys():
            yield Difference(EDITED, f"{path}.{key}", "it was added")


def _list(path: str, wanted: list[Any], found: list[Any]) -> Iterator[Difference]:
    if len(wanted) != len(found):
        yield Difference(EDITED, path, f"{len(found)} entries instead of {len(wanted)}")
        return
    for index, (ours, theirs) in enumerate(zip(wanted, found, strict=True)):
        yield from _value(f"{path}[{index}]", ours, theirs)


def _scalar(path: str, wanted: Any, found: Any) -> Iterator[Difference]:  # noqa: ANN401  any JSON
    if wanted == found and isinstance(wanted, bool) == isinstance(found, bool):
        return
    if _empty(wanted) and _empty(found):
        return
    if _QUANTITIES & set(path.split(".")):
        ours, theirs = quantity.value(wanted), quantity.value(found)
        if ours is not None and ours == theirs:
            return
    yield Difference(EDITED, path, "it is gone" if found is None else "it has another value")


def _empty(value: Any) -> bool:  # noqa: ANN401  any JSON
    """Return whether the API server leaves the field out."""
    return value is None or value in ("", 0, {}, []) or value is False


def _pod(path: str, wanted: Any, found: Any, allowed: _Allowed) -> Iterator[Difference]:  # noqa: ANN401
    """Compare inside a pod spec, where extras count too."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        wanted = _requested(path, wanted) if allowed.live_pod else wanted
        for key, inner in wanted.items():
            yield from _pod(f"{path}.{key}", inner, found.get(key), allowed)
        for key in sorted(found.keys() - wanted.keys()):
            yield from _extra(f"{path}.{key}", wanted, found, key, allowed)
    elif isinstance(wanted, list) and isinstance(found, list):
        yield from _pod_list(path, wanted, found, allowed)
    elif isinstance(wanted, list) and found is None and wanted:
        yield Difference(EDITED, path, "it is gone")
    else:
        yield from _scalar(path, wanted, found)


def _requested(path: str, wanted: Obj) -> Obj:
    """Return a container's resources as they are completed in pods: requests from limits."""
    if not path.endswith(".resources") or not wanted.get("limits"):
        return wanted
    return {**wanted, "requests": {**wanted["limits"], **(wanted.get("requests") or {})}}


def _pod_list(
    path: str, wanted: list[Any], found: list[Any], allowed: _Allowed
) -> Iterator[Difference]:
    key = NAMED_BY.get(path.rpartition(".")[2])
    if key is None:
        kept = [one for one in found if one in wanted or not _allowed(path, one, allowed)]
        yield from _list(path, wanted, kept)
        return
    theirs = {str(one.get(key)): one for one in found if isinstance(one, dict)}
    for one in wanted:
        name = str(one.get(key)) if isinstance(one, dict) else ""
        live = theirs.pop(name, None)
        if live is None:
            yield Difference(EDITED, f"{path}[{name}]", "it is gone")
        else:
            yield from _pod(f"{path}[{name}]", one, live, allowed)
    for name, live in theirs.items():
        if not _allowed(path, live, allowed):
            yield _added(path, name)


def _extra(path: str, wanted: Obj, found: Obj, key: str, allowed: _Allowed) -> Iterator[Difference]:
    """Judge a field that the template does not set."""
    value = found[key]
    if _empty(value) or defaulted(key, value, wanted, found, live_pod=allowed.live_pod):
        return
    if added_by_owner(key, value, allowed.owner):
        return
    if isinstance(value, list):
        yield from _pod_list(path, [], value, allowed)
    elif isinstance(value, dict):
        yield from _pod(path, {}, value, allowed)
    else:
        yield Difference(EDITED, path, "it was added")


def _allowed(path: str, one: Any, allowed: _Allowed) -> bool:  # noqa: ANN401  any JSON
    key = path.rpartition(".")[2]
    if added_by_owner(key, [one], allowed.owner):
        return True
    if not allowed.live_pod or not isinstance(one, dict):
        return False
    return added_by_admission(key, one, token=allowed.token)


def _added(path: str, name: str) -> Difference:
    last = path.rpartition(".")[2]
    kind = INJECTED if last in CONTAINER_LISTS else EDITED
    return Difference(kind, f"{path}[{name}]", "it was added")
