"""The judgement of bundles: each check has a bundle that fails it and nothing else."""

from __future__ import annotations

import base64
import copy
import functools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID

from fakes import sigstore as made
from fakes.sigstore import ARTIFACT, IDENTITY, ISSUER, NOW, PREDICATE, Authority, Log, Sigstore
from shipway.core.evidence.key import PublicKey
from shipway.core.sigstore import artifact, bundle, trustedroot
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.judgement import Facts, Judgement, Outcome
from shipway.core.sigstore.policy import Policy, Wanted
from shipway.errors import ShipwayError
from shipway.roads import explain

if TYPE_CHECKING:
    from collections.abc import Callable

KINDS = ("dsse", "intoto", "blob", "dsse2", "record2", "blob2")
KEYLESS = Policy(identity=Wanted(IDENTITY), issuer=Wanted(ISSUER))


@functools.cache
def instance() -> Sigstore:
    """Return the instance that all tests share; nobody changes it."""
    return Sigstore()


@functools.cache
def key_policy() -> Policy:
    """Return the policy of the instance's own key."""
    return Policy(key=PublicKey(made.spki(instance().key)))


def judged(
    found: dict[str, Any],
    *,
    policy: Policy = KEYLESS,
    root: dict[str, Any] | None = None,
    about: artifact.Artifact | None = None,
) -> Judgement:
    """Return the judgement of a bundle; by default under the instance's root."""
    trusted = trustedroot.parse(json.dumps(root or instance().root()).encode())
    read = bundle.parse(json.dumps(found).encode())
    return judge(read, policy=policy, root=trusted, artifact=about or artifact.of(ARTIFACT))


def failed(found: Judgement) -> dict[str, str]:
    """Return the failed checks and their ids."""
    return {one.check: one.id for one in found.rows if one.outcome is Outcome.FAILED}


def entry(found: dict[str, Any]) -> dict[str, Any]:
    """Return a bundle's log entry."""
    return found["verificationMaterial"]["tlogEntries"][0]


