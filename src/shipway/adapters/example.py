"""The example service as a repository of the person's own, for ``shipway demo``.

Wiring calls it. The copy is made once; a later demo goes on with what is there, edits included.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.ports.process import Processes

PLACES = (
    Path(__file__).parents[1] / "examples" / "hello",
    Path(__file__).parents[3] / "examples" / "hello",
)
"""In a wheel, and in a checkout."""

_GIT = (
    "git",
    "-c",
    "user.name=Shipway demo",
    "-c",
    "user.email=demo@localhost",
    "-c",
    "commit.gpgsign=false",
    "-c",
    "core.hooksPath=/dev/null",
)


def copy(target: str, processes: Processes, variables: Mapping[str, str]) -> str:
    """Return ``target`` with the example in it, committed: all of it, or nothing of it.

    Raises:
        ShipwayError: ``demo.example`` (missing) where it is not installed, or git does not answer.
    """
    folder = Path(target)
    if (folder / ".git").exists():
        return target
    source = next((one for one in PLACES if one.is_dir()), None)
    if source is None:
        raise _failed("the example is not part of this installation", target)
    fresh = folder.with_name(f".{folder.name}.new")
    for left in (folder, fresh):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(source, fresh)
    for words in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-q", "-m", "Say hello")):
        done = processes.run((*_GIT, *words), env=dict(variables), cwd=str(fresh))
        if done.code:
            raise _failed(done.err.decode(errors="replace").strip()[-300:], target)
    fresh.rename(folder)
    return target


def _failed(why: str, target: str) -> ShipwayError:
    return ShipwayError(
        "demo.example",
        Kind.MISSING,
        why,
        operation="copying the example to",
        subject=target,
        hint="run it from a checkout, or install the wheel again",
    )
