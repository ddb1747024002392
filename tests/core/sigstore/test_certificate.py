"""Authorities of a trusted root: which of them may issue, and which root is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, ObjectIdentifier

from fakes import sigstore as made
from fakes.sigstore import Authority, Sigstore
from shipway.core.sigstore import certificate, logentry, trustedroot
from shipway.core.sigstore.trustedroot import Log, Window
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.sigstore.trustedroot import Authority as Trusted


def authority(**lies: Any) -> tuple[Sigstore, Trusted]:
    """Return an instance whose authority lies, and it as a trusted root names it."""
    instance = Sigstore()
    instance.ca = Authority("fulcio", ExtendedKeyUsageOID.CODE_SIGNING, issues=True, **lies)
    root = trustedroot.parse(json.dumps(instance.root()).encode())
    return instance, root.authorities[0]


def issued(instance: Sigstore, by: Trusted) -> Trusted:
    """Return who issued a certificate of the instance."""
    leaf = certificate.load(instance.certificate(logged=False))
    return certificate.issued(leaf, (), (by,))


def usage(*, issues: bool) -> x509.KeyUsage:
    """Return what an authority's key may do."""
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=issues,
        key_agreement=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def test_authorities() -> None:
    """An authority whose key may issue, with room for those below it, may issue."""
    for lies in ({}, {"usage": usage(issues=True)}, {"root_length": 1}):
        instance, by = authority(**lies)
        assert issued(instance, by) == by


@pytest.mark.parametrize(
    "lies",
    [
        {"usage": usage(issues=False)},
        {"root_length": 0},
        {"extra": x509.UnrecognizedExtension(ObjectIdentifier("1.2.3"), b"")},
        {"not_ca": True},
    ],
)
def test_authorities_that_may_not_issue(lies: dict[str, Any]) -> None:
    """A key for other things, no room below it, or a rule nobody knows: it issues nothing."""
    instance, by = authority(**lies)
    with pytest.raises(ShipwayError) as caught:
        issued(instance, by)
    assert caught.value.id == "bundle.chain"


def test_an_authority_with_an_edwards_key() -> None:
    """An authority may sign with Ed25519, which has no digest of its own."""
    instance, by = authority(key=ed25519.Ed25519PrivateKey.generate())
    assert issued(instance, by) == by


def test_a_root_with_a_certificate_that_is_none() -> None:
    """A broken certificate in a trusted root is the root's fault, not the bundle's."""
    instance = Sigstore()
    broken = trustedroot.Authority(chain=(b"none",), url="", window=Window(0))
    with pytest.raises(ShipwayError) as caught:
        issued(instance, broken)
    assert caught.value.id == "trust.invalid"


def test_an_entry_without_a_proof() -> None:
    """An entry that brings no proof is not shown to be in any tree."""
    entry = logentry.Entry(index=0, log=b"", kind="dsse", version="0.0.1", time=1, body=b"")
    log = Log(id=b"", key=made.spki(Sigstore().key), url="", window=Window(0))
    for look in (lambda: logentry.included(entry), lambda: logentry.witnessed(entry, log)):
        with pytest.raises(ShipwayError):
            look()
