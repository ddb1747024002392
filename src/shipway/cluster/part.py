"""What a part of the ground is: a command, its files, its readiness and its needs."""

from __future__ import annotations

import msgspec

from shipway.core.ports.ground import Check, File  # noqa: TC001  msgspec reads types


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One supervised program."""

    name: str
    program: str
    """The name in :class:`~shipway.cluster.site.Programs`."""
    arguments: tuple[str, ...]
    check: Check | None = None
    env: dict[str, str] = msgspec.field(default_factory=dict)
    files: tuple[File, ...] = ()
    needs: tuple[str, ...] = ()
    """Parts that must be ready before this one starts."""
    first: str = ""
    """Shell lines that are run before each start, the program proved."""
    asked: str = ""
    """Path that asks for a new start, by being there; ``first`` removes it."""
    outside: bool = False
    """Runs in the host's network namespace (it joins the two)."""


def flags(values: dict[str, str]) -> tuple[str, ...]:
    """Return ``--name=value`` arguments, in the order given."""
    return tuple(f"--{name}={value}" for name, value in values.items())
