"""YAML streams as Kubernetes objects.

Adapters that read files, or the output of a renderer, call this. YAML can say things that JSON
cannot (dates, keys that are no texts); these are refused, not guessed. Lists are taken apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.objects import Obj

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names by which kustomize knows its folders."""


def read(data: bytes, name: str) -> tuple[Obj, ...]:
    """Return the objects of a YAML stream, lists taken apart.

    Raises:
        ShipwayError: ``render.yaml`` (config) if it is no YAML, or holds something else.
    """
    import yaml  # noqa: PLC0415  17 ms that only rendering files needs

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        parsed = list(yaml.load_all(data, Loader=loader))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise wrong(name, " ".join(str(error).split())) from error
    return tuple(obj for document in parsed for obj in _objects(document, name))


def _objects(document: Any, name: str) -> Iterator[Obj]:  # noqa: ANN401  whatever YAML holds
    if document is None:
        return
    if not isinstance(document, dict) or not isinstance(document.get("kind"), str):
        raise wrong(name, "a document is no Kubernetes object (it has no kind)")
    if document["kind"].endswith("List") and isinstance(document.get("items"), list):
        for item in document["items"]:
            yield from _objects(item, name)
        return
    yield _plain(document, name)


def _plain(value: Any, name: str) -> Any:  # noqa: ANN401  whatever YAML holds
    """Return ``value`` if JSON can say it; YAML's dates and odd keys are refused, not guessed."""
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise wrong(name, "a key is not a text; put it in quotes")
        return {key: _plain(inner, name) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner, name) for inner in value]
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    raise wrong(name, f"the value {value!s:.40} is not a JSON type; put it in quotes")


def wrong(name: str, why: str) -> ShipwayError:
    """Return the error for a file that is no Kubernetes YAML."""
    return ShipwayError("render.yaml", Kind.CONFIG, why[:400], operation="reading", subject=name)
