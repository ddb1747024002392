"""The door, a process of its own between two real network namespaces (made as root)."""

from __future__ import annotations

import contextlib
import hashlib
import os
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.embedded import until
from shipway.adapters.ground import kernel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.cluster, pytest.mark.root]
PORTS = 2
RESET = struct.pack("ii", 1, 0)


class Place:
    """A network of its own with a door to it, and servers there."""

    def __init__(self, network: Path) -> None:
        self.network = network
        self.port = free_block()
        self.door = self.open()

    def open(self, descriptors: int = 0) -> subprocess.Popen[bytes]:
        """Start a door, with at most so many descriptors, and wait until it is open."""
        limit = (descriptors, descriptors)
        command = (sys.executable, "-I", "-m", "shipway.adapters.ground.door")
        door = subprocess.Popen(
            [*command, str(self.network), str(self.port), str(self.port + PORTS - 1)],
            preexec_fn=(  # noqa: PLW1509  one call in the child
                (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limit)) if descriptors else None
            ),
        )
        until(lambda: listens(self.port + PORTS - 1), 10)
        return door

    def close(self) -> None:
        """End the door."""
        self.door.kill()
        self.door.wait()

    @contextlib.contextmanager
    def serving(self, serve: Callable[[socket.socket], None], offset: int = 0) -> Iterator[None]:
        """Have ``serve`` called with each connection inside, in a thread of its own."""
        with kernel.network(str(self.network)):
            server = socket.create_server(("127.0.0.1", self.port + offset), backlog=500)

        def one(taken: socket.socket) -> None:
            with taken, contextlib.suppress(OSError):
                serve(taken)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken = server.accept()[0]
                    threading.Thread(target=one, args=(taken,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)

    def call(self, offset: int = 0) -> socket.socket:
        """Connect from outside."""
        return socket.create_connection(("127.0.0.1", self.port + offset), 10)

    def descriptors(self) -> int:
        """Return how many files the door has open."""
        return len(list(Path(f"/proc/{self.door.pid}/fd").iterdir()))

    def ticks(self) -> int:
        """Return the processor time that it took."""
        fields = Path(f"/proc/{self.door.pid}/stat").read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])


def free_block() -> int:
    """Return the first of some ports that nobody has."""
    for port in range(18200, 19000, PORTS):
        if not any(map(listens, range(port, port + PORTS))):
            return port
    raise AssertionError("no free ports")


def listens(port: int, table: str = "/proc/net/tcp") -> bool:
    """Return whether somebody listens on a port of the host, on any address."""
    lines = [line.split() for line in Path(table).read_text().splitlines()[1:]]
    return any(one[3] == "0A" and int(one[1].rpartition(":")[2], 16) == port for one in lines)


def echo(taken: socket.socket) -> None:
    """Send back what comes."""
    while data := taken.recv(65536):
        taken.sendall(data)


def digest(taken: socket.socket) -> None:
    """Read to the end, then answer with the SHA-256 of it all."""
    found = hashlib.sha256()
    while data := taken.recv(1 << 20):
        found.update(data)
    taken.sendall(found.digest())


def ended(one: socket.socket) -> bytes:
    """Read to the end."""
    whole = bytearray()
    while data := one.recv(1 << 20):
        whole += data
    return bytes(whole)


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Path]:
    """Give a network namespace, its loopback up, bound to a file."""
    path = tmp_path / "net"
    path.touch()
    holder = subprocess.Popen([str(shutil.which("unshare")), "--net", "sleep", "600"])
    own, its = (Path(f"/proc/{one}/ns/net") for one in ("self", holder.pid))
    until(lambda: its.readlink() != own.readlink(), 5)
    kernel.mount(f"/proc/{holder.pid}/ns/net", str(path), "", kernel.BIND)
    holder.kill()
    holder.wait()
    with kernel.network(str(path)):
        kernel.loopback([])
    yield path
    subprocess.run([str(shutil.which("umount")), str(path)], check=True)


@pytest.fixture
def place(network: Path) -> Iterator[Place]:
    """Give that network with a door."""
    one = Place(network)
    yield one
    one.close()


def test_large_uploads_arrive_whole(place: Place) -> None:
    """Ten uploads of 64 MB in a row arrive byte for byte, and none stalls."""
    data = os.urandom(1 << 20) * 64
    wanted = hashlib.sha256(data).digest()
    with place.serving(digest):
        for _ in range(10):
            with place.call() as one:
                one.sendall(data)
                one.shutdown(socket.SHUT_WR)
                assert ended(one) == wanted


def test_one_end_leaves_the_other_direction_open(place: Place) -> None:
    """A client that said its last word still gets an answer, and a server likewise."""

    def speak_first(taken: socket.socket) -> None:
        taken.sendall(b"hello")
        taken.shutdown(socket.SHUT_WR)
        assert ended(taken) == b"late"
        heard.set()

    heard = threading.Event()
    with place.serving(digest), place.serving(speak_first, 1):
        with place.call() as one:
            one.shutdown(socket.SHUT_WR)
            assert ended(one) == hashlib.sha256(b"").digest()
        with place.call(1) as one:
            assert ended(one) == b"hello"
            one.sendall(b"late")
            one.shutdown(socket.SHUT_WR)
            assert heard.wait(5)


def test_two_hundred_at_once(place: Place) -> None:
    """Two hundred connections are open together, each with its own bytes; then none is left."""
    before = place.descriptors()
    with place.serving(echo), contextlib.ExitStack() as stack:
        ones = [stack.enter_context(place.call()) for _ in range(200)]
        for number, one in enumerate(ones):
            one.sendall(b"%04d" % number * 1000)
        for number, one in enumerate(ones):
            one.shutdown(socket.SHUT_WR)
            assert ended(one) == b"%04d" % number * 1000
    until(lambda: place.descriptors() <= before + 16, 5)


