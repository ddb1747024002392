"""Files of anybody, looked into for what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.supply.programs import Program


class Looking(Protocol):
    """Reads what lies on this machine; runs and writes nothing."""

    def shape(self, path: str) -> str:
        """Return ``file`` or ``folder``, links followed; empty where nothing is."""
        ...

    def program(self, path: str) -> Program:
        """Return a Go program under its file name.

        Raises:
            ShipwayError: ``buildinfo.unreadable`` (integrity) where it is none, ``files.refused``
                (missing) where the operating system says no.
        """
        ...

    def index(self, folder: str) -> bytes:
        """Return the index of the image layout in ``folder``, of at most 4 MiB.

        Raises:
            ShipwayError: ``files.refused`` (missing) where there is none.
        """
        ...

    def blob(self, folder: str, descriptor: Descriptor) -> Iterator[bytes]:
        """Yield a blob of the image layout in ``folder`` in pieces, proving its digest at the end.

        Raises:
            ShipwayError: ``files.refused`` (missing) where it is not there, ``content.altered``
                (integrity) where it is not itself.
        """
        ...

    def write(self, path: str, data: bytes) -> None:
        """Write a file in place of what was there; a reader sees the old one or the new one.

        Raises:
            ShipwayError: ``files.refused`` (missing) where the operating system says no.
        """
        ...
