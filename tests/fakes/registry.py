"""A registry in memory: the port's promises, without HTTP; with and without a referrers API."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci import digest as digests
from shipway.core.oci import referrers as fallback
from shipway.core.oci.descriptor import INDEX, Descriptor, describe
from shipway.core.oci.reference import parse_repository
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.core.oci.digest import Digest
    from shipway.core.ports.content import Content


class MemoryRegistry:
    """Repositories in dictionaries that a test may look into and alter.

    Attributes:
        blobs: Bytes by (repository, digest).
        manifests: Media type and bytes by (repository, digest).
        tagged: Digest by (repository, tag), the fallback tags of referrers too.
        writes: Every write in order, as ``("blob" | "manifest" | "tag", repository, what)``.
        api: Whether it lists referrers by itself.
    """

    def __init__(self, *, api: bool = False) -> None:
        self.api = api
        self.blobs: dict[tuple[str, Digest], bytes] = {}
        self.manifests: dict[tuple[str, Digest], tuple[str, bytes]] = {}
        self.refusal: ShipwayError | None = None
        """What whoever lists tags is told."""
        self.tagged: dict[tuple[str, str], Digest] = {}
        self.writes: list[tuple[str, str, str]] = []

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Return whether the repository holds it."""
        return (repository, digest) in self.blobs

    def push_blob(
        self, repository: str, descriptor: Descriptor, content: Content, *, mount: str = ""
    ) -> int:
        """Keep a blob; a known one is not sent."""
        host = repository.partition("/")[0]
        known = self.blobs.get((f"{host}/{mount}", descriptor.digest)) if mount else None
        if self.has_blob(repository, descriptor.digest):
            return 0
        data = content.read(descriptor.digest) if known is None else known
        self.writes.append(("blob", repository, descriptor.digest))
        self.blobs[repository, descriptor.digest] = data
        return len(data) if known is None else 0

    def pull_blob(self, repository: str, descriptor: Descriptor) -> bytes:
        """Return a blob, proved."""
        data = self.blobs.get((repository, descriptor.digest))
        if data is None:
            raise _missing(f"{repository}@{descriptor.digest}")
        if digests.of(data) != descriptor.digest:
            raise _wrong(f"{repository}@{descriptor.digest}")
        return data

    def fetch_blob(self, repository: str, descriptor: Descriptor, content: Content) -> None:
        """Copy a blob into the store."""
        if not content.has(descriptor.digest):
            content.put(self.pull_blob(repository, descriptor), descriptor.media_type)

    def push_manifest(
        self, repository: str, data: bytes, media_type: str, tag: str = ""
    ) -> Descriptor:
        """Keep a manifest, and move a tag."""
        descriptor = describe(data, media_type)
        self.manifests[repository, descriptor.digest] = (media_type, data)
        self.writes.append(("manifest", repository, descriptor.digest))
        if tag:
            self.tagged[repository, tag] = descriptor.digest
            self.writes.append(("tag", repository, tag))
        return descriptor

    def pull_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        """Return a manifest, proved."""
        digest = self._find(repository, reference)
        if digest is None:
            raise _missing(f"{repository}:{reference}")
        media_type, data = self.manifests[repository, digest]
        if digests.of(data) != digest:
            raise _wrong(f"{repository}@{digest}")
        return describe(data, media_type), data

    def resolve(self, repository: str, reference: str) -> Descriptor | None:
        """Return what a tag or digest stands for."""
        if self._find(repository, reference) is None:
            return None
        return self.pull_manifest(repository, reference)[0]

    def tags(self, repository: str, *, after: str = "", prefix: str = "") -> tuple[str, ...]:
        """Return the tags."""
        parse_repository(repository)
        if self.refusal:
            raise self.refusal
        held = (tag for where, tag in self.tagged if where == repository)
        return tuple(sorted(tag for tag in held if tag > after and tag.startswith(prefix)))

    def repositories(self, domain: str) -> tuple[str, ...]:
        """Return the repositories that hold a manifest."""
        held = {where for where, _ in self.manifests}
        return tuple(sorted(where for where in held if where.startswith(f"{domain}/")))

    def delete(self, repository: str, reference: str) -> None:
        """Remove a manifest with its tags, or a tag."""
        if self.tagged.pop((repository, reference), None):
            return
        digest = self._find(repository, reference)
        if digest is None:
            raise _missing(f"{repository}@{reference}")
        del self.manifests[repository, digest]
        for key in [key for key, value in self.tagged.items() if value == digest]:
            del self.tagged[key]

    def referrers(self, repository: str, subject: Digest) -> tuple[Descriptor, ...]:
        """Return what refers to ``subject``."""
        if self.api:
            return tuple(
                fallback.entry(describe(data, media_type), data)
                for (where, _), (media_type, data) in sorted(self.manifests.items())
                if where == repository and _subject(data) == subject
            )
        if self._find(repository, fallback.tag(subject)) is None:
            return ()
        return fallback.parse(self.pull_manifest(repository, fallback.tag(subject))[1])

    def attach(self, repository: str, subject: Digest, manifests: Sequence[Descriptor]) -> None:
        """Write the fallback index once, where there is no API."""
        if self.api:
            return
        entries = tuple(
            fallback.entry(at, self.manifests[repository, at.digest][1]) for at in manifests
        )
        name = fallback.tag(subject)
        found = self._find(repository, name)
        old = self.manifests[repository, found][1] if found else None
        merged = fallback.merge(old, entries)
        if merged is not None:
            self.push_manifest(repository, merged, INDEX, name)

    def _find(self, repository: str, reference: str) -> Digest | None:
        digest = self.tagged.get((repository, reference))
        if digest is None and reference.startswith("sha256:"):
            digest = digests.parse(reference)
        return digest if digest and (repository, digest) in self.manifests else None


def _subject(data: bytes) -> str:
    try:
        return str(msgspec.json.decode(data).get("subject", {}).get("digest", ""))
    except (msgspec.DecodeError, AttributeError):
        return ""


def _missing(subject: str) -> ShipwayError:
    return ShipwayError("registry.not_found", Kind.NOT_FOUND, "no such thing", subject=subject)


def _wrong(subject: str) -> ShipwayError:
    return ShipwayError("registry.wrong_digest", Kind.INTEGRITY, "altered", subject=subject)
