"""A toolchain that is simply there."""

from __future__ import annotations


class FakeToolchains:
    """Every version is at one path; ``asked`` keeps what was wanted."""

    def __init__(self, go: str) -> None:
        self.go = go
        self.asked: list[str] = []

    def ensure(self, version: str) -> str:
        """Return the path."""
        self.asked.append(version)
        return self.go
