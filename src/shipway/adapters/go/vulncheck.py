"""govulncheck, made from its lock and run as a build is: as the user, without a network.

Wiring makes one for the scan stage. The environment is that of a build, an allow-list; the database
is a folder by then. A program that is shipped has no symbol table, so its twin is built beside it:
from the same compiled packages, linked with one, and removed when it has been read.
"""

from __future__ import annotations

import contextlib
import mmap
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shipway.adapters.go import module
from shipway.adapters.go.settings import Settings
from shipway.core.golang import buildinfo, elf, failures, modfile, toolchain
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from shipway.core.ports.go import Target
    from shipway.core.ports.sandbox import Sandbox
    from shipway.core.ports.toolchains import Toolchains
    from shipway.core.ports.vulns import Database

_STRIPS = frozenset({"-s", "-w"})


class Govulncheck:
    """The :class:`~shipway.core.ports.vulns.Scanner` of this machine.

    ``program`` returns path and version of govulncheck, made on first use; ``ours`` is the
    toolchain for modules that ask for none newer; ``state`` a folder of the user's.
    """

    def __init__(
        self,
        program: Callable[[], tuple[str, str]],
        sandbox: Sandbox,
        toolchains: Toolchains,
        variables: Mapping[str, str],
        *,
        ours: str,
        state: str,
        cache: str = "",
    ) -> None:
        self._program = program
        self._sandbox = sandbox
        self._toolchains = toolchains
        self._settings = Settings(variables, cache)
        self._ours = ours
        self._home = str(Path(state, "home"))

    def name(self) -> str:
        """Return ``govulncheck VERSION``."""
        return f"govulncheck {self._program()[1]}"

    def modules(self, target: Target) -> tuple[str, ...]:
        """Return every module path in the files that choose modules; see the port."""
        place = module.locate(target.root, target.module_dir)
        found = {place.files[0].module}
        for lock in place.locks:
            path = Path(lock)
            if path.is_file():
                found |= modfile.named(path.read_text("utf-8", "replace"))
        return tuple(sorted(found - {""}))

    def source(self, target: Target, database: Database) -> bytes:
        """Scan the packages of a target; see the port."""
        place = module.locate(target.root, target.module_dir)
        go = self._go(target, place)
        env = self._environment(target, go)
        flags = f"-buildvcs=false -mod={place.mode}"
        env["GOFLAGS"] = f"{env['GOFLAGS']} {flags}" if env.get("GOFLAGS") else flags
        tags = (f"-tags={','.join(target.tags)}",) if target.tags else ()
        return self._scan((*tags, *target.packages), database, env, place.top)

    def twin(self, target: Target, ldflags: str, database: Database) -> bytes:
        """Build the twin of a program and scan it; see the port."""
        place = module.locate(target.root, target.module_dir)
        go = self._go(target, place)
        env = self._environment(target, go)
        kept = " ".join(word for word in ldflags.split(" ") if word not in _STRIPS)
        tags = (f"-tags={','.join(target.tags)}",) if target.tags else ()
        with tempfile.TemporaryDirectory(prefix="shipway-twin-") as folder:
            output = str(Path(folder, "twin"))
            flags = ("-trimpath", "-buildvcs=false", f"-mod={place.mode}", *tags)
            argv = (go, "build", "-o", output, *flags, f"-ldflags={kept}", *target.packages)
            done = self._sandbox.run(argv, env=env, cwd=place.top).completed
            if done.code:
                errors = done.err.decode("utf-8", "replace")
                subject = " ".join(target.packages)
                raise failures.explain(errors, operation="building the twin of", subject=subject)
            return self._scan(("-mode=binary", output), database, env, folder)

    def has_symbols(self, path: str) -> bool:
        """Return whether a program has a symbol table; see the port."""
        with _mapped(path) as data:
            return elf.has_symbols(data)

    def linked(self, path: str) -> tuple[str, ...]:
        """Return the modules of a program; see the port."""
        with _mapped(path) as data:
            info = buildinfo.parse(data)
        found = {
            real.path for one in (info.main, *info.modules) for real in (one, one.replace or one)
        }
        return tuple(sorted(found - {""}))

    def program(self, path: str, database: Database) -> bytes:
        """Scan a program; see the port."""
        home = Path(self._home)
        home.mkdir(parents=True, exist_ok=True)
        place = Path(path).resolve()
        env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        return self._scan(("-mode=binary", str(place)), database, env, str(home))

    def _go(self, target: Target, place: module.Place) -> str:
        version = toolchain.choose(self._ours, place.files, target.go)
        return str(Path(self._toolchains.ensure(version)).resolve())

    def _environment(self, target: Target, go: str) -> dict[str, str]:
        Path(self._home).mkdir(parents=True, exist_ok=True)
        return self._settings.offline(target, go, self._home)

    def _scan(
        self, argv: Sequence[str], database: Database, env: Mapping[str, str], cwd: str
    ) -> bytes:
        found = f"-db={Path(database.folder).as_uri()}"
        whole = (self._program()[0], "-format=json", found, *argv)
        done = self._sandbox.run(whole, env=env, cwd=cwd).completed
        if done.code:
            words = done.err.decode("utf-8", "replace").strip() or "it said nothing"
            raise _failed(words[-2000:], argv[-1])
        return done.out


@contextlib.contextmanager
def _mapped(path: str) -> Iterator[mmap.mmap]:
    try:
        with (
            Path(path).open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
        ):
            yield mapped
    except (OSError, ValueError) as error:
        raise _failed(str(error), path) from error


def _failed(words: str, subject: str) -> ShipwayError:
    return ShipwayError(
        "scan.failed",
        Kind.CONFIG,
        words,
        operation="scanning",
        subject=Path(subject).name or subject,
        hint="the words are govulncheck's; what does not build cannot be scanned",
    )
