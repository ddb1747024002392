"""Manifests, tags and lists of a registry (distribution-spec v1.1.1, Pull, Push, Discovery).

Called by :mod:`.client` and :mod:`.referring` only.
"""

from __future__ import annotations

import itertools
import urllib.parse
from typing import TYPE_CHECKING

import msgspec

from shipway.adapters.registry import faults
from shipway.adapters.registry.session import Session, attempts, endpoint
from shipway.core.oci import challenge, reference
from shipway.core.oci import digest as digests
from shipway.core.oci import manifest as nouns
from shipway.core.oci.descriptor import Descriptor, describe
from shipway.core.patterns import late
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from shipway.core.oci.digest import Digest

_ACCEPT = ", ".join(sorted(nouns.IMAGES | nouns.INDEXES))
_FOUND = frozenset({200})
_CREATED = frozenset({201})
_GONE = frozenset({202, 204})
_SHORT = 1 << 16
_MOST_TAGS = 10_000
_MANY_TAGS, _FEW_TAGS = 1000, 100
_PAGES = 100
_CATALOG = "registry:catalog:*"
_NEXT = late(r'<([^>]+)>\s*;\s*rel="?next"?')


class _Tags(msgspec.Struct, frozen=True):
    tags: tuple[str, ...] | None = None


class _Repositories(msgspec.Struct, frozen=True):
    repositories: tuple[str, ...] = ()


class Pushed(msgspec.Struct, frozen=True):
    """A manifest that the registry took, and whether it will list it as a referrer."""

    manifest: Descriptor
    listed: bool


