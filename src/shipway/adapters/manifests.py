"""Plain YAML folders as the ``Renderer`` port.

Wiring makes :class:`PlainYaml` for folders without a kustomization. It reads ``*.yaml`` and
``*.yml`` in the folder and below, in the order of their names, and runs nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.kube import documents
from shipway.core.ports.renderer import Sourced
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator


class PlainYaml:
    """The ``Renderer`` of a folder of manifests."""

    def name(self) -> str:
        """Return ``plain yaml``."""
        return "plain yaml"

    def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
        """Return the objects of every YAML file under ``directory``."""
        top = Path(root) / directory
        if not top.is_dir():
            raise _missing(directory)
        found: list[Sourced] = []
        for path in sorted(_files(top, Path(root))):
            name = path.relative_to(root).as_posix()
            try:
                data = path.read_bytes()
            except OSError as error:
                raise documents.wrong(name, error.strerror or "unreadable") from error
            found += [Sourced(obj, name) for obj in documents.read(data, name)]
        return tuple(found)


def _missing(directory: str) -> ShipwayError:
    """Return the error for a folder that is not there."""
    return ShipwayError(
        "render.missing",
        Kind.NOT_FOUND,
        "there is no such folder",
        operation="rendering",
        subject=directory,
        hint="shipway init writes one",
    )


def _files(top: Path, root: Path) -> Iterator[Path]:
    """Yield YAML files under ``top``; links that lead out of the repository are not followed."""
    inside = root.resolve()
    for folder, names, files in os.walk(top):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for file in files:
            path = Path(folder) / file
            if path.suffix in {".yaml", ".yml"} and path.resolve().is_relative_to(inside):
                yield path
