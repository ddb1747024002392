"""What forwards, tunnels and browsers keep: those in memory, and those of this machine."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from fakes.forwards import MemoryBrowser, MemoryForwards, MemoryTunnel
from fakes.websocket_server import PortForwardServer
from shipway.adapters.browser import DesktopBrowser
from shipway.adapters.forwards import LocalForwards
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.contexts import Access
from shipway.core.ports.forwards import Browser, Forwards
from shipway.core.ports.kube import Tunnel
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PORTS = (Browser, Forwards, Tunnel)


def dialled(port: int, data: bytes) -> bytes:
    """Return what one real connection hears first; nothing where it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as near:
        near.sendall(data)
        return near.recv(100)


@pytest.fixture(params=["memory", "local"])
def world(
    request: pytest.FixtureRequest,
) -> tuple[Forwards, Callable[[int, bytes], bytes]]:
    """Give something that listens, and a way to dial it."""
    if request.param == "memory":
        memory = MemoryForwards()
        return memory, memory.dial
    return LocalForwards(linger=0.2), dialled


def test_each_connection_has_its_tunnel(
    world: tuple[Forwards, Callable[[int, bytes], bytes]],
) -> None:
    """What is sent is answered by the far side; a second listener has another port."""
    forwards, dial = world
    made: list[MemoryTunnel] = []

    def connect() -> MemoryTunnel:
        made.append(MemoryTunnel(bytes.upper))
        return made[-1]

    with (
        forwards.listen(0, connect, on_error=lambda _: None) as first,
        forwards.listen(first, connect, on_error=lambda _: None) as second,
    ):
        assert first != second
        assert dial(first, b"one") == b"ONE"
        assert dial(second, b"two") == b"TWO"

    assert len(made) == 2
    assert all(one.closed for one in made)


def test_who_cannot_be_reached_is_told(
    world: tuple[Forwards, Callable[[int, bytes], bytes]],
) -> None:
    """The connection is closed without a word, and the reason handed on."""
    forwards, dial = world
    errors: list[ShipwayError] = []

    def connect() -> MemoryTunnel:
        raise ShipwayError("kube.forward", Kind.TRANSIENT, "no pod is ready")

    with forwards.listen(0, connect, on_error=errors.append) as port:
        assert dial(port, b"x") == b""

    assert [one.message for one in errors] == ["no pod is ready"]


@pytest.fixture(params=["memory", "websocket"])
def tunnel(request: pytest.FixtureRequest) -> Iterator[Tunnel]:
    """Give a connection to a program that answers in capitals."""
    if request.param == "memory":
        yield MemoryTunnel(bytes.upper)
        return
    with PortForwardServer() as server:
        access = Access(context="test", namespace="default", server=server.url)
        made = Cluster(access).tunnel("ns", "web-1", 8080)
        yield made
        made.close()


def test_a_tunnel_carries_and_ends(tunnel: Tunnel) -> None:
    """Answers come whole; once closed nothing comes any more, and nothing can be sent."""
    tunnel.send(b"hello")
    assert tunnel.receive() == b"HELLO"
    tunnel.close()
    assert tunnel.receive() == b""
    with pytest.raises(ShipwayError) as caught:
        tunnel.send(b"x")

    assert caught.value.id == "kube.forward"


@pytest.fixture(params=["memory", "desktop"])
def browsers(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Browser, Browser]:
    """Give a browser that shows, and one that is not there."""
    if request.param == "memory":
        none = MemoryBrowser()
        none.there = False
        return MemoryBrowser(), none
    program = tmp_path / "browser"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    return (
        DesktopBrowser({"BROWSER": str(program)}),
        DesktopBrowser({"BROWSER": str(tmp_path / "none")}),
    )


def test_a_browser_says_whether_it_shows(browsers: tuple[Browser, Browser]) -> None:
    """The person must know when to open the URL by hand."""
    there, none = browsers

    assert there.open("http://127.0.0.1:1/")
    assert not none.open("http://127.0.0.1:1/")
