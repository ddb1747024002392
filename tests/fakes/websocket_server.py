"""The far side of ``pods/portforward``: one WebSocket at a time, over plain HTTP (RFC 6455)."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import struct
import threading
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

_MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class PortForwardServer:
    """Answers each upgrade as a kubelet does: the port on both channels, then what a test says."""

    def __init__(self, *, refuse: bytes = b"") -> None:
        self.refuse = refuse
        """A whole HTTP answer that refuses instead."""
        self.request = b""
        self.connect = b""
        """What it was asked for as a proxy, if it was."""
        self.heard: list[bytes] = []
        self._messages: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._near: socket.socket | None = None
        self.ready = threading.Event()
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Self:
        """Start."""
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.hang_up()
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def say(self, message: bytes) -> None:
        """Send one message."""
        assert self.ready.wait(5)
        assert self._near is not None
        size = len(message)
        head = (
            struct.pack("!BB", 0x82, size) if size < 126 else struct.pack("!BBH", 0x82, 126, size)
        )
        self._near.sendall(head + message)

    def close(self) -> None:
        """Send a close frame."""
        assert self.ready.wait(5)
        assert self._near is not None
        self._near.sendall(b"\x88\x02\x03\xe8")

    def hang_up(self) -> None:
        """Cut the connection."""
        if self._near is not None:
            with contextlib.suppress(OSError):
                self._near.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            self._near, _ = self._listening.accept()
            with self._near, self._near.makefile("rb") as stream:
                self.request = _head(stream)
                if self.request.startswith(b"CONNECT"):
                    self.connect = self.request
                    self._near.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                    self.request = _head(stream)
                if not self.request:  # it went away again
                    return
                self._near.sendall(self.refuse or self._accepted())
                if self.refuse:
                    return
                self.ready.set()
                port = struct.pack("<H", 8080)
                for channel in (b"\0", b"\1"):
                    self.say(channel + port)
                while head := stream.read(2):
                    size = head[1] & 127
                    if size == 126:
                        (size,) = struct.unpack("!H", stream.read(2))
                    mask = stream.read(4)
                    data = bytes(b ^ mask[n % 4] for n, b in enumerate(stream.read(size)))
                    if head[0] & 15 == 2:  # binary
                        self.heard.append(data)
                        self.say(b"\0" + data[1:].upper())

    def _accepted(self) -> bytes:
        key = next(
            line.partition(b":")[2].strip()
            for line in self.request.splitlines()
            if line.lower().startswith(b"sec-websocket-key")
        )
        accept = base64.b64encode(hashlib.sha1(key + _MAGIC).digest())  # noqa: S324  RFC 6455
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: v4.channel.k8s.io\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )


def _head(stream: IO[bytes]) -> bytes:
    """Return the next request up to its blank line."""
    found = b""
    while (line := stream.readline()) not in {b"\r\n", b""}:
        found += line
    return found
