"""The shelf: how releases of the channel ``release`` lie in a registry, newest first.

A tag only says where to look and what to expect: when a release was sealed, which one it is, and
its version, as in ``release.20261125T031500Z.1f3a5c7e.v1.2.0``. What it says counts once the signed
link of the release, and the release that this link is about, say the same.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence import shipped
from shipway.core.oci.digest import Digest, hex_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.evidence.link import Verified

RELEASE = "release"
"""The channel of what was made from a clean commit with every gate passed."""
_TAG = re.compile(r"release\.([0-9]{8}T[0-9]{6}Z)\.([0-9a-f]{8})\.([A-Za-z0-9_.-]*)\Z")
_LONGEST = 80
"""Characters of a version in a tag, which may have 128."""


class Shelved(msgspec.Struct, frozen=True, order=True):
    """What a tag says of a release; later ones are greater."""

    stamp: str
    """When it was sealed, as ``20261125T031500Z``."""
    short: str
    """The first digits of its digest."""
    version: str
    """As :func:`word` writes it."""

    @property
    def tag(self) -> str:
        """Return the tag."""
        return f"release.{self.stamp}.{self.short}.{self.version}"

    def is_of(self, link: Verified, digest: Digest) -> bool:
        """Return whether a verified release link, about the release ``digest``, says the same."""
        said = details(link)
        return (
            link.subject == digest
            and hex_of(digest).startswith(self.short)
            and said.get("channel") == RELEASE
            and stamp(str(said.get("sealedOn", ""))) == self.stamp
        )

    def is_called(self, version: str, named: str) -> bool:
        """Return whether a release that says it is of ``version`` is what tag and person mean.

        ``named`` is a version, one as it is written in a tag, or empty for any. Versions that look
        alike in a tag are told apart.
        """
        said = word(version)
        return self.version == said and named in {"", version, said}


def shelved(sealed_on: str, digest: Digest, version: str) -> Shelved:
    """Return where a release lies; ``sealed_on`` is RFC 3339."""
    return Shelved(stamp(sealed_on), hex_of(digest)[:8], word(version))


def listed(tags: Iterable[str]) -> tuple[Shelved, ...]:
    """Return the releases among a repository's tags, newest first."""
    found = (_TAG.match(tag) for tag in tags)
    return tuple(sorted((Shelved(*one.groups()) for one in found if one), reverse=True))


def details(link: Verified) -> dict[str, Any]:
    """Return what a release link says beyond its own predicate type: channel, time, services."""
    said = link.statement.predicate.get(shipped.RELEASE_DETAILS)
    return said if isinstance(said, dict) else {}


def stamp(timestamp: str) -> str:
    """Return an RFC 3339 time in UTC without what a tag may not have."""
    return timestamp.replace("-", "").replace(":", "")


def word(version: str) -> str:
    """Return a version as a tag may hold it: letters, digits and ``_.-``."""
    kept = (one if one.isascii() and (one.isalnum() or one in "_.-") else "-" for one in version)
    return "".join(kept)[:_LONGEST]
