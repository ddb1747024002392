"""Referrers of a manifest: asked from the registry, else kept in an index under a tag.

Called by :mod:`.client` only (distribution-spec v1.1.1, Listing Referrers and Referrers Tag
Schema). Which of the two a registry does is found out once.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from shipway.core.oci import reference, referrers
from shipway.core.oci.descriptor import INDEX
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.adapters.registry.manifests import Manifests
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest

_WRITES = 3


class Referring:
    """Referrers behind one set of manifests."""

    def __init__(self, manifests: Manifests) -> None:
        self._manifests = manifests
        self._lock = threading.Lock()
        self._lists: dict[str, bool] = {}

    def learn(self, repository: str, *, lists: bool) -> None:
        """Remember whether the registry of ``repository`` lists referrers itself."""
        with self._lock:
            self._lists[reference.parse_repository(repository).domain] = lists

    def all(self, repository: str, subject: Digest) -> tuple[Descriptor, ...]:
        """Return what refers to ``subject``, at most 1,000."""
        if self._known(repository) is not False:
            found = self._ask(repository, subject)
            self.learn(repository, lists=found is not None)
            if found is not None:
                return found
        fallback = self._manifests.find(repository, referrers.tag(subject))
        return referrers.parse(fallback[1]) if fallback else ()

    def attach(self, repository: str, subject: Digest, manifests: Sequence[Descriptor]) -> None:
        """Have pushed manifests listed: one write where the registry does not do it by itself.

        The index is read again after the write, and written once more where somebody else wrote
        in between.

        Raises:
            ShipwayError: ``registry.contested`` where others keep writing it.
        """
        if not manifests or self._is_listing(repository, subject):
            return
        entries = tuple(
            referrers.entry(at, self._manifests.taken(repository, at.digest)) for at in manifests
        )
        name = referrers.tag(subject)
        for _ in range(_WRITES):
            old = self._manifests.find(repository, name)
            merged = referrers.merge(old[1] if old else None, entries)
            if merged is None:
                return
            self._manifests.push(repository, merged, INDEX, name)
        if referrers.merge(self._manifests.pull(repository, name)[1], entries) is not None:
            raise _contested(f"{repository}:{name}")

    def _ask(self, repository: str, subject: Digest) -> tuple[Descriptor, ...] | None:
        """Return the registry's own list, or none where it has no such API."""
        found: dict[str, Descriptor] | None = None
        pages = self._manifests.pages(repository, f"referrers/{subject}", "listing referrers in")
        for data in pages:
            if not referrers.is_list(data):
                break
            found = {**(found or {}), **{at.digest: at for at in referrers.parse(data)}}
            if len(found) >= referrers.MOST:
                break
        return None if found is None else tuple(found.values())[: referrers.MOST]

    def _is_listing(self, repository: str, subject: Digest) -> bool:
        if self._known(repository) is None:
            self.learn(repository, lists=self._ask(repository, subject) is not None)
        return self._known(repository) is True

    def _known(self, repository: str) -> bool | None:
        with self._lock:
            return self._lists.get(reference.parse_repository(repository).domain)


def _contested(subject: str) -> ShipwayError:
    return ShipwayError(
        "registry.contested",
        Kind.CONFLICT,
        "others keep writing the same index of referrers",
        operation="attaching referrers to",
        subject=subject,
        hint="run it again when they are done",
    )
