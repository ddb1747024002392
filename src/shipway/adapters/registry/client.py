"""OCI registries over HTTP: the port ``core.ports.registry`` for real.

Wiring makes one per process (:func:`connect`). Every byte that is read is proved by its digest,
every answer is bounded; what may be repeated is repeated within the scope's deadline.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from shipway.adapters.http import network
from shipway.adapters.registry import faults, uploads
from shipway.adapters.registry.credentials import Credentials
from shipway.adapters.registry.manifests import Manifests
from shipway.adapters.registry.referring import Referring
from shipway.adapters.registry.session import Session, attempts
from shipway.core.oci import digest as digests
from shipway.core.oci import reference
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from shipway.adapters.http.client import Answer
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.content import Content
    from shipway.core.ports.process import Processes

_FOUND = frozenset({200})


def connect(
    environment: Mapping[str, str],
    processes: Processes | None = None,
    *,
    at_once: int = uploads.LOOPBACK,
) -> Client:
    """Return a client with the proxies, roots and Docker logins that ``environment`` names.

    At most ``at_once`` bytes of a blob go in one request to a registry of this machine.

    ``processes`` runs credential helpers; without it a configured helper is an error.
    """
    session = Session(network.from_environment(environment), Credentials(environment, processes))
    return Client(session, at_once)


class Client:
    """Registries, by repository; safe to use from several threads."""

    def __init__(self, session: Session, at_once: int = uploads.LOOPBACK) -> None:
        self._session = session
        self._at_once = at_once
        self._manifests = Manifests(session)
        self._referring = Referring(self._manifests)

    def preload(self) -> None:
        """Load what the first request would have to wait for (urllib3)."""
        _ = self._session.http

    def close(self) -> None:
        """Close every kept connection."""
        self._session.close()

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Return whether the repository holds the blob."""
        at = reference.parse_repository(repository)
        try:
            for attempt in attempts():
                with (
                    attempt,
                    self._session.send(
                        "HEAD",
                        at,
                        f"blobs/{digest}",
                        expect=_FOUND,
                        operation="looking for a blob in",
                    ),
                ):
                    pass
        except ShipwayError as error:
            if error.id == "registry.not_found":
                return False
            raise
        return True

    def push_blob(
        self, repository: str, descriptor: Descriptor, content: Content, *, mount: str = ""
    ) -> int:
        """Make the repository hold a blob; return the bytes that were sent."""
        at = reference.parse_repository(repository)
        if self.has_blob(repository, descriptor.digest):
            return 0
        path = content.path(descriptor.digest)
        most = self._at_once if reference.is_loopback(at.domain) else descriptor.size
        for attempt in attempts():
            with attempt:
                sent = uploads.upload(self._session, at, descriptor, path, mount, most)
        return sent

    def pull_blob(self, repository: str, descriptor: Descriptor) -> bytes:
        """Return a blob's bytes, proved by its digest, never more than its size."""
        for attempt in attempts():
            with attempt, self._blob(repository, descriptor) as answer:
                data = answer.read(descriptor.size)
        subject = f"{repository}@{descriptor.digest}"
        if len(data) > descriptor.size:
            raise faults.oversized(subject, descriptor.size)
        if (found := digests.of(data)) != descriptor.digest:
            raise faults.wrong_digest(subject, descriptor.digest, found)
        return data

    def fetch_blob(self, repository: str, descriptor: Descriptor, content: Content) -> None:
        """Stream a blob into ``content``; known ones are not asked for."""
        if content.has(descriptor.digest):
            return
        for attempt in attempts():
            with attempt, self._blob(repository, descriptor) as answer:
                content.gather(_proved(answer, descriptor, repository), descriptor)

    def push_manifest(
        self, repository: str, data: bytes, media_type: str, tag: str = ""
    ) -> Descriptor:
        """Put a manifest by its digest, or under ``tag``; return its descriptor."""
        pushed = self._manifests.push(repository, data, media_type, tag)
        if pushed.listed:
            self._referring.learn(repository, lists=True)
        return pushed.manifest

    def pull_manifest(self, repository: str, reference: str) -> tuple[Descriptor, bytes]:
        """Return a manifest by digest (proved) or tag, at most 4 MiB."""
        return self._manifests.pull(repository, reference)

    def resolve(self, repository: str, reference: str) -> Descriptor | None:
        """Return the descriptor of what a tag or digest stands for; none where there is none."""
        found = self._manifests.find(repository, reference)
        return found[0] if found else None

    def tags(self, repository: str, *, after: str = "", prefix: str = "") -> tuple[str, ...]:
        """Return the repository's tags, sorted, at most 10,000."""
        return self._manifests.tags(repository, after, prefix)

    def delete(self, repository: str, reference: str) -> None:
        """Remove a manifest by digest, or a tag where the registry can."""
        self._manifests.delete(repository, reference)

    def repositories(self, domain: str) -> tuple[str, ...]:
        """Return the repositories of a registry, where it tells them."""
        return self._manifests.repositories(domain)

    def referrers(self, repository: str, subject: Digest) -> tuple[Descriptor, ...]:
        """Return the descriptors of what refers to ``subject``, at most 1,000."""
        return self._referring.all(repository, subject)

    def attach(self, repository: str, subject: Digest, manifests: Sequence[Descriptor]) -> None:
        """Have these manifests listed as referrers of ``subject``: at most one write."""
        self._referring.attach(repository, subject, manifests)

    def _blob(self, repository: str, descriptor: Descriptor) -> AbstractContextManager[Answer]:
        at = reference.parse_repository(repository)
        path = f"blobs/{descriptor.digest}"
        return self._session.send("GET", at, path, expect=_FOUND, operation="pulling from")


def _proved(answer: Answer, descriptor: Descriptor, repository: str) -> Iterator[bytes]:
    """Yield a blob's bytes, and refuse them at the end if they are not the blob's."""
    hasher, size = hashlib.sha256(), 0
    for piece in answer.stream():
        size += len(piece)
        hasher.update(piece)
        yield piece
    found = digests.from_hex(hasher.hexdigest())
    if found != descriptor.digest:
        subject = f"{repository}@{descriptor.digest}"
        raise faults.wrong_digest(subject, descriptor.digest, found)
