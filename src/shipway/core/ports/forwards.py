"""Ports of this machine that lead elsewhere, and the person's browser."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from shipway.core.ports.kube import Tunnel
    from shipway.errors import ShipwayError


class Forwards(Protocol):
    """Listens on 127.0.0.1 for connections that a tunnel each carries on."""

    def listen(
        self,
        port: int,
        connect: Callable[[], Tunnel],
        *,
        on_error: Callable[[ShipwayError], None],
    ) -> AbstractContextManager[int]:
        """Listen on ``port``, or on a free one where that is taken, and give which it is.

        Each connection is carried by a tunnel of its own, from ``connect``; where that fails the
        connection is closed and ``on_error`` told. Leaving the block closes all of them.
        """
        ...


class Browser(Protocol):
    """What a person looks at URLs with."""

    def open(self, url: str) -> bool:
        """Show ``url`` and return at once; return whether there was anything to show it with."""
        ...
