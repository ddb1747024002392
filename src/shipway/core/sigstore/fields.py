"""Every field of a bundle: which check covers it, or that it is unsigned and decides nothing.

``docs/bundle-fields.md`` is this table. Tests change each field of each kind of bundle and hold the
table to its word; one that the bundle's form has and the table has not fails them.
"""

from __future__ import annotations

import msgspec

_ENTRY = "verificationMaterial.tlogEntries[]"
_PROOF = f"{_ENTRY}.inclusionProof"
HEAD = """# Fields of a Sigstore bundle

Each field as `shipway verify --bundle` takes it. Of a *covered* field any other value fails the
check named (or one before it), where trusted root and policy ask for that check. An *unsigned*
field can be changed by anybody who carries the bundle, and so decides nothing: neither the verdict
nor a fact that is printed. Fields that are not listed are refused. The table is written by
`python tools/bundle_fields.py`; tests hold the program to it.

| field | covered by check | note |
|---|---|---|
"""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field, by its path in the bundle's JSON."""

    path: str
    check: str = ""
    """Empty of an unsigned one."""
    note: str = ""


FIELDS = (
    Field(path="mediaType", note="which version of the form; all are judged alike"),
    Field(path="verificationMaterial.publicKey.hint", note="the key comes from who verifies"),
    Field(path="verificationMaterial.certificate.rawBytes", check="chain"),
    Field(
        path="verificationMaterial.x509CertificateChain.certificates[].rawBytes",
        check="chain",
        note="of older bundles; the first is the signer's, others must be the trusted root's own",
    ),
    Field(path=f"{_ENTRY}.logIndex", check="promise", note="in Rekor v2 by inclusion"),
    Field(path=f"{_ENTRY}.logId.keyId", check="log key"),
    Field(path=f"{_ENTRY}.kindVersion.kind", check="log entry"),
    Field(path=f"{_ENTRY}.kindVersion.version", check="log entry"),
    Field(path=f"{_ENTRY}.integratedTime", check="promise", note="none in Rekor v2"),
    Field(path=f"{_ENTRY}.inclusionPromise.signedEntryTimestamp", check="promise"),
    Field(path=f"{_PROOF}.logIndex", check="inclusion"),
    Field(path=f"{_PROOF}.rootHash", check="checkpoint"),
    Field(path=f"{_PROOF}.treeSize", check="checkpoint"),
    Field(path=f"{_PROOF}.hashes[]", check="inclusion"),
    Field(
        path=f"{_PROOF}.checkpoint.envelope",
        check="checkpoint",
        note="lines of other signers than the log are unsigned",
    ),
    Field(path=f"{_ENTRY}.canonicalizedBody", check="inclusion"),
    Field(
        path="verificationMaterial.timestampVerificationData.rfc3161Timestamps[].signedTimestamp",
        check="timestamp",
        note="a status text beside the token is unsigned",
    ),
    Field(
        path="messageSignature.messageDigest.algorithm",
        check="subject",
        note="may be missing with the digest: the signature is over the artifact itself",
    ),
    Field(path="messageSignature.messageDigest.digest", check="subject"),
    Field(path="messageSignature.signature", check="signature"),
    Field(path="dsseEnvelope.payload", check="signature"),
    Field(path="dsseEnvelope.payloadType", check="payload type"),
    Field(path="dsseEnvelope.signatures[].sig", check="signature"),
    Field(path="dsseEnvelope.signatures[].keyid", note="the key comes from elsewhere"),
)


def table() -> str:
    """Return ``docs/bundle-fields.md``."""
    rows = (
        f"| `{one.path}` | {one.check or 'unsigned, never used for a decision'} | {one.note} |\n"
        for one in FIELDS
    )
    return HEAD + "".join(rows)
