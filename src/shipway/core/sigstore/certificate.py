"""The signer's certificate: who issued it, for what, to whom, and when it counted (RFC 5280).

A path leads from it to an authority of the trusted root, by the certificates of that authority
alone. What a bundle brings besides must be one of those. Identity and issuer are where Fulcio
writes them (fulcio, docs/oid-info.md).
"""

from __future__ import annotations

import datetime as dt
import functools
import itertools
from typing import TYPE_CHECKING, TypeVar, cast

from shipway.core.sigstore import algorithm, der
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
    from cryptography.x509 import Certificate, ExtensionType

    from shipway.core.sigstore.trustedroot import Authority

    E = TypeVar("E", bound=ExtensionType)

ISSUER = "1.3.6.1.4.1.57264.1.8"
"""OIDC issuer as a DER UTF8String."""
OLD_ISSUER = "1.3.6.1.4.1.57264.1.1"
"""The same as bare text, of older certificates."""
OTHER_NAME = "1.3.6.1.4.1.57264.1.7"
"""otherName of identities that are neither address nor URI."""
_HASHES = frozenset({"sha256", "sha384", "sha512", None})
"""None is that of Ed25519."""
_UTF8 = 0x0C


@functools.lru_cache(maxsize=64)
def trusted(raw: bytes) -> Certificate:
    """Return a certificate of a trusted root.

    Raises:
        ShipwayError: ``trust.invalid`` (config) if it is none.
    """
    try:
        return _parsed(raw)
    except ShipwayError as error:
        raise ShipwayError("trust.invalid", Kind.CONFIG, error.message) from error


def load(raw: bytes) -> Certificate:
    """Return a certificate whose extensions can be read.

    Raises:
        ShipwayError: ``bundle.chain`` (integrity) if it is none; ``bundle.algorithm``
            (integrity) if its key is not on the list.
    """
    found = _parsed(raw)
    algorithm.listed(key(found))
    return found


def _parsed(raw: bytes) -> Certificate:
    from cryptography import x509  # noqa: PLC0415  slow to load
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415

    try:
        found = x509.load_der_x509_certificate(raw)
        _ = (
            found.extensions,
            found.subject,
            found.issuer,
            found.signature_hash_algorithm,
            key(found),
        )
    except (ValueError, KeyError, UnsupportedAlgorithm, x509.DuplicateExtension) as cause:
        raise _refused("bundle.chain", f"not a certificate: {cause}"[:120]) from cause
    return found


def key(leaf: Certificate) -> PublicKeyTypes:
    """Return the certificate's key, which is on the list if the certificate was loaded."""
    return cast("PublicKeyTypes", leaf.public_key())


def issued(
    leaf: Certificate, brought: Iterable[bytes], authorities: Iterable[Authority]
) -> Authority:
    """Return the authority that issued ``leaf``; ``brought`` came with it.

    Raises:
        ShipwayError: ``bundle.chain`` (integrity) if none did, or a certificate that was brought
            is not one between leaf and root; ``bundle.algorithm`` for a weak hash.
    """
    known = tuple(authorities)
    if leaf.signature_hash_algorithm is not None:
        used = leaf.signature_hash_algorithm.name
        if used not in _HASHES:
            raise _refused("bundle.algorithm", f"a certificate signed with {used} does not count")
    if _is_authority(leaf):
        raise _refused("bundle.chain", "the certificate is an authority's, not a signer's")
    if not _understood(leaf):
        raise _refused("bundle.chain", "the certificate has a critical extension that nobody knows")
    found = next((one for one in known if leads(leaf, one.chain)), None)
    if found is None:
        name = leaf.issuer.rfc4514_string()[:80]
        raise _refused("bundle.chain", f"no authority of the trusted root issued it ({name})")
    between = {one for one in found.chain if not _is_root(trusted(one))}
    if not set(brought) <= between:
        raise _refused(
            "bundle.chain", "it brings a certificate that is not between it and the root"
        )
    return found


def counted(leaf: Certificate, authority: Authority, moment: float) -> bool:
    """Return whether all the path's certificates and the authority counted then."""
    path = (leaf, *(trusted(one) for one in authority.chain))
    return authority.window.covers(moment) and all(valid(one, moment) for one in path)