def test_a_slow_reader_holds_up_itself_alone(place: Place) -> None:
    """Where one does not read, its sender waits, the door idles, others pass, memory stays."""

    def pour(taken: socket.socket) -> None:
        for _ in range(64):
            taken.sendall(data)

    data = os.urandom(1 << 20)
    with place.serving(pour), place.serving(echo, 1), place.call() as slow:
        time.sleep(0.5)
        before = place.ticks()
        time.sleep(1)
        assert place.ticks() - before <= 2
        with place.call(1) as other:
            other.sendall(b"quick")
            assert other.recv(5) == b"quick"
        rss = Path(f"/proc/{place.door.pid}/statm").read_text().split()[1]
        assert int(rss) * resource.getpagesize() < 32 << 20
        assert ended(slow) == data * 64


@pytest.mark.parametrize("side", ["client", "server"])
def test_a_reset_goes_through(place: Place, side: str) -> None:
    """A reset of one side is a reset of the other, not an end that looks regular."""

    def cut(taken: socket.socket) -> None:
        if side == "server":
            taken.recv(1)
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            return
        try:
            ended(taken)
        except ConnectionResetError:
            reset.set()

    reset = threading.Event()
    before = place.descriptors()
    with place.serving(cut):
        one = place.call()
        one.sendall(b"x")
        if side == "server":
            with pytest.raises(ConnectionResetError):
                ended(one)
        else:
            time.sleep(0.1)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        one.close()
        assert side == "server" or reset.wait(5)
    until(lambda: place.descriptors() <= before + 16, 5)


def test_an_answer_before_the_end_of_the_upload_arrives(place: Place) -> None:
    """A server that refuses early and closes is heard, and the client's upload ends."""

    def refuse(taken: socket.socket) -> None:
        taken.recv(1 << 16)
        taken.sendall(b"413")

    with place.serving(refuse), place.call() as one:
        with contextlib.suppress(OSError):
            for _ in range(256):
                one.sendall(bytes(1 << 20))
            raise AssertionError("the upload went on")
        assert one.recv(3) == b"413"


def test_nobody_inside_is_a_reset(place: Place) -> None:
    """A port on which nothing listens inside ends the connection at once."""
    with pytest.raises(ConnectionResetError), place.call() as one:
        one.recv(1)


def test_the_loopback_address_alone(place: Place) -> None:
    """Another address, of the loopback or of the host, leads nowhere."""
    with place.serving(echo):
        for address in {"127.0.0.2", socket.gethostbyname(socket.gethostname())} - {"127.0.0.1"}:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, place.port), 2)
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    found = [one[1] for one in lines if one[3] == "0A" and one[1].endswith(f":{place.port:04X}")]
    assert found == [f"0100007F:{place.port:04X}"]
    assert not listens(place.port, "/proc/net/tcp6")


def test_where_there_is_no_room_connections_wait(place: Place) -> None:
    """With every descriptor in use further ones wait, without spinning, until others end."""
    place.close()
    until(lambda: not listens(place.port), 5)
    place.door = place.open(descriptors=100 + 6 * 3)
    with place.serving(echo):
        held = [place.call() for _ in range(3)]
        for one in held:
            one.sendall(b"held")
            assert one.recv(4) == b"held"
        with place.call() as late:
            late.sendall(b"late")
            before = place.ticks()
            late.settimeout(0.7)
            with pytest.raises(TimeoutError):
                late.recv(4)
            assert place.ticks() - before <= 2
            for one in held:
                one.close()
            late.settimeout(5)
            assert late.recv(4) == b"late"


def test_a_killed_door_gives_way_to_the_next(place: Place) -> None:
    """Both sides see the end at once, and a new door listens on the same ports."""

    def note(taken: socket.socket) -> None:
        with contextlib.suppress(OSError):
            echo(taken)
        over.set()

    over = threading.Event()
    with place.serving(note), place.call() as one:
        one.sendall(b"x")
        assert one.recv(1) == b"x"
        place.close()
        assert over.wait(5)
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(1) == b""
        place.door = place.open()
        with place.call() as two:
            two.sendall(b"y")
            assert two.recv(1) == b"y"


def test_a_server_that_is_killed_is_seen(place: Place) -> None:
    """Kill -9 of the process inside ends the connection outside."""
    code = (
        "import socket,sys; s=socket.create_server(('127.0.0.1',int(sys.argv[1])));"
        "c=s.accept()[0]; c.send(b'x'); c.recv(9)"
    )
    enter = ("nsenter", f"--net={place.network}", "--", sys.executable, "-I", "-c", code)
    server = subprocess.Popen([*enter, str(place.port)])
    own, its = (Path(f"/proc/{one}/ns/net") for one in ("self", server.pid))
    until(lambda: its.readlink() != own.readlink(), 5)
    until(lambda: listens(place.port, f"/proc/{server.pid}/net/tcp"), 5)
    with place.call() as one:
        assert one.recv(1) == b"x"
        server.send_signal(signal.SIGKILL)
        server.wait()
        with contextlib.suppress(ConnectionResetError):
            assert one.recv(1) == b""


def test_it_ends_with_what_started_it(network: Path) -> None:
    """A door whose supervisor is killed ends, so that its ports are free for the next."""
    port = free_block()
    door = [sys.executable, "-I", "-m", "shipway.adapters.ground.door", str(network)]
    code = "import subprocess,sys; subprocess.run(sys.argv[1:])"
    starter = subprocess.Popen([sys.executable, "-c", code, *door, str(port), str(port)])
    until(lambda: listens(port), 10)
    starter.kill()
    starter.wait()
    until(lambda: not listens(port), 5)
