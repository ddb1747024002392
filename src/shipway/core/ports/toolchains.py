"""Exact Go toolchains on this machine."""

from __future__ import annotations

from typing import Protocol


class Toolchains(Protocol):
    """Go by its exact version, never whatever ``go`` is on the PATH."""

    def ensure(self, version: str) -> str:
        """Return the path of a ``go`` whose version is exactly ``version`` (``go1.27.3``).

        Raises:
            ShipwayError: ``toolchain.missing`` if it can be had in no way.
        """
        ...