def rooted(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """Return the instance's root, changed."""
    root = instance().root()
    change(root)
    return root


@pytest.mark.parametrize("kind", KINDS)
def test_good(kind: str) -> None:
    """A bundle of each kind passes, and the facts are those that were signed."""
    found = judged(instance().bundle(kind))

    assert found.ok
    assert (found.facts.identity, found.facts.issuer) == (IDENTITY, ISSUER)
    assert found.facts.times == (NOW,)
    assert found.facts.predicate_type == ("" if kind.startswith("blob") else PREDICATE)
    assert {one.check for one in found.rows if one.outcome is Outcome.NOT_ASKED} <= {
        "payload type",
        "predicate type",
        "timestamp",
        "imprint",
        "timestamp validity",
    }


@pytest.mark.parametrize("kind", KINDS)
def test_good_by_digest(kind: str) -> None:
    """The artifact's digest is as good as its bytes."""
    about = artifact.named(str(artifact.of(ARTIFACT)))
    assert judged(instance().bundle(kind), about=about).ok


@pytest.mark.parametrize("kind", KINDS)
def test_good_of_a_key(kind: str) -> None:
    """A bundle of a key passes with its log entry, and asks for no certificate."""
    found = judged(instance().bundle(kind, key=instance().key), policy=key_policy())

    assert found.ok
    assert found.facts.identity == ""
    asked = {one.check for one in found.rows if one.outcome is Outcome.PASSED}
    assert not asked & {"chain", "identity", "issuer", "certificate log"}


def test_a_key_without_a_root() -> None:
    """A key alone asks for no log and no time, and does not look at those that are there."""
    found = instance().bundle(key=instance().key)
    read = bundle.parse(json.dumps(found).encode())
    bare = copy.deepcopy(found)
    del bare["verificationMaterial"]["tlogEntries"]
    stripped = bundle.parse(json.dumps(bare).encode())
    about = artifact.of(ARTIFACT)

    one = judge(read, policy=key_policy(), root=None, artifact=about)
    other = judge(stripped, policy=key_policy(), root=None, artifact=about)

    assert one == other
    assert one.ok
    assert one.facts.times == ()


@pytest.mark.parametrize(
    ("kind", "signer"), [("dsse", "key"), ("record2", "key"), ("blob2", "certificate")]
)
def test_other_algorithms(kind: str, signer: str) -> None:
    """P-384 and Ed25519 sign envelopes, and P-384 artifacts, as P-256 does."""
    for key in (ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()):
        if signer == "key":
            policy = Policy(key=PublicKey(made.spki(key)))
            found = judged(instance().bundle(kind, key=key), policy=policy)
        else:
            own = instance().certificate(key=key)
            found = judged(instance().bundle(kind, certificate=own, by=key))
        assert failed(found) == {}
        assert found.ok


@pytest.mark.parametrize("digest", [None, {}])
def test_a_message_without_its_digest(digest: dict[str, Any] | None) -> None:
    """The digest beside a signature may be missing: the signature is over the artifact itself."""
    found = instance().bundle("blob")
    found["messageSignature"]["messageDigest"] = digest
    assert judged(found).ok
    assert failed(judged(found, about=artifact.of(b"another"))) == {
        "signature": "bundle.signature",
        "log entry": "bundle.entry",
    }


def test_ed25519_with_a_digest_of_its_own() -> None:
    """An envelope signed with Ed25519ph, as cosign does with Ed25519 keys, holds."""
    key = ed25519.Ed25519PrivateKey.generate()
    payload = made.statement()
    signature = made.prehashed(key, made.pae(made.IN_TOTO, payload))
    envelope = {
        "payload": made.b64(payload),
        "payloadType": made.IN_TOTO,
        "signatures": [{"sig": made.b64(signature)}],
    }
    found = {
        "mediaType": bundle.MEDIA_TYPES[-1],
        "verificationMaterial": {"publicKey": {}},
        "dsseEnvelope": envelope,
    }
    read = bundle.parse(json.dumps(found).encode())
    policy, about = Policy(key=PublicKey(made.spki(key))), artifact.of(ARTIFACT)
    assert judge(read, policy=policy, root=None, artifact=about).ok


BAD: dict[str, tuple[str, str, Callable[[], Judgement]]] = {}
"""A name, the check, the id, and a bundle that fails it and no other."""


def bad(check: str, error: str) -> Callable[[Callable[[], Judgement]], Callable[[], Judgement]]:
    """Add a case."""

    def add(make: Callable[[], Judgement]) -> Callable[[], Judgement]:
        BAD[make.__name__.strip("_")] = (check, error, make)
        return make

    return add


@bad("signer", "bundle.signer")
def _a_key_where_an_identity_is_asked_for() -> Judgement:
    return judged(instance().bundle(key=instance().key))


@bad("signer", "bundle.signer")
def _a_certificate_where_a_key_is_asked_for() -> Judgement:
    return judged(instance().bundle(), policy=key_policy())


@bad("signer", "bundle.algorithm")
def _a_key_off_the_list() -> Judgement:
    own = instance().certificate(key=ec.generate_private_key(ec.SECP521R1()))
    return judged(instance().bundle(certificate=own))


@bad("signer", "bundle.chain")
def _no_certificate() -> Judgement:
    return judged(instance().bundle(certificate=b"none"))


@bad("signature", "bundle.signature")
def _a_signature_over_other_bytes() -> Judgement:
    return judged(instance().bundle(over=b"other"))


@bad("signature", "bundle.signature")
def _a_signature_over_another_artifact() -> Judgement:
    return judged(instance().bundle("blob2", over=b"other"))


@bad("signature", "bundle.signature")
def _a_signature_by_another_key() -> Judgement:
    return judged(instance().bundle(by=ec.generate_private_key(ec.SECP256R1())))


@bad("payload type", "bundle.payload-type")
def _another_payload_type() -> Judgement:
    return judged(instance().bundle("record2", payload_type="text/plain"))


@bad("predicate type", "bundle.predicate")
def _another_predicate() -> Judgement:
    policy = Policy(
        identity=Wanted(IDENTITY), issuer=Wanted(ISSUER), predicate_type="https://spdx.dev/Document"
    )
    return judged(instance().bundle(), policy=policy)


@bad("predicate type", "bundle.predicate")
def _a_signature_where_a_statement_is_asked_for() -> Judgement:
    policy = Policy(identity=Wanted(IDENTITY), issuer=Wanted(ISSUER), predicate_type=PREDICATE)
    return judged(instance().bundle("blob"), policy=policy)


@bad("subject", "bundle.subject")
def _another_subject() -> Judgement:
    return judged(instance().bundle(payload=made.statement(b"another")))


@bad("subject", "bundle.subject")
def _one_digest_of_another_artifact() -> Judgement:
    one = {"digest": {"sha256": artifact.of(ARTIFACT).known("sha256"), "sha512": "00" * 64}}
    return judged(instance().bundle(payload=made.statement(subject=[one])))


@bad("subject", "bundle.subject")
def _another_digest_of_a_message() -> Judgement:
    found = instance().bundle("blob")
    found["messageSignature"]["messageDigest"]["digest"] = made.b64(bytes(32))
    return judged(found)


@bad("log entry", "bundle.no-entry")
def _a_stripped_log_entry() -> Judgement:
    found = instance().bundle("dsse2")
    del found["verificationMaterial"]["tlogEntries"]
    return judged(found)


@bad("log entry", "bundle.entry")
def _an_entry_of_another_signature() -> Judgement:
    return judged(instance().bundle(logged=b"another"))


@bad("log entry", "bundle.entry")
def _an_entry_of_another_signer() -> Judgement:
    found = instance().bundle()
    own = instance().certificate(by=instance().ca.key)
    found["verificationMaterial"]["certificate"]["rawBytes"] = made.b64(own)
    return judged(found)


def _moved(kind: str) -> Judgement:
    """Put another entry of the same log in a bundle, about a signature that does not exist."""
    found, other = instance().bundle(kind), instance().bundle(kind, payload=made.statement(b"x"))
    signature = base64.b64decode(found["dsseEnvelope"]["signatures"][0]["sig"])
    payload = made.statement(b"x")
    own = base64.b64decode(found["verificationMaterial"]["certificate"]["rawBytes"])
    said = made.pae(made.IN_TOTO, payload)
    body = made.logged_as(kind, signature, own, "CERTIFICATE", payload, said)
    log = instance().new if kind.endswith("2") else instance().old
    found["verificationMaterial"]["tlogEntries"] = [log.entry(body)]
    assert other != found
    return judged(found)


@bad("log entry", "bundle.entry")
def _an_entry_of_another_payload() -> Judgement:
    return _moved("dsse")


@bad("log entry", "bundle.entry")
def _an_intoto_entry_of_another_payload() -> Judgement:
    return _moved("intoto")


@bad("log entry", "bundle.entry")
def _a_newer_entry_of_another_payload() -> Judgement:
    return _moved("dsse2")


@bad("log entry", "bundle.entry")
def _an_entry_of_another_envelope() -> Judgement:
    return _moved("record2")


@bad("log entry", "bundle.entry")
def _an_entry_of_another_kind_than_it_says() -> Judgement:
    found = instance().bundle()
    entry(found)["kindVersion"]["kind"] = "intoto"
    return judged(found)


@bad("log key", "trust.log-key")
def _a_log_that_the_root_does_not_name() -> Judgement:
    return judged(instance().bundle("dsse2"), root=rooted(lambda root: root["tlogs"].pop()))


@bad("inclusion", "bundle.inclusion")
def _a_proof_that_leads_elsewhere() -> Judgement:
    found = instance().bundle()
    entry(found)["inclusionProof"]["hashes"][0] = made.b64(bytes(32))
    return judged(found)


@bad("inclusion", "bundle.inclusion")
def _indexes_that_differ() -> Judgement:
    found = instance().bundle("dsse2")
    entry(found)["logIndex"] = "3"
    return judged(found)


@bad("checkpoint", "bundle.checkpoint")
def _a_stripped_checkpoint() -> Judgement:
    found = instance().bundle()
    del entry(found)["inclusionProof"]["checkpoint"]
    return judged(found)


@bad("checkpoint", "bundle.checkpoint")
def _a_checkpoint_of_another_tree() -> Judgement:
    found = instance().bundle()
    note = instance().old.note(5, bytes(32))
    entry(found)["inclusionProof"]["checkpoint"]["envelope"] = note
    return judged(found)


@bad("checkpoint", "bundle.checkpoint")
def _a_checkpoint_by_another_key() -> Judgement:
    found, other = instance().bundle("dsse2"), Log("log.example", newer=True)
    proof = entry(found)["inclusionProof"]
    note = other.note(5, base64.b64decode(proof["rootHash"]))
    text, _, line = note.rpartition(" ")
    forged = instance().new.id[:4] + base64.b64decode(line)[4:]
    proof["checkpoint"]["envelope"] = f"{text} {made.b64(forged)}\n"
    return judged(found)


@bad("checkpoint", "bundle.checkpoint")
def _a_checkpoint_of_another_origin() -> Judgement:
    found = instance().bundle("dsse2")
    proof = entry(found)["inclusionProof"]
    root = base64.b64decode(proof["rootHash"])
    note = instance().new.note(5, root, origin="other.example", by="other.example")
    proof["checkpoint"]["envelope"] = note
    return judged(found)


@bad("checkpoint", "bundle.checkpoint")
def _a_checkpoint_in_another_name() -> Judgement:
    found = instance().bundle()
    proof = entry(found)["inclusionProof"]
    note = instance().old.note(5, base64.b64decode(proof["rootHash"]), by="other.example")
    proof["checkpoint"]["envelope"] = note
    return judged(found)


@bad("promise", "bundle.promise")
def _a_stripped_promise() -> Judgement:
    found = instance().bundle()
    del entry(found)["inclusionPromise"]
    return judged(found)


@bad("promise", "bundle.promise")
def _a_promise_of_another_time() -> Judgement:
    found = instance().bundle()
    entry(found)["integratedTime"] = str(NOW + 1)
    return judged(found)


@bad("promise", "bundle.promise")
def _a_time_where_the_log_gives_none() -> Judgement:
    found = instance().bundle("dsse2")
    entry(found)["integratedTime"] = str(NOW)
    return judged(found)


@bad("timestamp", "bundle.no-timestamp")
def _a_stripped_timestamp() -> Judgement:
    found = instance().bundle("dsse2")
    del found["verificationMaterial"]["timestampVerificationData"]
    return judged(found)


@bad("timestamp", "bundle.no-timestamp")
def _a_timestamp_that_the_policy_asks_for() -> Judgement:
    policy = Policy(identity=Wanted(IDENTITY), issuer=Wanted(ISSUER), timestamp=True)
    return judged(instance().bundle(), policy=policy)


@bad("timestamp", "bundle.timestamp")
def _a_timestamp_by_another_authority() -> Judgement:
    other = Authority("tsa", ExtendedKeyUsageOID.TIME_STAMPING, issues=False)
    return judged(_stamped(tsa=other))


@bad("timestamp", "bundle.timestamp")
def _a_timestamp_with_a_forged_signature() -> Judgement:
    return judged(_stamped(spoiled=True))


@bad("imprint", "bundle.imprint")
def _a_timestamp_of_another_signature() -> Judgement:
    other = instance().stamp(b"another signature")
    return judged(instance().bundle("dsse2", stamped=other))


@bad("timestamp validity", "bundle.timestamp-validity")
def _a_timestamp_by_an_authority_that_no_longer_counts() -> Judgement:
    def end(root: dict[str, Any]) -> None:
        window = root["timestampAuthorities"][0]["validFor"]
        window["end"] = made.at(NOW - 1).isoformat()

    return judged(instance().bundle("dsse2"), root=rooted(end))


@bad("time", "bundle.no-time")
def _nobody_who_says_when() -> Judgement:
    root = rooted(lambda root: root.pop("timestampAuthorities"))
    return judged(instance().bundle("dsse2"), root=root)


@bad("log validity", "bundle.log-validity")
def _a_log_that_no_longer_counts() -> Judgement:
    def end(root: dict[str, Any]) -> None:
        root["tlogs"][0]["publicKey"]["validFor"]["end"] = made.at(NOW - 1).isoformat()

    return judged(instance().bundle(), root=rooted(end))


@bad("chain", "bundle.chain")
def _a_certificate_of_nobody_known() -> Judgement:
    """The certificate names the authority, and another key signed it; nothing else is wrong."""
    own = instance().certificate(by=ec.generate_private_key(ec.SECP256R1()))
    return judged(instance().bundle(certificate=own))


@bad("chain", "bundle.chain")
def _a_certificate_that_may_issue_others() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(authority=True)))


