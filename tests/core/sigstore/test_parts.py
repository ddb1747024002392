"""The parts of a bundle one by one: algorithms, DER, trees, checkpoints, entries, artifacts."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from fakes import der as write
from fakes import sigstore as made
from shipway.core.evidence.envelope import Envelope, Signature
from shipway.core.sigstore import algorithm, artifact, body, checkpoint, der, logentry, merkle
from shipway.core.sigstore.bundle import Bundle, MessageSignature
from shipway.core.sigstore.trustedroot import Log, Window
from shipway.errors import Kind, ShipwayError

DIGEST = artifact.named("sha256:" + hashlib.sha256(b"m").hexdigest())
DATA = artifact.of(b"m")


def test_artifacts_are_verified_by_each_algorithm() -> None:
    """Each algorithm verifies its own signature over an artifact, and no other."""
    p256, p384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    modulus, edwards = rsa.generate_private_key(65537, 2048), ed25519.Ed25519PrivateKey.generate()
    cases: list[tuple[Any, bytes]] = [
        (p256, p256.sign(b"m", ec.ECDSA(hashes.SHA256()))),
        (p384, p384.sign(b"m", ec.ECDSA(hashes.SHA384()))),
        (p384, p384.sign(b"m", ec.ECDSA(hashes.SHA256()))),
        (modulus, modulus.sign(b"m", padding.PKCS1v15(), hashes.SHA256())),
        (edwards, edwards.sign(b"m")),
        (edwards, made.prehashed(edwards, b"m")),
    ]
    other = artifact.of(b"n")
    for key, signature in cases:
        public = key.public_key()
        assert algorithm.verifies_artifact(public, signature, DATA)
        assert not algorithm.verifies_artifact(public, signature, other)
        assert not algorithm.verifies_artifact(public, b"short", DATA)


def test_names_of_algorithms() -> None:
    """Keys on the list are told by curve and size."""
    edwards = ed25519.Ed25519PrivateKey.generate().public_key()
    modulus = rsa.generate_private_key(65537, 2048).public_key()

    assert algorithm.name(edwards) == "Ed25519"
    assert algorithm.name(modulus) == "RSA 2048"


@pytest.mark.parametrize(
    "key",
    [
        rsa.generate_private_key(65537, 1024),  # noqa: S505  it is refused for that
        ed448.Ed448PrivateKey.generate(),
        ec.generate_private_key(ec.SECP256K1()),
    ],
)
def test_keys_off_the_list(key: Any) -> None:
    """A short RSA key and other curves verify nothing."""
    with pytest.raises(ShipwayError) as caught:
        algorithm.load(made.spki(key))
    assert caught.value.id == "bundle.algorithm"
    assert not algorithm.verifies(key.public_key(), b"", b"")


def test_a_key_that_is_none() -> None:
    """Bytes that are no key are refused as one that does not count."""
    with pytest.raises(ShipwayError, match="cannot be read"):
        algorithm.load(b"none")


def test_a_key_of_no_kind_signs_no_artifact() -> None:
    """A key of a kind off the list made no signature over an artifact."""
    key = ed448.Ed448PrivateKey.generate().public_key()
    assert not algorithm.verifies_artifact(key, b"", DATA)


def test_timestamps_are_signed_by_any_listed_digest() -> None:
    """A timestamp may name its digest whatever the key; Ed25519 has its own."""
    p384, edwards = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
    modulus = rsa.generate_private_key(65537, 2048)
    signature = p384.sign(b"m", ec.ECDSA(hashes.SHA512()))
    assert algorithm.verifies_with(p384.public_key(), signature, b"m", "sha512")
    assert not algorithm.verifies_with(p384.public_key(), signature, b"m", "sha384")
    signature = modulus.sign(b"m", padding.PKCS1v15(), hashes.SHA384())
    assert algorithm.verifies_with(modulus.public_key(), signature, b"m", "sha384")
    assert algorithm.verifies_with(edwards.public_key(), edwards.sign(b"m"), b"m", "sha512")


def test_an_older_p384_signature() -> None:
    """P-384 with SHA-256 verifies over messages too, and over an artifact by its digest."""
    assert DIGEST is not None
    key = ec.generate_private_key(ec.SECP384R1())
    signature = key.sign(b"m", ec.ECDSA(hashes.SHA256()))
    assert algorithm.verifies(key.public_key(), signature, b"m")
    assert algorithm.verifies_artifact(key.public_key(), signature, DIGEST)


def test_what_a_digest_cannot_show() -> None:
    """Where only the bytes could tell, that is said instead of no."""
    assert DIGEST is not None
    p384, edwards = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
    for key in (p384, edwards):
        with pytest.raises(ShipwayError) as caught:
            algorithm.verifies_artifact(key.public_key(), b"", DIGEST)
        assert (caught.value.id, caught.value.kind) == ("bundle.needs-artifact", Kind.USAGE)


@pytest.mark.parametrize("text", ["sha256:00", "md5:" + "0" * 32, "file", "SHA256:" + "0" * 64])
def test_what_is_no_digest(text: str) -> None:
    """Only digests of the known kinds, in lower case, are digests."""
    assert artifact.named(text) is None
    assert artifact.named("sha384:" + "a" * 96) is not None
    assert artifact.named("sha512:" + "a" * 128) is not None


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n - 1))))
def test_inclusion(where: tuple[int, int]) -> None:
    """A proof leads to the root of its tree from its own leaf, index and size, and no other."""
    size, index = where
    leaves = [bytes((one,)) for one in range(size)]
    proof, root = made.path(index, leaves), made.tree(leaves)

    assert merkle.root_of(leaves[index], index, size, proof) == root
    assert merkle.root_of(b"other", index, size, proof) != root
    assert merkle.root_of(leaves[index], index, size, [*proof, root]) is None
    assert merkle.root_of(leaves[index], size, size, proof) is None
    assert not proof or merkle.root_of(leaves[index], index, size, proof[:-1]) is None


@given(st.binary(max_size=200))
def test_values_in_der(data: bytes) -> None:
    """What was written is read; a value has one form, so bytes read are bytes written."""
    one = der.read(write.tlv(write.OCTETS, data), der.OCTETS)
    assert one.body == data
    assert write.tlv(write.OCTETS, data) == one.raw


@given(st.binary(max_size=40))
def test_bytes_that_may_be_der(data: bytes) -> None:
    """Any bytes are a value that would be written like that, or are refused."""
    try:
        found = der.read(data, data[0] if data else 0)
    except ValueError:
        return
    assert write.tlv(found.tag, found.body) == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x04",
        b"\x1f\x01\x00",
        b"\x04\x81\x01\x00",
        b"\x04\x82\x00\x80" + bytes(128),
        b"\x04\x80\x00\x00",
        b"\x04\x85\x01\x00\x00\x00\x00",
        b"\x04\x02\x00",
        b"\x04\x00\x04\x00",
        b"\x04\x84\x01",
    ],
)
def test_values_that_are_none(data: bytes) -> None:
    """Truncated values, lengths in another form and bytes behind the value are refused."""
    with pytest.raises(ValueError, match=r"\w"):
        der.read(data, der.OCTETS)


def test_parts_of_a_value() -> None:
    """Parts are read by the tags they must have, numbers and names by their values."""
    data = write.tlv(write.SEQUENCE, write.number(300), write.oid("1.2.840.3"))
    found = der.read(data, der.SEQUENCE)
    number, name = found.parts(der.INTEGER, der.OID)

    assert (number.number, name.oid) == (300, "1.2.840.3")
    with pytest.raises(ValueError, match="other parts"):
        found.parts(der.OID)


LOG = made.Log("log.example", newer=True)
TRUSTED = Log(id=LOG.id, key=made.spki(LOG.key), url="", window=Window(0))
NOTE = LOG.note(5, bytes(32))


def test_a_checkpoint() -> None:
    """A checkpoint is read with its signatures, and the log's own one is found among others."""
    text, _, line = NOTE.rpartition("\u2014")
    witnessed = f"{text}\u2014 witness.example {made.b64(bytes(76))}\n\u2014{line}"
    found = checkpoint.parse(witnessed)

    assert (found.origin, found.size, found.root) == ("log.example", 5, bytes(32))
    assert "signed by log.example" in checkpoint.check(found, TRUSTED)


