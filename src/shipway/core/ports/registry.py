"""An OCI registry, by repository (``HOST[:PORT]/NAME``).

Stages ask for these Protocols; ``adapters.registry`` speaks the distribution-spec v1.1.1,
``fakes.registry`` keeps everything in memory. All raise ``ShipwayError`` with these ids:
``registry.unauthorized``, ``.denied``, ``.not_found``, ``.too_large``, ``.throttled``,
``.server``, ``.unreachable``, ``.cut``, ``.wrong_digest``, ``.upload_expired``, ``.refused``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.content import Content


class Blobs(Protocol):
    """Bytes by digest within a repository."""

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Return whether the repository holds the blob."""
        ...

    def push_blob(
        self, repository: str, descriptor: Descriptor, content: Content, *, mount: str = ""
    ) -> int:
        """Make the repository hold a blob of ``content``; return the bytes that were sent.

        A known blob is not sent; ``mount`` names a repository of the same registry (``NAME``)
        that may hold it already.
        """
        ...

    def pull_blob(self, repository: str, descriptor: Descriptor) -> bytes:
        """Return a blob's bytes, proved by its digest, never more than its size."""
        ...

    def fetch_blob(self, repository: str, descriptor: Descriptor, content: Content) -> None:
        """Stream a blob into ``content``, proved by its digest; known ones are not asked for."""
        ...


class Manifests(Protocol):
    """Manifests by digest or tag."""

    def push_manifest(
        self, repository: str, data: bytes, media_type: str, tag: str = ""
    ) -> Descriptor:
        """Put a manifest by its digest, or under ``tag``; return its descriptor.

        One with a ``subject`` is listed by :meth:`Referrers.referrers` only after
        :meth:`Referrers.attach`.
        """
        ...

    def pull_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        """Return a manifest by digest (proved) or tag, at most 4 MiB."""
        ...

    def resolve(self, repository: str, reference: str) -> Descriptor | None:
        """Return the descriptor of what a tag or digest stands for; none where there is none."""
        ...

    def tags(self, repository: str, *, after: str = "", prefix: str = "") -> tuple[str, ...]:
        """Return the repository's tags, sorted; none where there is no such repository.

        Only those that come after ``after`` in the order of bytes, and begin with ``prefix``: a
        registry is asked for no more than these, as far as it understands to be.
        """
        ...

    def delete(self, repository: str, reference: str) -> None:
        """Remove a manifest by digest, or a tag where the registry can."""
        ...


class Referrers(Protocol):
    """What refers to a manifest: the referrers API, else the tag ``sha256-HEX``."""

    def referrers(self, repository: str, subject: Digest) -> tuple[Descriptor, ...]:
        """Return the descriptors of all that refers to ``subject``, bounded in number.

        Their ``artifact_type`` is a hint of the registry's or of who wrote the fallback index:
        decide by the manifest's own layers.
        """
        ...

    def attach(self, repository: str, subject: Digest, manifests: Sequence[Descriptor]) -> None:
        """Have these pushed manifests listed as referrers of ``subject``: at most one write."""
        ...


class Catalog(Protocol):
    """What a registry holds; a shared one may refuse to tell (distribution-spec leaves it out)."""

    def repositories(self, domain: str) -> tuple[str, ...]:
        """Return the repositories of the registry at ``domain`` in full, sorted."""
        ...


class Registry(Blobs, Manifests, Referrers, Catalog, Protocol):
    """All of a registry."""