@bad("chain", "bundle.chain")
def _a_precertificate() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(poisoned=True)))


@bad("chain", "bundle.algorithm")
def _a_certificate_by_a_weak_digest() -> Judgement:
    own = instance().certificate(digest=hashes.SHA224())
    return judged(instance().bundle(certificate=own))


@bad("chain", "bundle.chain")
def _a_root_that_came_along() -> Judgement:
    found = instance().bundle()
    material = found["verificationMaterial"]
    root = instance().root()["certificateAuthorities"][0]["certChain"]["certificates"][1]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate"), root]}
    return judged(found)


@bad("validity", "bundle.validity")
def _a_signature_after_the_certificate_ended() -> Judgement:
    return judged(instance().bundle(time=NOW + 541))


@bad("validity", "bundle.validity")
def _a_signature_before_the_certificate_began() -> Judgement:
    return judged(instance().bundle(time=NOW - 61))


@bad("key usage", "bundle.usage")
def _a_certificate_for_servers() -> Judgement:
    own = instance().certificate(purpose=ExtendedKeyUsageOID.SERVER_AUTH)
    return judged(instance().bundle(certificate=own))


@bad("key usage", "bundle.usage")
def _a_certificate_for_nothing() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(purpose=None)))


@bad("key usage", "bundle.usage")
def _a_key_that_must_not_sign() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(signing=False)))


