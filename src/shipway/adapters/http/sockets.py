"""Ending what another thread reads from a connection, so that it sees an end and nothing else."""

from __future__ import annotations

import contextlib
import socket
import ssl


def shut(one: socket.socket) -> None:
    """Shut a connection down under its TLS; one that is down already is left alone.

    ``SSLSocket.shutdown`` lets go of TLS first: who reads at that moment would take what is
    encrypted for the answer's own bytes.
    """
    down = socket.socket.shutdown if isinstance(one, ssl.SSLSocket) else type(one).shutdown
    with contextlib.suppress(OSError):
        down(one, socket.SHUT_RDWR)
