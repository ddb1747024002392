"""Signature algorithms: the list of those that count, and nothing beside it.

ECDSA P-256 with SHA-256, P-384 with SHA-384 (or SHA-256, as sigstore-python long signed), Ed25519
(of bundles also Ed25519ph), RSA of 2048 to 4096 bits with PKCS#1 v1.5 and SHA-256: what the
registry of algorithms names (sigstore/architecture-docs, algorithm-registry.md) less P-521. The
``cryptography`` library is pure as used here and imported on first use, for it is slow to load.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

    from shipway.core.sigstore.artifact import Artifact

_BITS = range(2048, 4097)


@functools.lru_cache(maxsize=256)
def load(der: bytes) -> PublicKeyTypes:
    """Return a public key (SubjectPublicKeyInfo, or PKCS#1 of an RSA key).

    Raises:
        ShipwayError: ``bundle.algorithm`` (integrity) if it is none, or not on the list.
    """
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_der_public_key,
    )

    try:
        return listed(load_der_public_key(der))
    except (ValueError, UnsupportedAlgorithm) as cause:
        raise _refused("a key that cannot be read") from cause


def listed(key: PublicKeyTypes) -> PublicKeyTypes:
    """Return ``key`` if it is on the list.

    Raises:
        ShipwayError: ``bundle.algorithm`` (integrity).
    """
    name(key)
    return key


def name(key: PublicKeyTypes) -> str:
    """Return what a key signs with (``ECDSA P-256``).

    Raises:
        ShipwayError: ``bundle.algorithm`` (integrity) if it is not on the list.
    """
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: PLC0415

    if isinstance(key, ec.EllipticCurvePublicKey):
        if found := {"secp256r1": "P-256", "secp384r1": "P-384"}.get(key.curve.name):
            return f"ECDSA {found}"
        raise _refused(f"a key on the curve {key.curve.name}")
    if isinstance(key, ed25519.Ed25519PublicKey):
        return "Ed25519"
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size in _BITS:
            return f"RSA {key.key_size}"
        raise _refused(f"an RSA key of {key.key_size} bits")
    raise _refused(f"a key of the kind {type(key).__name__}")


def verifies(key: PublicKeyTypes, signature: bytes, message: bytes) -> bool:
    """Return whether ``key`` made ``signature`` over ``message``; a key off the list made none."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa  # noqa: PLC0415

    if isinstance(key, ec.EllipticCurvePublicKey):
        return any(
            _holds(key.verify, signature, message, ec.ECDSA(one))
            for one in _digests(key.curve.name)
        )
    if isinstance(key, ed25519.Ed25519PublicKey):
        return _holds(key.verify, signature, message)
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _BITS:
        return _holds(key.verify, signature, message, padding.PKCS1v15(), hashes.SHA256())
    return False


def verifies_prehashed(key: PublicKeyTypes, signature: bytes, message: bytes) -> bool:
    """Return whether ``key`` is an Ed25519 key that made an Ed25519ph signature (RFC 8032, 5.1).

    cosign signs so with every Ed25519 key, blobs and envelopes alike.
    """
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    from nacl import bindings, exceptions  # noqa: PLC0415  rarely needed

    if (
        not isinstance(key, ed25519.Ed25519PublicKey)
        or len(signature) != bindings.crypto_sign_BYTES
    ):
        return False
    raw = key.public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    state = bindings.crypto_sign_ed25519ph_state()
    bindings.crypto_sign_ed25519ph_update(state, message)
    try:
        return bool(bindings.crypto_sign_ed25519ph_final_verify(state, signature, raw))
    except exceptions.BadSignatureError:
        return False


def verifies_with(key: PublicKeyTypes, signature: bytes, message: bytes, digest: str) -> bool:
    """Return whether ``key`` made ``signature`` by a digest that a timestamp names (``sha384``)."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa  # noqa: PLC0415

    known: dict[str, hashes.HashAlgorithm] = {
        "sha256": hashes.SHA256(),
        "sha384": hashes.SHA384(),
        "sha512": hashes.SHA512(),
    }
    chosen = known[digest]
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _holds(key.verify, signature, message, ec.ECDSA(chosen))
    if isinstance(key, rsa.RSAPublicKey):
        return _holds(key.verify, signature, message, padding.PKCS1v15(), chosen)
    return verifies(key, signature, message)


def verifies_artifact(key: PublicKeyTypes, signature: bytes, artifact: Artifact) -> bool:
    """Return whether ``key`` made ``signature`` over an artifact, of which a digest may be enough.

    Raises:
        ShipwayError: ``bundle.needs-artifact`` (usage) where only its bytes could tell.
    """
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  slow to load
    from cryptography.hazmat.primitives.asymmetric import (  # noqa: PLC0415
        ec,
        ed25519,
        padding,
        rsa,
        utils,
    )

    if isinstance(key, ec.EllipticCurvePublicKey):
        return any(
            _holds(key.verify, signature, artifact.digest(one.name), ec.ECDSA(utils.Prehashed(one)))
            for one in sorted(_digests(key.curve.name), key=lambda one: one.name)
        )
    if isinstance(key, rsa.RSAPublicKey):
        hashed, how = artifact.digest("sha256"), utils.Prehashed(hashes.SHA256())
        return _holds(key.verify, signature, hashed, padding.PKCS1v15(), how)
    if isinstance(key, ed25519.Ed25519PublicKey):
        data = artifact.bytes_for("an Ed25519 signature")
        return _holds(key.verify, signature, data) or verifies_prehashed(key, signature, data)
    return False


def _digests(curve: str) -> tuple[HashAlgorithm, ...]:
    """Return the digests that count with a curve, the usual one first."""
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415  slow to load

    known: dict[str, tuple[HashAlgorithm, ...]] = {
        "secp256r1": (hashes.SHA256(),),
        "secp384r1": (hashes.SHA384(), hashes.SHA256()),
    }
    return known.get(curve, ())


def _holds(verify: Callable[..., None], *what: object) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  slow to load

    try:
        verify(*what)
    except InvalidSignature:
        return False
    return True


def _refused(what: str) -> ShipwayError:
    return ShipwayError("bundle.algorithm", Kind.INTEGRITY, f"{what} does not count")