@bad("certificate log", "bundle.sct")
def _a_certificate_that_is_in_no_log() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(logged=False)))


@bad("certificate log", "trust.ct-key")
def _a_certificate_in_another_log() -> Judgement:
    own = instance().certificate(ct_key=ec.generate_private_key(ec.SECP256R1()))
    return judged(instance().bundle(certificate=own))


@bad("certificate log", "bundle.sct")
def _a_forged_certificate_timestamp() -> Judgement:
    """The root names the log's id with another key: what the log signed does not verify."""

    def swap(root: dict[str, Any]) -> None:
        other = made.spki(ec.generate_private_key(ec.SECP256R1()))
        root["ctlogs"][0]["publicKey"]["rawBytes"] = made.b64(other)

    return judged(instance().bundle(), root=rooted(swap))


@bad("certificate log", "bundle.sct")
def _a_certificate_timestamp_before_its_log_counted() -> Judgement:
    own = instance().certificate(moment=NOW - 2 * 86400)
    return judged(instance().bundle(certificate=own))


@bad("identity", "bundle.identity")
def _another_identity() -> Judgement:
    own = instance().certificate(names=(x509.RFC822Name("other@example.com"),))
    return judged(instance().bundle(certificate=own))


@bad("identity", "bundle.identity")
def _no_identity() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(names=())))