class Manifests:
    """The manifests behind one session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._taken: dict[tuple[str, Digest], bytes] = {}

    def push(self, repository: str, data: bytes, media_type: str, tag: str) -> Pushed:
        """Put a manifest by its digest, or under ``tag``."""
        at = reference.parse_repository(repository)
        described = describe(data, media_type)
        if len(data) > nouns.LIMIT:
            raise faults.oversized(f"{repository}@{described.digest}", nouns.LIMIT)
        for attempt in attempts(safe=not tag):
            with attempt, self._session.send(
                "PUT", at, f"manifests/{tag or described.digest}", expect=_CREATED, push=True,
                operation="pushing a manifest to", headers={"Content-Type": media_type}, body=data,
            ) as answer:  # fmt: skip
                answer.read(_SHORT)
        _agree(answer.headers, described.digest, repository)
        self._taken[repository, described.digest] = data
        return Pushed(described, "OCI-Subject" in answer.headers)

    def pull(self, repository: str, target: str) -> tuple[Descriptor, bytes]:
        """Return a manifest by digest or tag; proved, bounded, of the type it says."""
        at = reference.parse_repository(repository)
        subject = f"{repository}@{target}" if ":" in target else f"{repository}:{target}"
        for attempt in attempts():
            with attempt, self._session.send(
                "GET", at, f"manifests/{target}", expect=_FOUND, headers={"Accept": _ACCEPT},
                operation="pulling a manifest from",
            ) as answer:  # fmt: skip
                data = answer.read(nouns.LIMIT)
        if len(data) > nouns.LIMIT:
            raise faults.oversized(subject, nouns.LIMIT)
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        found = describe(data, media_type)
        if ":" in target and found.digest != digests.parse(target):
            raise faults.wrong_digest(subject, digests.parse(target), found.digest)
        _agree(answer.headers, found.digest, subject)
        return found, data

    def taken(self, repository: str, target: Digest) -> bytes:
        """Return a manifest by digest: as this process pushed it, else as it is pulled."""
        known = self._taken.get((repository, target))
        return self.pull(repository, target)[1] if known is None else known

    def find(self, repository: str, target: str) -> tuple[Descriptor, bytes] | None:
        """Return what :meth:`pull` does, or none where there is no such manifest."""
        try:
            return self.pull(repository, target)
        except ShipwayError as error:
            if error.id == "registry.not_found":
                return None
            raise

    def tags(self, repository: str, after: str = "", prefix: str = "") -> tuple[str, ...]:
        """Return tags, sorted, at most 10,000; none where there is none.

        A registry should list them in the order of bytes (distribution-spec v1.1.1, Listing Tags):
        then what comes before ``after`` or behind ``prefix`` is not asked for. Not all do (some
        list by time), and one may not know the tag it is to begin behind; whatever does not come
        in order is therefore read again from the start to the end.
        """
        found = None
        if after or prefix:
            found = self._in_order(repository, after, prefix)
        if found is None:
            found = []
            for page in self._tag_pages(repository, {"n": str(_MANY_TAGS)}):
                found += [one for one in page if one > after and one.startswith(prefix)]
                if len(found) >= _MOST_TAGS:
                    break
        return tuple(sorted(found[:_MOST_TAGS]))

    def _in_order(self, repository: str, after: str, prefix: str) -> list[str] | None:
        """Return the tags asked for of a registry that sorts; none where that does not show."""
        last = start = max(after, prefix[:-1])
        asked = {"n": str(_FEW_TAGS if prefix else _MANY_TAGS)} | ({"last": start} if start else {})
        found: list[str] = []
        for page in self._tag_pages(repository, asked):
            if any(one > two for one, two in itertools.pairwise((last, *page))):
                return None
            last = page[-1] if page else last
            found += [one for one in page if one > after and one.startswith(prefix)]
            beyond = last > prefix and not last.startswith(prefix)
            if len(found) >= _MOST_TAGS or (beyond and page):
                break
        return None if start and last == start else found

    def _tag_pages(self, repository: str, asked: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
        """Yield the tags page by page, as they are listed; one that is no list is the end."""
        path = f"tags/list?{urllib.parse.urlencode(asked)}"
        for data in self.pages(repository, path, "listing the tags of"):
            try:
                yield msgspec.json.decode(data, type=_Tags).tags or ()
            except (msgspec.DecodeError, UnicodeDecodeError):
                return

    def repositories(self, domain: str) -> tuple[str, ...]:
        """Return what the registry's catalog lists, as ``DOMAIN/NAME``; nothing without one."""
        found: list[str] = []
        path = f"{endpoint(domain)}/v2/_catalog?n=1000"
        for data in self.pages(f"{domain}/catalog", path, "listing the repositories of", _CATALOG):
            try:
                names = msgspec.json.decode(data, type=_Repositories).repositories
            except (msgspec.DecodeError, UnicodeDecodeError):
                break
            found += [f"{domain}/{name}" for name in names]
        return tuple(sorted(found))

    def delete(self, repository: str, target: str) -> None:
        """Remove a manifest by digest, or a tag where the registry can."""
        at = reference.parse_repository(repository)
        scope = challenge.scope_of(at.path, "delete")
        for attempt in attempts():
            with attempt, self._session.send(
                "DELETE", at, f"manifests/{target}", expect=_GONE, scope=scope,
                operation="deleting from",
            ) as answer:  # fmt: skip
                answer.read(_SHORT)

    def pages(
        self, repository: str, path: str, operation: str, scope: str | None = None
    ) -> Iterator[bytes]:
        """Yield the pages of a list (RFC 8288, Link), each bounded; nothing where there is none."""
        at = reference.parse_repository(repository)
        for _ in range(_PAGES):
            try:
                for attempt in attempts():
                    with (
                        attempt,
                        self._session.send(
                            "GET", at, path, expect=_FOUND, operation=operation, scope=scope
                        ) as answer,
                    ):
                        data = answer.read(nouns.LIMIT)
            except ShipwayError as error:
                if error.id == "registry.not_found":
                    return
                raise
            if len(data) > nouns.LIMIT:
                raise faults.oversized(repository, nouns.LIMIT)
            yield data
            following = _NEXT.search(answer.headers.get("Link", ""))
            if following is None:
                return
            path = urllib.parse.urljoin(answer.url, following[1])


def _agree(headers: Mapping[str, str], digest: Digest, subject: str) -> None:
    """Refuse an answer whose registry names another digest than the bytes have."""
    named = headers.get("Docker-Content-Digest", digest)
    if named.startswith("sha256:") and named != digest:
        raise faults.wrong_digest(subject, digest, named[:100])
