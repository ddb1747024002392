"""Signing what lies in a registry: the manifest, all that an index lists, or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.chain import Chain
from fakes.hands import FakeHands
from fakes.signer import MemorySigner
from fakes.sigstore_server import ServedSigstore
from shipway.core.evidence import predicate, statement
from shipway.core.evidence.envelope import WireEnvelope, from_wire
from shipway.core.oci.manifest import parse_index
from shipway.errors import Kind, ShipwayError
from shipway.roads import sign as road
from shipway.stages.verify import verify

if TYPE_CHECKING:
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.signer import Sealer
    from shipway.core.run.events import Event


class Failing(MemorySigner):
    """Seals one statement, then never again."""

    def __init__(self) -> None:
        super().__init__(77)
        self.left = 1

    def seal(self, payload: bytes) -> bytes:
        """Seal, or fail."""
        self.left -= 1
        if self.left < 0:
            raise ShipwayError("rekor.server", Kind.TRANSIENT, "status 503")
        return super().seal(payload)


class Hands(FakeHands):
    """Hands whose identity is another one's."""

    who: Sealer = MemorySigner(77)

    def sealer(self) -> Sealer:  # type: ignore[override]
        """Return it."""
        return self.who


@pytest.fixture
def hands() -> Hands:
    """Give hands with an empty registry."""
    return Hands()


def sign(reference: str, hands: Hands) -> road.Signed:
    """Sign, and let nobody hear."""
    said: list[Event] = []
    return road.sign(reference, hands=hands, emit=said.append)


def about(repository: str, subject: Digest, hands: Hands) -> list[statement.Statement]:
    """Return what the links in the registry say of a manifest, as MemorySigner(77) signed it."""
    found = []
    for one in hands.registry.referrers(repository, subject):
        _, data = hands.registry.pull_manifest(repository, one.digest)
        (layer,) = json.loads(data)["layers"]
        bundle = json.loads(hands.content.read(layer["digest"]))
        envelope = from_wire(msgspec.convert(bundle["dsseEnvelope"], WireEnvelope))
        assert MemorySigner(77).public_key.verifies(envelope.signatures[0].sig, envelope.signed)
        found.append(statement.parse(envelope.payload))
    return found


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_an_image(hands: Hands, by: str) -> None:
    """By tag or digest: one signature about the manifest, which is what is said."""
    chain = Chain(hands.registry)
    digest = chain.published.manifest.digest
    data = hands.registry.pull_manifest(chain.web, digest)[1]
    hands.registry.push_manifest(chain.web, data, chain.published.manifest.media_type, "v1")
    reference = f"{chain.web}:v1" if by == "tag" else f"{chain.web}@{digest}"
    signed = sign(reference, hands)
    (said,) = about(chain.web, digest, hands)
    assert said.predicate_type == predicate.SIGNATURE
    assert said.about(digest)
    (line,) = signed.lines()
    assert line == f"{chain.web}@{digest} signed by {signed.signatures[digest]}"


def test_an_index(hands: Hands) -> None:
    """The index and each manifest that it lists has a signature of its own, in their order."""
    chain = Chain(hands.registry)
    chain.index()
    digest = chain.published.manifest.digest
    listed = parse_index(hands.registry.pull_manifest(chain.web, digest)[1]).manifests
    signed = sign(f"{chain.web}@{digest}", hands)
    assert list(signed.signatures) == [digest, *(one.digest for one in listed)]
    for subject, link in signed.signatures.items():
        assert link in {one.digest for one in hands.registry.referrers(chain.web, subject)}


def test_nothing_half(hands: Hands) -> None:
    """Where one of several cannot be sealed, neither registry nor store has any."""
    chain = Chain(hands.registry)
    chain.index()
    digest = chain.published.manifest.digest
    before = hands.registry.referrers(chain.web, digest)
    hands.who = Failing()
    with pytest.raises(ShipwayError):
        sign(f"{chain.web}@{digest}", hands)
    assert hands.registry.referrers(chain.web, digest) == before
    assert hands.links.about(digest) == ()


def test_nothing_there(hands: Hands) -> None:
    """What is no reference, or is not in the registry, is told."""
    for text, error in (("UPPER", "reference.invalid"), ("127.0.0.1:5000/a:b", "registry.")):
        with pytest.raises(ShipwayError) as caught:
            sign(text, hands)
        assert caught.value.id.startswith(error)


def test_a_signature_without_a_key_beside_ours(hands: Hands) -> None:
    """An image that is signed without a key too passes by its keys as before."""
    chain = Chain(hands.registry).whole()
    with ServedSigstore() as served:
        hands.who = served.sealer()
        sign(chain.published.reference, hands)
    found = verify(chain.request(), registry=hands.registry, clock=chain.clock)
    assert found.passed, found.reasons
