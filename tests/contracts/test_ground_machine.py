"""What everything promises that the ground asks of its machine, in memory and for real."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import json
import os
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.embedded import as_root
from fakes.ground import (
    FixedFacts,
    FixedPackages,
    MemoryTree,
    MemoryVerify,
    ScriptedAnswers,
    ScriptedInit,
    ScriptedShell,
    TakenPorts,
)
from shipway.adapters.ground.answers import GroundAnswers
from shipway.adapters.ground.packages import DebianPackages
from shipway.adapters.ground.ports import GroundPorts
from shipway.adapters.ground.programs import GroundShell, GroundVerify
from shipway.adapters.ground.tree import RootTree
from shipway.adapters.hostfacts import LinuxFacts
from shipway.core.ports.ground import (
    Answer,
    Answers,
    Ask,
    Boot,
    Check,
    Init,
    Packages,
    Ports,
    Shell,
    Verify,
)
from shipway.core.ports.hostfacts import HostFacts
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

PORTS = (Answers, HostFacts, Init, Packages, Ports, Shell, Verify)


@pytest.fixture(params=["memory", "system"])
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of an implementation."""
    return str(request.param)


class RootInit:
    """The real init, each call in a process of root's own."""

    def _call(self, method: str, boot: Boot, **options: Any) -> Any:
        program = (
            "import json, sys, msgspec\n"
            "from shipway.adapters.ground.init import NamespacedInit\n"
            "from shipway.core.ports.ground import Boot\n"
            "asked = json.loads(sys.stdin.read())\n"
            "boot = msgspec.convert(asked['boot'], Boot)\n"
            "method = getattr(NamespacedInit(), asked['method'])\n"
            "print(json.dumps(method(boot, **asked['options'])))\n"
        )
        asked = {"boot": msgspec.to_builtins(boot), "method": method, "options": options}
        said = as_root([sys.executable, "-I", "-c", program], input=json.dumps(asked))
        return json.loads(said.stdout)

    def start(self, boot: Boot) -> int:
        """Start it."""
        return int(self._call("start", boot))

    def running(self, boot: Boot) -> int | None:
        """Look."""
        found: int | None = self._call("running", boot)
        return found

    def stop(self, boot: Boot, *, grace: float) -> None:
        """Stop it."""
        self._call("stop", boot, grace=grace)

    def sweep(self, boot: Boot) -> tuple[str, ...]:
        """Sweep."""
        return tuple(self._call("sweep", boot))


def test_one_init_is_the_life_of_a_cluster(kind: str) -> None:
    """It runs from start to stop, is found by its boot, and leaves nothing once swept."""
    runtime = f"/run/shipway/contract-{os.getpid()}"
    boot = Boot(
        name="contract",
        hostname="contract",
        runtime=runtime,
        cgroups=(),
        argv=("/bin/sleep", "300"),
        log=f"{runtime}/log",
    )
    init: Init = RootInit() if kind == "system" else ScriptedInit(MemoryTree())
    assert init.running(boot) is None
    pid = init.start(boot)
    try:
        assert init.running(boot) == pid
    finally:
        init.stop(boot, grace=0)
    assert init.running(boot) is None
    init.stop(boot, grace=0)
    init.sweep(boot)
    assert init.sweep(boot) == ()


@contextlib.contextmanager
def listening(kind: str) -> Iterator[tuple[Ports, int]]:
    """Give the ports of a machine, and one that somebody listens on."""
    if kind == "memory":
        taken = TakenPorts()
        taken.taken[20000] = "nginx (pid 12)"
        yield taken, 20000
        taken.taken.clear()
        return
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield GroundPorts(), server.getsockname()[1]


def test_a_port_is_free_or_has_a_holder(kind: str) -> None:
    """One taken port is enough not to be free; its holder is named while it listens."""
    with listening(kind) as (ports, port):
        assert not ports.free([port])
        assert "(pid " in ports.holder(port)
    assert ports.free([port])
    assert ports.free([])
    assert ports.holder(port) == ""


