"""A machine on which everything is well, until a test says otherwise."""

from __future__ import annotations

from shipway.core.ports.machine import EngineState, KeyState


class MemoryMachine:
    """The ``Machine`` port as attributes."""

    def __init__(self) -> None:
        self.version = "3.11.2"
        self.said: dict[str, str] = {"git": "git version 2.39.5"}
        self.toolchains: dict[str, str] = {"go1.27.3": "/cache/toolchains/go1.27.3"}
        self.states: tuple[EngineState, ...] = (EngineState("etcd", made=True),)
        self.held: KeyState | None = KeyState("SHA256:mine", guarded=True)
        self.open_because = ""
        self.room = 50 << 30
        self.dates: dict[str, float] = {}

    def python(self) -> str:
        """Return the version."""
        return self.version

    def program(self, *argv: str) -> str:
        """Return what a program says."""
        return self.said.get(argv[0], "")

    def toolchain(self, version: str) -> str:
        """Return where one lies."""
        return self.toolchains.get(version, "")

    def engines(self) -> tuple[EngineState, ...]:
        """Return the engines."""
        return self.states

    def key(self) -> KeyState | None:
        """Return the key."""
        return self.held

    def confinement(self) -> str:
        """Return why there is none."""
        return self.open_because

    def free(self) -> tuple[str, int]:
        """Return the room."""
        return "/store", self.room

    def date(self, url: str) -> float | None:
        """Return what a server says."""
        return self.dates.get(url)
