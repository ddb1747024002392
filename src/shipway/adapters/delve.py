"""Delve from its lock, as the ``Debuggers`` port.

Wiring makes it with the engines of a platform and the store. Delve is built when the first image
for debugging asks for it, and never for anything else.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from shipway.core.oci.descriptor import OCTETS, Descriptor
from shipway.core.oci.image import Package
from shipway.core.ports.debuggers import Debugger
from shipway.core.supply import purl
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.engines.progress import Progress
    from shipway.core.oci.descriptor import Platform
    from shipway.core.ports.content import Content
    from shipway.core.ports.engines import Engines

ENGINE = "delve"
PROGRAM = "dlv"
MODULE = "github.com/go-delve/delve"
_PLATFORMS = ("linux/amd64", "linux/arm64")
"""Of those that Delve runs on (its Documentation/backend_test_health.md), what engines know."""
_CHUNK = 1 << 20


class LockedDelve:
    """The ``Debuggers`` of this machine; ``engines`` are those of a platform (``linux-amd64``)."""

    def __init__(
        self,
        engines: Callable[[str], Engines],
        content: Content,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._engines = engines
        self._content = content
        self._on_progress = on_progress

    def get(self, platform: Platform) -> Debugger:
        """Return Delve for ``platform``; see the port."""
        if str(platform) not in _PLATFORMS:
            raise ShipwayError(
                "debug.platform",
                Kind.CONFIG,
                f"a debug build is for one of {', '.join(_PLATFORMS)}",
                operation="looking for Delve for",
                subject=str(platform),
                hint="name one of them under `.build platforms`, or leave --debug out",
            )
        named = f"{platform.os}-{platform.architecture}"
        (built,) = self._engines(named).ensure((ENGINE,), on_progress=self._on_progress)
        digest = built.files[PROGRAM]
        expected = Descriptor(OCTETS, digest, -1)
        program = self._content.gather(_read(Path(built.directory, PROGRAM)), expected)
        package = Package(MODULE, built.version, purl.golang(MODULE, built.version), digest)
        return Debugger(program, package)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk
