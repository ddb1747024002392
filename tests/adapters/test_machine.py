"""Looking at this machine: what is there, what is not, and nothing changed."""

from __future__ import annotations

import http.server
import os
import platform
import threading
from typing import TYPE_CHECKING

import pytest

from fakes.sandbox import FakeSandbox
from shipway.adapters.machine import ThisMachine, parsed
from shipway.adapters.process import SystemProcesses
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATE = "Wed, 25 Nov 2026 03:04:05 GMT"


def machine(folder: Path, *, able: bool = True, **environ: str) -> ThisMachine:
    """Return one whose files lie below ``folder``."""
    return ThisMachine(
        SystemProcesses(),
        FakeSandbox(SystemProcesses(), able=able),
        {"PATH": os.environ["PATH"], **environ},
        store=str(folder / "data" / "store"),
        toolchains=str(folder),
        engines=tuple,
        key=lambda: None,
        root=str(folder),
    )


def test_programs_are_asked_for_their_first_line(tmp_path: Path) -> None:
    """A program that is there says something; one that is not says nothing; a flood is an error."""
    found = machine(tmp_path)

    assert found.python() == platform.python_version()
    assert found.program("printf", "one\\ntwo\\n") == "one"
    assert found.program("/nowhere/program") == ""
    with pytest.raises(ShipwayError):
        found.program("yes")


def test_toolchains_are_whole_or_absent(tmp_path: Path) -> None:
    """A folder with its go command counts."""
    (tmp_path / "go1.1.1" / "bin").mkdir(parents=True)
    found = machine(tmp_path)
    assert found.toolchain("go1.1.1") == ""
    (tmp_path / "go1.1.1" / "bin" / "go").touch()

    assert found.toolchain("go1.1.1") == str(tmp_path / "go1.1.1")


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone = 0"),
        ("kernel/unprivileged_userns_clone", "1\n", "no user namespaces here"),
        ("user/max_user_namespaces", "0\n", "user.max_user_namespaces = 0"),
    ],
)
def test_why_nothing_is_confined(tmp_path: Path, name: str, value: str, why: str) -> None:
    """The setting that forbids it is named; where it works there is nothing to say."""
    place = tmp_path / "proc" / "sys" / name
    place.parent.mkdir(parents=True)
    place.write_text(value)

    assert machine(tmp_path, able=False).confinement() == why
    assert machine(tmp_path).confinement() == ""


def test_room_for_a_store_that_is_not_there_yet(tmp_path: Path) -> None:
    """The nearest folder that is there tells."""
    folder, free = machine(tmp_path).free()

    assert folder == str(tmp_path / "data" / "store")
    assert free > 0


@pytest.fixture
def server() -> Iterator[str]:
    """Give a server that refuses, and says the time."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(401)
            self.send_header("Date", DATE)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        thread = threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{found.server_port}/v2/"
        found.shutdown()
        thread.join()


def test_the_time_of_a_server(tmp_path: Path, server: str) -> None:
    """Any answer tells, also a refusal, and by a proxy; no answer is none."""
    found = machine(tmp_path)
    through = machine(tmp_path, HTTP_PROXY=server.removesuffix("/v2/"))

    assert found.date(server) == parsed(DATE) == through.date("http://registry.test/v2/")
    assert found.date("http://127.0.0.1:1/") is None
    assert parsed("soon") is None


def test_the_time_through_a_proxy_that_is_none(tmp_path: Path) -> None:
    """It is told as the proxy's fault."""
    for proxy in ("socks5://127.0.0.1:1080", "http://ann:s3cr/etpw@proxy.test:3128"):
        with pytest.raises(ShipwayError) as caught:
            machine(tmp_path, HTTP_PROXY=proxy).date("http://registry.test/v2/")
        assert caught.value.id == "network.proxy"
