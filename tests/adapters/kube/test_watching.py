"""Races of a watch that is closed while its threads are at work, and of a call that is ended."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any

from shipway.adapters.kube.transport import Call
from shipway.adapters.kube.watching import follow
from shipway.core.ports.kube import ChangeType, Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator


PODS = Selection("v1", "Pod", "ns")


class Slow:
    """A source whose steps wait for the test."""

    def __init__(self) -> None:
        self.may_list = threading.Event()
        self.may_open = threading.Event()
        self.opening = threading.Event()
        self.closed = threading.Event()
        self.refusal: ShipwayError | None = None
        self.lines: list[bytes] = []

    def page_through(self, selection: Selection) -> tuple[tuple[Any, ...], str]:
        """List nothing."""
        assert selection == PODS
        self.may_list.wait(10)
        if self.refusal:
            self.closed.set()
            raise self.refusal
        return (), "1"

    @contextlib.contextmanager
    def stream(
        self, selection: Selection, version: str, seconds: float
    ) -> Iterator[tuple[Call, Iterator[bytes]]]:
        """Give the lines once the test lets it open."""
        assert (selection, version, seconds > 0) == (PODS, "1", True)
        self.opening.set()
        self.may_open.wait(10)
        yield Call(), iter(self.lines)
        self.closed.set()


def test_closed_while_a_stream_opens() -> None:
    """A stream that opens after the watch was closed is closed unread."""
    source = Slow()
    source.lines = [b"not even JSON"]
    source.may_list.set()

    assert [change.type for change in follow(source, [PODS], 2)] == [ChangeType.SYNCED]
    assert source.opening.is_set()
    source.may_open.set()

    assert source.closed.wait(10)


def test_closed_while_listing() -> None:
    """What a list says after the watch was closed interests nobody."""
    source = Slow()
    source.refusal = ShipwayError("kube.forbidden", Kind.DENIED, "no")
    watch = follow(source, [PODS], 0.05)
    assert list(watch) == []

    source.may_list.set()

    assert source.closed.wait(10)


def test_interrupt_before_there_is_a_socket() -> None:
    """A call that was ended before it had a socket shuts it down as soon as it has."""
    ours, theirs = socket.socketpair()
    call = Call()

    call.interrupt()
    call.attach(ours)

    assert theirs.recv(1) == b""
    ours.close()
    theirs.close()
