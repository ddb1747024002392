"""Asks the ground's parts whether they serve, and sends them the few requests that root makes.

Standard library only: the prober runs this for as long as the cluster runs, and its size counts.
"""

from __future__ import annotations

import contextlib
import http.client
import secrets
import socket
import ssl
import struct
import time
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters.ground import kernel
from shipway.core.ports.ground import Answer, Ask

if TYPE_CHECKING:
    from shipway.core.ports.ground import Check

HOST_NETWORK = "/run/netns/host"
_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes((0, 0, 0, 4, 0, 0, 0, 0, 0))
"""What an HTTP/2 client says first: the preface and empty settings (RFC 9113, 3.4)."""
_SETTINGS = 4
_HEADER = 12
_TYPE_A, _CLASS_IN = 1, 1
_ARP, _IPV4, _REQUEST, _REPLY = 0x0806, 0x0800, 1, b"\0\2"
_EVERYONE = b"\xff" * 6


class GroundAnswers:
    """Keeps :class:`~shipway.core.ports.ground.Answers`."""

    def __init__(self) -> None:
        self._contexts: dict[tuple[str, str], ssl.SSLContext] = {}

    def ask(self, check: Check, *, timeout: float) -> Answer:
        """Ask once."""
        ways = {
            Ask.HTTP: self._http,
            Ask.GRPC: self._grpc,
            Ask.DNS: self._dns,
            Ask.ARP: self._arp,
        }
        try:
            if check.outside and Path(HOST_NETWORK).exists():
                with kernel.network(HOST_NETWORK):
                    wanted = ways[check.ask](check, timeout)
            else:
                wanted = ways[check.ask](check, timeout)
        except (OSError, http.client.HTTPException):
            return Answer.SILENT
        return Answer.READY if wanted else Answer.UNREADY

    def request(
        self, check: Check, method: str, path: str, body: bytes = b"", *, content_type: str = ""
    ) -> tuple[int, bytes]:
        """Send one request over a connection of its own."""
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            with contextlib.closing(self._connect(check, 10)) as connection:
                connection.request(method, path, body or None, headers)
                answer = connection.getresponse()
                return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            return 0, b""

    def _http(self, check: Check, timeout: float) -> bool:
        with contextlib.closing(self._connect(check, timeout)) as connection:
            connection.request("GET", check.path)
            answer = connection.getresponse()
            body = answer.read() if check.contains else b""
            return bool(answer.status in check.statuses and check.contains.encode() in body)

    def _connect(self, check: Check, timeout: float) -> http.client.HTTPConnection:
        if not check.ca:
            return http.client.HTTPConnection(check.address, check.port, timeout=timeout)
        context = self._context(check)
        return http.client.HTTPSConnection(
            check.address, check.port, timeout=timeout, context=context
        )

    def _context(self, check: Check) -> ssl.SSLContext:
        key = (check.ca, check.certificate)
        if key not in self._contexts:
            context = ssl.create_default_context(cafile=check.ca)
            if check.certificate:
                context.load_cert_chain(check.certificate, check.key)
            self._contexts[key] = context
        return self._contexts[key]

    def _grpc(self, check: Check, timeout: float) -> bool:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(timeout)
            sock.connect(check.address)
            sock.sendall(_PREFACE)
            head = sock.recv(9)
            return len(head) > 3 and head[3] == _SETTINGS  # noqa: PLR2004  the type's place

    def _dns(self, check: Check, timeout: float) -> bool:
        number = secrets.randbits(16)
        query = struct.pack(">6H", number, 0x0100, 1, 0, 0, 0)
        for label in check.path.split("."):
            query += bytes((len(label),)) + label.encode()
        query += struct.pack(">BHH", 0, _TYPE_A, _CLASS_IN)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(timeout)
            sock.connect((check.address, check.port))
            sock.send(query)
            answer = sock.recv(512)
        if len(answer) < _HEADER:
            return False
        found, flags, _, answers = struct.unpack(">4H", answer[:8])
        return bool(found == number and flags & 0xF == 0 and answers > 0)

    def _arp(self, check: Check, timeout: float) -> bool:
        """Probe for ``check.path`` (an address) on a link, as one that has no address yet."""
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ARP)) as sock:
            sock.settimeout(timeout)
            sock.bind((check.address, _ARP))
            mac = sock.getsockname()[4]
            wanted = socket.inet_aton(check.path)
            head = _EVERYONE + mac + struct.pack(">HHHBBH", _ARP, 1, _IPV4, 6, 4, _REQUEST)
            sock.send(head + mac + bytes(10) + wanted)
            ends = time.monotonic() + timeout
            while time.monotonic() < ends:
                frame = sock.recv(128)
                if frame[20:22] == _REPLY and frame[28:32] == wanted:
                    return True
        raise TimeoutError
