"""Proves programs before root starts them, and runs the few that end."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class GroundVerify:
    """Keeps :class:`~shipway.core.ports.ground.Verify`; files have to be ``owner``'s."""

    def __init__(self, *, owner: int = 0) -> None:
        self._owner = owner

    def prove(self, programs: Mapping[str, str], done: Callable[[str], None]) -> None:
        """Read files one after the other; reading releases the lock, so callers may use threads."""
        for path, digest in programs.items():
            _safe(path, self._owner)
            with Path(path).open("rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != digest:
                raise ShipwayError(
                    "cluster.altered",
                    Kind.INTEGRITY,
                    f"its SHA-256 is {found}, not {digest} as when it was installed",
                    operation="checking program",
                    subject=path,
                    hint="remove its folder with sudo, then run: shipway cluster up",
                )
            done(path)


def _safe(path: str, owner: int) -> None:
    found = Path(path).lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_uid != owner or found.st_mode & 0o022:
        raise ShipwayError(
            "cluster.unsafe",
            Kind.DENIED,
            "it is not a plain file that only root can change",
            operation="checking program",
            subject=path,
            hint=f"sudo rm -f {path}, then run: shipway cluster up",
        )


class GroundShell:
    """Keeps :class:`~shipway.core.ports.ground.Shell`."""

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], inside: int = 0
    ) -> tuple[int, str]:
        """Run with exactly ``env``, all output together."""
        join = ("nsenter", "--all", f"--target={inside}", "--") if inside else ()
        done = subprocess.run(
            [*join, *argv],
            env={"PATH": os.defpath, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        return done.returncode, done.stdout.decode(errors="replace")
