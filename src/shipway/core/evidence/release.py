"""A release: every service's image and the links about it, as one OCI artifact.

``stages.seal`` makes it, ``walk`` reads it. It names no environment. An image's repository is
written without its registry, so that a release copied to another registry keeps its digest.
"""

from __future__ import annotations

import msgspec

from shipway.core.evidence.link import Edge  # noqa: TC001  msgspec reads types
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.wire import decode

MEDIA_TYPE = "application/vnd.shipway.release.v1+json"


class Service(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One service of a release: its image for one platform, or its index."""

    name: str
    repository: str
    """Repository name; without a registry it is on the release's own."""
    image: Digest
    size: int
    media_type: str
    links: tuple[Edge, ...] = ()
    """The links about the image when the release was sealed."""


class Contents(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What a release says, as its one layer."""

    project: str
    version: str
    channel: str
    """``dev`` or ``release``."""
    tests: str
    """``passed``, ``warned``, ``failed`` or ``pending``: what was known when it was sealed."""
    services: tuple[Service, ...]


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed release."""

    contents: Contents
    manifest: Descriptor
    repository: str = ""
    """Where it was pushed, ``HOST[:PORT]/NAME``; empty while it is only in the store."""

    @property
    def digest(self) -> Digest:
        """Return the digest that names the release."""
        return self.manifest.digest

    @property
    def reference(self) -> str:
        """Return ``HOST[:PORT]/NAME@sha256:...``."""
        return f"{self.repository}@{self.manifest.digest}"


def encode(contents: Contents) -> bytes:
    """Return the layer bytes; services in the order of their names."""
    ordered = msgspec.structs.replace(
        contents, services=tuple(sorted(contents.services, key=lambda one: one.name))
    )
    return msgspec.json.encode(ordered)


def parse(data: bytes) -> Contents:
    """Return what a release says.

    Raises:
        ShipwayError: ``release.invalid`` (integrity).
    """
    return decode(data, Contents, error="release.invalid", subject="a release")


def registry_of(repository: str) -> str:
    """Return the registry part of ``HOST[:PORT]/NAME``; empty if it names none."""
    host, slash, _ = repository.partition("/")
    named = slash and ("." in host or ":" in host or host == "localhost")
    return host if named else ""


def relative(repository: str, release_repository: str) -> str:
    """Return ``repository`` as a release in ``release_repository`` writes it."""
    registry = registry_of(repository)
    if registry and registry == registry_of(release_repository):
        return repository.removeprefix(f"{registry}/")
    return repository


def absolute(repository: str, release_repository: str) -> str:
    """Return where an image of a release found in ``release_repository`` lies."""
    registry = registry_of(release_repository)
    if registry_of(repository) or not registry:
        return repository
    return f"{registry}/{repository}"
