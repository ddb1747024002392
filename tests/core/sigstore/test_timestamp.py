"""Timestamps: what is read of a token, by whom, and what is refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization as form
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from fakes import der
from fakes.sigstore import NOW, Authority, Sigstore
from shipway.core.sigstore import timestamp, trustedroot
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.sigstore.trustedroot import TrustedRoot

INSTANCE = Sigstore()


def root(**without: int) -> TrustedRoot:
    """Return the instance's root; ``tsa=1`` leaves out the authority's first certificate."""
    found = INSTANCE.root()
    for one in found["timestampAuthorities"]:
        del one["certChain"]["certificates"][: without.get("tsa", 0)]
    return trustedroot.parse(json.dumps(found).encode())


def read(data: bytes, trusted: TrustedRoot | None = None) -> timestamp.Stamp:
    """Return the timestamp in a response."""
    return timestamp.read(data, (trusted or root()).timestamp_authorities)


@pytest.mark.parametrize("brings", [True, False])
def test_good(*, brings: bool) -> None:
    """A token counts with its signer's certificate or without it; what it is over is told."""
    found = read(INSTANCE.stamp(b"signature", brings=brings))

    assert (found.moment, found.who, found.counted) == (NOW, "CN=tsa", True)
    assert timestamp.over(found, b"signature")
    assert not timestamp.over(found, b"another")


def test_a_root_without_the_signers_certificate() -> None:
    """A root may name who issued the signer's certificate, which the token then brings."""
    assert read(INSTANCE.stamp(b"s"), root(tsa=1)).counted
    with pytest.raises(ShipwayError, match="no timestamp authority"):
        read(INSTANCE.stamp(b"s", brings=False), root(tsa=1))


def test_fractions_of_seconds() -> None:
    """A time may have a fraction, written without zeros at its end (RFC 3161, 2.4.2)."""
    assert read(INSTANCE.stamp(b"s", time=b"20231114221320.5Z")).moment == NOW + 0.5


@pytest.mark.parametrize("moment", [NOW - 100 * 86400, NOW + 100 * 86400])
def test_ends_of_a_certificate_count(moment: float) -> None:
    """A token at the first and last second of its authority's certificates counts."""
    wide = INSTANCE.root()
    wide["timestampAuthorities"][0]["validFor"]["start"] = "1970-01-01T00:00:00Z"
    trusted = trustedroot.parse(json.dumps(wide).encode())
    outside = moment + (1 if moment > NOW else -1)

    assert read(INSTANCE.stamp(b"s", moment=moment), trusted).counted
    assert not read(INSTANCE.stamp(b"s", moment=outside), trusted).counted


@pytest.mark.parametrize(
    ("lie", "why"),
    [
        ({"status": 2}, "did not grant"),
        ({"spoiled": True}, "signature does not verify"),
        ({"digest_of": b"another"}, "over something else"),
        ({"typed": "1.2.840.113549.1.7.1"}, "over something else"),
        ({"wrapped": "1.2.840.113549.1.7.1"}, "no TSTInfo"),
        ({"kind": "1.2.840.113549.1.7.1"}, "no SignedData"),
        ({"version": 4}, "another SignedData"),
        ({"signer_version": 3}, "another signer"),
        ({"info_version": 2}, "another version"),
        ({"hashes": der.tlv(der.SET)}, "another signer"),
        ({"time": b"20231114221320+01"}, "form of time"),
        ({"time": b"20231114221320.50Z"}, "form of time"),
        ({"time": b"\xff"}, "not a timestamp"),
        ({"time": b"20231314221320Z"}, "not a timestamp"),
        ({"more": der.tlv(0xA1)}, "does not need"),
        ({"more": der.tlv(0xA0) + der.tlv(0xA1)}, "another SignedData"),
        ({"attributes": 1}, "do not say"),
        ({"attributes": 3}, "an attribute twice"),
        ({"parameters": der.tlv(der.OCTETS)}, "with parameters"),
        ({"signers": 2}, "2 values"),
    ],
)
def test_refused(lie: dict[str, Any], why: str) -> None:
    """A token that lies in one way is refused, and the way is told."""
    with pytest.raises(ShipwayError, match=why) as caught:
        read(INSTANCE.stamp(b"s", **lie))
    assert caught.value.id == "bundle.timestamp"


@pytest.mark.parametrize(
    "lie", [{"algorithm": "1.3.14.3.2.26"}, {"hash_oid": "1.3.14.3.2.26"}, {"method": "1.2.3"}]
)
def test_weak(lie: dict[str, Any]) -> None:
    """SHA-1 and unknown methods do not count."""
    with pytest.raises(ShipwayError) as caught:
        read(INSTANCE.stamp(b"s", **lie))
    assert caught.value.id == "bundle.algorithm"


def test_a_certificate_that_is_for_something_else() -> None:
    """An authority whose certificate is for signing code makes no timestamps."""
    other = Authority("tsa", ExtendedKeyUsageOID.CODE_SIGNING, issues=False)
    found = INSTANCE.root() | {"timestampAuthorities": [other.wire()]}
    trusted = trustedroot.parse(json.dumps(found).encode())
    with pytest.raises(ShipwayError, match="not for timestamps"):
        read(INSTANCE.stamp(b"s", tsa=other), trusted)


def test_a_certificate_that_came_along() -> None:
    """A token brings its authority's certificates and no other."""
    own = INSTANCE.tsa.certificate.public_bytes(form.Encoding.DER)
    other = INSTANCE.ca.certificate.public_bytes(form.Encoding.DER)
    with pytest.raises(ShipwayError, match="not its authority's"):
        read(INSTANCE.stamp(b"s", more=der.tlv(0xA0, own, other)))


def test_a_signer_that_only_has_the_name() -> None:
    """A certificate with issuer and number of the authority's, by another key, is not its own."""
    other = Authority("tsa", ExtendedKeyUsageOID.TIME_STAMPING, issues=False)
    with pytest.raises(ShipwayError, match="no timestamp authority"):
        read(INSTANCE.stamp(b"s", tsa=other), root(tsa=1))


TOKEN = INSTANCE.stamp(b"s")
TRUSTED = root()


@given(st.integers(0, len(TOKEN) - 1), st.integers(1, 255))
def test_every_flipped_byte(at: int, flip: int) -> None:
    """No byte of a token can be changed: everything in it is signed or must be as it is."""
    data = bytearray(TOKEN)
    data[at] ^= flip
    with pytest.raises(ShipwayError):
        read(bytes(data), TRUSTED)
