"""The go command of exactly the right version, kept away from the network where code may run.

Wiring makes one for the build and test stages. A download is a step of its own and runs nothing
of the repository; builds and tests run in the sandbox with GOPROXY=off. It never writes into the
module's folder and never asks git (``-buildvcs=false``): what a repository configures runs nothing.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shipway import scope
from shipway.adapters.go import module, record
from shipway.adapters.go.ahead import Ahead, Asked, Attempt, Failure
from shipway.adapters.go.settings import Settings
from shipway.core.golang import (
    buildinfo,
    delve,
    discovery,
    elf,
    failures,
    inputs,
    listing,
    toolchain,
)
from shipway.core.golang.binary import Decided
from shipway.core.golang.elf import Linkage
from shipway.core.ports.go import Built, Sources, Tested
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from contextlib import AbstractContextManager

    from shipway.adapters.go.module import Place
    from shipway.core.golang.buildinfo import BuildInfo
    from shipway.core.golang.discovery import Survey
    from shipway.core.golang.inputs import Inputs
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.go import Target
    from shipway.core.ports.process import Completed, Processes
    from shipway.core.ports.sandbox import Sandbox
    from shipway.core.ports.toolchains import Toolchains

TRIES = 3
"""Builds that are begun before files that keep changing are an error."""

STALE = 86_400
"""Seconds after which an executable that nobody took is removed."""

_HOPELESS = (
    "build.private",
    "build.checksum",
    "build.go-too-old",
    "build.go-sum",
    "build.no-space",
)
"""Failures of a download that no repeat mends."""
_COMPILER = "build.compile"
"""What only another source mends."""
_TOOLS = ("compile", "link", "asm")


class _Job(NamedTuple):
    """A target with its toolchain."""

    target: Target
    place: Place
    go: str
    unit: str
    """Names what is built with what; inputs are recorded under it."""
    race: bool = False


class GoTool:
    """The :class:`~shipway.core.ports.go.Go` of this machine.

    ``ours`` is the toolchain for modules that ask for none newer (``go1.27.3``); ``state`` is a
    folder of the user's for records; ``scratch`` one for fresh executables, best on the file
    system of the content store.
    """

    def __init__(
        self,
        processes: Processes,
        sandbox: Sandbox,
        toolchains: Toolchains,
        variables: Mapping[str, str],
        *,
        ours: str,
        state: str,
        scratch: str,
        cache: str = "",
    ) -> None:
        self._processes = processes
        self._sandbox = sandbox
        self._toolchains = toolchains
        self._settings = Settings(variables, cache)
        self._ours = ours
        self._records = record.Records(state)
        self._ahead = Ahead()
        self._scratch = scratch
        self._home = str(Path(state, "home"))

    def read(self, root: str, module_dir: str, named: Collection[str] = ()) -> Sources:
        """Return the sources of a module; see the port."""
        return module.read(module.locate(root, module_dir), named)

    def survey(self, root: str, module_dir: str) -> Survey:
        """Return the programs of a module, as remembered while no source has changed; see the port.

        Each source costs a stamp then, and no reading.
        """
        place = module.locate(root, module_dir)
        began = time.time_ns()
        stamps = module.stamps(place.top)
        known = self._records.surveyed(place.top, stamps)
        if known is None:
            found = module.read(place, ())
            known = discovery.survey(found.module, found.packages)
            self._records.survey(place.top, stamps, known, began)
        return msgspec.structs.replace(known, module=place.files[0].module)

    def download(self, target: Target) -> bool:
        """Fetch toolchain and modules, the network open; see the port."""
        return self._download(self._job(target))

    def build(self, target: Target, ldflags: str) -> Built:
        """Build one main package without a network; see the port."""
        job = self._job(target)
        asked = Asked(target, ldflags)
        for attempt in range(TRIES):
            try:
                made = self._foreseen(asked) or self._attempt(job, ldflags)
            except ShipwayError as error:
                if attempt or not failures.is_download_missing(error.message):
                    raise
                self._download(job, again=True)
                continue
            if _is_steady(made.read, made.began):
                self._records.save(target.root, made.read)
                self._records.remember(target.root, asked)
                info, linkage = _facts(made.output)
                return Built(
                    path=made.output,
                    info=info,
                    linkage=linkage,
                    flags=_build_flags(job, ldflags),
                    environment=self._settings.recorded(target),
                    network=made.network,
                    inputs=made.read,
                    toolchain=self._identity(job.go),
                )
            Path(made.output).unlink()
        raise _moving(target)

    def ahead(self, directory: str) -> AbstractContextManager[None]:
        """Begin the last build at or above ``directory`` again, if what it read has changed.

        It runs beside the block, confined as any build is; :meth:`build` takes what came of it,
        or does without. A build that never happened here before is not begun.
        """
        asked = self._records.remembered(directory)
        if asked is None:
            return contextlib.nullcontext()
        return self._ahead.during(asked, self._foresee)

    def _foreseen(self, asked: Asked) -> Attempt | None:
        """Return what was built ahead; a failure counts only while nothing has changed since."""
        made = self._ahead.take(asked)
        if not isinstance(made, Failure):
            return made
        if _is_same(made.read, record.now(made.read)):
            raise made.error
        return None

    def _foresee(self, asked: Asked) -> Attempt | Failure | None:
        """Attempt it, unless nothing has changed; only what a compiler says is worth keeping."""
        found = self._changed(asked.target)
        if found is None:
            return None
        job, seen = found
        try:
            return self._attempt(job, asked.ldflags)
        except ShipwayError as error:
            return Failure(error, seen) if error.id == _COMPILER else None

    def _changed(self, target: Target) -> tuple[_Job, Inputs] | None:
        """Return the job of a target, and what it would read, if that is not what it read last."""
        with contextlib.suppress(ShipwayError):  # who asks for the build is told
            job = self._job(target)
            before = self._records.load(target.root, job.unit)
            if before is not None and not _is_same(before, seen := record.now(before)):
                return job, seen
        return None

    def discard(self, built: Built) -> None:
        """Remove the executable where its receiver had the same bytes already; see the port."""
        Path(built.path).unlink(missing_ok=True)

    def key(
        self, target: Target, *, tests: bool = False, race: bool = False, still: bool = False
    ) -> Digest | None:
        """Return the key of all that the last build or test read, as it is now; see the port."""
        place = module.locate(target.root, target.module_dir)
        version = toolchain.choose(self._ours, place.files, target.go)
        unit = self._unit(target, place, version, tests=tests, race=race)
        before = self._records.load(target.root, unit)
        current = record.now(before) if before else None
        if before is None or current is None or not _is_listed(before, current):
            return None
        if current.files != before.files:
            if still and not inputs.is_same_content(before, current):
                return None
            self._records.save(target.root, current)
        return inputs.key(current.unit, current.files, current.folders, target.root)

    def folders(self, target: Target) -> tuple[str, ...]:
        """Return the folders of all that the last build read; see the port."""
        place = module.locate(target.root, target.module_dir)
        version = toolchain.choose(self._ours, place.files, target.go)
        found = self._records.load(target.root, self._unit(target, place, version, tests=False))
        if found is None:
            return ()
        files = {str(Path(file.path).parent) for file in found.files if file.digest != inputs.GONE}
        return tuple(sorted(files | {folder.path for folder in found.folders}))

    def test(
        self,
        target: Target,
        *,
        across: bool,
        network: bool,
        race: bool = False,
        seconds: int = 600,
        gently: bool = False,
        on_line: Callable[[str], None] | None = None,
    ) -> Tested:
        """Test packages, with coverage; see the port."""
        job = self._job(target, tests=True, race=race)
        events: list[str] = []
        began = time.time_ns()

        def heard(line: str) -> None:
            events.append(line)
            if on_line is not None:
                on_line(line)

        shutil.rmtree(self._home, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix="shipway-test-") as folder, scope.open():
            profile = Path(folder, "profile")
            named = scope.spawn(self._inputs, job)
            how = f"-timeout={seconds}s"
            cover = ("-cover", f"-coverprofile={profile}", *(("-coverpkg=./...",) * across))
            ran = self._sandbox.run(
                (job.go, "test", "-json", how, *cover, *_flags(job), *target.packages),
                env=self._offline(job),
                cwd=job.place.top,
                network=network,
                gently=gently,
                on_line=heard,
            )
            with contextlib.suppress(ShipwayError):  # what cannot be listed is not remembered
                self._remember(target.root, named.join(), began)
            measured = profile.read_bytes() if profile.exists() else b""
        errors = ran.completed.err.decode("utf-8", "replace")
        if ran.completed.code and not events:
            raise failures.explain(errors, operation="testing", subject=target.module_dir)
        return Tested(
            code=ran.completed.code,
            events=tuple(events),
            profile=measured,
            errors=errors,
            locks=_locks(job),
            network=ran.network,
        )

    def _remember(self, root: str, read: Inputs, began: int) -> None:
        """Keep what tests read; where it changed meanwhile, nobody can say what they read."""
        if _is_steady(read, began):
            self._records.save(root, read)
        else:
            self._records.drop(root, read.unit)

    def _job(self, target: Target, *, tests: bool = False, race: bool = False) -> _Job:
        place = module.locate(target.root, target.module_dir)
        version = toolchain.choose(self._ours, place.files, target.go)
        go = str(Path(self._toolchains.ensure(version)).resolve())
        unit = self._unit(target, place, version, tests=tests, race=race)
        return _Job(target, place, go, unit, race)

    def _unit(
        self, target: Target, place: Place, version: str, *, tests: bool, race: bool = False
    ) -> str:
        environment = self._settings.recorded(target)
        return "\n".join([
            "test" if tests else "build", *(["race"] * race), version, target.module_dir,
            " ".join(target.packages),
            ",".join(target.tags), place.mode, *(["debug"] * target.debug),
            *(f"{k}={v}" for k, v in environment.items()),
        ])  # fmt: skip

    def _offline(self, job: _Job) -> dict[str, str]:
        Path(self._home).mkdir(parents=True, exist_ok=True)
        return self._settings.offline(job.target, job.go, self._home)

    def _download(self, job: _Job, *, again: bool = False) -> bool:
        locks = [record.look(path).digest for path in job.place.locks]
        mark = "\n".join(["download", self._settings.modules, job.unit, job.place.top, *locks])
        if job.place.mode == "vendor" or (self._records.marked(mark) and not again):
            return False
        env = self._settings.online(job.target, job.go)
        done = self._processes.run((job.go, "mod", "download"), env=env, cwd=job.place.top)
        if done.code:
            raise _undownloaded(done, job.target.module_dir)
        self._records.mark(mark)
        return True

    def _attempt(self, job: _Job, ldflags: str) -> Attempt:
        """Build, and find out beside it what go reads."""
        began = time.time_ns()
        with scope.open():
            asked = scope.spawn(self._inputs, job)
            output, network = self._compile(job, _build_flags(job, ldflags))
            try:
                return Attempt(began, output, network, asked.join())
            except ShipwayError:
                Path(output).unlink()
                raise

    def _compile(self, job: _Job, flags: tuple[str, ...]) -> tuple[str, str]:
        """Return the path of a fresh executable, and the network it was built with."""
        Path(self._scratch).mkdir(parents=True, exist_ok=True)
        for left in Path(self._scratch).glob("go-*"):  # by runs that were killed
            if left.stat().st_mtime < time.time() - STALE:
                left.unlink(missing_ok=True)
        handle, output = tempfile.mkstemp(prefix="go-", dir=self._scratch)
        os.close(handle)
        argv = (job.go, "build", "-o", output, *flags, *job.target.packages)
        try:
            ran = self._sandbox.run(argv, env=self._offline(job), cwd=job.place.top)
        except ShipwayError:
            Path(output).unlink()
            raise
        errors = ran.completed.err.decode("utf-8", "replace")
        if ran.completed.code:
            Path(output).unlink()
            subject = " ".join(job.target.packages)
            needs = not job.target.cgo and module.uses_c(failures.excluded(errors))
            raise failures.explain(errors, operation="building", subject=subject, needs_c=needs)
        return output, ran.network

    def _inputs(self, job: _Job) -> Inputs:
        """Return what go reads for a job: as recorded where that still holds, else by asking."""
        before = self._records.load(job.target.root, job.unit)
        known = before is not None and before.needs is not None
        if before and known and _is_listed(before, current := record.now(before)):
            return current
        tests = ("-test",) * job.unit.startswith("test")
        fields = ",".join(listing.FIELDS)
        done = self._processes.run(
            (
                job.go,
                "list",
                "-deps",
                *tests,
                f"-json={fields}",
                *_flags(job),
                *job.target.packages,
            ),
            env=self._offline(job),
            cwd=job.place.top,
        )
        if done.code:
            errors = done.err.decode("utf-8", "replace")
            raise failures.explain(errors, operation="listing", subject=job.target.module_dir)
        elsewhere = (str(Path(job.go).parents[1]), self._settings.modules, self._settings.cache)
        named = listing.ours(listing.parse(done.out), elsewhere, job.place.top)
        found = record.first(job.unit, named, job.place.locks, tests=bool(tests))
        return found if tests else record.licensed(found, before)

    def _identity(self, go: str) -> Digest:
        """Return the digest of a toolchain: version file, go, compiler, linker and assembler."""
        root = str(Path(go).parents[1])
        unit = f"toolchain {root}"
        before = self._records.load(root, unit)
        if before is None:
            folders = Path(root, "pkg", "tool").glob("*")
            tools = [str(folder / name) for folder in folders for name in _TOOLS]
            before = record.first(unit, listing.NOTHING, (f"{root}/VERSION", go, *tools))
        current = record.now(before)
        self._records.save(root, current)
        return inputs.key("toolchain", current.files, (), root)


def _flags(job: _Job) -> tuple[str, ...]:
    tags = (f"-tags={','.join(job.target.tags)}",) if job.target.tags else ()
    race = ("-race",) * job.race
    return ("-buildvcs=false", f"-mod={job.place.mode}", *race, *tags)


def _build_flags(job: _Job, ldflags: str) -> tuple[str, ...]:
    debug = (delve.COMPILER,) * job.target.debug
    return ("-trimpath", *_flags(job), *debug, f"-ldflags={ldflags}")


def _is_same(one: Inputs, other: Inputs) -> bool:
    return (one.files, one.folders) == (other.files, other.folders)


def _locks(job: _Job) -> tuple[Decided, ...]:
    """Return the files that choose modules, by digest."""
    found = [record.look(path) for path in job.place.locks]
    return tuple(
        Decided(os.path.relpath(file.path, job.target.root), file.digest)
        for file in found
        if file.digest != inputs.GONE
    )


def _is_listed(before: Inputs, current: Inputs) -> bool:
    names = {folder.path: folder.names for folder in current.folders}
    return inputs.is_same_shape(before, current.files, names)


def _is_steady(read: Inputs, began: int) -> bool:
    """Return whether nothing was written since the build began, nor while it was looked at."""
    after = record.now(read)
    newest = max((max(file.stamp[1:3]) for file in after.files), default=0)
    return _is_same(after, read) and newest < began


def _facts(path: str) -> tuple[BuildInfo, Linkage]:
    """Return what an executable says of itself."""
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            return buildinfo.parse(b""), Linkage()
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            return buildinfo.parse(mapped), elf.parse(mapped)


def _moving(target: Target) -> ShipwayError:
    return ShipwayError(
        "build.moving",
        Kind.CONFLICT,
        "its files keep changing while they are built",
        operation="building",
        subject=" ".join(target.packages),
        hint="run it again once the editor or generator is done",
    )


def _undownloaded(done: Completed, subject: str) -> ShipwayError:
    errors = done.err.decode("utf-8", "replace")
    known = failures.explain(errors, operation="downloading modules of", subject=subject)
    if known.id in _HOPELESS:
        return known
    return ShipwayError(
        "build.download",
        Kind.TRANSIENT,
        known.message,
        operation="downloading modules of",
        subject=subject,
        hint="is GOPROXY reachable? `go env GOPROXY GOPRIVATE` shows what was used",
    )
