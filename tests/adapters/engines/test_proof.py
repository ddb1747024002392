"""Engines that are made are proved to the last byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.adapters.engines import proof
from shipway.core.oci.digest import of
from shipway.core.ports.engines import Built
from shipway.core.ports.machine import EngineState

if TYPE_CHECKING:
    from pathlib import Path


class Made:
    """Two engines that were made, and one that was not."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> tuple[str, ...]:
        """Return their names."""
        return ("good", "bad", "none")

    def present(self, name: str) -> Built | None:
        """Return what was made."""
        files = {name: of(name.encode()), "both": of(b"both")}
        return Built(name, "v1", "0" * 64, str(self._folder), files) if name != "none" else None


def test_states(tmp_path: Path) -> None:
    """Other bytes than were made are named; what is not made is no fault."""
    for name, data in {"good": b"good", "bad": b"BAD", "both": b"both"}.items():
        (tmp_path / name).write_bytes(data)

    assert proof.states(Made(tmp_path)) == (  # type: ignore[arg-type]  # all that is asked for
        EngineState("good", made=True),
        EngineState("bad", made=True, altered=("bad",)),
        EngineState("none", made=False),
    )
