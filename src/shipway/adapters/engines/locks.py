"""Engine locks as folders: those in the package, or any folder a caller names (the tests').

The hands beside it read locks here and nowhere else; nothing is written.
"""

from __future__ import annotations

import os
from pathlib import Path

import shipway
from shipway.core.engines import recipe
from shipway.core.engines.command import platform_of
from shipway.core.engines.lock import Lock, digest
from shipway.errors import Kind, ShipwayError

PACKAGED = Path(shipway.__file__).parent / "engines"


class LockFolder:
    """The locks under one folder, one folder an engine."""

    def __init__(self, folder: Path = PACKAGED, platform: str = "") -> None:
        """``platform`` is what is built for (``linux-arm64``); empty: this machine's."""
        self.folder = folder
        uname = os.uname()
        self.platform = platform or platform_of(uname.sysname, uname.machine)

    def names(self) -> tuple[str, ...]:
        """Return the names of all engines here, sorted."""
        return tuple(sorted(path.parent.name for path in self.folder.glob("*/engine.toml")))

    def read(self, name: str) -> Lock:
        """Return the lock of ``name``.

        Raises:
            ShipwayError: ``engine.unknown``, or ``engine.recipe`` if its files are wrong.
        """
        if name not in self.names():
            raise ShipwayError(
                "engine.unknown",
                Kind.NOT_FOUND,
                f"there is no such engine; there are {', '.join(self.names()) or 'none'}",
                operation="reading the lock of",
                subject=name,
            )
        place = self.folder / name
        return Lock(
            recipe.parse((place / "engine.toml").read_text("utf-8"), name),
            (place / "go.mod").read_bytes(),
            (place / "go.sum").read_bytes(),
        )

    def digest(self, name: str) -> str:
        """Return the digest of the lock of ``name`` on this machine's platform."""
        return digest(self.read(name), self.platform)
