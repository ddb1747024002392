"""The ApplySet convention: which objects in a cluster belong together (KEP-3659, v1alpha1).

Members carry a label with the set's id; a parent object carries the id, the tool, and which kinds
and namespaces to look in, so that kubectl and others can list the members too. The parent is a
ConfigMap in ``shipway-system``, one for each project, environment and target.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

from shipway.core.kube.objects import SYSTEM_NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.kube.objects import Obj, Ref

MEMBER = "applyset.kubernetes.io/part-of"
"""Label of each member."""
_PARENT = "applyset.kubernetes.io/id"
_TOOLING = "applyset.kubernetes.io/tooling"
_KINDS = "applyset.kubernetes.io/contains-group-kinds"
_NAMESPACES = "applyset.kubernetes.io/additional-namespaces"


def parent_name(project: str, environment: str, target: str) -> str:
    """Return the name of the parent."""
    return f"applyset.{project}.{environment}.{target}"


def identifier(name: str) -> str:
    """Return the id of the set whose parent has this name."""
    digest = hashlib.sha256(f"{name}.{SYSTEM_NAMESPACE}.ConfigMap.".encode()).digest()
    return f"applyset-{base64.urlsafe_b64encode(digest).decode().rstrip('=')}-v1"


def parent(name: str, members: Iterable[Ref], tooling: str) -> Obj:
    """Return the parent of a set with these members; ``tooling`` is as in ``shipway/0.1.0``."""
    refs = list(members)
    kinds = sorted({f"{ref.kind}.{ref.group}".rstrip(".") for ref in refs})
    spaces = sorted({ref.namespace for ref in refs if ref.namespace} - {SYSTEM_NAMESPACE})
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": SYSTEM_NAMESPACE,
            "labels": {_PARENT: identifier(name)},
            "annotations": {
                _TOOLING: tooling,
                _KINDS: ",".join(kinds),
                _NAMESPACES: ",".join(spaces),
            },
        },
    }


def is_member(live: Obj, set_id: str) -> bool:
    """Return whether ``live`` says that it belongs to the set."""
    labels = (live.get("metadata") or {}).get("labels") or {}
    return bool(labels.get(MEMBER) == set_id)
