"""Taking an object over: what its former makers set, and the release does not, has to go.

Server-side apply removes a field only if nobody else owns it, so that after a mere apply over an
object of others, its old keys and list items stay beside the new ones. Before it is adopted, the
fields of those who made it are therefore put into our hands (kubernetes.io, "Server-Side Apply",
migration; client-go/util/csaupgrade does so for client-side apply): the next apply lets go of all
that it does not say. ``stages.deploy`` writes what :func:`taken_over` returns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.core.kube import autoscale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.objects import Obj

_CLUSTER = frozenset(
    {
        "kube-controller-manager",
        "kube-scheduler",
        "kube-apiserver",
        "kubelet",
        "cloud-controller-manager",
        autoscale.HEIR,
    }
)
"""Field managers that work on objects of everybody, and make none of these."""
_CLIENTS = ("kubectl", "before-first-apply", "helm", "kustomize-controller", "argocd")
"""How the names of managers begin that apply whole objects: labels and annotations are theirs."""
_KEPT = ("f:finalizers", "f:ownerReferences")
"""Parts of the metadata that say who waits for an object, and not who wrote it."""
_FIXED = frozenset({"PersistentVolumeClaim", "Job"})
"""Kinds whose spec cannot change, what the server put into it least of all."""

Fields = dict[str, Any]
"""A set of fields as ``fieldsV1`` writes it (structured-merge-diff, fieldpath serialization)."""


def taken_over(live: Obj, manager: str) -> Obj | None:
    """Return ``live`` with its makers' fields owned by ``manager``; none if there are no such."""
    entries = (live.get("metadata") or {}).get("managedFields") or []
    former = [] if live.get("kind") in _FIXED else [one for one in entries if _made(one, manager)]
    fields = [kept for one in former if (kept := _wanted(one))]
    if not fields:
        return None
    mine = [one for one in entries if _applied(one, manager)]
    owned: Fields = {}
    for found in (*(one.get("fieldsV1") or {} for one in mine), *fields):
        owned = union(owned, found)
    entry = {
        "manager": manager,
        "operation": "Apply",
        "apiVersion": live["apiVersion"],
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    }
    if times := [str(one["time"]) for one in (*mine, *former) if one.get("time")]:
        entry["time"] = max(times)
    others = [rest for one in entries if one not in mine for rest in _left(one, one in former)]
    return {**live, "metadata": {**live["metadata"], "managedFields": [entry, *others]}}


def union(one: Fields, other: Fields) -> Fields:
    """Return all fields of both; a field that either has as a whole stays one (``.``)."""
    found = dict(one)
    for key, inner in other.items():
        if key not in found:
            found[key] = inner
        elif found[key] or inner:
            whole: Fields = {} if found[key] and inner else {".": {}}
            found[key] = whole | union(found[key], inner)
    return found


def _made(entry: dict[str, Any], manager: str) -> bool:
    """Return whether an entry is of somebody who wrote the object itself."""
    return (
        not entry.get("subresource")
        and entry.get("manager") not in _CLUSTER
        and not _applied(entry, manager)
    )


def _applied(entry: dict[str, Any], manager: str) -> bool:
    return (
        entry.get("manager") == manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    )


def _wanted(entry: dict[str, Any]) -> Fields:
    """Return what is taken over of an entry."""
    fields: Fields = {
        key: inner
        for key, inner in (entry.get("fieldsV1") or {}).items()
        if key not in {"f:status", "f:metadata"}
    }
    if str(entry.get("manager")).startswith(_CLIENTS):
        metadata = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
        if told := {key: inner for key, inner in metadata.items() if key not in _KEPT}:
            fields["f:metadata"] = told
    return fields


def _left(entry: dict[str, Any], former: bool) -> Iterator[dict[str, Any]]:
    """Yield what stays of an entry; nothing where all of it is taken over."""
    if not former:
        yield entry
        return
    fields = entry.get("fieldsV1") or {}
    taken = _wanted(entry)
    rest = {key: inner for key, inner in fields.items() if key not in taken}
    metadata = taken.get("f:metadata", {})
    if kept := {
        key: inner for key, inner in (fields.get("f:metadata") or {}).items() if key not in metadata
    }:
        rest["f:metadata"] = kept
    if rest:
        yield {**entry, "fieldsV1": rest}
