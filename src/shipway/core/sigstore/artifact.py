"""What a bundle is asked about: a file's bytes, or only their digest."""

from __future__ import annotations

import hashlib
import re

import msgspec

from shipway.errors import Kind, ShipwayError

KNOWN = ("sha256", "sha384", "sha512")
"""Digests that count, by the names that in-toto uses."""
_NAMED = re.compile(
    r"(sha256):([0-9a-f]{64})\Z|(sha384):([0-9a-f]{96})\Z|(sha512):([0-9a-f]{128})\Z"
)


class Artifact(msgspec.Struct, frozen=True, kw_only=True):
    """Digests in hex by algorithm, and the bytes where they are at hand.

    Of bytes, each digest is taken when it is first asked for.
    """

    digests: dict[str, str]
    data: bytes | None = None

    def known(self, algorithm: str) -> str:
        """Return its digest in hex; empty where it cannot be known, or does not count."""
        if self.data is not None and algorithm in KNOWN and algorithm not in self.digests:
            self.digests[algorithm] = hashlib.new(algorithm, self.data).hexdigest()
        return self.digests.get(algorithm, "")

    def digest(self, algorithm: str) -> bytes:
        """Return its digest.

        Raises:
            ShipwayError: ``bundle.needs-artifact`` (usage) if another one is all that is known.
        """
        if found := self.known(algorithm):
            return bytes.fromhex(found)
        raise _needed(f"its {algorithm}")

    def bytes_for(self, what: str) -> bytes:
        """Return its bytes; ``what`` needs them.

        Raises:
            ShipwayError: ``bundle.needs-artifact`` (usage) if only a digest is known.
        """
        if self.data is None:
            raise _needed(what)
        return self.data

    def __str__(self) -> str:
        """Return its first digest as ``sha256:HEX``."""
        algorithm, text = next(iter(self.digests.items()))
        return f"{algorithm}:{text}"


def of(data: bytes) -> Artifact:
    """Return the artifact that has these bytes."""
    return Artifact(digests={"sha256": hashlib.sha256(data).hexdigest()}, data=data)


def named(text: str) -> Artifact | None:
    """Return the artifact of a digest (``sha256:HEX``), or none where ``text`` is no digest."""
    found = _NAMED.match(text)
    if found is None:
        return None
    algorithm, _, value = text.partition(":")
    return Artifact(digests={algorithm: value})


def _needed(what: str) -> ShipwayError:
    return ShipwayError(
        "bundle.needs-artifact",
        Kind.USAGE,
        f"{what} can only be checked with the artifact itself, not by the digest given",
        hint="give the file instead of its digest",
    )
