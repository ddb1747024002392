"""A compiled Go program and what made it."""

from __future__ import annotations

import msgspec

from shipway.core.golang.elf import Linkage
from shipway.core.oci.descriptor import Descriptor, Platform  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types


class Module(msgspec.Struct, frozen=True, omit_defaults=True):
    """One module of a build list; ``sum`` is its ``h1:`` dirhash, empty for local ones."""

    path: str
    version: str = ""
    sum: str = ""
    replace: Module | None = None


class OutsideInput(msgspec.Struct, frozen=True):
    """A file the build read that the commit does not name: ignored, generated or outside.

    ``path`` is relative to the repository (``../x`` for outside ones), percent-encoded.
    """

    path: str
    digest: Digest


class Binary(msgspec.Struct, frozen=True, kw_only=True):
    """One executable for one platform."""

    content: Descriptor
    platform: Platform
    package: str
    """Import path of the main package."""
    module: str
    """Path of the main module."""
    go_version: str
    """As in ``go1.27.3``."""
    flags: tuple[str, ...]
    """Arguments of ``go build`` between the verb and the package, without local paths."""
    environment: dict[str, str]
    """The GO* and CGO* variables that were set; an allow-list."""
    modules: tuple[Module, ...]
    toolchain: Digest | None = None
    inputs: tuple[OutsideInput, ...] = ()
    metadata: dict[str, str] = msgspec.field(default_factory=dict)
    """What ``-X`` put into the metadata package, by variable name."""
    network: str = "none"
    """``none`` where the build had only a loopback of its own, else ``open``."""
    needs: dict[str, tuple[str, ...]] | None = None
    """By path of a module, those whose packages it imports; none where nobody knows."""
    licences: dict[str, str] = {}
    """By path of a module, its licence where the text in the module cache leaves no doubt."""
    linkage: Linkage = Linkage()
    """What it needs of a base; all empty for a static program."""


class Decided(msgspec.Struct, frozen=True):
    """A file or policy that decided a result, by digest; its bytes need not be in the store."""

    name: str
    digest: Digest


class TestReport(msgspec.Struct, frozen=True, kw_only=True):
    """What ``go test`` said, and the coverage gate's verdict."""

    result: str
    """``PASSED``, ``WARNED`` (coverage under the gate where it does not block) or ``FAILED``."""
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    """Test names as ``import/path.TestName``."""
    coverage: float | None = None
    """Statement coverage in percent, duplicates merged; none where nothing was measured."""
    gate: float = 80.0
    statements: int = 0
    covered: int = 0
    configuration: tuple[Decided, ...] = ()
    """go.mod, go.sum and the coverage policy."""
    profile: Descriptor | None = None
    """The merged coverage profile in the store."""
    network: str = "none"
    why: str = ""
    """Why it did not pass: ``failed``, ``hung``, ``race``, ``none`` (no tests) or ``coverage``."""

    @property
    def refused(self) -> bool:
        """Return whether it stops whatever it blocks."""
        return self.result == "FAILED"
