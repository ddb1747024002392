"""Digests: one form, and bytes proved by it."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci import digest
from shipway.errors import Kind, ShipwayError


@given(st.binary())
def test_of_is_sha256_and_parses(data: bytes) -> None:
    """A digest is SHA-256 of the bytes, and its own text parses back to it."""
    found = digest.of(data)

    assert f"sha256:{hashlib.sha256(data).hexdigest()}" == found
    assert found == digest.parse(found) == digest.from_hex(digest.hex_of(found))


@given(st.text())
def test_parse_takes_nothing_else(text: str) -> None:
    """What is not exactly sha256 and 64 lower-case hex digits is refused."""
    with pytest.raises(ShipwayError, match="not a sha256 digest") as caught:
        digest.parse(text)

    assert caught.value.id == "digest.invalid"


@pytest.mark.parametrize(
    "text",
    [
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha512:" + "a" * 64,
        "sha256:" + "a" * 64 + "\n",
        " sha256:" + "a" * 64,
    ],
)
def test_parse_refuses_near_misses(text: str) -> None:
    """A newline, a capital or one digit more is no digest."""
    with pytest.raises(ShipwayError):
        digest.parse(text)


@given(st.binary(min_size=1), st.data())
def test_one_flipped_bit_is_found(data: bytes, draw: st.DataObject) -> None:
    """Bytes with one bit turned are refused, the right ones returned."""
    at = draw.draw(st.integers(0, len(data) * 8 - 1))
    bent = bytearray(data)
    bent[at // 8] ^= 1 << at % 8

    assert digest.check(data, digest.of(data)) == data
    with pytest.raises(ShipwayError) as caught:
        digest.check(bytes(bent), digest.of(data))
    assert (caught.value.id, caught.value.kind) == ("content.altered", Kind.INTEGRITY)
