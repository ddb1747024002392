"""Bundles as they are read: what is refused, and that damaged bytes never do more."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.sigstore import Sigstore
from shipway.core.sigstore import bundle
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = Sigstore().bundle("dsse")
DATA = json.dumps(GOOD).encode()
MESSAGE = Sigstore().bundle("blob")


def changed(change: Callable[[dict[str, Any]], object], good: dict[str, Any] = GOOD) -> bytes:
    """Return a good bundle, changed."""
    found = json.loads(json.dumps(good))
    change(found)
    return json.dumps(found).encode()


def material(**parts: Any) -> Callable[[dict[str, Any]], object]:
    """Return a change of the verification material."""
    return lambda found: found["verificationMaterial"].update(parts)


def log(**parts: Any) -> Callable[[dict[str, Any]], object]:
    """Return a change of the log entry."""
    return lambda found: found["verificationMaterial"]["tlogEntries"][0].update(parts)


def certificates(count: int) -> Callable[[dict[str, Any]], object]:
    """Return a change to a chain of that many certificates."""
    chain = {"certificates": [{"rawBytes": "AA=="}] * count}
    return material(certificate=None, x509CertificateChain=chain)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"[" * 100_000, "recursion"),
        (b" " * (bundle.LIMIT + 1), "more than"),
        (b'{"mediaType": 1, "mediatype": 1}', "twice"),
        (b'{"mediaType": "\\ud800"}', "\\w"),
        (changed(lambda found: found.update(mediaType="text/plain")), "media type"),
        (changed(lambda found: found.update(extra=1)), "unknown field"),
        (changed(lambda found: found.update(MediaType="x")), "twice"),
        (changed(lambda found: found.update(messageSignature=MESSAGE["messageSignature"])), "one"),
        (changed(lambda found: found.pop("dsseEnvelope")), "not one of"),
        (changed(lambda found: found["dsseEnvelope"].update(signatures=[])), "0 signatures"),
        (changed(lambda found: found["dsseEnvelope"]["signatures"].append({"sig": ""})), "2 sig"),
        (changed(material(publicKey={})), "not one of"),
        (changed(material(certificate=None)), "not one of"),
        (changed(certificates(0)), "0 certificates"),
        (changed(certificates(9)), "9 certificates"),
        (changed(material(tlogEntries=GOOD["verificationMaterial"]["tlogEntries"] * 9)), "8"),
        (changed(log(logIndex="-1")), "no number"),
        (changed(log(logIndex="\u0661")), "no number"),
        (changed(log(logIndex="1e3")), "no number"),
        (changed(log(logIndex="01")), "not how"),
        (changed(log(logIndex=str(1 << 63))), "not how"),
        (changed(log(logIndex="1" * 30)), "no number"),
        (changed(log(canonicalizedBody="?")), "not base64"),
        (changed(log(canonicalizedBody="QR==")), "stand for nothing"),
        (
            changed(
                lambda found: found["messageSignature"]["messageDigest"].update(algorithm="MD5"),
                MESSAGE,
            ),
            "'MD5'",
        ),
    ],
)
def test_refused(data: bytes, why: str) -> None:
    """What is no bundle of a version that is read is refused, and the reason is told."""
    with pytest.raises(ShipwayError, match=why) as caught:
        bundle.parse(data)
    assert (caught.value.id, caught.value.kind) == ("bundle.invalid", Kind.INTEGRITY)


def test_other_ways_to_write_the_same() -> None:
    """URL-safe base64, with or without padding, and numbers as numbers are the same bundle."""
    found = json.loads(DATA)
    one = found["verificationMaterial"]["tlogEntries"][0]
    one["logIndex"] = int(one["logIndex"])
    envelope = found["dsseEnvelope"]
    for name in ("payload",):
        envelope[name] = envelope[name].replace("+", "-").replace("/", "_").rstrip("=")

    assert bundle.parse(json.dumps(found).encode()) == bundle.parse(DATA)


def test_a_bundle_of_a_key() -> None:
    """A bundle may bring nothing but a signature and the hint of a key."""
    found = bundle.parse(
        changed(
            lambda found: found.update(
                verificationMaterial={"publicKey": {"hint": "x"}, "tlogEntries": []}
            )
        )
    )
    assert (found.certificates, found.entries, found.timestamps) == ((), (), ())


@given(st.integers(0, len(DATA) - 1), st.binary(max_size=3))
def test_mutated_bundles(at: int, put: bytes) -> None:
    """Damaged bytes end in a bundle or in a refusal."""
    with contextlib.suppress(ShipwayError):
        assert bundle.parse(DATA[:at] + put + DATA[at + 1 :])
