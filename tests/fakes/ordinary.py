"""A Python that every account of the machine may run, with the packages of this one."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from fakes.embedded import as_root

if TYPE_CHECKING:
    from pathlib import Path


def python(folder: Path) -> str:
    """Return its path; where the tests' own Python is in everybody's reach, that one."""
    if os.geteuid() != 0:
        return sys.executable
    as_root(["/usr/bin/python3", "-m", "venv", "--without-pip", str(folder / "venv")])
    packages = next((folder / "venv" / "lib").glob("python3*")) / "site-packages"
    lines = {path for path in sys.path if path.endswith(("site-packages", "src"))}
    (packages / "borrowed.pth").write_text("\n".join(sorted(lines)) + "\n")
    return str(folder / "venv" / "bin" / "python3")
