"""What changes on an object so that a debugger may hold its program while a person looks.

``stages.render`` asks for it where a service is delivered under Delve. What is not named here stays
as it is: a debug build runs as hardened as any other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.core.golang import delve
from shipway.core.kube import pods, quantity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.kube.objects import Obj

_TRIES = 3600
"""Of the startup probe; it never asks again once the program has served."""
_ROOM = 1 << 30
"""Bytes that Delve may take beside the program, for its view of the debug information."""


def held(obj: Obj, ports: Mapping[str, int]) -> Obj:
    """Return ``obj`` with what runs the images of ``ports`` (to Delve's port) made to wait.

    Liveness and readiness are not asked any more, a startup probe is patient, a memory limit
    leaves room for Delve, a command of the object's own runs under Delve as the image's would, and
    of several replicas there is one, so that a request meets the debugger.
    """
    if not any(one.reference in ports for one in pods.images(obj)):
        return obj
    found: Obj = _walked(obj, ports)
    spec = found.get("spec") or {}
    replicas = spec.get("replicas")
    if isinstance(replicas, int) and replicas > 1:
        return {**found, "spec": {**spec, "replicas": 1}}
    return found


def _walked(value: Any, ports: Mapping[str, int]) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, list):
        return [_walked(inner, ports) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: [_container(one, ports) for one in inner]
        if key in pods.CONTAINERS and isinstance(inner, list)
        else _walked(inner, ports)
        for key, inner in value.items()
    }


def _container(one: Any, ports: Mapping[str, int]) -> Any:  # noqa: ANN401  any JSON value
    image = one.get("image") if isinstance(one, dict) else None
    if not isinstance(image, str) or image not in ports:
        return one
    found = {key: value for key, value in one.items() if key not in _PROBES}
    probe = one.get("startupProbe") or one.get("readinessProbe")
    if isinstance(probe, dict):
        patient = {key: value for key, value in probe.items() if key != "successThreshold"}
        found["startupProbe"] = patient | {"failureThreshold": _TRIES}
    if command := one.get("command"):
        found["command"] = list(delve.command(tuple(command), ports[image]))
    if limits := _limits(one):
        found["resources"] = {**one["resources"], "limits": limits}
    return found


_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def _limits(container: dict[str, Any]) -> dict[str, Any] | None:
    """Return the limits of a container with room for Delve; none where it limits no memory."""
    limits = (container.get("resources") or {}).get("limits") or {}
    memory = quantity.value(limits.get("memory"))
    if memory is None:
        return None
    return {**limits, "memory": str(int(memory) + _ROOM)}
