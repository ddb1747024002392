"""Public keys: names, kinds, and what verifies."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa

from fakes.signer import MemorySigner
from shipway.core.evidence.key import PublicKey, from_pem
from shipway.errors import ShipwayError


def public(private: object) -> PublicKey:
    """Return the public half."""
    der = private.public_key().public_bytes(  # type: ignore[attr-defined]
        form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
    )
    return PublicKey(der)


def test_names() -> None:
    """Fingerprint and hint are the SHA-256 of the DER, and PEM round-trips."""
    key = MemorySigner().public_key
    assert key.fingerprint.startswith("SHA256:")
    assert len(key.fingerprint) == 7 + 64
    assert from_pem(key.pem()) == key


def test_ecdsa_p384() -> None:
    """P-384 verifies with SHA-384."""
    private = ec.generate_private_key(ec.SECP384R1())
    signature = private.sign(b"m", ec.ECDSA(hashes.SHA384()))
    assert public(private).verifies(signature, b"m")
    assert not public(private).verifies(signature, b"n")


def test_ed25519() -> None:
    """Ed25519 verifies."""
    private = ed25519.Ed25519PrivateKey.generate()
    assert public(private).verifies(private.sign(b"m"), b"m")
    assert not public(private).verifies(b"x" * 64, b"m")


def test_rsa() -> None:
    """RSA verifies with PKCS#1 v1.5 and SHA-256."""
    private = rsa.generate_private_key(65537, 2048)
    signature = private.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
    assert public(private).verifies(signature, b"m")


@pytest.mark.parametrize("curve", [ec.SECP521R1(), ec.SECP256K1()])
def test_other_curves_verify_nothing(curve: ec.EllipticCurve) -> None:
    """A key of another curve never verifies, even its own signature."""
    private = ec.generate_private_key(curve)
    signature = private.sign(b"m", ec.ECDSA(hashes.SHA256()))
    assert not public(private).verifies(signature, b"m")


def test_other_kinds_verify_nothing() -> None:
    """A DSA key never verifies."""
    private = dsa.generate_private_key(2048)
    assert not public(private).verifies(private.sign(b"m", hashes.SHA256()), b"m")


@pytest.mark.parametrize(
    "text",
    ["", "nonsense", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "\udcff"],
)
def test_bad_pem(text: str) -> None:
    """What is no PEM public key is refused by name."""
    with pytest.raises(ShipwayError) as caught:
        from_pem(text, subject="x.pub")
    assert caught.value.id == "key.invalid"
