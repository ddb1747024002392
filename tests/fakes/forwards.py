"""Tunnels that end in a function, ports that lead to them, and a browser that remembers."""

from __future__ import annotations

import contextlib
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class MemoryTunnel:
    """A connection to a program that answers each piece at once."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer = answer
        self._said: SimpleQueue[bytes] = SimpleQueue()
        self.closed = False

    def send(self, data: bytes) -> None:
        """Have it answered; an empty answer ends the connection."""
        if self.closed:
            raise ShipwayError("kube.forward", Kind.TRANSIENT, "closed")
        self._said.put(self._answer(data))

    def receive(self) -> bytes:
        """Return the next answer."""
        return self._said.get()

    def close(self) -> None:
        """End it."""
        self.closed = True
        self._said.put(b"")


class MemoryBrowser:
    """Shows nothing."""

    def __init__(self) -> None:
        self.shown: list[str] = []
        self.there = True

    def open(self, url: str) -> bool:
        """Remember the URL."""
        self.shown.append(url)
        return self.there


class MemoryForwards:
    """Ports that only :meth:`dial` reaches."""

    def __init__(self) -> None:
        self._open: dict[int, Callable[[], MemoryTunnel]] = {}
        self._told: dict[int, Callable[[ShipwayError], None]] = {}

    @contextlib.contextmanager
    def listen(
        self,
        port: int,
        connect: Callable[[], Any],
        *,
        on_error: Callable[[ShipwayError], None],
    ) -> Iterator[int]:
        """Listen on the port, or on a free one."""
        number = port if port and port not in self._open else max(self._open, default=40_000) + 1
        self._open[number], self._told[number] = connect, on_error
        yield number
        del self._open[number], self._told[number]

    def dial(self, port: int, data: bytes) -> bytes:
        """Return what one connection hears first; nothing where it is closed."""
        try:
            tunnel = self._open[port]()
        except ShipwayError as error:
            self._told[port](error)
            return b""
        tunnel.send(data)
        heard = tunnel.receive()
        tunnel.close()
        return heard
