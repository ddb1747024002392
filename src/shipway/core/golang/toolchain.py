"""Which Go builds a module (go.dev/doc/toolchain).

The Go hand asks it. A lock decides alone; without one, the newest of our own toolchain, the
``go`` line and the ``toolchain`` line does, as the go command itself would choose.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.golang.modfile import ModFile

_VERSION = re.compile(
    r"(?:go)?(\d{1,6})(?:\.(\d{1,6}))?(?:\.(\d{1,6}))?(?:(rc|beta|alpha)(\d{1,6}))?\Z"
)
_STAGES = {"alpha": -3, "beta": -2, "rc": -1}


def order(version: str) -> tuple[int, int, int, int, int]:
    """Return a key that sorts Go versions; ``1.21`` sorts before ``1.21rc2`` before ``1.21.0``.

    Raises:
        ShipwayError: ``toolchain.version`` (config) if it is not a Go version.
    """
    match = _VERSION.match(version)
    if not match:
        raise ShipwayError(
            "toolchain.version",
            Kind.CONFIG,
            "not a Go version",
            operation="choosing the Go toolchain",
            subject=version[:60],
            hint="write it as `go1.27.3` in shipway.lock or go.mod",
        )
    major, minor, patch, stage, number = match.groups()
    if stage:
        return int(major), int(minor or 0), -1, _STAGES[stage], int(number)
    if patch is None:
        return int(major), int(minor or 0), -1, -4, 0
    return int(major), int(minor), int(patch), 0, 0


def release(version: str) -> str:
    """Return the toolchain's name for a version of a ``go`` line: ``1.24`` is ``go1.24.0``.

    Raises:
        ShipwayError: ``toolchain.version``.
    """
    plain = version.removeprefix("go")
    _, minor, patch, stage, _ = order(version)
    is_language = patch < 0 and stage == -4  # noqa: PLR2004  no patch and no stage
    return f"go{plain}.0" if is_language and minor >= 21 else f"go{plain}"  # noqa: PLR2004  1.21


def choose(ours: str, files: tuple[ModFile, ...], lock: str = "") -> str:
    """Return the exact toolchain (``go1.27.3``) for a module or workspace.

    Raises:
        ShipwayError: ``toolchain.version``; ``toolchain.lock`` where the lock's Go is older than
            the ``go`` line allows.
    """
    needed = [release(file.go) for file in files if file.go]
    if lock:
        newest = max(needed, key=order, default=lock)
        if order(newest) > order(lock):
            raise ShipwayError(
                "toolchain.lock",
                Kind.CONFIG,
                f"shipway.lock pins {lock}, and go.mod needs {newest}",
                operation="choosing the Go toolchain",
                subject=lock,
                hint=f"set the Go toolchain in shipway.lock to {newest} or newer",
            )
        return release(lock)
    named = [file.toolchain for file in files if file.toolchain not in {"", "default", "local"}]
    return max((ours, *needed, *named), key=order)
