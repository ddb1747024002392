"""Engines in memory: built at once, installed at once, altered by a test at will."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.engines.lock import altered
from shipway.core.engines.progress import Progress
from shipway.core.oci.digest import of
from shipway.core.ports.engines import Built, Installed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class FakeEngines:
    """Engines whose programs are given as bytes: ``{"etcd": {"etcd": b"..."}}``.

    Attributes:
        made: Names in the order in which they were made.
    """

    def __init__(self, programs: Mapping[str, Mapping[str, bytes]]) -> None:
        self.programs = programs
        self.made: list[str] = []

    def names(self) -> tuple[str, ...]:
        """Return the names of all engines that have a lock."""
        return tuple(sorted(self.programs))

    def ensure(
        self, names: Sequence[str], *, on_progress: Callable[[Progress], None]
    ) -> tuple[Built, ...]:
        """Return the named engines, making each once."""
        return tuple(
            self._one(name, Progress(name, place, len(names), "present"), on_progress)
            for place, name in enumerate(names, 1)
        )

    def _one(self, name: str, moment: Progress, on_progress: Callable[[Progress], None]) -> Built:
        if name not in self.programs:
            raise ShipwayError("engine.unknown", Kind.NOT_FOUND, "no such engine", subject=name)
        new = name not in self.made
        if new:
            self.made.append(name)
            on_progress(Progress(name, moment.index, moment.of, "built", seconds=1.0))
        else:
            on_progress(moment)
        files = {file: of(data) for file, data in self.programs[name].items()}
        return Built(name, "v1.0.0", "0" * 64, f"/cache/{name}", files, 1.0 if new else 0.0)


class FakeEngineStore:
    """Installed engines by name; ``altered`` names those whose bytes somebody changed."""

    def __init__(self, root: str = "/var/lib/shipway/engines") -> None:
        self.root = root
        self.altered: set[str] = set()
        self._here: dict[str, Installed] = {}

    def install(self, built: Built) -> Installed:
        """Take ``built`` as it is, whole again if it was altered."""
        place = f"{self.root}/{built.name}/{built.lock}"
        paths = {file: f"{place}/{file}" for file in built.files}
        self._here[built.name] = Installed(
            built.name, built.version, built.lock, place, paths, built.files
        )
        self.altered.discard(built.name)
        return self._here[built.name]

    def installed(self, name: str) -> Installed:
        """Return an installed engine that is whole."""
        if name not in self._here:
            raise ShipwayError("engine.missing", Kind.NOT_FOUND, "not installed", subject=name)
        if name in self.altered:
            raise altered(self._here[name].directory, "its bytes differ")
        return self._here[name]
