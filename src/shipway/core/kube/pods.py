"""Pods inside any object: their containers and images, whatever kind carries them.

A rendered set may hold kinds that nobody here knows, so images are looked for by shape: a list of
mappings with an ``image`` under one of the container fields of a pod (core/v1 PodSpec).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.oci.digest import Digest

if TYPE_CHECKING:
    from collections.abc import Iterator

CONTAINERS = ("initContainers", "containers", "ephemeralContainers")
_DIGEST = re.compile(r"@(sha256:[0-9a-f]{64})\Z")


class Image(msgspec.Struct, frozen=True):
    """One image that an object names, and which container does."""

    reference: str
    container: str

    @property
    def digest(self) -> Digest | None:
        """Return the digest it is pinned to, if it is."""
        found = _DIGEST.search(self.reference)
        return Digest(found[1]) if found else None


def images(obj: Any) -> tuple[Image, ...]:  # noqa: ANN401  any JSON value
    """Return every image that ``obj`` would run or mount, in the order of the document."""
    return tuple(_images(obj))


def template(obj: dict[str, Any]) -> dict[str, Any] | None:
    """Return the pod template of a known kind (metadata and spec), or a Pod itself."""
    spec = obj.get("spec") or {}
    match obj.get("kind"):
        case "Pod":
            return obj
        case "CronJob":
            found = ((spec.get("jobTemplate") or {}).get("spec") or {}).get("template")
        case _:
            found = spec.get("template")
    return found if isinstance(found, dict) and "spec" in found else None


def _images(value: Any) -> Iterator[Image]:  # noqa: ANN401  any JSON value
    if isinstance(value, list):
        for one in value:
            yield from _images(one)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in CONTAINERS and isinstance(inner, list):
                yield from _of_containers(inner)
            elif key == "volumes" and isinstance(inner, list):
                yield from _of_volumes(inner)
            else:
                yield from _images(inner)


def _of_containers(containers: list[Any]) -> Iterator[Image]:
    for one in containers:
        if isinstance(one, dict) and isinstance(one.get("image"), str):
            yield Image(one["image"], str(one.get("name", "")))


def _of_volumes(volumes: list[Any]) -> Iterator[Image]:
    for one in volumes:
        source = one.get("image") if isinstance(one, dict) else None
        if isinstance(source, dict) and isinstance(source.get("reference"), str):
            yield Image(source["reference"], f"volume {one.get('name', '')}")