@bad("identity", "bundle.identity")
def _an_identity_that_only_begins_like_the_pattern() -> Judgement:
    policy = Policy(identity=Wanted(r"some.*@example\.co", pattern=True), issuer=Wanted(ISSUER))
    return judged(instance().bundle(), policy=policy)


@bad("issuer", "bundle.issuer")
def _another_issuer() -> Judgement:
    own = instance().certificate(issuer="https://elsewhere.example")
    return judged(instance().bundle(certificate=own))


@bad("issuer", "bundle.issuer")
def _no_issuer() -> Judgement:
    return judged(instance().bundle(certificate=instance().certificate(issuer="")))


def _stamped(**lie: Any) -> dict[str, Any]:
    """Return a bundle whose timestamp lies in one way."""
    found = instance().bundle("dsse2")
    signature = base64.b64decode(found["dsseEnvelope"]["signatures"][0]["sig"])
    token = made.b64(instance().stamp(signature, **lie))
    times = {"rfc3161Timestamps": [{"signedTimestamp": token}]}
    found["verificationMaterial"]["timestampVerificationData"] = times
    return found


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad(case: str) -> None:
    """A bundle bad in one way fails the check of that alone, by its id, and tells no fact."""
    check, error, make = BAD[case]
    found = make()

    assert failed(found) == {check: error}
    assert not found.ok
    assert found.facts == Facts()


