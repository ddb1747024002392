"""One page per error id, from the package's own data."""

from __future__ import annotations

import importlib.resources
from typing import TYPE_CHECKING

from shipway.core.project.schema import nearest
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable


def identifiers() -> Iterable[str]:
    """Return every id that has a page, sorted."""
    folder = importlib.resources.files("shipway").joinpath("explain")
    names = (entry.name for entry in folder.iterdir())
    return sorted(name.removesuffix(".md") for name in names if name.endswith(".md"))


def page(identifier: str) -> str:
    """Return the page of an error id, as Markdown.

    Raises:
        ShipwayError: ``explain.unknown`` with the nearest id.
    """
    known = tuple(identifiers())
    if identifier not in known:
        raise ShipwayError(
            "explain.unknown",
            Kind.NOT_FOUND,
            f"no such error id; {nearest(identifier, known)}",
            operation="explaining",
            subject=identifier,
        )
    place = importlib.resources.files("shipway").joinpath("explain", f"{identifier}.md")
    return place.read_text(encoding="utf-8")