def test_an_id_that_is_the_keys_digest() -> None:
    """An Ed25519 log may be named by its key's digest alone."""
    plain = hashlib.sha256(TRUSTED.key).digest()
    log = Log(id=plain, key=TRUSTED.key, url="", window=Window(0))
    text = NOTE.partition("\n\n")[0] + "\n"
    line = made.b64(plain[:4] + LOG.key.sign(text.encode()))
    note = f"{text}\n\u2014 log.example {line}\n"
    assert checkpoint.check(checkpoint.parse(note), log)


@pytest.mark.parametrize(
    "note",
    [
        "",
        NOTE.rstrip("\n"),
        NOTE.replace("\n5\n", "\n05\n"),
        NOTE.replace("\n5\n", "\n-5\n"),
        NOTE.replace(made.b64(bytes(32)), made.b64(bytes(31))),
        NOTE.replace(made.b64(bytes(32)), "??"),
        NOTE.replace("\u2014", "-"),
        NOTE.replace("\u2014 log.example ", "\u2014 "),
        NOTE.replace("log.example\n", "\n", 1),
        NOTE + "x" * 20_000 + "\n",
    ],
)
def test_checkpoints_that_are_none(note: str) -> None:
    """What is no signed note of a tree is refused."""
    with pytest.raises(ShipwayError) as caught:
        checkpoint.parse(note)
    assert caught.value.id == "bundle.checkpoint"


