"""DSSE envelopes and Sigstore bundles: exact bytes out, anything in."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.signer import MemorySigner
from shipway.core import wire
from shipway.core.evidence import bundle, envelope
from shipway.core.evidence.bundle import Bundle
from shipway.core.evidence.envelope import Envelope, Signature
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

SIGNER = MemorySigner()


def signed(payload: bytes = b'{"a":1}') -> Bundle:
    """Return a bundle signed by the test key."""
    signature = SIGNER.sign(envelope.pae("application/vnd.in-toto+json", payload))
    return Bundle(
        envelope=Envelope(payload=payload, signatures=(signature,)), hint=SIGNER.public_key.hint
    )


WHOLE = bundle.encode(signed())


def test_pae_vector() -> None:
    """The pre-authentication encoding is that of the DSSE specification's example."""
    assert envelope.pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_bundle_shape() -> None:
    """A bundle has the shape that cosign v3 writes, with base64(sha256(DER)) as its hint."""
    wire_form = msgspec.json.decode(bundle.encode(signed()))
    assert wire_form["mediaType"] == "application/vnd.dev.sigstore.bundle.v0.3+json"
    hint = wire_form["verificationMaterial"]["publicKey"]["hint"]
    assert base64.b64decode(hint).hex() == SIGNER.fingerprint.removeprefix("SHA256:")
    assert wire_form["dsseEnvelope"]["payloadType"] == "application/vnd.in-toto+json"
    assert list(wire_form["dsseEnvelope"]["signatures"][0]) == ["sig"]


def test_round_trip() -> None:
    """What is encoded is parsed to the same value; identity is the payload's digest."""
    one = signed()
    assert bundle.parse(bundle.encode(one)) == one
    assert envelope.parse(envelope.encode(one.envelope)) == one.envelope
    assert one.envelope.identity == of(b'{"a":1}')


@pytest.mark.parametrize("padded", [True, False])
def test_url_safe_base64(padded: bool) -> None:
    """Standard and URL-safe base64 are both read, padded or not (DSSE protocol.md)."""
    payload = b"\xff\xfe\xfb\xef"
    text = base64.urlsafe_b64encode(payload).decode()
    assert "-" in text or "_" in text
    text = text if padded else text.rstrip("=")
    data = msgspec.json.encode(
        {"payload": text, "payloadType": "t", "signatures": [{"sig": "AA==", "keyid": "k"}]}
    )
    found = envelope.parse(data)
    assert found.payload == payload
    assert found.signatures == (Signature(b"\x00", "k"),)


def test_every_flipped_byte_is_caught() -> None:
    """Flipping any byte of payload, payload type or signature leaves nothing that verifies."""
    one = signed()
    covered = [one.envelope.payload, one.envelope.payload_type.encode()]
    for part, field in zip(covered, ("payload", "payload_type"), strict=True):
        for at in range(len(part)):
            flipped = bytes((*part[:at], part[at] ^ 1, *part[at + 1 :]))
            value = flipped if field == "payload" else flipped.decode()
            bent = msgspec.structs.replace(one.envelope, **{field: value})
            assert not SIGNER.public_key.verifies(bent.signatures[0].sig, bent.signed)
    signature = one.envelope.signatures[0].sig
    for at in range(len(signature)):
        flipped = bytes((*signature[:at], signature[at] ^ 1, *signature[at + 1 :]))
        assert not SIGNER.public_key.verifies(flipped, one.envelope.signed)


@pytest.mark.parametrize(
    "change",
    [
        {"mediaType": "application/vnd.dev.sigstore.bundle.v0.4+json"},
        {"verificationMaterial": {"certificate": {"rawBytes": ""}}},
        {"verificationMaterial": None},
        {"dsseEnvelope": {"payload": "!", "payloadType": "t", "signatures": [{"sig": "AA=="}]}},
        {"dsseEnvelope": {"payload": "AA==", "payloadType": "t", "signatures": []}},
        {"dsseEnvelope": {"payload": "AA", "payloadType": "t", "signatures": [{"sig": "AA"}] * 17}},
    ],
)
def test_bad_bundles_are_refused(change: dict[str, object]) -> None:
    """Another version, a certificate, bad base64, no or too many signatures are refused."""
    fields = msgspec.json.decode(bundle.encode(signed()))
    with pytest.raises(ShipwayError) as caught:
        bundle.parse(msgspec.json.encode(fields | change))
    assert caught.value.id in {"bundle.invalid", "envelope.invalid"}


@given(st.binary(max_size=300))
def test_untrusted_bytes(data: bytes) -> None:
    """Whatever the bytes are, parsers end in a value or in a ShipwayError."""
    for parse in (bundle.parse, envelope.parse):
        try:
            parse(data)
        except ShipwayError:
            continue


def test_a_name_that_stands_twice() -> None:
    """A bundle in which a name stands twice, in any case, is none."""
    data = bundle.encode(signed())
    for new in (b'{"mediaType":"x","mediaType"', b'{"MediaType":"x","mediaType"'):
        with pytest.raises(ShipwayError, match="twice"):
            bundle.parse(data.replace(b'{"mediaType"', new))


@given(st.data())
def test_mutated_bundles(data: st.DataObject) -> None:
    """A real bundle with bytes changed anywhere is read, or refused by a ShipwayError."""
    whole = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        bundle.parse(bytes(whole))
    except ShipwayError:
        return


def test_size_is_limited() -> None:
    """A document longer than allowed is refused before it is parsed."""
    with pytest.raises(ShipwayError, match="more than the allowed"):
        wire.decode(b"[1,2,3]", list, error="x.invalid", subject="x", limit=3)
