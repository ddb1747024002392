"""Go: reading a module's sources, downloading, building and testing it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.core.golang.binary import Decided  # noqa: TC001  msgspec reads types
from shipway.core.golang.buildinfo import BuildInfo  # noqa: TC001  msgspec reads types
from shipway.core.golang.elf import Linkage
from shipway.core.golang.inputs import Inputs  # noqa: TC001  msgspec reads types
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from shipway.core.golang.discovery import Survey


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What go is asked to build or to test, and for what."""

    root: str
    """Absolute path of the repository."""
    module_dir: str = "."
    """Folder with go.mod, relative to ``root``."""
    packages: tuple[str, ...]
    """As the go command takes them, relative to the module: ``./cmd/web``, ``./...``."""
    platform: Platform
    tags: tuple[str, ...] = ()
    cgo: bool = False
    debug: bool = False
    """Whether a debugger is to follow it: nothing is optimized or inlined."""
    go: str = ""
    """The exact toolchain that shipway.lock names; empty where go.mod decides."""


class Sources(msgspec.Struct, frozen=True):
    """Go sources of one module, test files left out."""

    module: str
    """Its path."""
    packages: dict[str, dict[str, str]]
    """Folder relative to the module (``.``, ``cmd/web``) to file name to text."""


class Built(msgspec.Struct, frozen=True, kw_only=True):
    """A fresh executable and all that went into it."""

    path: str
    """A temporary file that its receiver may move away, and discards then."""
    info: BuildInfo
    flags: tuple[str, ...]
    environment: dict[str, str]
    network: str
    inputs: Inputs
    linkage: Linkage = Linkage()
    """What the executable needs of others."""
    toolchain: Digest | None = None
    """Of the go command, the compiler and the linker that were used."""


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What a run of ``go test`` left."""

    code: int
    events: tuple[str, ...]
    """Its JSON events (``go doc test2json``), a line each."""
    profile: bytes
    """The coverage profile; empty where nothing was measured."""
    errors: str
    """What it wrote to standard error."""
    locks: tuple[Decided, ...]
    """go.mod, go.sum and their like, by digest; titled with their paths in the repository."""
    network: str


class Go(Protocol):
    """The go command, of exactly the version that a module or its lock asks for."""

    def read(self, root: str, module_dir: str, named: Collection[str] = ()) -> Sources:
        """Return the sources of a module.

        ``named`` limits it to folders with these relative paths or last elements; empty means all.

        Raises:
            ShipwayError: ``build.no-module``.
        """
        ...

    def survey(self, root: str, module_dir: str) -> Survey:
        """Return the programs of a module, and what its sources say of them.

        Raises:
            ShipwayError: ``build.no-module``.
        """
        ...

    def download(self, target: Target) -> bool:
        """Fetch toolchain and modules, the network open; return whether anything was asked for.

        Raises:
            ShipwayError: ``build.download`` and what the toolchain's choice raises.
        """
        ...

    def build(self, target: Target, ldflags: str) -> Built:
        """Build one main package without a network.

        Raises:
            ShipwayError: one of ``build.*``, told from what go wrote.
        """
        ...

    def discard(self, built: Built) -> None:
        """Remove what is left of a build once its receiver has taken the executable."""
        ...

    def key(
        self, target: Target, *, tests: bool = False, race: bool = False, still: bool = False
    ) -> Digest | None:
        """Return the key of all that the last build (or test) read, as it is now.

        Tests that ``race`` watches read other files than tests without it. None where none is
        recorded (as after tests in mid-run of which something was written), or where it could only
        be told by asking go; with ``still`` also where anything is not as it was read.
        """
        ...

    def folders(self, target: Target) -> tuple[str, ...]:
        """Return the absolute folders of all that the last build read; none is recorded: none."""
        ...

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
        """Test packages, with coverage; ``across`` counts what tests cover in other packages.

        ``race`` watches for data races, and the target has cgo then; after ``seconds`` the tests
        of a package are ended; ``gently`` gives everything else on this machine the processor
        first.

        Raises:
            ShipwayError: ``build.*`` where go could not even begin.
        """
        ...
