"""The door: the cluster's ports on the host's 127.0.0.1, joined by the kernel's own splice(2).

A supervised part like any other, run in the host's network namespace as
``python -I -m shipway.adapters.ground.door NETNS FIRST LAST``; it then enters ``NETNS``. It listens
on no other address, looks into nothing that passes, and keeps nothing: what one side does not take
stays with the other. One thread, standard library only. It ends with the process that started it,
and with the cluster's process namespace.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import socket
import struct
import sys
from typing import TYPE_CHECKING

from shipway.adapters.ground import kernel

if TYPE_CHECKING:
    from collections.abc import Iterable

ADDRESS = "127.0.0.1"
PIECE = 1 << 20
"""Bytes that one splice may take; a pipe holds less, so memory is the pipe's."""
TURNS = 16
"""Pieces that a direction may pass before the others have their turn."""
BACKLOG = 128
MOST = 1024
"""Connections at a time; further ones wait in the kernel until one ends."""
DESCRIPTORS = 6
"""Of one connection at most: two sockets, and a pipe each way while it is held up."""
SPARE = 100
"""Descriptors for all else."""
IDLE = 60
"""Seconds after which the kernel asks whether a silent server is still there."""
AGAIN = 1.0
"""Seconds until connections are taken again, where the machine had no room for one."""
_EVENTS = select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLET
_NONBLOCK = os.SPLICE_F_NONBLOCK | os.SPLICE_F_MOVE
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that makes close(2) a reset."""


class Pipes:
    """Empty pipes, lent to directions while bytes are on their way."""

    def __init__(self, kept: int = 8) -> None:
        self._kept = kept
        self._free: list[tuple[int, int]] = []

    def take(self) -> tuple[int, int]:
        """Return an empty pipe."""
        return self._free.pop() if self._free else os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def give(self, pipe: tuple[int, int], *, empty: bool) -> None:
        """Take one back; one that still holds bytes is closed."""
        if empty and len(self._free) < self._kept:
            self._free.append(pipe)
            return
        for end in pipe:
            os.close(end)


class Way:
    """One direction of a connection."""

    def __init__(self, source: int, target: int, pipes: Pipes) -> None:
        self._source = source
        self._target = target
        self._pipes = pipes
        self._pipe: tuple[int, int] | None = None
        self._held = 0
        self.ended = False
        """The source said its last word, and the target has it all."""
        self.broken = False
        """The target takes no more."""

    @property
    def over(self) -> bool:
        """Return whether nothing will pass any more."""
        return self.ended or self.broken

    def pass_on(self) -> bool:
        """Pass what can pass now; return whether there may be more.

        Raises:
            OSError: The source was reset.
        """
        if self.over:
            return False
        self._pipe = self._pipe or self._pipes.take()
        try:
            return self._turns(*self._pipe)
        finally:
            if self._held == 0 or self.over:
                self.release()

    def _turns(self, reader: int, writer: int) -> bool:
        """Fill the pipe only when it is empty: then EAGAIN is the source's, not the pipe's."""
        for _ in range(TURNS):
            if not self._held:
                try:
                    self._held = os.splice(self._source, writer, PIECE, flags=_NONBLOCK)
                except BlockingIOError:
                    return False
                if not self._held:
                    self.ended = True
                    return False
            if not self._drain(reader):
                return False
        return True

    def _drain(self, reader: int) -> bool:
        """Return whether the target took all that was held."""
        try:
            while self._held:
                self._held -= os.splice(reader, self._target, self._held, flags=_NONBLOCK)
        except BlockingIOError:
            return False
        except OSError:
            self.broken = True
            return False
        return True

    def release(self) -> None:
        """Give the pipe back."""
        if self._pipe:
            self._pipes.give(self._pipe, empty=not self._held)
            self._pipe = None


class Pair:
    """A connection from outside and its other half inside."""

    def __init__(self, outer: socket.socket, port: int, pipes: Pipes) -> None:
        self._outer = outer
        self._inner = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._connected = False
        for end in (outer, self._inner):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._inner.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._inner.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, IDLE)
        self._inner.connect_ex((ADDRESS, port))
        self.descriptors = (outer.fileno(), self._inner.fileno())
        there, back = self.descriptors
        self._ways = (Way(there, back, pipes), Way(back, there, pipes))

    def pass_on(self) -> bool:
        """Pass what can pass both ways; return whether there may be more at once.

        Raises:
            OSError: The connection is over, because a side was reset or refused it.
            EOFError: It is over, because both sides have ended.
        """
        if not self._connected and not self._connects():
            return False
        more = False
        for way, target in zip(self._ways, (self._inner, self._outer), strict=True):
            was_over = way.over
            more = way.pass_on() or more
            if way.ended and not was_over:
                with contextlib.suppress(OSError):
                    target.shutdown(socket.SHUT_WR)
        if all(way.over for way in self._ways):
            raise BrokenPipeError if any(way.broken for way in self._ways) else EOFError
        return more

    def _connects(self) -> bool:
        if code := self._inner.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(code, os.strerror(code))
        try:
            self._inner.getpeername()
        except OSError:
            return False
        self._connected = True
        return True

    def close(self, *, reset: bool) -> None:
        """Close both sides; with ``reset`` so that neither takes it for a regular end."""
        for way in self._ways:
            way.release()
        for end in (self._outer, self._inner):
            if reset:
                with contextlib.suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            end.close()


class Door:
    """All listeners and connections, in one loop."""

    def __init__(self, listeners: Iterable[socket.socket], most: int = MOST) -> None:
        self._listeners = {one.fileno(): one for one in listeners}
        self._most = most
        self._pairs: dict[int, Pair] = {}
        self._unfinished: set[Pair] = set()
        self._pipes = Pipes()
        self._epoll = select.epoll()
        self._open = False
        self._admit()

    def run(self) -> None:
        """Never return."""
        while True:
            self.turn()

    def turn(self) -> None:
        """Wait for something to happen and do it; connections come last, as they reuse numbers."""
        wait = 0.0 if self._unfinished else -1.0 if self._open else AGAIN
        events = [number for number, _ in self._epoll.poll(wait)]
        ready = {self._pairs[number] for number in events if number in self._pairs}
        for pair in ready | self._unfinished:
            self._pass_on(pair)
        if not self._open:
            self._admit()
        for number in events:
            if number in self._listeners and self._open:
                self._accept(self._listeners[number])

    def _pass_on(self, pair: Pair) -> None:
        try:
            if pair.pass_on():
                self._unfinished.add(pair)
            else:
                self._unfinished.discard(pair)
        except EOFError:
            self._end(pair, reset=False)
        except OSError:
            self._end(pair, reset=True)

    def _end(self, pair: Pair, *, reset: bool) -> None:
        for number in pair.descriptors:
            self._pairs.pop(number, None)
        self._unfinished.discard(pair)
        pair.close(reset=reset)

    def _accept(self, listener: socket.socket) -> None:
        """Take what waits; where there is no room, leave it waiting and do not spin."""
        port = listener.getsockname()[1]
        try:
            while self._room():
                outer, _ = listener.accept()
                self._join(outer, port)
        except (BlockingIOError, ConnectionError):
            return
        except OSError:
            self._refuse()
            return
        self._refuse()

    def _room(self) -> bool:
        return len(self._pairs) < 2 * self._most

    def _join(self, outer: socket.socket, port: int) -> None:
        try:
            pair = Pair(outer, port, self._pipes)
        except OSError:
            outer.close()
            raise
        for number in pair.descriptors:
            self._pairs[number] = pair
            self._epoll.register(number, _EVENTS)

    def _admit(self) -> None:
        if self._room():
            for number in self._listeners:
                self._epoll.register(number, select.EPOLLIN)
            self._open = True

    def _refuse(self) -> None:
        for number in self._listeners:
            self._epoll.unregister(number)
        self._open = False


def listen(port: int) -> socket.socket:
    """Return a listener on 127.0.0.1 alone."""
    listener = socket.create_server((ADDRESS, port), backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def capacity() -> int:
    """Raise the limit of descriptors as far as it goes; return the connections that it carries."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = SPARE + DESCRIPTORS * MOST
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return max(1, (soft - SPARE) // DESCRIPTORS)


def main(network: str, first: int, last: int) -> None:
    """Listen here on each port, enter ``network``, and pass every connection to the same port."""
    kernel.end_with_parent()
    most = capacity()
    listeners = [listen(port) for port in range(first, last + 1)]
    descriptor = os.open(network, os.O_RDONLY | os.O_CLOEXEC)
    kernel.setns(descriptor, kernel.NEW_NET)
    os.close(descriptor)
    Door(listeners, most).run()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
