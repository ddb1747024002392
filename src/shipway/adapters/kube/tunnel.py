"""A connection to a port of a pod, through the API server and the kubelet, over one WebSocket.

Only :class:`~shipway.adapters.kube.client.Cluster` makes one. The protocol is the
``v4.channel.k8s.io`` of ``pods/portforward`` (k8s.io/cri-streaming, portforward/websocket.go): each
message begins with its channel, 0 for data and 1 for an error, and the first of each channel
repeats the port. The newer ``SPDY/3.1+portforward.k8s.io`` only carries SPDY, which nothing here
speaks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from websocket import ABNF, WebSocketException

from shipway.adapters.http.sockets import shut
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from websocket import WebSocket

PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_PORT = 2
"""Bytes of a channel's first message."""


class WebSocketTunnel:
    """Keeps :class:`~shipway.core.ports.kube.Tunnel`."""

    def __init__(self, opened: WebSocket, subject: str) -> None:
        self._socket = opened
        self._subject = subject
        self._begun: set[int] = set()

    def send(self, data: bytes) -> None:
        """Send bytes to the pod's port."""
        try:
            self._socket.send_binary(bytes((_DATA,)) + data)
        except (WebSocketException, OSError) as error:
            raise self._failed(str(error)) from error

    def receive(self) -> bytes:
        """Return what the pod's port says next; empty when it has ended."""
        while True:
            try:
                kind, message = self._socket.recv_data()
            except (WebSocketException, OSError, AttributeError):  # the last: closed meanwhile
                return b""
            if kind == ABNF.OPCODE_CLOSE:
                return b""
            if data := self._taken(message):
                return data

    def close(self) -> None:
        """End it at once; whoever waits in :meth:`receive` returns."""
        found = self._socket.sock
        if found is not None:
            shut(found)
            found.close()

    def _taken(self, message: bytes) -> bytes:
        channel, data = message[0] if message else -1, message[1:]
        if channel not in self._begun:
            self._begun.add(channel)
            data = data[_PORT:]
        if channel == _ERROR and data:
            raise self._failed(data.decode(errors="replace"))
        return data if channel == _DATA else b""

    def _failed(self, why: str) -> ShipwayError:
        return ShipwayError(
            "kube.forward",
            Kind.TRANSIENT,
            why[:400],
            operation="forwarding to",
            subject=self._subject,
            hint="does the program listen on that port, on all addresses of its pod?",
        )
