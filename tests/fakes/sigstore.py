"""A Sigstore of the tests' own: authority, certificate log, logs of both kinds, timestamps.

Everything is signed with keys made here, so a test can have each part lie in exactly one way. What
is written follows the same specifications as the reader, but shares no code with it.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as form
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from nacl import bindings

from fakes import der

NOW = 1_700_000_000
"""When everything here is signed, seconds since the epoch."""
IDENTITY = "someone@example.com"
ISSUER = "https://accounts.example.com"
PREDICATE = "https://slsa.dev/provenance/v1"
ARTIFACT = b"an artifact\n"
IN_TOTO = "application/vnd.in-toto+json"
SCT = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
SHA256 = "2.16.840.1.101.3.4.2.1"
TST_INFO = "1.2.840.113549.1.9.16.1.4"
_DAY = dt.timedelta(days=1)


def at(seconds: float) -> dt.datetime:
    """Return a moment."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def b64(data: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(data).decode()


def spki(key: Any) -> bytes:
    """Return the public half as DER."""
    kind = form.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(form.Encoding.DER, kind)


def pem(body: bytes, label: str) -> bytes:
    """Return DER as PEM."""
    text = b64(body)
    lines = "\n".join(text[at : at + 64] for at in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n".encode()


def signed(key: Any, data: bytes) -> bytes:
    """Return a signature by a key of any kind used here."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(data)
    digest = hashes.SHA384() if key.curve.name == "secp384r1" else hashes.SHA256()
    return key.sign(data, ec.ECDSA(digest))


def prehashed(key: ed25519.Ed25519PrivateKey, data: bytes) -> bytes:
    """Return an Ed25519ph signature, by another library."""
    raw = key.private_bytes(form.Encoding.Raw, form.PrivateFormat.Raw, form.NoEncryption())
    public = key.public_key().public_bytes(form.Encoding.Raw, form.PublicFormat.Raw)
    state = bindings.crypto_sign_ed25519ph_state()
    bindings.crypto_sign_ed25519ph_update(state, data)
    return bindings.crypto_sign_ed25519ph_final_create(state, raw + public)


def statement(artifact: bytes = ARTIFACT, predicate: str = PREDICATE, **more: Any) -> bytes:
    """Return a statement about an artifact."""
    subject = {"name": "it", "digest": {"sha256": hashlib.sha256(artifact).hexdigest()}}
    said = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [subject],
        "predicateType": predicate,
        "predicate": {},
    }
    return json.dumps(said | more).encode()


def pae(kind: str, payload: bytes) -> bytes:
    """Return what an envelope's signature is over."""
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind.encode(), len(payload), payload)


