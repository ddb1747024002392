"""An engine that takes seconds to make and no network: programs of Go's own tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TOML = """
schema = 1
name = "tiny"
version = "v1.0.0"
toolchain = "go1.27.3"
seconds = 2

[programs]
archiver = "cmd/pack"
"""


def write_lock(folder: Path, toml: str = TOML, name: str = "tiny") -> Path:
    """Write the lock below ``folder`` and return ``folder``."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "engine.toml").write_text(toml)
    (place / "go.mod").write_text(f"module shipway.dev/engine/{name}\n\ngo 1.26.0\n")
    (place / "go.sum").write_text("")
    return folder
