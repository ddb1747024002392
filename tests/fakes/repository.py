"""Real repositories for tests: made in a temporary folder, with a configuration of their own."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.com",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.com",
    "GIT_ALLOW_PROTOCOL": "file",
}


class Repository:
    """A working tree; ``git`` runs in it, ``write`` changes it."""

    def __init__(self, root: Path, *, make: bool = True) -> None:
        self.root = root
        if make:
            root.mkdir(parents=True, exist_ok=True)
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *command: str, time: int = 1_700_000_000) -> str:
        """Run git and return what it printed, stripped."""
        stamp = f"{time} +0000"
        env = ENV | {"GIT_AUTHOR_DATE": stamp, "GIT_COMMITTER_DATE": stamp}
        return subprocess.run(
            ["git", *command],  # noqa: S607  the machine's git
            cwd=self.root, env=env, check=True, capture_output=True, text=True,
        ).stdout.strip()  # fmt: skip

    def write(self, path: str, text: str = "") -> Path:
        """Write a file and return its path."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, "utf-8")
        return place

    def commit(self, time: int = 1_700_000_000) -> str:
        """Commit everything and return the commit's id."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=x", time=time)
        return self.git("rev-parse", "HEAD")
