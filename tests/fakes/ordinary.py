"""An ordinary account with sudo, and a Python that it may run, with the packages of this one."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.embedded import as_root

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "shipway-test"


@contextlib.contextmanager
def account() -> Iterator[str]:
    """Give an account that may use sudo without a password: the caller's own, unless it is root."""
    if os.geteuid() != 0:
        yield pwd.getpwuid(os.getuid()).pw_name
        return
    if shutil.which("sudo") is None:
        as_root(["apt-get", "-qq", "install", "--yes", "sudo"])
    as_root(["useradd", "--create-home", "--home-dir", f"/home/{NAME}", NAME])
    rule = Path(f"/etc/sudoers.d/{NAME}")
    try:
        rule.write_text(f"{NAME} ALL=(ALL) NOPASSWD: ALL\n")
        rule.chmod(0o440)
        yield NAME
    finally:
        rule.unlink()
        as_root(["userdel", "--remove", NAME])


def become(name: str, *options: str) -> tuple[str, ...]:
    """Return what stands before a command so that the account runs it."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", f"--reuid={name}", f"--regid={name}", "--init-groups", *options, "--")


def python(folder: Path) -> str:
    """Return its path; where the tests' own Python is in everybody's reach, that one."""
    if os.geteuid() != 0:
        return sys.executable
    as_root(["/usr/bin/python3", "-m", "venv", "--without-pip", str(folder / "venv")])
    packages = next((folder / "venv" / "lib").glob("python3*")) / "site-packages"
    lines = {path for path in sys.path if path.endswith(("site-packages", "src"))}
    (packages / "borrowed.pth").write_text("\n".join(sorted(lines)) + "\n")
    return str(folder / "venv" / "bin" / "python3")
