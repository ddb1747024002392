"""Locked upstream programs: made by the user, installed and checked by root."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.core.engines.progress import Progress


class Built(msgspec.Struct, frozen=True):
    """An engine in the user's cache: ``directory`` holds ``files``, by name with digests.

    ``lock`` is the lock's digest (hex); ``seconds`` is what the making took, 0 if it was there.
    """

    name: str
    version: str
    lock: str
    directory: str
    files: dict[str, Digest]
    seconds: float = 0.0


class Installed(msgspec.Struct, frozen=True):
    """An engine that root may start: absolute paths and digests, by program name."""

    name: str
    version: str
    lock: str
    directory: str
    files: dict[str, str]
    digests: dict[str, Digest]


class Engines(Protocol):
    """The user's part: engines in the user's cache, made without root."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all engines that have a lock."""
        ...

    def ensure(
        self, names: Sequence[str], *, on_progress: Callable[[Progress], None]
    ) -> tuple[Built, ...]:
        """Return the named engines in order, making those that are not there.

        An interrupted or failed making goes on where it was when asked again.

        Raises:
            ShipwayError: ``engine.unknown``, ``engine.build``, ``engine.disk``,
                ``toolchain.missing``.
        """
        ...


class EngineStore(Protocol):
    """Root's part: engines that nobody but root can change."""

    def install(self, built: Built) -> Installed:
        """Copy ``built`` to where root owns it, proving each file against ``built.files``.

        Installing what is installed and whole does nothing.

        Raises:
            ShipwayError: ``engine.altered`` (integrity), ``engine.unsafe`` (a path that others
                can change), ``engine.install`` (no room or right).
        """
        ...

    def installed(self, name: str) -> Installed:
        """Return an installed engine after reading and proving every byte of it.

        Raises:
            ShipwayError: ``engine.missing``, ``engine.altered``, ``engine.unsafe``.
        """
        ...
