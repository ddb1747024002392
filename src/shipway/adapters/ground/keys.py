"""Keys and certificates of a cluster: ECDSA P-256, made with the ``cryptography`` package.

Private keys are written 0600 below the cluster's own folder, or returned and written nowhere.
"""

from __future__ import annotations

import ctypes
import datetime as dt
import ipaddress
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shipway.core.ports.ground import File, Issued

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.core.ports.ground import Leaf, Tree

_AUTHORITY_DAYS = 3650
_RENEW_DAYS = 30
_BCRYPT_ALPHABET = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_BCRYPT_COST = 4
"""The least: what is hashed is 32 random bytes, and each request to the registry pays for it."""
_SALT = 22


class GroundKeys:
    """Keeps :class:`~shipway.core.ports.ground.Keys`."""

    def __init__(self, tree: Tree, now: Callable[[], float]) -> None:
        self._tree = tree
        self._now = now
        self._loaded: dict[str, tuple[x509.Certificate, ec.EllipticCurvePrivateKey]] = {}

    def authority(self, path: str, common_name: str) -> None:
        """Have an authority that may sign leaves only."""
        if self._tree.read(f"{path}.crt") and self._tree.read(f"{path}.key"):
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = self._builder(name, name, key, _AUTHORITY_DAYS)
        builder = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        builder = builder.add_extension(_usage(authority=True), critical=True)
        self._write(path, builder.sign(key, hashes.SHA256()), key)

    def have(self, leaves: Sequence[Leaf]) -> None:
        """Issue those that are missing, differ from what is wanted or end soon."""
        for leaf in leaves:
            if not self._good(leaf):
                self._write(leaf.path, *self._sign(leaf))

    def issue(self, leaf: Leaf) -> Issued:
        """Return a new pair as text."""
        certificate, key = self._sign(leaf)
        authority, _ = self._authority(leaf.issuer)
        return Issued(
            _pem(certificate),
            _key_text(key),
            _pem(authority),
            certificate.not_valid_after_utc.timestamp(),
        )

    def signer(self, path: str) -> None:
        """Have the pair that the apiserver signs tokens with."""
        if self._tree.read(f"{path}.key") and self._tree.read(f"{path}.pub"):
            return
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._tree.write(File(f"{path}.key", _key_text(key)))
        self._tree.write(File(f"{path}.pub", public.decode()))

    def secret(self, path: str, size: int = 32) -> str:
        """Return what is kept at ``path``."""
        if text := self._tree.read(path):
            return text.strip()
        text = secrets.token_urlsafe(size)
        self._tree.write(File(path, text + "\n"))
        return text

    def password_hash(self, password: str) -> str:
        """Hash with the C library's bcrypt, which every distribution of glibc here has."""
        salt = "".join(secrets.choice(_BCRYPT_ALPHABET) for _ in range(_SALT))
        library = ctypes.CDLL("libcrypt.so.1")
        library.crypt.restype = ctypes.c_char_p
        hashed: bytes = library.crypt(password.encode(), f"$2b${_BCRYPT_COST:02}${salt}".encode())
        return hashed.decode()

    def _good(self, leaf: Leaf) -> bool:
        text = self._tree.read(f"{leaf.path}.crt")
        if text is None or self._tree.read(f"{leaf.path}.key") is None:
            return False
        found = x509.load_pem_x509_certificate(text.encode())
        authority, _ = self._authority(leaf.issuer)
        late = self._time() + dt.timedelta(days=_RENEW_DAYS)
        wanted = [extension.value for extension in _extensions(leaf)]
        return (
            found.subject == _subject(leaf)
            and found.issuer == authority.subject
            and found.not_valid_after_utc > late
            and all(value in [own.value for own in found.extensions] for value in wanted)
            and _signed_by(found, authority)
        )

    def _sign(self, leaf: Leaf) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        authority, signing = self._authority(leaf.issuer)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_subject(leaf), authority.subject, key, leaf.days)
        for extension in _extensions(leaf):
            builder = builder.add_extension(extension.value, critical=extension.critical)
        own = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
        builder = builder.add_extension(own, critical=False)
        return builder.sign(signing, hashes.SHA256()), key

    def _authority(self, path: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        if path not in self._loaded:
            certificate = x509.load_pem_x509_certificate(Path(f"{path}.crt").read_bytes())
            key = serialization.load_pem_private_key(Path(f"{path}.key").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)  # noqa: S101  made by authority()
            self._loaded[path] = (certificate, key)
        return self._loaded[path]

    def _time(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._now(), dt.UTC)

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
    ) -> x509.CertificateBuilder:
        now = self._time()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=5))
            .not_valid_after(now + dt.timedelta(days=days))
        )

    def _write(
        self, path: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self._tree.write(File(f"{path}.key", _key_text(key)))
        self._tree.write(File(f"{path}.crt", _pem(certificate), 0o644))


def _subject(leaf: Leaf) -> x509.Name:
    groups = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in leaf.organizations]
    return x509.Name([*groups, x509.NameAttribute(NameOID.COMMON_NAME, leaf.common_name)])


def _extensions(leaf: Leaf) -> list[x509.Extension[x509.ExtensionType]]:
    purposes = []
    if leaf.server:
        purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
    if leaf.client:
        purposes.append(ExtendedKeyUsageOID.CLIENT_AUTH)
    values: list[tuple[bool, x509.ExtensionType]] = [
        (True, x509.BasicConstraints(ca=False, path_length=None)),
        (True, _usage(authority=False)),
        (False, x509.ExtendedKeyUsage(purposes)),
    ]
    addresses = [x509.IPAddress(ipaddress.ip_address(one)) for one in leaf.addresses]
    if names := [*map(x509.DNSName, leaf.names), *addresses]:
        values.append((False, x509.SubjectAlternativeName(names)))
    return [x509.Extension(value.oid, critical, value) for critical, value in values]


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _signed_by(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except Exception:  # noqa: BLE001  whatever is wrong with it, a new one is made
        return False
    return True


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _key_text(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