def name(text: str) -> x509.Name:
    """Return a certificate's name."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


class Authority:
    """A root, and one certificate under it that issues or signs timestamps.

    ``key`` is another key of the latter, ``root_length`` how many authorities may stand below the
    root; ``usage``, ``extra`` and ``not_ca`` are what the latter says of itself.
    """

    def __init__(
        self,
        label: str,
        purpose: ObjectIdentifier,
        *,
        issues: bool,
        key: Any = None,
        root_length: int | None = None,
        usage: x509.KeyUsage | None = None,
        extra: x509.ExtensionType | None = None,
        not_ca: bool = False,
    ) -> None:
        self.root_key = ec.generate_private_key(ec.SECP256R1())
        self.key: Any = key or ec.generate_private_key(ec.SECP256R1())
        self.since, self.until = at(NOW) - 100 * _DAY, at(NOW) + 100 * _DAY
        root, below = name(f"{label} root"), name(label)
        self.root = self._signed(
            self._made(root, root, self.root_key).add_extension(
                x509.BasicConstraints(ca=True, path_length=root_length), critical=True
            )
        )
        builder = self._made(below, root, self.key).add_extension(
            x509.ExtendedKeyUsage([purpose]), critical=not issues
        )
        basic = x509.BasicConstraints(ca=issues and not not_ca, path_length=None)
        for one in (basic, usage, extra):
            if one is not None:
                builder = builder.add_extension(one, critical=True)
        self.certificate = self._signed(builder)
        self.chain = [self.certificate, self.root]

    def _made(self, subject: x509.Name, issuer: x509.Name, key: Any) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.since)
            .not_valid_after(self.until)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        return builder.sign(self.root_key, hashes.SHA256())

    def wire(self) -> dict[str, Any]:
        """Return it as a trusted root names it."""
        certificates = [
            {"rawBytes": b64(one.public_bytes(form.Encoding.DER))} for one in self.chain
        ]
        return {
            "uri": "https://authority.example",
            "certChain": {"certificates": certificates},
            "validFor": {"start": at(NOW - 86400).isoformat()},
        }


class Log:
    """A log: ``newer`` is Rekor v2."""

    def __init__(self, origin: str, *, newer: bool = False) -> None:
        self.newer, self.origin = newer, origin
        self.key: Any = ec.generate_private_key(ec.SECP256R1())
        if newer:
            self.key = ed25519.Ed25519PrivateKey.generate()

    @property
    def id(self) -> bytes:
        """Return the id by which entries name it."""
        if not self.newer:
            return hashlib.sha256(spki(self.key)).digest()
        return hashlib.sha256(self.origin.encode() + b"\n\x01" + spki(self.key)[-32:]).digest()

    def wire(self) -> dict[str, Any]:
        """Return it as a trusted root names it."""
        return {
            "baseUrl": f"https://{self.origin}",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": b64(spki(self.key)),
                "keyDetails": "PKIX_ED25519" if self.newer else "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": at(NOW - 86400).isoformat()},
            },
            "logId": {"keyId": b64(self.id)},
        }

    def entry(self, body: dict[str, Any], time: int = NOW) -> dict[str, Any]:
        """Return the entry for ``body``, third of five."""
        data = json.dumps(body, separators=(",", ":"), sort_keys=True).encode()
        leaves = [b"one", b"two", data, b"four", b"five"]
        out: dict[str, Any] = {
            "logIndex": "2" if self.newer else "1002",
            "logId": {"keyId": b64(self.id)},
            "kindVersion": {"kind": body["kind"], "version": body["apiVersion"]},
            "inclusionProof": self.proof(leaves, 2),
            "canonicalizedBody": b64(data),
        }
        return out if self.newer else self.promised(out | {"integratedTime": str(time)})

    def promised(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Return an entry with the log's promise for what stands in it."""
        said = {
            "body": entry["canonicalizedBody"],
            "integratedTime": int(entry["integratedTime"]),
            "logID": base64.b64decode(entry["logId"]["keyId"]).hex(),
            "logIndex": int(entry["logIndex"]),
        }
        message = json.dumps(said, separators=(",", ":"), sort_keys=True).encode()
        return entry | {
            "inclusionPromise": {"signedEntryTimestamp": b64(signed(self.key, message))}
        }

    def proof(self, leaves: list[bytes], index: int) -> dict[str, Any]:
        """Return the proof that a leaf is in the tree of all."""
        root = tree(leaves)
        return {
            "logIndex": str(index),
            "rootHash": b64(root),
            "treeSize": str(len(leaves)),
            "hashes": [b64(one) for one in path(index, leaves)],
            "checkpoint": {"envelope": self.note(len(leaves), root)},
        }

    def note(self, size: int, root: bytes, *, origin: str = "", by: str = "") -> str:
        """Return a signed checkpoint; ``by`` is another name on the signature."""
        title = origin or (self.origin if self.newer else f"{self.origin} - 77")
        text = f"{title}\n{size}\n{b64(root)}\n"
        line = b64(self.id[:4] + signed(self.key, text.encode()))
        return f"{text}\n\u2014 {by or self.origin} {line}\n"


