"""The process in which an ordinary account makes engines for a root that was called by sudo.

Only :mod:`shipway.adapters.engines.account` starts it (``python -I -m``): folder of locks, cache,
names. It writes progress and result as lines, an error as one line of JSON on standard error,
and refuses to run as root.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters.engines.assembly import builder
from shipway.adapters.engines.locks import LockFolder
from shipway.adapters.process import SystemProcesses
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.engines.progress import Progress


def main(arguments: list[str], euid: int) -> int:
    """Make the engines that ``arguments`` name, as ``euid``; return the exit code."""
    folder, cache, *names = arguments
    if euid == 0:
        sys.stderr.write("engines are not made as root\n")
        return 1
    try:
        engines = builder(LockFolder(Path(folder)), SystemProcesses(), os.environ, cache)
        built = engines.ensure(names, on_progress=_progress)
    except ShipwayError as error:
        sys.stderr.write(msgspec.json.encode(_fields(error)).decode() + "\n")
        return 1
    _say("built", built)
    return 0


def _progress(moment: Progress) -> None:
    _say("progress", moment)


def _say(kind: str, value: object) -> None:
    sys.stdout.write(f"{kind} {msgspec.json.encode(value).decode()}\n")
    sys.stdout.flush()


def _fields(error: ShipwayError) -> dict[str, str]:
    return {
        "id": error.id,
        "kind": error.kind.name,
        "message": error.message,
        "operation": error.operation,
        "subject": error.subject,
        "hint": error.hint,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.geteuid()))