class Teapot(http.server.BaseHTTPRequestHandler):
    """Answers everything with the same status and text."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(418)
        self.end_headers()
        self.wfile.write(b"short and stout")

    do_PATCH = do_GET  # noqa: N815  its own name

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  its own name
        """Be quiet."""


@contextlib.contextmanager
def teapot(kind: str) -> Iterator[tuple[Answers, int]]:
    """Give who asks, and the port of a server."""
    if kind == "memory":
        scripted = ScriptedAnswers()
        scripted.status, scripted.body = 418, b"short and stout"
        yield scripted, 1
        scripted.listening = False
        return
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Teapot) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield GroundAnswers(), server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_part_answers_as_wanted_or_otherwise_or_not(kind: str) -> None:
    """Status and text decide between ready and unready; where nobody listens there is silence."""
    with teapot(kind) as (answers, port):
        wanted = Check(ask=Ask.HTTP, port=port, statuses=(418,), contains="stout")
        other = Check(ask=Ask.HTTP, port=port, statuses=(418,), contains="tall")
        assert answers.ask(wanted, timeout=2) is Answer.READY
        assert answers.ask(other, timeout=2) is Answer.UNREADY
        assert answers.ask(Check(ask=Ask.HTTP, port=port), timeout=2) is Answer.UNREADY
        assert answers.request(wanted, "PATCH", "/x", b"b") == (418, b"short and stout")
    assert answers.ask(wanted, timeout=2) is Answer.SILENT
    assert answers.request(wanted, "GET", "/") == (0, b"")


def test_a_program_ends_with_code_and_output(kind: str) -> None:
    """Both come back, whatever they are; the program has the given environment alone."""
    shell: Shell = GroundShell()
    if kind == "memory":
        shell = scripted = ScriptedShell()
        scripted.code, scripted.output = 3, "b\n"
    assert shell.run(["sh", "-c", 'echo "$A$HOME"; exit 3'], env={"A": "b"}) == (3, "b\n")


class Programs:
    """Two programs, what proves them, and ways to harm them."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.paths = [str(folder / name) for name in ("one", "two")]
        self._memory = MemoryVerify() if kind == "memory" else None
        for path in self.paths:
            self._write(path, path.encode())
        self.digests = {path: hashlib.sha256(path.encode()).hexdigest() for path in self.paths}
        self.verify: Verify = self._memory or GroundVerify(owner=os.getuid())

    def _write(self, path: str, data: bytes) -> None:
        if self._memory is not None:
            self._memory.programs[path] = hashlib.sha256(data).hexdigest()
            return
        Path(path).write_bytes(data)
        Path(path).chmod(0o755)

    def alter(self, path: str) -> None:
        """Let it have other bytes."""
        self._write(path, b"other")

    def open_up(self, path: str) -> None:
        """Let others write to it."""
        if self._memory is not None:
            self._memory.unsafe.add(path)
        else:
            Path(path).chmod(0o777)


def test_programs_are_proved_one_by_one(kind: str, tmp_path: Path) -> None:
    """Each is told as it is proved; one of other bytes, or in others' reach, ends it by name."""
    programs = Programs(kind, tmp_path)
    one, two = programs.paths
    told: list[str] = []
    programs.verify.prove(programs.digests, told.append)
    assert told == [one, two]
    programs.alter(two)
    with pytest.raises(ShipwayError) as caught:
        programs.verify.prove(programs.digests, told.append)
    assert (caught.value.id, caught.value.kind) == ("cluster.altered", Kind.INTEGRITY)
    assert told == [one, two, one]
    programs.open_up(one)
    with pytest.raises(ShipwayError) as caught:
        programs.verify.prove(programs.digests, told.append)
    assert (caught.value.id, caught.value.kind) == ("cluster.unsafe", Kind.DENIED)


def test_packages_that_are_there_are_told_with_their_digests(kind: str, tmp_path: Path) -> None:
    """Each program has an absolute path and a SHA-256; asked again, they are the same."""
    packages: Packages = FixedPackages()
    if kind == "system":
        program = tmp_path / "runc"
        program.write_bytes(b"runc")
        record = {"runc": [str(program), hashlib.sha256(b"runc").hexdigest()]}
        (tmp_path / "files.json").write_text(json.dumps(record))
        owner = os.getuid()
        tree, verify = RootTree(owner=owner), GroundVerify(owner=owner)
        packages = DebianPackages(str(tmp_path), tree, verify)
    found = packages.have(lambda _: None)
    assert "runc" in found
    assert all(path.startswith("/") and len(digest) == 64 for path, digest in found.values())
    assert packages.have(lambda _: None) == found


def test_facts_of_a_machine_hold_together(kind: str) -> None:
    """There is a processor and memory, ports to hand out, and no resolver on the loopback."""
    facts = (FixedFacts() if kind == "memory" else LinuxFacts()).read()
    assert facts.cpus >= 1
    assert 0 < facts.memory_free <= facts.memory
    assert facts.disk_free > 0
    assert facts.ephemeral[0] < facts.ephemeral[1]
    assert facts.hierarchies
    assert not any(one.startswith("127.") for one in facts.resolvers)
