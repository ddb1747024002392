"""Where evidence lies: answers to a walk's wants, and the links that this machine keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.core.evidence.link import Link
    from shipway.core.evidence.walk import Want
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest


class Source(Protocol):
    """Anything that can answer what a walk wants: a registry, the local store, an export."""

    def answer(self, want: Want) -> bytes | None:
        """Return the bytes, or none if there is no such thing here.

        Bytes of another digest are returned as they are: the walk says "altered link" of them.
        """
        ...


class Links(Protocol):
    """The links kept on this machine, by what they are about."""

    def keep(self, links: Sequence[Link]) -> None:
        """Remember links whose manifests and bundles are in the store; twice is free."""
        ...

    def about(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Return the manifests of all kept links about ``subject``, in a stable order."""
        ...
