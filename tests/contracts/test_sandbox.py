"""What every Sandbox promises, the one in memory and the one of this machine."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fakes.process import MemoryProcesses
from fakes.sandbox import FakeSandbox
from shipway.adapters.confine import REFUSED
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.ports.process import Completed
from shipway.core.ports.sandbox import Sandbox
from shipway.errors import ShipwayError

PORTS = (Sandbox,)


GREET = ("/bin/sh", "-c", 'echo "$WHO"; exit 3')
SERVE = (
    sys.executable,
    "-I",
    "-c",
    "import socket, time; s = socket.create_server(('127.0.0.1', 9007)); time.sleep(60)",
)


class _Refusing(SystemProcesses):
    """A machine without user namespaces."""

    def run(self, argv: Any, **options: Any) -> Completed:
        """Refuse what should be confined."""
        if "-S" in argv:
            return Completed(REFUSED, b"", b"not confined: no\n")
        return super().run(argv, **options)


@pytest.fixture(params=["memory", "system"])
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of an implementation."""
    return str(request.param)


def sandbox_of(kind: str, *, able: bool = True) -> Sandbox:
    """Return a sandbox of that kind, on a machine that can confine or cannot."""
    if kind == "memory":
        memory = MemoryProcesses(
            {"/bin/sh": lambda call: Completed(3, f"{call.env['WHO']}\n".encode(), b"")}
        )
        return FakeSandbox(memory, able=able, ports=(9007,))
    return NamespaceSandbox(SystemProcesses() if able else _Refusing())


@pytest.mark.parametrize(
    ("able", "network", "said"),
    [(True, False, "none"), (True, True, "open"), (False, False, "open")],
)
def test_it_says_which_network_there_was(kind: str, able: bool, network: bool, said: str) -> None:
    """A program runs either way, and the answer says whether it could reach anything."""
    heard: list[str] = []
    ran = sandbox_of(kind, able=able).run(
        GREET, env={"WHO": "you"}, on_line=heard.append, network=network
    )

    assert (ran.completed.code, ran.completed.out, heard) == (3, b"you\n", ["you"])
    assert ran.network == said


def test_ports_are_told_only_where_it_can_confine(kind: str) -> None:
    """A program is run to see its ports only in confinement."""
    asked: dict[str, Any] = {"env": {}, "seconds": 5, "memory": 256 << 20}

    assert sandbox_of(kind).ports(SERVE, **asked) == (9007,)
    assert sandbox_of(kind, able=False).ports(SERVE, **asked) is None


def test_a_missing_program(kind: str) -> None:
    """A program that is not there is an error where it is started without confinement."""
    with pytest.raises(ShipwayError) as failure:
        sandbox_of(kind, able=False).run(("/nowhere/at/all",), env={})

    assert failure.value.id == "process.missing"
