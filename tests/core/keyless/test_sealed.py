"""The bundle of a keyless signature: as cosign v3 writes it, and nothing in it goes unjudged."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from cryptography import x509

from fakes.sigstore import IDENTITY, ISSUER, NOW, Log, Sigstore, logged_as, pae, signed, statement
from shipway.core.evidence.envelope import Envelope, Signature
from shipway.core.keyless import entry, sealed
from shipway.core.keyless.identity import Identity
from shipway.core.sigstore import trustedroot
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.sigstore.trustedroot import TrustedRoot

WORLD = Sigstore()
ROOT = trustedroot.parse(json.dumps(WORLD.root()).encode())
PAYLOAD = statement()
IN_TOTO = "application/vnd.in-toto+json"
ME = Identity(issuer=ISSUER, subject="me", audiences=("sigstore",), expires=NOW)
SIGNED = signed(WORLD.key, pae(IN_TOTO, PAYLOAD))
LEAF = WORLD.certificate()


def logged(
    log: Log = WORLD.new, *, signature: bytes = SIGNED, leaf: bytes = LEAF, said: bytes = PAYLOAD
) -> dict[str, Any]:
    """Return the entry of our signature, or of another one."""
    over = pae(IN_TOTO, said)
    return log.entry(logged_as("record2", signature, leaf, "CERTIFICATE", said, over))


def made(*, leaf: bytes = LEAF, said: Any = None, stamp: bytes | None = None) -> bytes:
    """Return a bundle with one part replaced."""
    envelope = Envelope(payload=PAYLOAD, signatures=(Signature(SIGNED),))
    kept = entry.answered(json.dumps(said or logged(leaf=leaf)).encode())
    token = WORLD.stamp(SIGNED) if stamp is None else stamp
    return sealed.encode(envelope, certificate=leaf, entry=kept, stamp=token)


def test_shape() -> None:
    """One leaf certificate, one log entry as it was answered, a timestamp, and the envelope."""
    token = WORLD.stamp(SIGNED)
    found = json.loads(made(stamp=token))
    said = found["verificationMaterial"]["tlogEntries"][0]["canonicalizedBody"]
    spec = json.loads(base64.b64decode(said))["spec"]["hashedRekordV002"]
    digest = base64.b64decode(spec["data"]["digest"])
    assert digest == hashlib.sha256(pae(IN_TOTO, PAYLOAD)).digest()
    assert found == {
        "mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
        "verificationMaterial": {
            "certificate": {"rawBytes": base64.b64encode(LEAF).decode()},
            "tlogEntries": [found["verificationMaterial"]["tlogEntries"][0]],
            "timestampVerificationData": {
                "rfc3161Timestamps": [{"signedTimestamp": base64.b64encode(token).decode()}]
            },
        },
        "dsseEnvelope": {
            "payload": base64.b64encode(PAYLOAD).decode(),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": base64.b64encode(SIGNED).decode()}],
        },
    }


def test_ours() -> None:
    """A bundle in which everything shows that we signed is taken, with a certificate log or not."""
    sealed.check(made(), identity=ME, name=IDENTITY, root=ROOT)
    unlogged = msgspec.structs.replace(ROOT, ct_logs=())
    bare = WORLD.certificate(logged=False)
    sealed.check(made(leaf=bare), identity=ME, name=IDENTITY, root=unlogged)


def wrong(data: bytes, *, root: TrustedRoot = ROOT, name: str = IDENTITY) -> tuple[str, str]:
    """Return whose fault it is that a bundle is refused, and why."""
    with pytest.raises(ShipwayError) as caught:
        sealed.check(data, identity=ME, name=name, root=root)
    assert caught.value.message
    return caught.value.id, caught.value.message


def bent(said: dict[str, Any], **more: Any) -> bytes:
    """Return a bundle whose proof has parts replaced."""
    return made(said=said | {"inclusionProof": said["inclusionProof"] | more})


def test_faults_of_the_log() -> None:
    """Another entry, a stranger's, a wrong proof or checkpoint: the log's fault."""
    said = logged()
    stranger = Log("log.example", newer=True)
    for data in (
        made(said=logged(signature=b"another")),
        made(said=logged(leaf=WORLD.certificate())),
        made(said=logged(said=b"{}")),
        made(said=logged(stranger)),
        made(said=said | {"logIndex": "-1"}),
        made(said=said | {"logIndex": "3"}),
        made(said=said | {"kindVersion": {"kind": "dsse", "version": "0.0.2"}}),
        bent(said, hashes=[]),
        bent(said, checkpoint={"envelope": ""}),
        bent(said, checkpoint={"envelope": stranger.note(5, b"x" * 32)}),
    ):
        assert wrong(data)[0] == "rekor.entry"


def test_faults_of_the_timestamp_authority() -> None:
    """Over another signature, by a stranger, refused, or at another time: that server's fault."""
    other = Sigstore()
    for stamp in (
        WORLD.stamp(b"another"),
        other.stamp(SIGNED),
        WORLD.stamp(SIGNED, status=2),
        WORLD.stamp(SIGNED, moment=NOW + 541),
        WORLD.stamp(SIGNED, moment=NOW - 61),
        b"",
        b"hello",
    ):
        assert wrong(made(stamp=stamp))[0] == "timestamp.token"


def test_faults_of_the_certificate_authority() -> None:
    """By a stranger, for somebody else or unlogged: the certificate's fault, before all others."""
    eve = WORLD.certificate(names=(x509.RFC822Name("eve@example.com"),))
    other = Sigstore().certificate(key=WORLD.key)
    for leaf in (eve, other, WORLD.certificate(logged=False)):
        assert wrong(made(leaf=leaf))[0] == "fulcio.certificate"
    assert wrong(made(), name="somebody@example.com")[0] == "fulcio.certificate"


@pytest.mark.parametrize(
    ("part", "fault"),
    [
        ("logs", "rekor.entry"),
        ("timestamp_authorities", "timestamp.token"),
        ("authorities", "fulcio.certificate"),
    ],
)
def test_a_root_that_names_nobody(part: str, fault: str) -> None:
    """Where the trusted root does not name a server, nothing that it says is taken."""
    assert wrong(made(), root=msgspec.structs.replace(ROOT, **{part: ()}))[0] == fault
