"""login and logout: a password comes through a pipe, whole, and is shown nowhere."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING, Any

import pytest

from shipway.cli.boundary import run
from shipway.errors import Kind

if TYPE_CHECKING:
    from shipway.redaction import Secret


class Roads:
    """Notes what was asked, the password in plain."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def login(self, *, emit: object, password: Secret, **asked: Any) -> str:
        """Note it."""
        del emit
        self.calls.append({**asked, "password": password.reveal_text()})
        return f"the password was {password.reveal_text()}"

    def logout(self, *, emit: object, **asked: Any) -> str:
        """Note it."""
        del emit
        self.calls.append(asked)
        return "out"


def _pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_the_password_is_the_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: bytes
) -> None:
    """One end of line is not part of it, and no answer shows it."""
    roads = Roads()
    _pipe(monkeypatch, " pass word-\u00e4 ".encode() + end)

    assert run(["login", "r.example", "-u", "ann", "--password-stdin"], roads) == 0

    said = " pass word-\u00e4 "
    asked = {"cluster": "", "registry": "r.example", "user": "ann", "password": said}
    assert roads.calls == [asked]
    assert "***" in capsys.readouterr().out


@pytest.mark.parametrize(
    "line", ["login r.example -u ann", "login r.example --password-stdin", "login", "logout"]
)
def test_no_other_way_to_give_it(monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    """Without a user or the pipe it is a usage error."""
    roads = Roads()
    _pipe(monkeypatch, b"password")

    assert run(line.split(), roads) == Kind.USAGE.value
    assert not roads.calls


def test_a_password_that_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other bytes than UTF-8 are refused."""
    _pipe(monkeypatch, b"\xff\xfe\n")

    asked = ["login", "r.example", "-u", "a", "--password-stdin"]
    assert run(asked, Roads()) == Kind.USAGE.value


def test_logout_names_a_registry() -> None:
    """And nothing else."""
    roads = Roads()

    assert run(["logout", "r.example"], roads) == 0
    assert roads.calls == [{"cluster": "", "registry": "r.example"}]
