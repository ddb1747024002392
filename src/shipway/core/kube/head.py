"""The head of an environment's history, as a ConfigMap in the target's own cluster.

It is only a pointer: the history itself is in signed links (``core.evidence.history``). It changes
only by an update that carries the resource version read before, so of two deploys one loses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.history import Head
from shipway.core.kube.objects import SYSTEM_NAMESPACE, Ref
from shipway.core.oci import digest as digests
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj
    from shipway.core.oci.digest import Digest


class Held(msgspec.Struct, frozen=True):
    """A head and the object that holds it, as read."""

    head: Head
    object: Obj


def ref(project: str, environment: str, target: str) -> Ref:
    """Return the name of the head of one (environment, target) of a project."""
    name = f"head.{project}.{environment}.{target}"
    return Ref("v1", "ConfigMap", SYSTEM_NAMESPACE, name)


def write(head: Head, onto: Obj) -> Obj:
    """Return ``onto`` with its data replaced by ``head``; its version is kept."""
    data = {"sequence": str(head.sequence), "intent": head.intent or "", "state": head.state}
    return {**onto, "data": data}


def fresh(name: Ref) -> Obj:
    """Return the object of a history that has not begun."""
    bare: Obj = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name.name, "namespace": name.namespace},
    }
    return write(Head(), bare)


def read(obj: Obj) -> Held:
    """Return the head that ``obj`` holds.

    Raises:
        ShipwayError: ``deploy.head`` (integrity) if somebody wrote something else into it.
    """
    data = obj.get("data") or {}
    try:
        intent = digests.parse(data["intent"]) if data.get("intent") else None
        head = Head(sequence=int(data["sequence"]), intent=intent, state=str(data["state"]))
    except (KeyError, ValueError, ShipwayError) as cause:
        name = (obj.get("metadata") or {}).get("name", "")
        raise ShipwayError(
            "deploy.head",
            Kind.INTEGRITY,
            "this ConfigMap does not hold the head of a history",
            operation="reading",
            subject=f"configmap/{SYSTEM_NAMESPACE}/{name}",
            hint="compare it with `shipway history`",
        ) from cause
    return Held(head, obj)


def check(obj: Obj | None, name: Ref, intent: Digest) -> None:
    """Do nothing while the head, as just read from ``name``, is that of ``intent``.

    Until then nobody else has begun, and what stands is the business of that intent alone.

    Raises:
        ShipwayError: ``deploy.overtaken`` (conflict) if it names another one; ``deploy.head``.
    """
    found = read(obj or {}).head
    if found.intent != intent:
        raise ShipwayError(
            "deploy.overtaken",
            Kind.CONFLICT,
            f"number {found.sequence} began before this one had ended",
            operation="looking at",
            subject=str(name),
            hint="look at `shipway history`, then repeat if this one is still wanted",
        )
