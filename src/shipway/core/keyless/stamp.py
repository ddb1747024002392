"""Asking an authority when it saw a signature (RFC 3161); ``sealed`` judges what it says."""

from __future__ import annotations

import hashlib

from shipway.errors import Kind, ShipwayError

SUBJECT = "the answer of the timestamp authority"
QUERY, REPLY = "application/timestamp-query", "application/timestamp-reply"
_HEAD = bytes.fromhex("30390201013031300d060960864801650304020105000420")
"""TimeStampReq (2.4.1) up to the digest: version 1, and SHA-256 as its algorithm."""
_TAIL = bytes.fromhex("0101ff")
"""certReq: the authority's certificate, too."""


def ask(signature: bytes) -> bytes:
    """Return the question, as DER, when a signature was there.

    It has no nonce: nobody can have asked about a signature that was made a moment ago.
    """
    return _HEAD + hashlib.sha256(signature).digest() + _TAIL


def wrong(why: str) -> ShipwayError:
    """Return the error of a timestamp that is not of this signature, or does not count."""
    return ShipwayError(
        "timestamp.token",
        Kind.INTEGRITY,
        why,
        operation="looking at",
        subject=SUBJECT,
        hint="nothing was stored; is this the authority that the trusted root names?",
    )
