"""Engines made from their locks, in the user's cache, without root.

One folder for each lock digest, whole or absent: a making goes on in a folder beside it and is
renamed at the end, so that an interrupted one costs only what Go had not yet put in its own
cache. Wiring makes it (through ``assembly``); it installs nothing and starts no engine.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.adapters.engines import hashing, mirror, trim
from shipway.core.engines import command
from shipway.core.engines import lock as locks
from shipway.core.engines.progress import Meter, Progress
from shipway.core.engines.recipe import output_name
from shipway.core.ports.engines import Built
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipway.adapters.engines.locks import LockFolder
    from shipway.core.engines.lock import Lock
    from shipway.core.engines.progress import Phase
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.process import Processes
    from shipway.core.ports.toolchains import Toolchains

SUMS = "SHA256SUMS"
ROOM = (1 << 30, 16 << 20)
"""Bytes that must be free before a making, and more for each expected second of it (measured:
all of the cluster's engines, 640 s, took 10 GiB of modules, build cache and programs)."""


class EngineBuilder:
    """Engines under ``cache``/engines, with one Go build cache for all."""

    def __init__(
        self,
        folder: LockFolder,
        processes: Processes,
        toolchains: Toolchains,
        environ: Mapping[str, str],
        cache: str,
        *,
        cache_limit: int = 1 << 30,
    ) -> None:
        self._folder = folder
        self._processes = processes
        self._toolchains = toolchains
        self._environ = environ
        self._cache = Path(cache)
        self._limit = cache_limit
        self._used = ""  # the Go that compiled something, if any did
        self._ahead: list[Lock] = []  # whose modules come while the first engine compiles

    def names(self) -> tuple[str, ...]:
        """Return the names of all engines that have a lock."""
        return self._folder.names()

    def ensure(
        self, names: Sequence[str], *, on_progress: Callable[[Progress], None]
    ) -> tuple[Built, ...]:
        """Return the named engines in order, making those that are not there.

        Raises:
            ShipwayError: ``engine.unknown``, ``engine.build``, ``engine.disk``,
                ``toolchain.missing``.
        """
        wanted = [(name, self._folder.read(name)) for name in names]
        costs = [0.0 if self._present(lock) else lock.recipe.seconds for _, lock in wanted]
        gauge = trim.Gauge(self._cache)
        self._room(sum(costs))
        results = []
        with scope.open():
            self._ahead = [lock for (_, lock), cost in zip(wanted, costs, strict=True) if cost][1:]
            for index, (name, lock) in enumerate(wanted):
                cost = (costs[index], sum(costs[index + 1 :]))
                meter = Meter(name, index + 1, len(wanted), cost)
                results.append(self._one(lock, _Teller(meter, on_progress, gauge)))
        if any(built.seconds for built in results):
            self._trim()
            on_progress(Progress(names[-1], len(names), len(names), "trimmed", peak=gauge.peak))
        return tuple(results)

    def present(self, name: str) -> Built | None:
        """Return an engine if it is there; its bytes are not looked at.

        Raises:
            ShipwayError: ``engine.unknown``.
        """
        return self._present(self._folder.read(name))

    def place(self, lock: Lock) -> Path:
        """Return the folder where the files of ``lock`` are, or will be."""
        name = lock.recipe.name
        return self._cache / "engines" / name / locks.digest(lock, self._folder.platform)

    def _present(self, lock: Lock) -> Built | None:
        """Return the engine if it is there; its bytes are root's business to prove."""
        place = self.place(lock)
        try:
            files = locks.read_sums((place / SUMS).read_text("utf-8"), str(place))
        except (OSError, ShipwayError):
            return None
        whole = set(files) == set(lock.recipe.programs) and all(
            (place / file).is_file() for file in files
        )
        return _built(lock, place, files, 0.0) if whole else None

    def _one(self, lock: Lock, teller: _Teller) -> Built:
        try:
            return self._found_or_made(lock, teller)
        except OSError as error:
            raise ShipwayError(
                "engine.build",
                Kind.MISSING,
                str(error),
                operation="making the engine",
                subject=lock.recipe.name,
                hint=f"this account must be able to write below {self._cache}",
            ) from error

    def _found_or_made(self, lock: Lock, teller: _Teller) -> Built:
        if found := self._present(lock):
            teller.tell("present")
            return found
        place = self.place(lock)
        place.parent.mkdir(parents=True, exist_ok=True)
        with _alone(place.parent / ".making"):
            if found := self._present(lock):
                teller.tell("present")
                return found
            files = self._make(lock, place, teller)
        teller.tell("built")
        return _built(lock, place, files, max(teller.seconds, 0.001))

    def _make(self, lock: Lock, place: Path, teller: _Teller) -> dict[str, Digest]:
        """Make the files of ``lock`` in a folder beside ``place``, then move it there."""
        for torn in place.parent.glob("*.part"):
            shutil.rmtree(torn)
        part = place.with_name(place.name + ".part")
        output = part / "out"
        output.mkdir(parents=True)
        prebuilt = lock.recipe.prebuilt.get(self._folder.platform, {})
        if not mirror.fetch(prebuilt, output, self._environ, teller.tell_subject):
            self._compile(lock, part, output, teller)
        files = hashing.of_files({file: output / file for file in lock.recipe.programs})
        _seal(output, files)
        if place.exists():
            shutil.rmtree(place)
        output.rename(place)
        shutil.rmtree(part)
        return files

    def _compile(self, lock: Lock, part: Path, output: Path, teller: _Teller) -> None:
        teller.tell("toolchain", lock.recipe.toolchain)
        go = self._toolchains.ensure(lock.recipe.toolchain)
        work = _module(part / "module", lock)
        env = self._variables(go)
        recipe = lock.recipe
        self._go(command.listing(go, recipe), env, work, teller, listing=True)
        if not self._used:
            scope.spawn(self._fetch_ahead, go, env)
        self._used = go
        self._go(command.compilation(go, recipe, str(output)), env, work, teller, listing=False)
        for file, package in recipe.programs.items():
            (output / output_name(package)).rename(output / file)

    def _go(
        self, argv: list[str], env: Mapping[str, str], work: Path, teller: _Teller, *, listing: bool
    ) -> None:
        """Run Go, its complaints and its progress on one stream."""
        joined = ["/bin/sh", "-c", 'exec "$@" 2>&1', "sh", *argv]
        on_line = teller.listed if listing else teller.compiled
        done = self._processes.run(joined, env=env, cwd=str(work), on_line=on_line)
        if done.code:
            raise ShipwayError(
                "engine.build",
                Kind.TRANSIENT if listing else Kind.MISSING,
                f"go {argv[1]} ended with {done.code}:\n{teller.meter.tail}",
                operation="making the engine",
                subject=teller.meter.engine,
                hint="run the same command again: it goes on where it stopped",
            )

    def _fetch_ahead(self, go: str, env: Mapping[str, str]) -> None:
        """Download the modules of later engines while the first compiles; failures show there."""
        while self._ahead:
            lock = self._ahead.pop(0)
            with tempfile.TemporaryDirectory(prefix=".ahead-", dir=self._cache) as folder:
                work = _module(Path(folder) / "module", lock)
                self._processes.run(command.listing(go, lock.recipe), env=env, cwd=str(work))

    def _variables(self, go: str) -> dict[str, str]:
        """Return a build's variables; where modules come from is the user's own setting."""
        done = self._processes.run(command.settings(go), env=command.inherited(self._environ))
        chosen = json.loads(done.out) if done.code == 0 else {}
        return command.variables(
            {**self._environ, **{name: value for name, value in chosen.items() if value}},
            platform=self._folder.platform,
            build_cache=str(self._cache / "go-build"),
            module_cache=str(self._cache / "engine-modules"),
        )

    def _room(self, seconds: float) -> None:
        """Refuse a making of ``seconds`` for which the disk is too full."""
        free = shutil.disk_usage(self._cache).free
        needed = ROOM[0] + int(ROOM[1] * seconds)
        if seconds and free < needed:
            raise ShipwayError(
                "engine.disk",
                Kind.MISSING,
                f"{free >> 20} MiB are free, making engines takes up to {needed >> 20} MiB",
                operation="making engines in",
                subject=str(self._cache),
                hint="free some space, or set XDG_CACHE_HOME to a folder on a larger disk",
            )

    def _trim(self) -> None:
        """Leave little behind: no modules, and of the build cache what applications use too."""
        for left in (self._cache / "engine-modules", *self._cache.glob(".ahead-*")):
            shutil.rmtree(left, ignore_errors=True)
        if not self._used:
            return
        env = self._variables(self._used) | {"GOFLAGS": ""}
        argv = [self._used, "list", "-export", "-trimpath", "-f", "{{.Export}}", "std"]
        done = self._processes.run(argv, env=env, cwd=str(self._cache))
        keep = done.out.decode().split() if done.code == 0 else []
        trim.to_limit(self._cache / "go-build", self._limit, keep)


class _Teller:
    """Turns Go's lines into events, at most ten a second."""

    def __init__(
        self, meter: Meter, on_progress: Callable[[Progress], None], gauge: trim.Gauge
    ) -> None:
        self.meter = meter
        self._on_progress = on_progress
        self._gauge = gauge
        self._begun = time.monotonic()
        self._told = 0.0

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begun

    def tell(self, phase: Phase, subject: str = "") -> None:
        self._told = self.seconds
        self._gauge.read()
        self._on_progress(self.meter.at(phase, self._told, subject))

    def tell_subject(self, subject: str) -> None:
        self.tell("fetch", subject)

    def listed(self, line: str) -> None:
        self._told_of("download", line, news=self.meter.listed(line))

    def compiled(self, line: str) -> None:
        self._told_of("compile", line, news=self.meter.compiled(line))

    def _told_of(self, phase: Phase, line: str, *, news: bool) -> None:
        if news and self.seconds - self._told > 0.1:  # noqa: PLR2004  ten a second
            self.tell(phase, line.removeprefix("go: downloading "))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold the file lock ``path``; another process that makes the same engine is waited for."""
    with path.open("w") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                scope.current().wait(0.2)
        yield


def _module(work: Path, lock: Lock) -> Path:
    """Write the lock's module files into the new folder ``work``; return it."""
    work.mkdir()
    (work / "go.mod").write_bytes(lock.mod)
    (work / "go.sum").write_bytes(lock.sums)
    return work


def _seal(output: Path, files: dict[str, Digest]) -> None:
    """Make the files durable and write the list of their sums."""
    (output / SUMS).write_text(locks.write_sums(files), "utf-8")
    for file in (*files, SUMS):
        path = output / file
        path.chmod(0o644 if file == SUMS else 0o755)
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _built(lock: Lock, place: Path, files: dict[str, Digest], seconds: float) -> Built:
    recipe = lock.recipe
    return Built(recipe.name, recipe.version, place.name, str(place), files, round(seconds, 3))


def decode(line: bytes) -> Progress | tuple[Built, ...]:
    """Return what a line of :mod:`shipway.adapters.engines.child` says.

    Raises:
        ShipwayError: what the child raised, or ``engine.build`` if the line says nothing.
    """
    kind, _, rest = line.partition(b" ")
    if kind == b"progress":
        return msgspec.json.decode(rest, type=Progress)
    if kind == b"built":
        return msgspec.json.decode(rest, type=tuple[Built, ...])
    raise ShipwayError("engine.build", Kind.INTERNAL, line.decode(errors="replace")[:200])
