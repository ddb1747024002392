"""Asking Rekor v2 for an entry; ``sealed`` says whether the one it made is ours and in its tree.

Rekor's API is that of ``rekor-tiles`` (CLIENTS.md): an envelope is logged as ``hashedrekord`` 0.0.2
over its pre-authentication encoding.
"""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError

PATH = "/api/v2/log/entries"
SUBJECT = "the answer of the transparency log"
DETAILS = "PKIX_ECDSA_P256_SHA_256"
_INVALID = "rekor.entry"
_MOST = 1 << 20
_KEPT = ("logIndex", "logId", "kindVersion", "inclusionProof", "canonicalizedBody")
"""What a bundle keeps; Rekor v2 gives no time and no promise (CLIENTS.md)."""


def ask(digest: bytes, signature: bytes, certificate: bytes) -> bytes:
    """Return the body that asks to log a signature over a SHA-256 digest by a certificate's key."""
    verifier = {"x509Certificate": {"rawBytes": _text(certificate)}, "keyDetails": DETAILS}
    signed = {"content": _text(signature), "verifier": verifier}
    record = {"digest": _text(digest), "signature": signed}
    return msgspec.json.encode({"hashedRekordRequestV002": record})


def answered(data: bytes) -> dict[str, Any]:
    """Return the entry in an answer, a TransparencyLogEntry in JSON, not judged yet.

    Raises:
        ShipwayError: ``rekor.entry`` (integrity).
    """
    found = decode(data, dict[str, Any], error=_INVALID, subject=SUBJECT, limit=_MOST)
    if missing := [name for name in _KEPT if name not in found]:
        raise wrong(f"it has no {missing[0]}")
    return {name: found[name] for name in _KEPT}


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def wrong(why: str) -> ShipwayError:
    """Return the error of an entry that is not ours, or not proved."""
    return ShipwayError(
        _INVALID,
        Kind.INTEGRITY,
        why,
        operation="looking at",
        subject=SUBJECT,
        hint="nothing was stored; is this the log that the trusted root names?",
    )
