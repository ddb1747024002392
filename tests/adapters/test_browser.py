"""The browser: the one that is named, or the desktop's."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.browser import DesktopBrowser

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:30080/?a=b&c"


def program(folder: Path, name: str, body: str) -> Path:
    """Write a program."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


def test_the_named_browser_gets_the_url(tmp_path: Path) -> None:
    """``$BROWSER`` comes first, and the URL reaches it as one word."""
    named = program(tmp_path, "mine", f'printf %s "$1" > {tmp_path}/seen')

    assert DesktopBrowser({"BROWSER": str(named)}).open(URL)
    assert (tmp_path / "seen").read_text() == URL


@pytest.mark.parametrize(("body", "shown"), [("exit 0", True), ("exit 3", False)])
def test_the_desktops_browser(tmp_path: Path, body: str, *, shown: bool) -> None:
    """Without one, what the desktop has; where that fails nothing was shown."""
    program(tmp_path, "xdg-open", body)

    assert DesktopBrowser({"PATH": str(tmp_path)}).open(URL) is shown


def test_no_browser() -> None:
    """Where there is none at all, that is said and no error."""
    assert not DesktopBrowser({"PATH": "/nowhere"}).open(URL)
    assert not DesktopBrowser({"BROWSER": "/nowhere/browser"}).open(URL)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # it is meant to outlive us
def test_a_browser_that_stays(tmp_path: Path) -> None:
    """A program that does not end shows the page, and is not waited for."""
    stays = program(tmp_path, "stays", f"echo $$ > {tmp_path}/pid; exec /bin/sleep 60")
    shown = DesktopBrowser({"BROWSER": str(stays)}, patience=0.5).open(URL)
    pid = int((tmp_path / "pid").read_text())
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)

    assert shown
