"""Whose engines they are: under sudo, everything is made by the account that called sudo.

Root compiles nothing for a user. This hand starts :mod:`shipway.adapters.engines.child` with the
account's rights and reads its lines; what the child says is data, and nothing of it is run here.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters.engines.build import decode
from shipway.adapters.toolchain import PIP
from shipway.core.engines.command import inherited
from shipway.core.engines.progress import Progress
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from shipway.adapters.engines.locks import LockFolder
    from shipway.core.ports.engines import Built
    from shipway.core.ports.process import Processes


class Account(msgspec.Struct, frozen=True):
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    home: str


def behind_sudo(environ: Mapping[str, str], euid: int) -> Account | None:
    """Return the account that called sudo; none if this is no root, or root all along.

    Raises:
        ShipwayError: ``account.unknown`` if ``SUDO_UID`` names nobody.
    """
    import pwd  # noqa: PLC0415  Unix only

    named = environ.get("SUDO_UID", "0")
    if euid != 0 or named == "0":
        return None
    try:
        found = pwd.getpwuid(int(named))
    except (KeyError, ValueError) as error:
        raise ShipwayError(
            "account.unknown",
            Kind.CONFIG,
            "SUDO_UID names no account of this machine",
            operation="looking up",
            subject=named,
            hint="run sudo from an ordinary account, or unset SUDO_UID",
        ) from error
    return Account(found.pw_name, found.pw_uid, found.pw_gid, found.pw_dir)


def cache_of(environ: Mapping[str, str], account: Account | None) -> str:
    """Return Shipway's cache folder: of ``account`` if given, else of the caller."""
    home = account.home if account else environ.get("HOME") or str(Path.home())
    named = "" if account else environ.get("XDG_CACHE_HOME", "")
    return str(Path(named or Path(home) / ".cache") / "shipway")


class AccountEngines:
    """The engines of ``account``, asked for by root."""

    def __init__(
        self,
        folder: LockFolder,
        processes: Processes,
        environ: Mapping[str, str],
        account: Account,
        cache: str,
    ) -> None:
        self._folder = folder
        self._processes = processes
        self._environ = environ
        self._account = account
        self._cache = cache

    def names(self) -> tuple[str, ...]:
        """Return the names of all engines that have a lock."""
        return self._folder.names()

    def ensure(
        self, names: Sequence[str], *, on_progress: Callable[[Progress], None]
    ) -> tuple[Built, ...]:
        """Return the named engines in order, made by the account where they are not there.

        Raises:
            ShipwayError: ``engine.unknown``, ``engine.build``, ``engine.disk``,
                ``toolchain.missing``.
        """
        results: list[tuple[Built, ...]] = []

        def hear(line: str) -> None:
            said = decode(line.encode())
            if isinstance(said, Progress):
                on_progress(said)
            else:
                results.append(said)

        done = self._processes.run(
            [*self._lowered(), *self._command(names)],
            env=self._variables(),
            cwd="/",
            on_line=hear,
        )
        if done.code or len(results) != 1:
            raise _failed(done.err, ", ".join(names))
        return results[0]

    def _lowered(self) -> list[str]:
        """Return the program that gives up root for the account, for good."""
        account = self._account
        return [
            "/usr/bin/setpriv", f"--reuid={account.uid}", f"--regid={account.gid}",
            "--init-groups", "--no-new-privs", "--",
        ]  # fmt: skip

    def _command(self, names: Sequence[str]) -> list[str]:
        module = "shipway.adapters.engines.child"
        return [sys.executable, "-I", "-m", module, str(self._folder.folder), self._cache, *names]

    def _variables(self) -> dict[str, str]:
        account = self._account
        passed = {k: v for k, v in self._environ.items() if k.startswith(PIP)}
        own = {"HOME": account.home, "USER": account.name, "LOGNAME": account.name}
        mirror = {k: v for k, v in self._environ.items() if k == "SHIPWAY_ENGINE_MIRROR"}
        return inherited(self._environ) | passed | mirror | own | {"PATH": os.defpath}


def _failed(said: bytes, names: str) -> ShipwayError:
    """Return the error that the child wrote, or one that shows what it wrote."""
    for line in said.splitlines():
        with contextlib.suppress(KeyError, TypeError, msgspec.DecodeError):
            fields = msgspec.json.decode(line, type=dict[str, str])
            kind = Kind[fields.pop("kind")]
            return ShipwayError(fields.pop("id"), kind, fields.pop("message"), **fields)  # type: ignore[arg-type]
    text = said.decode(errors="replace")[-2000:] or "it ended without a word"
    return ShipwayError(
        "engine.build", Kind.INTERNAL, text, operation="making engines", subject=names
    )
