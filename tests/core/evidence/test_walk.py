"""The walk alone: what it wants, what it takes, and what hostile answers do to it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.chain import EVIDENCE, WEB, Chain
from fakes.signer import MemorySigner
from shipway.core.evidence import artifact, bundle, made, release, statement, walk
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.bundle import Bundle
from shipway.core.evidence.envelope import Envelope, pae
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.trust import Trust, TrustedKey
from shipway.core.evidence.walk import Walk, Want
from shipway.core.oci.descriptor import MANIFEST, Descriptor, describe
from shipway.core.oci.digest import Digest, of
from shipway.errors import Kind, ShipwayError
from shipway.stages.verify import RegistrySource, drive

SIGNER = MemorySigner()


def new() -> Walk:
    """Return a walk that trusts the test key."""
    trust = Trust(keys=(TrustedKey(key=SIGNER.public_key),))
    return Walk(trust=trust, policy=built_in().policy)


def carrier(payload: bytes, subject: Descriptor, *, kind: str = statement.MEDIA_TYPE) -> Any:
    """Return a signed link's manifest bytes and its bundle bytes."""
    envelope = Envelope(
        payload=payload, payload_type=kind, signatures=(SIGNER.sign(pae(kind, payload)),)
    )
    data = bundle.encode(Bundle(envelope=envelope, hint=SIGNER.public_key.hint))
    layer = describe(data, bundle.MEDIA_TYPE)
    return artifact.encode(layer, artifact_type=bundle.MEDIA_TYPE, subject=subject), data


def walk_link(manifest: bytes, data: bytes | None, subject: Digest) -> Walk:
    """Walk one link."""
    one = new()
    one.link("r", of(manifest), subject)
    one.feed(dict.fromkeys(one.wants(), manifest))
    one.feed(dict.fromkeys(one.wants(), data))
    return one


SUBJECT = describe(b"subject", MANIFEST)


def test_a_frontier_at_a_time() -> None:
    """An image wants its manifest and its links first, then what those name, then nothing."""
    chain = Chain()
    chain.make()
    one = Walk(trust=chain.trust(), policy=built_in().policy)
    source = RegistrySource(chain.registry)
    one.image(WEB, chain.published.manifest.digest)
    sizes = []
    while wants := one.wants():
        sizes.append(len(wants))
        assert wants == tuple(sorted(wants))
        one.feed({want: source.answer(want) for want in wants})
    assert sizes == [2, 4, 4]
    assert len(one.evidence().links) == 4


def test_what_was_not_asked_is_not_taken() -> None:
    """An answer that nobody wanted changes nothing."""
    one = new()
    one.feed({Want("blob", "r", of(b"x"), 1): b"x"})
    assert one.evidence() == walk.Evidence()


def test_not_a_release() -> None:
    """An artifact of another kind is no release."""
    chain = Chain().whole()
    listed = chain.registry.referrers(EVIDENCE, chain.release.digest)
    rendered = next(one for one in listed if one.artifact_type == chain.rendered.media_type)
    one = new()
    one.release(EVIDENCE, rendered.digest)
    found = drive(one, RegistrySource(chain.registry))
    assert [(one.answer, one.detail) for one in found.findings] == [
        (Answer.ALTERED, "it is no release")
    ]


@pytest.mark.parametrize("answer", [b"{", b"[3]", b'[{"mediaType":"m","digest":"../x","size":1}]'])
def test_hostile_lists(answer: bytes) -> None:
    """A list of links that cannot be read, or names no digest, is an altered one."""
    one = new()
    one.referrers("r", SUBJECT.digest)
    one.feed({one.wants()[0]: answer})
    assert [found.answer for found in one.evidence().findings] == [Answer.ALTERED]
    assert one.wants() == ()


def test_payload_of_another_type() -> None:
    """A signed payload that is no in-toto statement is no link, whatever its bytes."""
    payload = statement.encode(made.signature(SUBJECT.digest))
    manifest, data = carrier(payload, SUBJECT, kind="text/plain")
    found = walk_link(manifest, data, SUBJECT.digest).evidence()
    assert found.links == ()
    assert "no in-toto statement" in found.findings[0].detail