def tree(leaves: list[bytes]) -> bytes:
    """Return the root of a tree (RFC 9162, 2.1.1)."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """Return the proof of inclusion of a leaf (RFC 9162, 2.1.3.1)."""
    if len(leaves) == 1:
        return []
    half = 1 << (len(leaves) - 1).bit_length() - 1
    if index < half:
        return [*path(index, leaves[:half]), tree(leaves[half:])]
    return [*path(index - half, leaves[half:]), tree(leaves[:half])]


class Sigstore:
    """One instance, and what signs with it."""

    def __init__(self) -> None:
        self.ca = Authority("fulcio", ExtendedKeyUsageOID.CODE_SIGNING, issues=True)
        self.tsa = Authority("tsa", ExtendedKeyUsageOID.TIME_STAMPING, issues=False)
        self.ct_key = ec.generate_private_key(ec.SECP256R1())
        self.old, self.new = Log("rekor.example"), Log("log.example", newer=True)
        self.key: Any = ec.generate_private_key(ec.SECP256R1())

    def root(self) -> dict[str, Any]:
        """Return the trusted root."""
        ct_log = {
            "baseUrl": "https://ct.example",
            "hashAlgorithm": "SHA2_256",
            "publicKey": {
                "rawBytes": b64(spki(self.ct_key)),
                "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                "validFor": {"start": at(NOW - 86400).isoformat()},
            },
            "logId": {"keyId": b64(hashlib.sha256(spki(self.ct_key)).digest())},
        }
        return {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [self.old.wire(), self.new.wire()],
            "certificateAuthorities": [self.ca.wire()],
            "ctlogs": [ct_log],
            "timestampAuthorities": [self.tsa.wire()],
        }

    def certificate(
        self,
        *,
        key: Any = None,
        by: Any = None,
        names: tuple[x509.GeneralName, ...] = (x509.RFC822Name(IDENTITY),),
        issuer: str = ISSUER,
        purpose: ObjectIdentifier | None = ExtendedKeyUsageOID.CODE_SIGNING,
        ct_key: Any = None,
        logged: bool = True,
        signing: bool = True,
        authority: bool = False,
        poisoned: bool = False,
        old_issuer: bool = False,
        moment: int = NOW,
        digest: Any = None,
    ) -> bytes:
        """Return a signer's certificate as DER; ``by`` is another key of the authority."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.certificate.subject)
            .public_key((key or self.key).public_key())
            .serial_number(4711)
            .not_valid_before(at(NOW - 60))
            .not_valid_after(at(NOW + 540))
            .add_extension(usage(signing=signing), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        if purpose is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if authority:
            builder = builder.add_extension(
                x509.BasicConstraints(ca=True, path_length=None), critical=True
            )
        if poisoned:
            builder = builder.add_extension(x509.PrecertPoison(), critical=True)
        if issuer:
            code, value = "8", der.tlv(der.UTF8, issuer.encode())
            if old_issuer:
                code, value = "1", issuer.encode()
            oid = ObjectIdentifier(f"1.3.6.1.4.1.57264.1.{code}")
            builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
        by = by or self.ca.key
        if not isinstance(by, ed25519.Ed25519PrivateKey):
            digest = digest or hashes.SHA256()
        plain = builder.sign(by, digest)
        if logged:
            listed = self._logged(plain.tbs_certificate_bytes, ct_key or self.ct_key, moment)
            extension = x509.UnrecognizedExtension(SCT, listed)
            plain = builder.add_extension(extension, critical=False).sign(by, digest)
        return plain.public_bytes(form.Encoding.DER)

    def _logged(self, body: bytes, key: Any, moment: int) -> bytes:
        """Return the extension that lists one certificate timestamp (RFC 6962, 3.3)."""
        own = hashlib.sha256(spki(self.ca.key)).digest()
        said = struct.pack(">BBQH", 0, 0, moment * 1000 + 7, 1) + own
        said += len(body).to_bytes(3, "big") + body + b"\x00\x00"
        made = signed(key, said)
        one = b"\x00" + hashlib.sha256(spki(key)).digest()
        one += struct.pack(">QHBBH", moment * 1000 + 7, 0, 4, 3, len(made)) + made
        listed = struct.pack(">HH", len(one) + 2, len(one)) + one
        return der.tlv(der.OCTETS, listed)

    def stamp(
        self,
        data: bytes,
        *,
        moment: float = NOW,
        tsa: Authority | None = None,
        brings: bool = True,
        spoiled: bool = False,
        **lies: Any,
    ) -> bytes:
        """Return a timestamp response over ``data`` (RFC 3161, RFC 5652); it lies as it is told."""
        tsa = tsa or self.tsa
        sha256 = der.tlv(
            der.SEQUENCE, der.oid(lies.get("hash_oid", SHA256)), lies.get("parameters", b"")
        )
        imprint = der.tlv(
            der.SEQUENCE,
            der.tlv(der.SEQUENCE, der.oid(lies.get("algorithm", SHA256)), der.tlv(der.NULL)),
            der.tlv(der.OCTETS, lies.get("imprint") or hashlib.sha256(data).digest()),
        )
        info = der.tlv(
            der.SEQUENCE,
            der.number(lies.get("info_version", 1)),
            der.oid("1.3.6.1.4.1.57264.2"),
            imprint,
            der.number(99),
            der.tlv(der.TIME, lies.get("time") or at(moment).strftime("%Y%m%d%H%M%SZ").encode()),
        )
        digest = hashlib.sha256(lies.get("digest_of", info)).digest()
        said = [
            attribute("1.2.840.113549.1.9.3", der.oid(lies.get("typed", TST_INFO))),
            attribute("1.2.840.113549.1.9.4", der.tlv(der.OCTETS, digest)),
            attribute("1.2.840.113549.1.9.4", der.tlv(der.OCTETS, digest)),
        ]
        attributes = said[: lies.get("attributes", 2)]
        made = signed(tsa.key, der.tlv(der.SET, *attributes))
        if spoiled:
            made = signed(tsa.key, b"something else")
        serial = der.number(tsa.certificate.serial_number)
        wide = isinstance(tsa.key.curve, ec.SECP384R1)  # then ecdsa-with-SHA384
        signer = der.tlv(
            der.SEQUENCE,
            der.number(lies.get("signer_version", 1)),
            der.tlv(der.SEQUENCE, tsa.certificate.issuer.public_bytes(), serial),
            sha256,
            der.tlv(0xA0, *attributes),
            der.tlv(der.SEQUENCE, der.oid(lies.get("method", f"1.2.840.10045.4.3.{wide + 2}"))),
            der.tlv(der.OCTETS, made),
        )
        own = tsa.certificate.public_bytes(form.Encoding.DER)
        content = der.tlv(
            der.SEQUENCE,
            der.number(lies.get("version", 3)),
            lies.get("hashes", der.tlv(der.SET, sha256)),
            der.tlv(
                der.SEQUENCE,
                der.oid(lies.get("wrapped", TST_INFO)),
                der.tlv(0xA0, der.tlv(der.OCTETS, info)),
            ),
            lies.get("more", der.tlv(0xA0, own) if brings else b""),
            der.tlv(der.SET, *(signer for _ in range(lies.get("signers", 1)))),
        )
        kind = der.oid(lies.get("kind", "1.2.840.113549.1.7.2"))
        token = der.tlv(der.SEQUENCE, kind, der.tlv(0xA0, content))
        status = der.tlv(der.SEQUENCE, der.number(lies.get("status", 0)))
        return der.tlv(der.SEQUENCE, status, token)

    def bundle(
        self,
        kind: str = "dsse",
        *,
        payload: bytes | None = None,
        payload_type: str = IN_TOTO,
        certificate: bytes | None = None,
        key: Any = None,
        by: Any = None,
        over: bytes | None = None,
        time: int = NOW,
        stamped: bytes | None = None,
        logged: bytes | None = None,
    ) -> dict[str, Any]:
        """Return a bundle whose entry is of a kind.

        ``dsse``, ``intoto``, ``blob`` (hashedrekord) are of Rekor v1, ``dsse2``, ``record2`` (of
        an envelope) and ``blob2`` of v2. ``key`` makes it a bundle of that key; ``by`` signs
        instead of the signer's key, ``over`` other bytes; ``logged`` is another signature for the
        entry, ``stamped`` a timestamp instead of its own.
        """
        payload = statement() if payload is None else payload
        blob = kind.startswith("blob")
        said = ARTIFACT if blob else pae(payload_type, payload)
        made = signed(by or key or self.key, said if over is None else over)
        label, verifier = "PUBLIC KEY", spki(key) if key else b""
        material: dict[str, Any] = {"publicKey": {"hint": "any"}}
        if not key:
            label, verifier = "CERTIFICATE", certificate or self.certificate()
            material = {"certificate": {"rawBytes": b64(verifier)}}
        newer = kind.endswith("2")
        body = logged_as(kind, logged or made, verifier, label, payload, said)
        material["tlogEntries"] = [(self.new if newer else self.old).entry(body, time)]
        if newer:
            token = self.stamp(made) if stamped is None else stamped
            times = [{"signedTimestamp": b64(token)}]
            material["timestampVerificationData"] = {"rfc3161Timestamps": times}
        out: dict[str, Any] = {
            "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
            "verificationMaterial": material,
        }
        if blob:
            digest = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(ARTIFACT).digest())}
            return out | {"messageSignature": {"messageDigest": digest, "signature": b64(made)}}
        signatures = [{"sig": b64(made), "keyid": ""}]
        envelope = {"payload": b64(payload), "payloadType": payload_type, "signatures": signatures}
        return out | {"dsseEnvelope": envelope}


