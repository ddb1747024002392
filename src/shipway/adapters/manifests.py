"""Plain YAML folders as the ``Renderer`` port.

Wiring makes :class:`ByFolder`, which gives folders with a kustomization to the real kustomize.
:class:`PlainYaml` reads ``*.yaml`` and ``*.yml`` in a folder and below, ordered by their names,
and runs nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.kube import documents
from shipway.core.ports.renderer import Sourced
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.ports.renderer import Renderer


class ByFolder:
    """The ``Renderer`` that a folder asks for: kustomize where it has a kustomization."""

    def __init__(self, kustomize: Callable[[], Renderer]) -> None:
        """``kustomize`` is made when the first folder asks for it: its engine may be missing."""
        self._kustomize = kustomize
        self._plain = PlainYaml()

    def name(self, root: str, directory: str) -> str:
        """Return the name of what renders this folder."""
        return self._for(root, directory).name(root, directory)

    def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
        """Return the objects of this folder."""
        return self._for(root, directory).render(root, directory)

    def _for(self, root: str, directory: str) -> Renderer:
        folder = Path(root) / directory
        if any((folder / name).is_file() for name in documents.KUSTOMIZATIONS):
            return self._kustomize()
        return self._plain


class PlainYaml:
    """The ``Renderer`` of a folder of manifests."""

    def name(self, _root: str, _directory: str) -> str:
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
