"""A renderer in memory: folders are given to it, and it gives their objects back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.renderer import Sourced


class MemoryRenderer:
    """The ``Renderer`` port over a dictionary of folders."""

    def __init__(self, folders: dict[str, tuple[Sourced, ...]] | None = None) -> None:
        self.folders = folders or {}

    def name(self, _root: str, _directory: str) -> str:
        """Return a name."""
        return "memory v1"

    def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
        """Return what was given for ``directory``."""
        if directory not in self.folders:
            why = f"there is no such folder in {root or 'memory'}"
            raise ShipwayError("render.missing", Kind.NOT_FOUND, why, subject=directory)
        return self.folders[directory]
