"""Local ports carried on by tunnels (``core.ports.forwards``).

Only wiring makes one. It listens on 127.0.0.1 alone. A connection has two threads, one a way; each
ends the other's side when it is over.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from typing import TYPE_CHECKING

from shipway import scope
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.ports.kube import Tunnel

_PIECE = 1 << 15
_BACKLOG = 64
_CLOSED = frozenset({errno.EBADF, errno.EINVAL})
"""What accept(2) says of a socket that does not listen any more."""
_PAUSE = 0.1
"""Seconds until the next try to take a connection."""
LINGER = 5.0
"""Seconds of silence after which a connection is over whose near side has nothing more to say.

The protocol has no half-closed connection, so the far side cannot be told.
"""


class LocalForwards:
    """Listens on the loopback of this machine."""

    def __init__(self, *, linger: float = LINGER) -> None:
        self._linger = linger

    @contextlib.contextmanager
    def listen(
        self,
        port: int,
        connect: Callable[[], Tunnel],
        *,
        on_error: Callable[[ShipwayError], None],
    ) -> Iterator[int]:
        """Listen on ``port``, or on a free one where that is taken, and give which it is."""
        server = _server(port)
        with contextlib.ExitStack() as stack:
            inside = stack.enter_context(scope.open())
            live: set[_Carried] = set()
            stack.callback(_end, server, live)
            inside.spawn(self._accept, server, connect, on_error, live)
            stack.enter_context(inside.on_cancel(lambda: _end(server, live)))
            yield int(server.getsockname()[1])

    def _accept(
        self,
        server: socket.socket,
        connect: Callable[[], Tunnel],
        on_error: Callable[[ShipwayError], None],
        live: set[_Carried],
    ) -> None:
        while True:
            try:
                near, _ = server.accept()
            except OSError as error:
                if error.errno in _CLOSED:
                    return
                scope.current().wait(_PAUSE)  # a caller that is gone, or no file is free just now
                continue
            carried = _Carried(near, live, self._linger)
            scope.spawn(carried.run, connect, on_error)


def _server(port: int) -> socket.socket:
    for number in (port, 0):
        with contextlib.suppress(OSError):
            return socket.create_server(("127.0.0.1", number), backlog=_BACKLOG)
    raise ShipwayError(
        "forward.no_port",
        Kind.MISSING,
        "no port of 127.0.0.1 can be listened on",
        operation="forwarding",
        subject=str(port),
    )


def _end(server: socket.socket, live: set[_Carried]) -> None:
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)
    server.close()
    for one in tuple(live):
        one.close()


class _Carried:
    """One connection on its way."""

    def __init__(self, near: socket.socket, live: set[_Carried], linger: float) -> None:
        self._linger = linger
        self._near = near
        self._live = live
        self._far: Tunnel | None = None
        self._heard = 0.0
        self._over = threading.Event()
        live.add(self)

    def run(self, connect: Callable[[], Tunnel], on_error: Callable[[ShipwayError], None]) -> None:
        """Carry it until either side ends."""
        try:
            self._far = far = connect()
            self._heard = time.monotonic()
            scope.spawn(self._inward, far)
            self._outward(far)
        except ShipwayError as error:
            if not self._over.is_set():
                on_error(error)
        finally:
            self.close()
            self._live.discard(self)

    def close(self) -> None:
        """End both sides at once."""
        self._over.set()
        with contextlib.suppress(OSError):
            self._near.shutdown(socket.SHUT_RDWR)
        self._near.close()
        if self._far is not None:
            self._far.close()

    def _outward(self, far: Tunnel) -> None:
        """Pass on what comes from the pod."""
        while data := far.receive():
            self._heard = time.monotonic()
            try:
                self._near.sendall(data)
            except OSError:
                return

    def _inward(self, far: Tunnel) -> None:
        """Pass on what comes from here; then wait until the pod has said all."""
        try:
            while data := self._near.recv(_PIECE):
                far.send(data)
        except (OSError, ShipwayError):
            self.close()
            return
        while not self._over.wait(0.2):
            if time.monotonic() - self._heard > self._linger:
                self.close()
