"""Replacing names of images by digest references, wherever they stand in an object.

``stages.render`` calls this. A placeholder (``shipway://SERVICE``, ``ko://IMPORTPATH``) is replaced
in any string value, so that custom kinds work too; a foreign image by tag only where
:mod:`shipway.core.kube.pods` sees an image, since any other string may mean anything.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.kube import pods

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.core.kube.objects import Obj
    from shipway.core.oci.digest import Digest

SCHEMES = ("shipway://", "ko://")
_PINNED = re.compile(r"@sha256:[0-9a-f]{64}\Z")


class Use(msgspec.Struct, frozen=True, order=True):
    """One image of a rendered set: ours (``service`` names it) or foreign (empty)."""

    reference: str
    service: str = ""

    @property
    def foreign(self) -> bool:
        """Return whether somebody else made it."""
        return not self.service

    @property
    def digest(self) -> Digest | None:
        """Return the digest it is pinned to."""
        return pods.Image(self.reference, "").digest


def placeholders(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON value
    """Yield path and text of every placeholder in ``value``."""
    for path, text in strings(value):
        if text.startswith(SCHEMES):
            yield path, text


def substitute(obj: Obj, replacements: Mapping[str, str]) -> Obj:
    """Return ``obj`` with every string that is a key of ``replacements`` replaced."""
    found = _replaced(obj, replacements)
    return found if isinstance(found, dict) else {}


def unpinned(obj: Obj) -> tuple[str, ...]:
    """Return the images of ``obj`` that no digest pins, placeholders aside."""
    return tuple(
        image.reference
        for image in pods.images(obj)
        if not _PINNED.search(image.reference) and not image.reference.startswith(SCHEMES)
    )


def pin(obj: Obj, resolved: Mapping[str, str]) -> Obj:
    """Return ``obj`` with its foreign images by tag replaced by digest references."""
    return put(obj, {name: resolved[name] for name in unpinned(obj) if name in resolved})


def named(obj: Obj, own: Mapping[str, str]) -> dict[str, str]:
    """Return the images of ``obj`` that ``own`` (repository to reference) has, by what they say."""
    said = {image.reference for image in pods.images(obj)}
    return {one: own[repository(one)] for one in said if repository(one) in own}


def put(obj: Obj, references: Mapping[str, str]) -> Obj:
    """Return ``obj`` with its images replaced as ``references`` says, in image fields only."""
    return _pinned(obj, references) if references else obj


def repository(reference: str) -> str:
    """Return an image reference without its tag and digest."""
    head, slash, last = reference.partition("@")[0].rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"


def uses(objects: tuple[Obj, ...], own: Mapping[str, str]) -> tuple[Use, ...]:
    """Return every image of ``objects``, once and sorted; ``own`` maps reference to service."""
    found = {image.reference for obj in objects for image in pods.images(obj)}
    found |= {text for obj in objects for _, text in strings(obj) if text in own}
    return tuple(sorted(Use(reference, own.get(reference, "")) for reference in found))


def strings(value: Any, path: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401  any JSON value
    """Yield path (as ``spec.containers[0].image``) and text of every string in ``value``."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from strings(inner, f"{path}[{index}]")


def _replaced(value: Any, table: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON value
    if isinstance(value, str):
        return table.get(value, value)
    if isinstance(value, dict):
        return {key: _replaced(inner, table) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, table) for inner in value]
    return value


def _pinned(value: Any, table: Mapping[str, str]) -> Any:  # noqa: ANN401  any JSON value
    """Replace in the fields that name an image only."""
    if isinstance(value, list):
        return [_pinned(inner, table) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        key: table.get(inner, inner)
        if key in {"image", "reference"} and isinstance(inner, str)
        else _pinned(inner, table)
        for key, inner in value.items()
    }