def entry(said: dict[str, Any] | bytes, kind: str = "", version: str = "") -> logentry.Entry:
    """Return an entry with a body."""
    data = said if isinstance(said, bytes) else json.dumps(said).encode()
    if isinstance(said, dict):
        kind, version = kind or said["kind"], version or said["apiVersion"]
    return logentry.Entry(index=0, log=b"", kind=kind, version=version, time=0, body=data)


SIGNED = made.logged_as("blob", b"s", b"v", "CERTIFICATE", b"", b"m")


def twisted(old: str, new: str) -> logentry.Entry:
    """Return the entry of an artifact with a text of it changed."""
    return entry(json.dumps(SIGNED).replace(old, new).encode(), "hashedrekord", "0.0.1")


@pytest.mark.parametrize(
    "found",
    [
        entry(b"["),
        entry(b'{"a": 1, "A": 2}'),
        entry({"apiVersion": "0.0.1", "kind": "rpm", "spec": {}}),
        entry({"apiVersion": "0.0.1", "kind": "dsse", "spec": {}}),
        entry({"apiVersion": "0.0.2", "kind": "dsse", "spec": {"dsseV002": 1}}),
        twisted(made.b64(b"s"), "??"),
        twisted(made.b64(made.pem(b"v", "CERTIFICATE")), made.b64(b"v")),
        twisted(made.b64(made.pem(b"v", "CERTIFICATE")), made.b64(b"\xff")),
        twisted(
            made.b64(made.pem(b"v", "CERTIFICATE")), made.b64(2 * made.pem(b"v", "CERTIFICATE"))
        ),
        twisted(hashlib.sha256(b"m").hexdigest(), "xx"),
    ],
)
def test_entries_that_are_not_read(found: logentry.Entry) -> None:
    """An entry of another kind or shape is refused, whatever is wrong with it."""
    with pytest.raises(ShipwayError) as caught:
        body.read(found)
    assert caught.value.id == "bundle.entry"


def checked(kind: str, content: Any, said: dict[str, Any]) -> None:
    """Check that an entry is about a bundle."""
    assert kind
    body.check(entry(said), Bundle(content=content), b"v", DATA)


MESSAGE = MessageSignature(algorithm="sha256", digest=b"", signature=b"s")


def test_an_entry_of_an_artifact() -> None:
    """Entries of both logs name the artifact by its digest."""
    for kind in ("blob", "blob2"):
        checked(kind, MESSAGE, made.logged_as(kind, b"s", b"v", "CERTIFICATE", b"", b"m"))


def test_an_entry_of_an_envelope_for_an_artifact() -> None:
    """An entry of an envelope does not stand for a signature over an artifact, nor the reverse."""
    dsse = made.logged_as("dsse", b"s", b"v", "CERTIFICATE", b"m", b"m")
    with pytest.raises(ShipwayError, match="another payload"):
        checked("dsse", MESSAGE, dsse)
    envelope = Envelope(payload=b"m", signatures=(Signature(b"s"),))
    with pytest.raises(ShipwayError, match="another artifact"):
        checked("blob", envelope, SIGNED)


def test_an_entry_of_another_payload_type() -> None:
    """An intoto entry that names another payload type is another entry."""
    said = made.logged_as("intoto", b"s", b"v", "CERTIFICATE", b"m", b"m")
    said["spec"]["content"]["envelope"]["payloadType"] = "text/plain"
    envelope = Envelope(payload=b"m", signatures=(Signature(b"s"),))
    with pytest.raises(ShipwayError, match="another payload"):
        checked("intoto", envelope, said)


def test_a_weak_digest_of_a_payload() -> None:
    """An entry that names a payload by a weak digest shows nothing."""
    said = made.logged_as("dsse", b"s", b"v", "CERTIFICATE", b"m", b"m")
    said["spec"]["payloadHash"] = {"algorithm": "sha1", "value": "00" * 20}
    envelope = Envelope(payload=b"m", signatures=(Signature(b"s"),))
    with pytest.raises(ShipwayError, match="another payload"):
        checked("dsse", envelope, said)


def test_a_weak_digest_of_an_artifact() -> None:
    """An entry that names an artifact by a weak digest shows nothing either."""
    said = made.logged_as("blob", b"s", b"v", "CERTIFICATE", b"", b"m")
    said["spec"]["data"]["hash"] = {"algorithm": "sha1", "value": "00" * 20}
    with pytest.raises(ShipwayError, match="another artifact"):
        checked("blob", MESSAGE, said)


def test_a_signer_that_is_not_there() -> None:
    """An entry of Rekor v2 that names no signer names another one."""
    said = made.logged_as("blob2", b"s", b"v", "CERTIFICATE", b"", b"m")
    said["spec"]["hashedRekordV002"]["signature"]["verifier"] = {}
    with pytest.raises(ShipwayError, match="another signer"):
        checked("blob2", MESSAGE, said)
