"""Ending what another thread reads from a connection, so that it sees an end and nothing else."""

from __future__ import annotations

import contextlib
import socket
from typing import Any


def shut(one: socket.socket) -> None:
    """Shut a connection down under its TLS; one that is down already is left alone.

    ``SSLSocket.shutdown`` lets go of TLS first: who reads at that moment would take what is
    encrypted for the answer's own bytes. TLS within that of a proxy has the proxy's beneath it.
    """
    under: Any = one
    while not isinstance(under, socket.socket):
        under = under.socket  # urllib3's SSLTransport
    with contextlib.suppress(OSError):
        socket.socket.shutdown(under, socket.SHUT_RDWR)
