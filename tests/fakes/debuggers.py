"""A debugger in memory: a few bytes for each platform that Delve runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci.descriptor import OCTETS
from shipway.core.oci.image import Package
from shipway.core.ports.debuggers import Debugger
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.oci.descriptor import Platform
    from shipway.core.ports.content import Content


class MemoryDebuggers:
    """The ``Debuggers`` port; ``asked`` says for which platforms it was called."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self.asked: list[str] = []

    def get(self, platform: Platform) -> Debugger:
        """Return it."""
        self.asked.append(str(platform))
        if str(platform) not in {"linux/amd64", "linux/arm64"}:
            raise ShipwayError("debug.platform", Kind.CONFIG, "no Delve", subject=str(platform))
        program = self._content.put(f"dlv for {platform}".encode(), OCTETS)
        package = Package("delve.test/dlv", "v1.0.0", "pkg:golang/delve.test/dlv", program.digest)
        return Debugger(program, package)