def test_every_check_has_a_bad_bundle() -> None:
    """No check is without a bundle that it alone catches, and no id without a page."""
    checks = {one.check for one in judged(instance().bundle()).rows}

    assert {check for check, _, _ in BAD.values()} == checks
    assert {error for _, error, _ in BAD.values()} <= set(explain.identifiers())


def test_ends_of_validity_count() -> None:
    """A signature at the first and at the last second of a certificate counts."""
    assert judged(instance().bundle(time=NOW - 60)).ok
    assert judged(instance().bundle(time=NOW + 540)).ok
    stamped = instance().bundle("dsse2")
    for moment in (NOW - 60, NOW + 540):
        signature = base64.b64decode(stamped["dsseEnvelope"]["signatures"][0]["sig"])
        token = made.b64(instance().stamp(signature, moment=moment))
        times = {"rfc3161Timestamps": [{"signedTimestamp": token}]}
        stamped["verificationMaterial"]["timestampVerificationData"] = times
        assert judged(stamped).ok


def test_times_that_others_refused_are_no_times() -> None:
    """Where who gives the time lies, nothing is judged by it."""
    found = judged(_stamped(spoiled=True))
    unjudged = {one.check for one in found.rows if one.outcome is Outcome.NOT_JUDGED}

    assert unjudged == {"imprint", "timestamp validity", "time", "log validity", "validity"}
    assert found.facts.times == ()


def test_nothing_is_guessed_without_a_time() -> None:
    """Where nobody says when, the certificate's validity is not judged."""
    root = rooted(lambda root: root.pop("timestampAuthorities"))
    found = judged(instance().bundle("dsse2"), root=root)

    assert {one.check for one in found.rows if one.outcome is Outcome.NOT_JUDGED} == {"validity"}


def test_patterns_match_the_whole_text() -> None:
    """A pattern that the whole identity matches is as good as the identity."""
    policy = Policy(
        identity=Wanted(r"some.*@example\.com", pattern=True),
        issuer=Wanted(r"https://.*", pattern=True),
    )
    assert judged(instance().bundle(), policy=policy).ok


def test_a_pattern_that_is_none() -> None:
    """A pattern that cannot be read is told, not taken as a no."""
    policy = Policy(identity=Wanted("(", pattern=True), issuer=Wanted(ISSUER))
    with pytest.raises(ShipwayError) as caught:
        judged(instance().bundle(), policy=policy)
    assert caught.value.id == "bundle.pattern"


def test_versioned_predicates() -> None:
    """The type of an SBOM counts with a version behind it too."""
    policy = Policy(
        identity=Wanted(IDENTITY), issuer=Wanted(ISSUER), predicate_type="https://spdx.dev/Document"
    )
    said = made.statement(predicate="https://spdx.dev/Document/v2.3")
    assert judged(instance().bundle(payload=said), policy=policy).ok


