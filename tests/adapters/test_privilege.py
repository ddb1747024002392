"""The way to the root part, through a sudo that tests write."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from shipway.adapters.privilege import Failed, SudoPrivilege
from shipway.adapters.userfiles import Account
from shipway.core.ports.privilege import DownOrder, Moment, Started, Stopped, UpOrder
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shipway.core.ports.privilege import DeleteOrder

STOPPED = Stopped("dev", was_running=True)


def direct(
    order: UpOrder | DownOrder | DeleteOrder, on_moment: Callable[[Moment], None]
) -> Started | Stopped:
    """Be the root part in this process."""
    on_moment(Moment("direct", order.name))
    return STOPPED


class Sudo:
    """A program in sudo's place that writes what the test says."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.path = folder / "sudo"

    def says(self, *lines: object, code: int = 0, error: str = "") -> SudoPrivilege:
        """Return the way to a root part that says ``lines``."""
        text = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
        (self._folder / "lines").write_bytes(text)
        self.path.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"open({str(self._folder / 'asked')!r}, 'wb').write(sys.stdin.buffer.read())\n"
            f"open({str(self._folder / 'given')!r}, 'w').write(' '.join(sys.argv[1:]))\n"
            f"sys.stdout.buffer.write(open({str(self._folder / 'lines')!r}, 'rb').read())\n"
            f"sys.stderr.write({error!r})\n"
            f"sys.exit({code})\n"
        )
        self.path.chmod(0o755)
        return SudoPrivilege(
            Account("ann", 1, 1, "/home/ann"), direct, environ={}, program=str(self.path)
        )

    def asked(self) -> DownOrder:
        """Return the order that reached the root part."""
        return msgspec.json.decode((self._folder / "asked").read_bytes(), type=DownOrder)

    def given(self) -> str:
        """Return the arguments that sudo was given."""
        return (self._folder / "given").read_text()


@pytest.fixture
def sudo(tmp_path: Path) -> Sudo:
    """Give a sudo."""
    return Sudo(tmp_path)


def test_the_order_and_the_answer_go_through(sudo: Sudo) -> None:
    """One order goes in, moments and a result come out; the root part is isolated Python."""
    moments: list[Moment] = []
    way = sudo.says(Moment("stop", "dev", 1.0), STOPPED)
    assert way._through_sudo(DownOrder("dev"), moments.append) == STOPPED
    assert moments == [Moment("stop", "dev", 1.0)]
    assert sudo.asked() == DownOrder("dev")
    assert sudo.given().endswith(f"-- {sys.executable} -I -m shipway.rootpart serve")
    assert way.user() == "ann"


def test_an_error_comes_back_whole(sudo: Sudo) -> None:
    """What the root part could not do is raised here with all its fields."""
    error = ShipwayError("a.b", Kind.DENIED, "m", operation="o", subject="s", hint="h")
    with pytest.raises(ShipwayError) as caught:
        sudo.says(Failed.of(error), code=1)._through_sudo(DownOrder("dev"), lambda _: None)
    found = caught.value
    assert (found.id, found.kind, found.message) == ("a.b", Kind.DENIED, "m")
    assert (found.operation, found.subject, found.hint) == ("o", "s", "h")


def test_a_sudo_that_refuses(sudo: Sudo) -> None:
    """Without an answer, the next step is named."""
    way = sudo.says(code=1, error="sudo: a password is required\n")
    with pytest.raises(ShipwayError) as caught:
        way._through_sudo(DownOrder("dev"), lambda _: None)
    assert caught.value.id == "root.missing"
    assert "sudo before the command" in caught.value.hint


def test_no_sudo_at_all(tmp_path: Path) -> None:
    """A machine without sudo is told so."""
    way = SudoPrivilege(
        Account("ann", 1, 1, "/"), direct, environ={}, program=str(tmp_path / "none")
    )
    with pytest.raises(ShipwayError) as caught:
        way._through_sudo(DownOrder("dev"), lambda _: None)
    assert caught.value.id == "root.missing"


def test_coverage_reaches_the_root_part(sudo: Sudo) -> None:
    """Only variables of coverage pass sudo, by env."""
    way = sudo.says(STOPPED)
    way._environ = {"COVERAGE_PROCESS_CONFIG": "x", "SECRET": "y"}
    way._through_sudo(DownOrder("dev"), lambda _: None)
    assert "env COVERAGE_PROCESS_CONFIG=x" in sudo.given()
    assert "SECRET" not in sudo.given()
