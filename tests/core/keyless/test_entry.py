"""What is asked of a log, and what of its answer a bundle keeps."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.sigstore import Log
from shipway.core.keyless import entry
from shipway.errors import ShipwayError

LOG = Log("log.example", newer=True)
LOGGED = LOG.entry({"kind": "hashedrekord", "apiVersion": "0.0.2"})


def text(data: bytes) -> str:
    """Return base64."""
    return base64.b64encode(data).decode()


def test_what_is_asked() -> None:
    """The question has the shape of Rekor v2's API."""
    verifier = {
        "x509Certificate": {"rawBytes": text(b"certificate")},
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
    }
    assert json.loads(entry.ask(b"digest", b"signature", b"certificate")) == {
        "hashedRekordRequestV002": {
            "digest": text(b"digest"),
            "signature": {"content": text(b"signature"), "verifier": verifier},
        }
    }


def test_what_is_kept() -> None:
    """Of an answer everything but a time and a promise, which Rekor v2 does not give."""
    said = LOGGED | {"integratedTime": "0", "inclusionPromise": None}
    assert entry.answered(json.dumps(said).encode()) == LOGGED


@pytest.mark.parametrize("part", sorted(LOGGED))
def test_a_part_is_missing(part: str) -> None:
    """An answer without a part is no entry, and the part is named."""
    said = {name: value for name, value in LOGGED.items() if name != part}
    with pytest.raises(ShipwayError) as caught:
        entry.answered(json.dumps(said).encode())
    assert caught.value.message == f"it has no {part}"


@given(st.binary(max_size=80))
def test_anything(data: bytes) -> None:
    """Any bytes are an entry or a named error."""
    with pytest.raises(ShipwayError) as caught:
        entry.answered(data)
    assert caught.value.id == "rekor.entry"
