"""The debugger that goes into images for debugging."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.image import Package  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from shipway.core.oci.descriptor import Platform


class Debugger(msgspec.Struct, frozen=True):
    """A static program for one platform, in the store, and what it is."""

    program: Descriptor
    package: Package


class Debuggers(Protocol):
    """Debuggers by platform."""

    def get(self, platform: Platform) -> Debugger:
        """Return Delve for ``platform``, its bytes in the store; made from its lock if need be.

        Raises:
            ShipwayError: ``debug.platform`` (config) for one that it does not run on, and what
                making an engine raises.
        """
        ...