@pytest.mark.parametrize(
    "name",
    [
        x509.UniformResourceIdentifier("https://ci.example/job"),
        x509.OtherName(
            x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), b"\x0c\x16https://ci.example/job"
        ),
    ],
)
def test_identities_of_machines(name: x509.GeneralName) -> None:
    """A URI and Fulcio's other name are identities; which issuer, old certificates say bare."""
    own = instance().certificate(names=(name,), old_issuer=True)
    policy = Policy(identity=Wanted("https://ci.example/job"), issuer=Wanted(ISSUER))
    assert judged(instance().bundle(certificate=own), policy=policy).ok


@pytest.mark.parametrize("value", [b"\x0d\x01a", b"\x0c\x01\xff"])
def test_other_names_that_are_none(value: bytes) -> None:
    """Another name that is no text names nobody."""
    name = x509.OtherName(x509.ObjectIdentifier("1.3.6.1.4.1.57264.1.7"), value)
    own = instance().certificate(names=(name,))
    assert failed(judged(instance().bundle(certificate=own))) == {"identity": "bundle.identity"}


def test_a_chain_in_an_older_bundle() -> None:
    """A certificate between signer and root may come along, as older bundles had it."""
    found = instance().bundle()
    material = found["verificationMaterial"]
    between = instance().root()["certificateAuthorities"][0]["certChain"]["certificates"][0]
    material["x509CertificateChain"] = {"certificates": [material.pop("certificate"), between]}
    for version in bundle.MEDIA_TYPES:
        assert judged(found | {"mediaType": version}).ok


def test_a_root_without_logs() -> None:
    """A root that names only who makes timestamps asks for these and no entry."""

    def bare(root: dict[str, Any]) -> None:
        del root["tlogs"], root["ctlogs"]

    found = instance().bundle("dsse2")
    del found["verificationMaterial"]["tlogEntries"]

    assert judged(found, root=rooted(bare)).ok
    assert failed(judged(instance().bundle("dsse2"), root=rooted(bare))) == {}


def test_a_statement_that_means_several_things() -> None:
    """A payload with a name twice, in any case, is no statement."""
    said = made.statement().decode()
    for other in (
        said.replace('{"_type"', '{"Subject": [], "_type"'),
        said.replace('"name"', '"Digest": {}, "name"'),
        said.replace('{"_type"', '{"_type": "x", "_type"'),
        said.replace("Statement/v1", "Statement/v7"),
    ):
        found = judged(instance().bundle(payload=other.encode()))
        assert failed(found) == {
            "predicate type": "statement.invalid",
            "subject": "statement.invalid",
        }


def test_a_predicate_may_have_any_names() -> None:
    """What a predicate says is its own: names that differ in case stand for different things."""
    said = made.statement(predicate_={}, more={"http_proxy": "", "HTTP_PROXY": ""})
    assert judged(instance().bundle(payload=said)).ok


def test_several_entries_all_count() -> None:
    """Of several log entries each one is judged."""
    found, other = instance().bundle("dsse2"), instance().bundle("dsse2")
    entries = found["verificationMaterial"]["tlogEntries"]
    entries.append(copy.deepcopy(entries[0]))
    assert judged(found).facts.log_index == (2, 2)
    entries[1] = entry(other)
    assert failed(judged(found)) == {"log entry": "bundle.entry"}


def test_the_page_names_every_check() -> None:
    """docs/verify.md has each check and each id that a bundle can fail by."""
    page = (Path(__file__).parents[3] / "docs" / "verify.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([a-z, ]+) \| .* \| (`.*`) \|$", page, re.MULTILINE)
    named = {check for checks, _ in rows for check in checks.split(", ")}
    ids = {found for _, text in rows for found in re.findall(r"`([a-z.-]+)`", text)}

    assert named == {one.check for one in judged(instance().bundle()).rows}
    assert ids >= {error for _, error, _ in BAD.values()} | {"statement.invalid"}