def valid(certificate: Certificate, moment: float) -> bool:
    """Return whether ``moment`` lies in a certificate's validity, ends included."""
    at = dt.datetime.fromtimestamp(moment, dt.UTC)
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def purpose(leaf: Certificate, oid: str, *, critical: bool = False) -> bool:
    """Return whether a certificate is for a purpose, which it must say (extended key usage)."""
    from cryptography import x509  # noqa: PLC0415  slow to load

    try:
        found = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        return False
    return (found.critical or not critical) and oid in {one.dotted_string for one in found.value}


def signs(leaf: Certificate) -> bool:
    """Return whether a certificate's key may sign (key usage digitalSignature)."""
    from cryptography import x509  # noqa: PLC0415  slow to load

    usage = _value(leaf, x509.KeyUsage)
    return usage is not None and usage.digital_signature


def identities(leaf: Certificate) -> tuple[str, ...]:
    """Return to whom it was issued: addresses, URIs and Fulcio's other names."""
    from cryptography import x509  # noqa: PLC0415  slow to load

    names = _value(leaf, x509.SubjectAlternativeName)
    if names is None:
        return ()
    texts = (
        *names.get_values_for_type(x509.RFC822Name),
        *names.get_values_for_type(x509.UniformResourceIdentifier),
    )
    others = names.get_values_for_type(x509.OtherName)
    return texts + tuple(
        _utf8(one.value) for one in others if one.type_id.dotted_string == OTHER_NAME
    )


def issuer(leaf: Certificate) -> str:
    """Return which OIDC issuer vouched for the identity; empty where it does not say."""
    from cryptography import x509  # noqa: PLC0415  slow to load

    found = {one.oid.dotted_string: one.value for one in leaf.extensions}
    newer, older = found.get(ISSUER), found.get(OLD_ISSUER)
    if isinstance(newer, x509.UnrecognizedExtension):
        return _utf8(newer.value)
    if isinstance(older, x509.UnrecognizedExtension):
        return older.value.decode(errors="replace")
    return ""


def leads(leaf: Certificate, chain: tuple[bytes, ...]) -> bool:
    """Return whether a chain's first certificate issued ``leaf``, and each next the one before."""
    return _issued(leaf, trusted(chain[0])) and _may_issue(chain[0], 0) and linked(chain, 1)


def linked(chain: tuple[bytes, ...], below: int = 0) -> bool:
    """Return whether each certificate of a chain issued the one before it.

    ``below`` authorities already stand under the chain's second certificate.
    """
    pairs = itertools.pairwise(chain)
    return all(
        _links(child, parent) and _may_issue(parent, under)
        for under, (child, parent) in enumerate(pairs, below)
    )


@functools.lru_cache(maxsize=64)
def _links(child: bytes, parent: bytes) -> bool:
    return _issued(trusted(child), trusted(parent))


def _issued(child: Certificate, parent: Certificate) -> bool:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  slow to load

    try:
        child.verify_directly_issued_by(parent)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


@functools.lru_cache(maxsize=64)
def _may_issue(raw: bytes, below: int) -> bool:
    """Return whether a certificate may issue, with ``below`` authorities under it."""
    from cryptography import x509  # noqa: PLC0415  slow to load

    found = trusted(raw)
    constraints, usage = _value(found, x509.BasicConstraints), _value(found, x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage and not usage.key_cert_sign):
        return False
    if not _understood(found):
        return False
    return constraints.path_length is None or constraints.path_length >= below


def _understood(certificate: Certificate) -> bool:
    """Return whether all critical extensions are of a kind that is judged here (RFC 5280, 4.2).

    A precertificate, which a log took in but nobody issued, has one that is not.
    """
    from cryptography import x509  # noqa: PLC0415  slow to load

    known = (
        x509.BasicConstraints,
        x509.KeyUsage,
        x509.ExtendedKeyUsage,
        x509.SubjectAlternativeName,
    )
    return all(isinstance(one.value, known) for one in certificate.extensions if one.critical)


def _is_authority(leaf: Certificate) -> bool:
    from cryptography import x509  # noqa: PLC0415  slow to load

    constraints = _value(leaf, x509.BasicConstraints)
    return constraints is not None and constraints.ca


def _is_root(certificate: Certificate) -> bool:
    return certificate.issuer == certificate.subject


def _value(certificate: Certificate, kind: type[E]) -> E | None:
    from cryptography import x509  # noqa: PLC0415  slow to load

    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _utf8(value: bytes) -> str:
    """Return the text of a DER UTF8String, or nothing if it is another value."""
    try:
        return der.read(value, _UTF8).body.decode()
    except ValueError:
        return ""


def _refused(error: str, why: str) -> ShipwayError:
    return ShipwayError(error, Kind.INTEGRITY, why)
