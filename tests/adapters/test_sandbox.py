"""The confined run: what a program listens on, and what it may not do."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shipway.adapters import confine
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox

if TYPE_CHECKING:
    from shipway.core.ports.sandbox import Sandbox

MIB = 1 << 20


@pytest.fixture
def sandbox() -> Sandbox:
    """Give this machine's sandbox."""
    return NamespaceSandbox(SystemProcesses())


def ports(sandbox: Sandbox, argv: str, *more: str, memory: int = 512 * MIB) -> Any:
    """Return the ports of a program within two seconds."""
    return sandbox.ports((argv, *more), env={}, seconds=2, memory=memory)


LISTEN = """import socket, time
held = [socket.create_server(("127.0.0.1", port)) for port in (9001, 9000)]
"""


def test_ports_are_seen(sandbox: Sandbox) -> None:
    """The ports that a program listens on are returned in order, and the program is ended."""
    code = f"{LISTEN}time.sleep(60)"

    assert ports(sandbox, sys.executable, "-I", "-c", code) == (9000, 9001)


def test_a_program_without_ports(sandbox: Sandbox) -> None:
    """A program that ends, or listens on nothing in its time, has no ports."""
    assert ports(sandbox, "/bin/true") == ()
    assert ports(sandbox, "/bin/sleep", "60") == ()


def test_memory_is_bounded(sandbox: Sandbox) -> None:
    """A program that takes more memory than it may have never comes to listen."""
    code = f"x = bytearray({300 * MIB})\n{LISTEN}time.sleep(60)"

    assert ports(sandbox, sys.executable, "-I", "-c", code, memory=256 * MIB) == ()


def test_it_is_not_run_where_it_cannot_be_confined() -> None:
    """Without namespaces no binary is run to look at its ports, now or later."""

    class Refusing(SystemProcesses):
        calls = 0

        def run(self, _argv: Any, **options: Any) -> Any:
            self.calls += 1
            return super().run(
                ["/bin/sh", "-c", f"echo 'not confined: no' >&2; exit {confine.REFUSED}"], **options
            )

    processes = Refusing()
    sandbox = NamespaceSandbox(processes)

    assert ports(sandbox, "/bin/true") is None
    assert ports(sandbox, "/bin/true") is None
    assert processes.calls == 1


def test_a_program_that_exits_alike_is_not_taken_for_a_refusal(sandbox: Sandbox) -> None:
    """Only the sandbox's own word counts as a refusal, not an exit code."""
    done = sandbox.run(["/bin/sh", "-c", f"exit {confine.REFUSED}"], env={})

    assert (done.completed.code, done.network) == (confine.REFUSED, "none")


def test_listening_ports_are_read_from_the_kernels_table() -> None:
    """The kernel's table names every port that is listened on, for both address families."""
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as six,
    ):
        wanted = {four.getsockname()[1], six.getsockname()[1]}
        assert wanted <= set(confine.listening())


@pytest.mark.parametrize("network", [True, False])
def test_a_gentle_program_comes_last(sandbox: Sandbox, *, network: bool) -> None:
    """A gentle program has the least priority, among sessions too, confined or not."""
    shown = ["/bin/sh", "-c", "nice; cat /proc/self/autogroup"]
    done = sandbox.run(shown, env={"PATH": "/usr/bin:/bin"}, network=network, gently=True)
    words = done.completed.out.decode().split()

    assert words[0] == "19"
    assert words[-1] == "19"
    assert done.network == ("open" if network else "none")


def test_the_network_can_be_left_open(sandbox: Sandbox) -> None:
    """Where the user says so a program has the machine's network."""
    held = Path("/proc/net/dev").read_text("ascii").count(":")
    count = ["/bin/sh", "-c", "grep -c : /proc/self/net/dev"]

    assert int(sandbox.run(count, env={}).completed.out) == 1
    opened = sandbox.run(count, env={}, network=True)
    assert (int(opened.completed.out), opened.network) == (held, "open")
