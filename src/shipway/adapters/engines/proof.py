"""Which engines are made, and whether their bytes are still those that were made.

Wiring gives it to ``doctor``. Root proves them again, in its own copies, before each start.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shipway import scope
from shipway.adapters.engines.hashing import of_files
from shipway.core.ports.machine import EngineState

if TYPE_CHECKING:
    from shipway.adapters.engines.build import EngineBuilder
    from shipway.core.ports.engines import Built


def states(builder: EngineBuilder) -> tuple[EngineState, ...]:
    """Return every engine that has a lock; those that are made are read to the last byte."""

    def one(name: str) -> EngineState:
        built = builder.present(name)
        if built is None:
            return EngineState(name, made=False)
        return EngineState(name, made=True, altered=_altered(built))

    return tuple(scope.each(one, builder.names(), 2))


def _altered(built: Built) -> tuple[str, ...]:
    found = of_files({file: Path(built.directory, file) for file in built.files})
    return tuple(sorted(file for file, digest in built.files.items() if found[file] != digest))
