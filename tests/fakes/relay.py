"""A TCP relay on a free loopback port that does something once so many bytes have gone through."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 1 << 16


class Relay:
    """Passes bytes on to ``port``; after ``after`` bytes of clients it calls ``act`` once.

    Attributes:
        cuts: How often a connection is still to be reset, each time after ``after`` more bytes.
        done: How often something was done.
    """

    def __init__(
        self, port: int, *, after: int, act: Callable[[], object] | None = None, cuts: int = 0
    ) -> None:
        self._target = port
        self._after = after
        self._act = act
        self.cuts = cuts
        self.done = 0
        self._seen = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.domain = f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start."""
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take no more connections."""
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for way in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._pass, args=way, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                if counted and self._counts(len(data)):
                    linger = struct.pack("ii", 1, 0)
                    source.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    break
                target.sendall(data)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _counts(self, size: int) -> bool:
        """Do what is to be done now; return whether to cut the connection."""
        with self._lock:
            self._seen += size
            if self._seen < self._after:
                return False
            if self._act is not None:
                self._act, act = None, self._act
                self.done += 1
                act()
                return False
            if self.cuts > 0:
                self.cuts -= 1
                self.done += 1
                self._seen = 0
                return True
            return False
