"""Certificates: for our key and our identity, by an authority that counts, or refused by name."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from hypothesis import given
from hypothesis import strategies as st

from fakes.sigstore import IDENTITY, ISSUER, NOW, Sigstore, pem, spki
from shipway.core.evidence.key import PublicKey
from shipway.core.keyless import certificate
from shipway.core.keyless.identity import Identity
from shipway.core.sigstore import trustedroot
from shipway.errors import ShipwayError

WORLD = Sigstore()
ROOT = trustedroot.parse(json.dumps(WORLD.root()).encode())
ME = Identity(
    issuer=ISSUER,
    subject="me",
    audiences=("sigstore",),
    expires=NOW + 60,
    names=("https://forge/w.yml@main", IDENTITY),
)


def judged(
    *, pinned: str = "", root: trustedroot.TrustedRoot = ROOT, now: float = 0, **issued: Any
) -> str:
    """Return what a certificate of the world's authority is judged to be."""
    return certificate.check(
        WORLD.certificate(**issued),
        key=PublicKey(spki(WORLD.key)),
        identity=ME,
        name=pinned,
        root=root,
        now=NOW + now,
    )


def wrong(**issued: Any) -> str:
    """Return why a certificate is refused."""
    with pytest.raises(ShipwayError) as caught:
        judged(**issued)
    assert caught.value.id == "fulcio.certificate"
    return caught.value.message


def test_ours() -> None:
    """A certificate for our key, by mail address or by workflow, gives us that name."""
    assert judged() == IDENTITY
    uri = x509.UniformResourceIdentifier("https://forge/w.yml@main")
    assert judged(names=(uri,)) == "https://forge/w.yml@main"
    assert judged(old_issuer=True) == IDENTITY
    assert judged(now=-120) == judged(now=600) == IDENTITY


def test_a_name_that_was_pinned() -> None:
    """A name that the configuration asks for is the only one that counts."""
    uri = x509.UniformResourceIdentifier("https://elsewhere/robot")
    assert judged(pinned="https://elsewhere/robot", names=(uri,)) == "https://elsewhere/robot"
    assert "not for https://elsewhere/robot" in wrong(pinned="https://elsewhere/robot")


def test_certificates_of_others() -> None:
    """For another key, another name, several names or none, by another issuer: refused."""
    assert wrong(key=ec.generate_private_key(ec.SECP256R1())) == "it is for another key"
    eve = x509.RFC822Name("eve@example.com")
    assert wrong(names=(eve,)).startswith("it is for eve@example.com, not for https://forge")
    assert "eve@example.com" in wrong(names=(x509.RFC822Name(IDENTITY), eve))
    assert "for nobody" in wrong(names=())
    assert "issuer none" in wrong(issuer="")
    assert "issuer https://other" in wrong(issuer="https://other")


def test_certificates_that_do_not_hold() -> None:
    """Not for signing code, not valid now, by a stranger, or not logged: refused."""
    assert "not for signing code" in wrong(purpose=None)
    assert "not for signing code" in wrong(purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    assert "not for signing code" in wrong(signing=False)
    assert "not valid now" in wrong(now=-121)
    assert "not valid now" in wrong(now=601)
    assert "no authority" in wrong(by=ec.generate_private_key(ec.SECP256R1()))
    nobody = msgspec.structs.replace(ROOT, authorities=())
    assert "no authority" in wrong(root=nobody)
    assert "no authority" in wrong(now=-86401)
    assert wrong(logged=False)
    unlogged = msgspec.structs.replace(ROOT, ct_logs=())
    assert judged(root=unlogged, logged=False) == IDENTITY


def answer(text: str, kind: str = "Detached") -> bytes:
    """Return what Fulcio answers."""
    chain = {"chain": {"certificates": [text, "the rest is not read"]}}
    return json.dumps({f"signedCertificate{kind}Sct": chain}).encode()


def test_question_and_answer() -> None:
    """A signing request goes out in base64; of an answer the first certificate counts."""
    asked = json.loads(certificate.ask(b"-----BEGIN"))
    assert base64.b64decode(asked["certificateSigningRequest"]) == b"-----BEGIN"
    leaf = WORLD.certificate()
    for kind in ("Detached", "Embedded"):
        found = certificate.answered(answer(pem(leaf, "CERTIFICATE").decode(), kind))
        assert found == leaf


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", answer("no certificate")])
def test_answers_without_one(data: bytes) -> None:
    """What holds no certificate is refused by name."""
    with pytest.raises(ShipwayError) as caught:
        certificate.answered(data)
    assert caught.value.id == "fulcio.certificate"


@given(st.binary(max_size=80))
def test_anything(data: bytes) -> None:
    """Any bytes as an answer, or as a certificate, are a named error."""
    key = PublicKey(spki(WORLD.key))
    for reads in (
        certificate.answered,
        lambda one: certificate.check(one, key=key, identity=ME, name="", root=ROOT, now=NOW),
    ):
        with pytest.raises(ShipwayError) as caught:
            reads(data)
        assert caught.value.id == "fulcio.certificate"
