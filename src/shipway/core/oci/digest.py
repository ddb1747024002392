"""Content digests in the OCI form ``sha256:HEX`` (image-spec, descriptor.md, Digests)."""

from __future__ import annotations

import hashlib
import re
from typing import NewType

from shipway.errors import Kind, ShipwayError

Digest = NewType("Digest", str)
"""A validated ``sha256:`` digest; made by :func:`parse` or :func:`of` only."""

_FORM = re.compile(r"sha256:[0-9a-f]{64}\Z")


def of(data: bytes | bytearray | memoryview) -> Digest:
    """Return the SHA-256 digest of ``data``."""
    return Digest("sha256:" + hashlib.sha256(data).hexdigest())


def parse(text: str) -> Digest:
    """Return ``text`` as a digest.

    Raises:
        ShipwayError: ``digest.invalid`` (integrity) if it is not ``sha256:`` and 64 hex digits,
            in lower case.
    """
    if not _FORM.match(text):
        raise ShipwayError(
            "digest.invalid", Kind.INTEGRITY, "not a sha256 digest", subject=text[:100]
        )
    return Digest(text)


def from_hex(text: str) -> Digest:
    """Return the digest whose hex part is ``text``."""
    return parse(f"sha256:{text}")


def hex_of(digest: Digest) -> str:
    """Return the 64 hex digits alone, as in-toto subjects carry them."""
    return digest.removeprefix("sha256:")


def check(data: bytes, expected: Digest) -> bytes:
    """Return ``data`` if it has digest ``expected``.

    Raises:
        ShipwayError: ``content.altered`` (integrity) otherwise.
    """
    if (found := of(data)) != expected:
        raise ShipwayError(
            "content.altered",
            Kind.INTEGRITY,
            f"its bytes have digest {found}",
            operation="reading",
            subject=expected,
            hint="run the same command again: what is altered is made or fetched anew",
        )
    return data
