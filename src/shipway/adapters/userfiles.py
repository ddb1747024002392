"""A person's own files, touched with that person's rights.

Where the process is the person, it reads and writes itself. Where it is root by sudo, a child with
the account's rights does, so that no link in a home leads root anywhere. The child runs this
module: ``read PATH`` and ``write PATH`` over standard input and output.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters import durable
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_ABSENT = 3
"""The child's exit code for a file that is not there."""
_LOCKED = 4
_PATIENCE = 2.0
"""Seconds that another program may hold a lock."""


class Account(msgspec.Struct, frozen=True):
    """A user of this machine."""

    name: str
    uid: int
    gid: int
    home: str


def person(environ: Mapping[str, str]) -> Account:
    """Return for whom the work is done: the account that called sudo, else the process's own.

    The home of the process's own is HOME, as for every program; that of another is its account's.
    """
    import pwd  # noqa: PLC0415  Unix only

    called = environ.get("SUDO_UID", "")
    uid = int(called) if os.geteuid() == 0 and called.isdecimal() else os.geteuid()
    found = pwd.getpwuid(uid)
    home = environ.get("HOME", "") if uid == os.geteuid() else ""
    return Account(found.pw_name, uid, found.pw_gid, home or found.pw_dir)


class AccountFiles:
    """Keeps :class:`~shipway.core.ports.userfiles.UserFiles`."""

    def __init__(self, account: Account, environ: Mapping[str, str]) -> None:
        self._account = account
        self._environ = environ

    def kubeconfig(self) -> str:
        """Return the first file of KUBECONFIG that is there, else its last, else the usual one."""
        named = [one for one in self._environ.get("KUBECONFIG", "").split(os.pathsep) if one]
        there = [one for one in named if Path(one).exists()]
        usual = str(Path(self._account.home, ".kube", "config"))
        return str(Path([*there, *named[-1:], usual][0]).absolute())

    def docker_config(self) -> str:
        """Return config.json in DOCKER_CONFIG or in the home."""
        usual = str(Path(self._account.home, ".docker"))
        return str(Path(self._environ.get("DOCKER_CONFIG") or usual, "config.json").absolute())

    def read(self, path: str) -> str | None:
        """Read as the person."""
        if self._own():
            return _told(_read, path)
        code, out = self._child("read", path)
        return None if code == _ABSENT else out

    def change(self, path: str, change: Callable[[str | None], str | None]) -> bool:
        """Read, change and write under the lock that kubectl respects."""
        if self._own():
            with _lock(path):
                return self._change(path, change)
        self._child("lock", path)
        try:
            return self._change(path, change)
        finally:
            self._child("unlock", path)

    def _change(self, path: str, change: Callable[[str | None], str | None]) -> bool:
        before = self.read(path)
        after = change(before)
        if after == before:
            return False
        if self._own():
            _told(_write, path, after)
        elif after is None:
            self._child("remove", path)
        else:
            self._child("write", path, after)
        return True

    def _own(self) -> bool:
        return os.geteuid() == self._account.uid

    def _child(self, verb: str, path: str, text: str = "") -> tuple[int, str]:
        keep = {name: value for name, value in self._environ.items() if name.startswith("COVERAGE")}
        done = subprocess.run(
            [sys.executable, "-I", "-m", "shipway.adapters.userfiles", verb, path],
            input=text.encode(),
            capture_output=True,
            cwd="/",
            env=keep,
            user=self._account.uid,
            group=self._account.gid,
            extra_groups=[],
            check=False,
        )
        if done.returncode == _LOCKED:
            raise _locked(path)
        if done.returncode not in {0, _ABSENT}:
            raise _denied(path, done.stderr.decode(errors="replace").strip()[-300:])
        return done.returncode, done.stdout.decode()


def _told(call: Callable[..., str | None], path: str, *rest: str | None) -> str | None:
    try:
        return call(path, *rest)
    except OSError as error:
        raise _denied(path, error.strerror or str(error)) from error


def _read(path: str) -> str | None:
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return None


def _write(path: str, text: str | None) -> None:
    """Replace the file that ``path`` leads to, keeping its mode; folders are made private."""
    place = Path(os.path.realpath(path))
    if text is None:
        place.unlink(missing_ok=True)
        return
    durable.folder(place.parent, 0o700)
    mode = place.stat().st_mode & 0o600 if place.exists() else 0o600
    beside = place.with_name(f".{place.name}.{secrets.token_hex(4)}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.rename(place)
    except OSError:  # half a file of logins would be left, where the disk is full
        beside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _lock(path: str) -> Iterator[None]:
    _take(path)
    try:
        yield
    finally:
        _told(_release, path)


def _take(path: str) -> None:
    """Make PATH.lock, as client-go does; one that stays is somebody's crash, and said so."""
    try:
        durable.folder(Path(path).parent, 0o700)
        ends = time.monotonic() + _PATIENCE
        while True:
            with contextlib.suppress(FileExistsError):
                os.close(os.open(f"{path}.lock", os.O_CREAT | os.O_EXCL, 0o600))
                return
            if time.monotonic() > ends:
                raise _locked(path)
            time.sleep(0.02)
    except OSError as error:
        raise _denied(path, error.strerror or str(error)) from error


def _release(path: str) -> None:
    """Remove PATH.lock, so that a power cut leaves what was changed and not the lock."""
    Path(f"{path}.lock").unlink(missing_ok=True)
    for folder in {Path(path).parent, Path(os.path.realpath(path)).parent}:
        durable.sync(folder)


def _locked(path: str) -> ShipwayError:
    return ShipwayError(
        "userfile.locked",
        Kind.CONFLICT,
        f"another program holds {path}.lock",
        operation="changing",
        subject=path,
        hint=f"run the same command again; if no kubectl runs: rm {path}.lock",
    )


def _denied(path: str, reason: str) -> ShipwayError:
    return ShipwayError(
        "userfile.denied",
        Kind.DENIED,
        reason,
        operation="changing",
        subject=path,
        hint=f"make it yours: ls -l {path}",
    )


def main(arguments: Sequence[str]) -> int:
    """Be the child: carry out one verb with the rights that the parent chose."""
    verb, path = arguments
    try:
        if verb == "read":
            text = _read(path)
            sys.stdout.write(text or "")
            return _ABSENT if text is None else 0
        if verb == "lock":
            _take(path)
        elif verb == "unlock":
            _release(path)
        else:
            _write(path, sys.stdin.read() if verb == "write" else None)
    except ShipwayError as error:
        sys.stderr.write(error.message)
        return _LOCKED if error.id == "userfile.locked" else 1
    except OSError as error:
        sys.stderr.write(error.strerror or str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
