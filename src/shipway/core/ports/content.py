"""Content-addressed bytes on this machine: the local store, an OCI image layout.

Stages and roads ask for these Protocols; ``adapters.content`` is the store on disk and
``fakes.content`` the one in memory. Nothing here says where or how bytes lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest
    from shipway.core.oci.layer import Encoded


class Content(Protocol):
    """Blobs by digest; what is read is proved by its digest."""

    def put(self, data: bytes, media_type: str) -> Descriptor:
        """Store ``data`` durably and return its descriptor; storing twice is free."""
        ...

    def adopt(self, path: str, media_type: str) -> Descriptor:
        """Store the file at ``path`` (it may be moved away) and return its descriptor."""
        ...

    def compose(self, parts: Sequence[bytes | Digest], media_type: str) -> Descriptor:
        """Store the concatenation of literal bytes and whole blobs (given by digest).

        Raises:
            ShipwayError: ``content.missing``, or ``content.altered`` where a blob is not itself.
        """
        ...

    def gather(self, chunks: Iterable[bytes], expected: Descriptor) -> Descriptor:
        """Store what arrives in pieces if it is exactly ``expected``; keep nothing otherwise.

        A size of -1 means that only the digest is known. Returns the full descriptor.

        Raises:
            ShipwayError: ``content.altered`` on another digest or size, as soon as that is known.
        """
        ...

    def has(self, digest: Digest) -> bool:
        """Return whether the blob is here."""
        ...

    def read(self, digest: Digest) -> bytes:
        """Return a blob's bytes.

        Raises:
            ShipwayError: ``content.missing`` (not found) or ``content.altered`` (integrity).
        """
        ...

    def chunks(self, digest: Digest, size: int = 1 << 20) -> Iterator[bytes]:
        """Yield a blob in pieces of at most ``size`` bytes, proving its digest at the end."""
        ...

    def path(self, digest: Digest) -> str:
        """Return a path where the blob can be read (mapped or run), read-only, once proved."""
        ...


class Encodings(Protocol):
    """Layers as they travel: compressed once, remembered."""

    def encode(self, diff_id: Digest, compression: str) -> Encoded:
        """Return the layer under ``diff_id`` as ``none``, ``fast`` or ``small`` has it.

        Its bytes are in the store; a layer that was encoded before is not encoded again.

        Raises:
            ShipwayError: ``compression.unknown`` (usage), ``content.missing``.
        """
        ...


class LayerStore(Content, Encodings, Protocol):
    """What ``publish`` needs of the store: bytes, and layers encoded for one destination."""


class Pins(Protocol):
    """Names for what must be kept: the store's ``index.json`` (image-spec, image-layout.md)."""

    def pin(self, name: str, descriptor: Descriptor) -> None:
        """Name ``descriptor``, in place of what had that name; what it names is durable first."""
        ...

    def unpin(self, name: str) -> None:
        """Forget ``name``; no harm where there is none."""
        ...

    def pins(self) -> Mapping[str, Descriptor]:
        """Return all names and what they stand for."""
        ...

    def pinned(self, name: str) -> Descriptor | None:
        """Return what ``name`` stands for."""
        ...
