"""Private keys in the cosign format: PKCS#8 in nacl/secretbox under a scrypt key, in PEM.

Called by ``adapters.keys`` only. cosign opens what this writes and the other way round
(``tests/oracles/test_cosign.py``). scrypt runs without the interpreter's lock, so a key can be
opened while a compiler runs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import bundle
from shipway.core.evidence.envelope import Signature
from shipway.core.evidence.key import PublicKey
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

LABEL = "ENCRYPTED SIGSTORE PRIVATE KEY"
OLD_LABEL = "ENCRYPTED COSIGN PRIVATE KEY"

_STRONG, _LIGHT = 1 << 16, 1 << 15
"""scrypt N with and without a passphrase: without one, cost buys nothing."""
_READ = frozenset({_LIGHT, _STRONG, 1 << 17})
_R, _P, _KEY, _SALT, _NONCE = 8, 1, 32, 32, 24


class _Params(msgspec.Struct, frozen=True):
    N: int
    r: int
    p: int


class _Kdf(msgspec.Struct, frozen=True):
    name: str
    params: _Params
    salt: bytes


class _Cipher(msgspec.Struct, frozen=True):
    name: str
    nonce: bytes


class _Box(msgspec.Struct, frozen=True):
    kdf: _Kdf
    cipher: _Cipher
    ciphertext: bytes


class KeySigner:
    """An opened ECDSA key; keeps the ``Signer`` port."""

    def __init__(self, private: EllipticCurvePrivateKey, *, has_passphrase: bool) -> None:
        self._private = private
        self.has_passphrase = has_passphrase
        self.public_key = _public(private)

    @property
    def fingerprint(self) -> str:
        """Return ``SHA256:HEX`` of the public key."""
        return self.public_key.fingerprint

    def sign(self, pae: bytes) -> Signature:
        """Return an ASN.1 ECDSA signature (P-256 with SHA-256, P-384 with SHA-384)."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  slow to load
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

        small = self._private.curve.name == "secp256r1"
        digest = hashes.SHA256() if small else hashes.SHA384()
        return Signature(self._private.sign(pae, ec.ECDSA(digest)))

    def seal(self, payload: bytes) -> bytes:
        """Return a bundle in which ``payload`` is signed by this key."""
        return bundle.by_key(self, payload)


def generate(passphrase: bytes) -> str:
    """Return a new ECDSA P-256 private key, encrypted, in PEM."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    plain = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        form.Encoding.DER, form.PrivateFormat.PKCS8, form.NoEncryption()
    )
    return _armour(_seal(plain, passphrase))


def open_key(pem: str, passphrase: bytes, *, subject: str) -> KeySigner:
    """Return the signer in ``pem``.

    Raises:
        ShipwayError: ``key.invalid`` (config) if it is no such key, ``key.locked`` (denied) if
            the passphrase does not open it.
    """
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.serialization import load_der_private_key  # noqa: PLC0415

    plain = _unseal(_unarmour(pem, subject), passphrase, subject)
    try:
        private = load_der_private_key(plain, None)
    except (ValueError, TypeError) as cause:
        raise _invalid(subject, "its content is no PKCS#8 key") from cause
    if not isinstance(private, ec.EllipticCurvePrivateKey) or private.curve.name not in {
        "secp256r1",
        "secp384r1",
    }:
        raise _invalid(subject, "only ECDSA P-256 and P-384 keys can sign")
    return KeySigner(private, has_passphrase=bool(passphrase))


def _seal(plain: bytes, passphrase: bytes) -> _Box:
    from nacl.secret import SecretBox  # noqa: PLC0415  slow to load

    params = _Params(_STRONG if passphrase else _LIGHT, _R, _P)
    salt, nonce = secrets.token_bytes(_SALT), secrets.token_bytes(_NONCE)
    key = _derive(passphrase, salt, params)
    sealed = SecretBox(key).encrypt(plain, nonce).ciphertext
    return _Box(_Kdf("scrypt", params, salt), _Cipher("nacl/secretbox", nonce), sealed)


def _unseal(box: _Box, passphrase: bytes, subject: str) -> bytes:
    from nacl.exceptions import CryptoError  # noqa: PLC0415  slow to load
    from nacl.secret import SecretBox  # noqa: PLC0415

    key = _derive(passphrase, box.kdf.salt, box.kdf.params)
    try:
        return SecretBox(key).decrypt(box.ciphertext, box.cipher.nonce)
    except CryptoError as cause:
        raise ShipwayError(
            "key.locked",
            Kind.DENIED,
            "the passphrase does not open it" if passphrase else "it needs a passphrase",
            operation="opening the key",
            subject=subject,
            hint="set SHIPWAY_KEY_PASSWORD, or run in a terminal to be asked",
        ) from cause


def _derive(passphrase: bytes, salt: bytes, params: _Params) -> bytes:
    room = 128 * params.r * (params.N + params.p + 2) + (1 << 20)
    return hashlib.scrypt(
        passphrase, salt=salt, n=params.N, r=params.r, p=params.p, maxmem=room, dklen=_KEY
    )


def _armour(box: _Box) -> str:
    body = base64.b64encode(msgspec.json.encode(box)).decode()
    lines = "\n".join(body[at : at + 64] for at in range(0, len(body), 64))
    return f"-----BEGIN {LABEL}-----\n{lines}\n-----END {LABEL}-----\n"


def _unarmour(pem: str, subject: str) -> _Box:
    lines = pem.strip().splitlines()
    labels = {f"-----BEGIN {LABEL}-----", f"-----BEGIN {OLD_LABEL}-----"}
    if len(lines) < 3 or lines[0].strip() not in labels:  # noqa: PLR2004  begin, body, end
        raise _invalid(subject, "it is no encrypted Sigstore key")
    try:
        body = base64.b64decode("".join(line.strip() for line in lines[1:-1]), validate=True)
        box = msgspec.json.decode(body, type=_Box)
    except (binascii.Error, ValueError, RecursionError) as cause:
        raise _invalid(subject, "its body cannot be read") from cause
    known = (box.kdf.name, box.cipher.name) == ("scrypt", "nacl/secretbox")
    params = box.kdf.params
    if not known or params.N not in _READ or (params.r, params.p) != (_R, _P):
        raise _invalid(subject, "it is encrypted in another way")
    if len(box.cipher.nonce) != _NONCE:
        raise _invalid(subject, "its nonce has another length")
    return box


def _public(private: EllipticCurvePrivateKey) -> PublicKey:
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  slow to load

    der = private.public_key().public_bytes(
        form.Encoding.DER, form.PublicFormat.SubjectPublicKeyInfo
    )
    return PublicKey(der)


def _invalid(subject: str, why: str) -> ShipwayError:
    return ShipwayError(
        "key.invalid", Kind.CONFIG, why, operation="reading the key", subject=subject
    )