def usage(*, signing: bool) -> x509.KeyUsage:
    """Return what a key may do: sign, or agree on keys."""
    return x509.KeyUsage(
        digital_signature=signing,
        key_agreement=not signing,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def attribute(oid: str, value: bytes) -> bytes:
    """Return a signed attribute (RFC 5652, 5.3)."""
    return der.tlv(der.SEQUENCE, der.oid(oid), der.tlv(der.SET, value))


def logged_as(  # noqa: PLR0917  as the entry names them
    kind: str, made: bytes, verifier: bytes, label: str, payload: bytes, said: bytes
) -> dict[str, Any]:
    """Return the body of an entry, as each kind of log writes it."""
    text = pem(verifier, label)
    old = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
    new = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(payload).digest())}
    field = "x509Certificate" if label == "CERTIFICATE" else "publicKey"
    signature = {
        "content": b64(made),
        "verifier": {"keyDetails": "PKIX_ECDSA_P256_SHA_256", field: {"rawBytes": b64(verifier)}},
    }
    if kind == "dsse":
        signatures = [{"signature": b64(made), "verifier": b64(text)}]
        spec: dict[str, Any] = {"payloadHash": old, "envelopeHash": old, "signatures": signatures}
        return {"apiVersion": "0.0.1", "kind": "dsse", "spec": spec}
    if kind == "intoto":
        signatures = [{"sig": b64(b64(made).encode()), "publicKey": b64(text)}]
        envelope = {"payloadType": IN_TOTO, "signatures": signatures}
        spec = {"content": {"envelope": envelope, "payloadHash": old, "hash": old}}
        return {"apiVersion": "0.0.2", "kind": "intoto", "spec": spec}
    if kind == "blob":
        data = {"hash": {"algorithm": "sha256", "value": hashlib.sha256(said).hexdigest()}}
        spec = {
            "data": data,
            "signature": {"content": b64(made), "publicKey": {"content": b64(text)}},
        }
        return {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": spec}
    if kind == "dsse2":
        spec = {"dsseV002": {"payloadHash": new, "signatures": [signature]}}
        return {"apiVersion": "0.0.2", "kind": "dsse", "spec": spec}
    data = {"algorithm": "SHA2_256", "digest": b64(hashlib.sha256(said).digest())}
    spec = {"hashedRekordV002": {"data": data, "signature": signature}}
    return {"apiVersion": "0.0.2", "kind": "hashedrekord", "spec": spec}