def test_statement_about_another_subject() -> None:
    """A signed statement attached to something else does not speak of it."""
    payload = statement.encode(made.signature(of(b"other")))
    manifest, data = carrier(payload, SUBJECT)
    found = walk_link(manifest, data, SUBJECT.digest).evidence()
    assert found.links == ()
    assert "does not speak of" in found.findings[0].detail


def test_missing_bundle() -> None:
    """A link whose bundle is gone is a missing link; the rest of the walk goes on."""
    manifest, _ = carrier(statement.encode(made.signature(SUBJECT.digest)), SUBJECT)
    found = walk_link(manifest, None, SUBJECT.digest).evidence()
    assert [one.answer for one in found.findings] == [Answer.MISSING]


def test_missing_referrers() -> None:
    """No list of links is no finding by itself: what must be there is the policy's question."""
    one = new()
    one.referrers("r", SUBJECT.digest)
    one.feed({one.wants()[0]: None})
    assert one.evidence().findings == ()


def test_huge_bundle() -> None:
    """A link that says its bundle is huge is not fetched."""
    layer = Descriptor(bundle.MEDIA_TYPE, of(b"x"), walk.MOST_BUNDLE + 1)
    manifest = artifact.encode(layer, artifact_type=bundle.MEDIA_TYPE, subject=SUBJECT)
    one = new()
    one.link("r", of(manifest), SUBJECT.digest)
    with pytest.raises(ShipwayError) as caught:
        one.feed({one.wants()[0]: manifest})
    assert caught.value.id == "evidence.flooded"
    assert caught.value.kind is Kind.REJECTED


def test_too_many_bytes() -> None:
    """A walk takes only so many bytes altogether."""
    one = new()
    one._bytes = walk.MOST_BYTES
    one.blob("r", of(b"x"), 1)
    with pytest.raises(ShipwayError, match="more than"):
        one.feed({one.wants()[0]: b"x"})


@pytest.mark.parametrize("where", ["manifest", "bundle"])
def test_every_flipped_byte(where: str) -> None:
    """One flipped bit anywhere in manifest or bundle is an altered link, and nothing else."""
    manifest, data = carrier(statement.encode(made.signature(SUBJECT.digest)), SUBJECT)
    whole = manifest if where == "manifest" else data
    for at in range(len(whole)):
        bent = bytes((*whole[:at], whole[at] ^ 1, *whole[at + 1 :]))
        one = new()
        one.link("r", of(manifest), SUBJECT.digest)
        one.feed({one.wants()[0]: bent if where == "manifest" else manifest})
        one.feed(dict.fromkeys(one.wants(), bent))
        assert one.evidence().links == ()
        assert [found.answer for found in one.evidence().findings] == [Answer.ALTERED]


@given(st.binary(max_size=200))
def test_untrusted_manifests(data: bytes) -> None:
    """Whatever a registry serves under its right digest, the walk goes on."""
    one = new()
    one.image("r", of(data))
    one.link("r", of(data))
    one.release("r", of(data))
    for _ in range(3):
        one.feed(dict.fromkeys(one.wants(), data))
    assert one.evidence().links == ()


@given(st.binary(max_size=200))
def test_untrusted_releases(data: bytes) -> None:
    """A release that cannot be read ends in a ShipwayError."""
    try:
        release.parse(data)
    except ShipwayError:
        return


def test_finding_as_a_line() -> None:
    """A finding reads as one line: its name, its subject, and why."""
    assert str(Finding(Answer.BARE_POD, "pod/x")) == "bare pod (pod/x)"
    assert str(Finding(Answer.EDITED, "x", "y")) == "edited object (x): y"


def test_same_want_twice() -> None:
    """What was asked once is not asked again."""
    one = new()
    one.blob("r", of(b"x"), 1)
    one.blob("r", of(b"x"), 1)
    assert len(one.wants()) == 1
    one.feed({one.wants()[0]: b"x"})
    one.blob("r", of(b"x"), 1)
    assert one.wants() == ()
