"""What a rendered set must not hold, each refusal with its file and path.

``stages.render`` calls :func:`refuse` once with everything and raises all that it returns at once.
It judges by what Kubernetes' own kinds mean; a kind it does not know counts as namespaced, unless a
definition in the same set says otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube import images, kinds
from shipway.core.kube.objects import ref_of
from shipway.core.secrets import detect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shipway.core.kube.objects import Obj
    from shipway.core.ports.renderer import Sourced


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What an environment allows."""

    namespaces: tuple[str, ...]
    cluster_objects: tuple[str, ...] = ()
    """Cluster-scoped objects it lists, as ``KIND/NAME`` (``ClusterRole/web``)."""


class Refusal(msgspec.Struct, frozen=True, order=True):
    """One thing that must not be applied; ``path`` is inside the object, dotted."""

    id: str
    file: str
    object: str
    path: str
    why: str

    def __str__(self) -> str:
        """Return file, object, path and reason on one line."""
        where = " ".join(part for part in (self.file, self.object, self.path) if part)
        return f"{where}: {self.why}"


def scopes(objects: tuple[Obj, ...]) -> dict[tuple[str, str], bool]:
    """Return group and kind of every CRD in the set, and whether it is namespaced."""
    found = {}
    for obj in objects:
        if obj.get("kind") == "CustomResourceDefinition":
            spec = obj.get("spec") or {}
            key = (str(spec.get("group")), str((spec.get("names") or {}).get("kind")))
            found[key] = spec.get("scope") != "Cluster"
    return found


def namespaced(obj: Obj, defined: Mapping[tuple[str, str], bool]) -> bool:
    """Return whether a namespace holds objects of this kind (unknown kinds: yes)."""
    ref = ref_of(obj)
    resource = kinds.known(ref.api_version, ref.kind)
    return resource.namespaced if resource else defined.get((ref.group, ref.kind), True)


def refuse(sourced: tuple[Sourced, ...], bounds: Bounds) -> tuple[Refusal, ...]:
    """Return everything in the set that must not be applied, sorted."""
    defined = scopes(tuple(one.object for one in sourced))
    found = []
    for one in sourced:
        name = str(ref_of(one.object))
        for rule in _RULES:
            found += [
                Refusal(id_, one.file, name, path, why) for id_, path, why in rule(one.object)
            ]
        for id_, path, why in _scope(one.object, bounds, defined):
            found.append(Refusal(id_, one.file, name, path, why))
    return tuple(sorted(found + _twice(sourced)))


def _secret(obj: Obj) -> Iterator[tuple[str, str, str]]:
    if obj.get("kind") == "Secret" and "/" not in str(obj.get("apiVersion")):
        for field in ("data", "stringData"):
            if obj.get(field):
                why = "a Secret with data does not belong in files; use an ExternalSecret"
                yield "render.secret", field, why


def _plaintext(obj: Obj) -> Iterator[tuple[str, str, str]]:
    for path, name, value in _settings(obj, ""):
        if why := detect.credential(name, value):
            yield "render.plaintext", path, f"{why}, in plain sight; take it from a Secret"


def _arguments(obj: Obj) -> Iterator[tuple[str, str, str]]:
    for path, text in images.strings(obj):
        if (".args[" in path or ".command[" in path) and (why := detect.by_shape(text)):
            yield "render.plaintext", path, f"{why}, in plain sight; take it from a Secret"


def _unreplaced(obj: Obj) -> Iterator[tuple[str, str, str]]:
    for path, text in images.placeholders(obj):
        yield "render.placeholder", path, f"{text} is no service of this release"


_RULES: tuple[Callable[[Obj], Iterator[tuple[str, str, str]]], ...] = (
    _secret,
    _plaintext,
    _arguments,
    _unreplaced,
)


def _scope(
    obj: Obj, bounds: Bounds, defined: Mapping[tuple[str, str], bool]
) -> Iterator[tuple[str, str, str]]:
    ref = ref_of(obj)
    listed = f"{ref.kind}/{ref.name}" in bounds.cluster_objects
    if not ref.api_version or not ref.kind or not ref.name:
        yield "render.object", "", "an object needs apiVersion, kind and metadata.name"
    elif namespaced(obj, defined) and not (listed and not ref.namespace):
        if ref.namespace not in bounds.namespaces:
            allowed = ", ".join(bounds.namespaces)
            why = f"namespace {ref.namespace!r} is not one of the environment's ({allowed})"
            yield "render.namespace", "metadata.namespace", why
    elif not listed and not (ref.kind == "Namespace" and ref.name in bounds.namespaces):
        why = f'cluster-scoped, and "{ref.kind}/{ref.name}" is not in cluster_objects'
        yield "render.cluster_scoped", "metadata.name", why


def _twice(sourced: tuple[Sourced, ...]) -> list[Refusal]:
    seen: dict[tuple[str, ...], str] = {}
    found = []
    for one in sourced:
        ref = ref_of(one.object)
        if ref.identity in seen:
            why = f"{seen[ref.identity] or 'the same set'} has an object of this name too"
            found.append(Refusal("render.object", one.file, str(ref), "metadata.name", why))
        seen[ref.identity] = one.file
    return found


def _settings(value: Any, path: str) -> Iterator[tuple[str, str, str]]:  # noqa: ANN401  any JSON value
    """Yield path, name and text of every literal environment variable, ConfigMap data included."""
    if isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _settings(inner, f"{path}[{index}]")
    elif isinstance(value, dict):
        if value.get("kind") == "ConfigMap" and isinstance(value.get("data"), dict):
            for name, text in value["data"].items():
                yield f"data.{name}", str(name), str(text)
            return
        for key, inner in value.items():
            here = f"{path}.{key}" if path else str(key)
            if key == "env" and isinstance(inner, list):
                yield from _variables(inner, here)
            else:
                yield from _settings(inner, here)


def _variables(variables: list[Any], path: str) -> Iterator[tuple[str, str, str]]:
    for index, one in enumerate(variables):
        if isinstance(one, dict) and isinstance(one.get("value"), str):
            yield f"{path}[{index}].value", str(one.get("name", "")), one["value"]
