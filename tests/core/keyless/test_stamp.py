"""The question of a timestamp is what RFC 3161 asks for, byte for byte."""

from __future__ import annotations

import hashlib

from fakes import der
from shipway.core.keyless import stamp


def test_what_is_asked() -> None:
    """A query over the SHA-256 of a signature, which asks for the certificate too."""
    kind = der.tlv(der.SEQUENCE, der.oid("2.16.840.1.101.3.4.2.1"), der.tlv(der.NULL))
    digest = der.tlv(der.OCTETS, hashlib.sha256(b"signature").digest())
    imprint = der.tlv(der.SEQUENCE, kind, digest)
    asked = der.tlv(der.SEQUENCE, der.number(1), imprint, der.tlv(0x01, b"\xff"))
    assert stamp.ask(b"signature") == asked
