"""Carries an order to the root part: in this process where it is root, through sudo otherwise.

sudo asks for its password on the terminal itself; without one only a sudo that asks nothing will
do. Lines of the root part are values of closed types; nothing in them is run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.ports.privilege import DeleteOrder, DownOrder, Moment, Started, Stopped, UpOrder
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.adapters.userfiles import Account

    Order = UpOrder | DownOrder | DeleteOrder
    Direct = Callable[[Order, Callable[[Moment], None]], Started | Stopped]

COMMAND = ("-I", "-m", "shipway.rootpart", "serve")


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag="failed"):
    """An error on its way out of the root part."""

    id: str
    kind: str
    message: str
    operation: str = ""
    subject: str = ""
    hint: str = ""

    @classmethod
    def of(cls, error: ShipwayError) -> Failed:
        """Return ``error`` as a value."""
        return cls(
            id=error.id,
            kind=error.kind.name,
            message=error.message,
            operation=error.operation,
            subject=error.subject,
            hint=error.hint,
        )

    def error(self) -> ShipwayError:
        """Return the error again."""
        return ShipwayError(
            self.id,
            Kind[self.kind],
            self.message,
            operation=self.operation,
            subject=self.subject,
            hint=self.hint,
        )


_Line = Moment | Started | Stopped | Failed


class SudoPrivilege:
    """Keeps :class:`~shipway.core.ports.privilege.Privilege`."""

    def __init__(
        self,
        account: Account,
        direct: Direct,
        *,
        environ: dict[str, str],
        program: str = "sudo",
    ) -> None:
        self._account = account
        self._direct = direct
        self._environ = environ
        self._program = program

    def user(self) -> str:
        """Return the account's name."""
        return self._account.name

    def order(self, order: Order, *, on_moment: Callable[[Moment], None]) -> Started | Stopped:
        """Carry it out as root."""
        if os.geteuid() == 0:
            return self._direct(order, on_moment)
        return self._through_sudo(order, on_moment)

    def _through_sudo(self, order: Order, on_moment: Callable[[Moment], None]) -> Started | Stopped:
        sudo = shutil.which(self._program)
        if sudo is None:
            raise _missing("there is no sudo on this machine")
        silent = () if _terminal() else ("-n",)
        with subprocess.Popen(
            [sudo, *silent, "--", *self._carried(), sys.executable, *COMMAND],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if not silent else subprocess.PIPE,
            env=self._environ,
        ) as child:
            assert child.stdin is not None  # noqa: S101  asked for above
            assert child.stdout is not None  # noqa: S101
            with scope.current().on_cancel(child.terminate):
                _send(child, msgspec.json.encode(order))
                result = _answer(child, on_moment)
            said = child.stderr.read().decode(errors="replace") if child.stderr else ""
        if result is None:
            scope.current().check()
            raise _missing(said.strip()[-300:] or f"sudo ended with code {child.returncode}")
        return result

    def _carried(self) -> tuple[str, ...]:
        """Return what coverage of child processes needs, in tests; nothing otherwise."""
        names = [name for name in self._environ if name.startswith("COVERAGE")]
        return ("env", *(f"{name}={self._environ[name]}" for name in names)) if names else ()


def _send(child: subprocess.Popen[bytes], data: bytes) -> None:
    try:
        assert child.stdin is not None  # noqa: S101  a pipe
        child.stdin.write(data)
        child.stdin.close()
    except BrokenPipeError:
        return  # sudo refused; its exit says so


def _answer(
    child: subprocess.Popen[bytes], on_moment: Callable[[Moment], None]
) -> Started | Stopped | None:
    assert child.stdout is not None  # noqa: S101  a pipe
    for line in child.stdout:
        value: _Line = msgspec.json.decode(line, type=_Line)
        if isinstance(value, Moment):
            on_moment(value)
        elif isinstance(value, Failed):
            raise value.error()
        else:
            return value
    return None


def _terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _missing(reason: str) -> ShipwayError:
    return ShipwayError(
        "root.missing",
        Kind.MISSING,
        reason,
        operation="asking for root",
        hint="run it where sudo may ask for a password, or put sudo before the command",
    )
