"""Local ports: each connection its own tunnel, both ways, and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fakes.forwards import MemoryTunnel
from shipway import scope
from shipway.adapters.forwards import LocalForwards
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable


class Far:
    """What is at the other end."""

    def __init__(self, answer: Callable[[bytes], bytes] = lambda data: data.upper()) -> None:
        self.tunnels: list[MemoryTunnel] = []
        self.errors: list[ShipwayError] = []
        self.refusal: ShipwayError | None = None
        self._answer = answer

    def connect(self) -> MemoryTunnel:
        """Return one more tunnel."""
        if self.refusal:
            raise self.refusal
        self.tunnels.append(MemoryTunnel(self._answer))
        return self.tunnels[-1]


def talk(port: int, data: bytes) -> bytes:
    """Return what is answered to ``data``, until the other side ends."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as near:
        near.sendall(data)
        near.shutdown(socket.SHUT_WR)
        found = b""
        while piece := near.recv(1 << 16):
            found += piece
        return found


def test_connections_are_carried_both_ways() -> None:
    """Each has a tunnel of its own; a near side that said all still hears the answer."""
    far = Far()
    with LocalForwards(linger=0.3).listen(0, far.connect, on_error=far.errors.append) as port:
        assert talk(port, b"one") == b"ONE"
        assert talk(port, b"two") == b"TWO"

    assert len(far.tunnels) == 2
    assert all(one.closed for one in far.tunnels)
    assert far.errors == []


def test_the_far_side_ends_it() -> None:
    """Where the pod closes, the connection here is closed at once."""
    far = Far(lambda _: b"")
    with LocalForwards().listen(0, far.connect, on_error=far.errors.append) as port:
        assert talk(port, b"bye") == b""


def test_a_port_that_is_taken_is_another_one() -> None:
    """The wanted port, where it is free; else any."""
    far = Far()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with LocalForwards().listen(number, far.connect, on_error=far.errors.append) as port:
            assert port != number
    with LocalForwards().listen(number, far.connect, on_error=far.errors.append) as port:
        assert port == number


def test_what_cannot_be_reached_is_told() -> None:
    """The connection is closed, the reason told, and the next one has another go."""
    far = Far()
    far.refusal = ShipwayError("kube.forward", Kind.TRANSIENT, "no pod is ready")
    with LocalForwards().listen(0, far.connect, on_error=far.errors.append) as port:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as near:
            assert near.recv(1) == b""
        far.refusal = None
        with socket.create_connection(("127.0.0.1", port), timeout=10) as near:
            near.sendall(b"a")
            assert near.recv(1) == b"A"

    assert [one.message for one in far.errors] == ["no pod is ready"]


def test_leaving_ends_connections_and_port() -> None:
    """A cancelled scope closes what is open, within a moment."""
    far, near, ports = Far(), socket.socket(), list[int]()

    def forward() -> None:
        with (
            scope.open() as inside,
            LocalForwards().listen(0, far.connect, on_error=far.errors.append) as port,
        ):
            ports.append(port)
            near.connect(("127.0.0.1", port))
            near.sendall(b"a")
            assert near.recv(1) == b"A"
            threading.Timer(0.05, inside.cancel).start()
            inside.wait(60)

    began = time.monotonic()
    with pytest.raises(ShipwayError) as caught:
        forward()
    assert time.monotonic() - began < 5
    assert caught.value.id == "run.cancelled"
    assert near.recv(1) == b""
    near.close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", ports[0]), timeout=1)


def test_out_of_files_is_waited_out() -> None:
    """A connection that comes while no file can be opened is taken when one can.

    In a process of its own: here, the threads of other tests open and close files as they like.
    """
    done = subprocess.run(
        [sys.executable, __file__],
        env=dict(os.environ) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "waited out\n"), done.stderr


def out_of_files() -> None:
    """Use up all files but those of two connections, of which the second has to wait."""
    far, held = Far(), list[int]()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with (
        socket.socket() as first,  # accept(2) holds a descriptor for it already
        socket.socket() as near,
        LocalForwards().listen(0, far.connect, on_error=far.errors.append) as port,
    ):
        near.settimeout(10)
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (near.fileno() + 64, hard))
            with contextlib.suppress(OSError):
                while True:
                    held.append(os.dup(near.fileno()))
            for one in (first, near):
                one.connect(("127.0.0.1", port))
                one.sendall(b"a")
            assert first.recv(1) == b"A"
            time.sleep(0.3)
            assert len(far.tunnels) == 1
        finally:
            for number in held:
                os.close(number)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert near.recv(1) == b"A"
    print("waited out")


def test_connections_that_ended_are_forgotten() -> None:
    """However many there were, what is kept is what is open."""
    far = Far()
    with LocalForwards(linger=0.2).listen(0, far.connect, on_error=far.errors.append) as port:
        for _ in range(20):
            assert talk(port, b"x") == b"X"
        gc.collect()
        kept = [one for one in gc.get_objects() if type(one).__name__ == "_Carried"]

    assert len(far.tunnels) == 20
    assert len(kept) < 10


if __name__ == "__main__":
    out_of_files()
