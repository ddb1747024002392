"""Kubernetes objects as plain mappings, and how they are named and written down.

Anyone above core may call this. Objects stay raw ``dict`` values: a typed model would drop the
fields it does not know, and what is signed must be what is sent. Nothing here changes its input.
"""

from __future__ import annotations

import json
from typing import Any, TypeAlias

import msgspec

from shipway.core.oci.digest import Digest, of

Obj: TypeAlias = dict[str, Any]
"""One Kubernetes object, as decoded from JSON or YAML."""

MANIFESTS = "application/vnd.shipway.manifests.v1+yaml"
"""Media type of a rendered set: a YAML stream of canonical JSON documents, one a line."""

SYSTEM_NAMESPACE = "shipway-system"
"""Where Shipway keeps its own bookkeeping (heads, ApplySet parents) in each cluster."""

RESTRICTED = {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
    "pod-security.kubernetes.io/audit": "restricted",
}
"""Pod Security labels of every Namespace that Shipway makes."""

BASELINE = RESTRICTED | {"pod-security.kubernetes.io/enforce": "baseline"}
"""The same where others wrote the manifests: what restricted forbids is only warned of."""

_SEPARATOR = b"---\n"


class Ref(msgspec.Struct, frozen=True, order=True):
    """The name of one object; ``namespace`` is empty for a cluster-scoped one."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """Return the API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return what stays the same across API versions: group, kind, namespace, name."""
        return (self.group, self.kind, self.namespace, self.name)

    def __str__(self) -> str:
        """Return ``kind/name`` or ``kind/namespace/name`` in lower-case kind, for people."""
        return "/".join(part for part in (self.kind.lower(), self.namespace, self.name) if part)


class Resource(msgspec.Struct, frozen=True):
    """How the API server serves a kind (discovery)."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: tuple[str, ...] = ()


class Entry(msgspec.Struct, frozen=True):
    """One object of a rendered set: its name and the digest of its stored bytes."""

    ref: Ref
    digest: Digest


def ref_of(obj: Obj) -> Ref:
    """Return the name of ``obj``; fields it lacks are empty."""
    metadata = obj.get("metadata") or {}
    return Ref(
        str(obj.get("apiVersion", "")),
        str(obj.get("kind", "")),
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or ""),
    )


def uid_of(obj: Obj) -> str:
    """Return the uid that the API server gave; empty before it did."""
    return str((obj.get("metadata") or {}).get("uid") or "")


def canonical(obj: Obj) -> bytes:
    """Return ``obj`` as JSON with sorted keys and no blanks, in UTF-8, without a line end."""
    text = json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def write_set(objects: tuple[Obj, ...]) -> bytes:
    """Return the bytes of a rendered set, which ``kubectl`` reads as a YAML stream."""
    return b"".join(_SEPARATOR + canonical(obj) + b"\n" for obj in objects)


def read_set(data: bytes) -> tuple[Obj, ...]:
    """Return the objects of a rendered set, in its order."""
    return tuple(json.loads(line) for line in _lines(data))


def entries(data: bytes) -> tuple[Entry, ...]:
    """Return name and digest of each object of a rendered set, over its stored bytes."""
    return tuple(Entry(ref_of(json.loads(line)), of(line)) for line in _lines(data))


def _lines(data: bytes) -> list[bytes]:
    return [line for line in data.split(b"\n") if line and line != b"---"]
