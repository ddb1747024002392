"""The last look at a verdict before anything is applied: each question has a case of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.chain import NOW, Chain
from fakes.signer import MemorySigner
from shipway.core.evidence import policy, recheck, verdict
from shipway.core.evidence.policy import Named, built_in
from shipway.core.evidence.recheck import Restored, Sending
from shipway.core.evidence.walk import Walk
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError
from shipway.stages.verify import RegistrySource, drive, verify

if TYPE_CHECKING:
    from shipway.core.evidence.link import Link, Verified


def verified() -> Chain:
    """Return a chain with its verdict."""
    chain = Chain().whole()
    chain.decide(verify(chain.request(), registry=chain.registry, clock=chain.clock))
    return chain


def sending(chain: Chain, **changes: Any) -> Sending:
    """Return exactly what the verdict is about."""
    wanted = Sending(
        project="shop",
        environment="dev",
        release=chain.release.digest,
        rendered=chain.rendered.digest,
        images=(chain.published.manifest.digest,),
    )
    return msgspec.structs.replace(wanted, **changes)


def bundle_of(chain: Chain, link: Link | None = None) -> bytes:
    """Return the bytes of a link's bundle."""
    return chain.content.read((link or chain.links["verdict"]).bundle.digest)


def deploy(chain: Chain, **other: Any) -> verdict.Summary:
    """Check the chain's verdict."""
    return recheck.deploy(
        other.get("bundle") or bundle_of(chain),
        other.get("sending") or sending(chain),
        trust=other.get("trust") or chain.trust(),
        policy=other.get("policy") or built_in(),
        now=other.get("now", NOW + 5),
    )


def test_good_verdict() -> None:
    """A fresh verdict about exactly these bytes lets them through."""
    assert deploy(verified()).verification_result == "PASSED"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"environment": "prod"}, "it is about"),
        ({"rendered": of(b"other")}, "subjects are not exactly"),
        ({"images": ()}, "subjects are not exactly"),
        ({"images": (of(b"other"),)}, "subjects are not exactly"),
    ],
)
def test_other_bytes(changes: dict[str, Any], why: str) -> None:
    """Another environment, rendered set, or one image more or less is refused."""
    chain = verified()
    with pytest.raises(ShipwayError, match=why) as caught:
        deploy(chain, sending=sending(chain, **changes))
    assert caught.value.id == "deploy.unverified"


@pytest.mark.parametrize("now", [NOW + 901, NOW - 61])
def test_age(now: float) -> None:
    """A verdict older than 15 minutes, or from the future, is refused."""
    with pytest.raises(ShipwayError, match="s old"):
        deploy(verified(), now=now)


def test_another_policy() -> None:
    """A verdict under another policy is refused."""
    other = policy.parse(policy.BUILT_IN + b"\n")
    with pytest.raises(ShipwayError, match="made under policy"):
        deploy(verified(), policy=other)


def test_another_verifier() -> None:
    """A verdict by a verifier that the policy does not name is refused."""
    data = policy.BUILT_IN.replace(b"shipway.dev/verifier/v1", b"example.com/verifier")
    strict: Named = policy.parse(data)
    with pytest.raises(ShipwayError, match=r"verifier https://shipway\.dev/verifier/v1 is not"):
        deploy(verified(), policy=strict)


def test_another_signer() -> None:
    """A verdict signed by a second key is not allowed, by that name."""
    chain = verified()
    with pytest.raises(ShipwayError, match="signer not allowed for this link"):
        deploy(chain, trust=chain.trust(MemorySigner(2)))


def test_failed_verdict() -> None:
    """A failed verdict lets nothing through."""
    chain = Chain()
    chain.make(without="sbom")
    chain.seal()
    chain.render()
    chain.decide(verify(chain.request(), registry=chain.registry, clock=chain.clock))
    with pytest.raises(ShipwayError, match="its result is FAILED"):
        deploy(chain)


def test_not_a_verdict() -> None:
    """Another link, however well signed, is no verdict."""
    chain = verified()
    with pytest.raises(ShipwayError, match="is no verdict"):
        deploy(chain, bundle=bundle_of(chain, chain.links["release"]))


def test_flipped_bytes() -> None:
    """No flipped byte of the payload or signature survives."""
    chain = verified()
    data = bundle_of(chain)
    fields = msgspec.json.decode(data)
    payload = fields["dsseEnvelope"]["payload"]
    for at in range(0, len(payload), 97):
        letter = "A" if payload[at] != "A" else "B"
        bent = payload[:at] + letter + payload[at + 1 :]
        fields["dsseEnvelope"]["payload"] = bent
        with pytest.raises(ShipwayError):
            deploy(chain, bundle=msgspec.json.encode(fields))


def test_shapes() -> None:
    """A verdict of another shape, or with a subject that has no sha256, cannot be read."""
    said = verdict.statement(
        verify((chain := Chain().whole()).request(), registry=chain.registry, clock=chain.clock)
    )
    with pytest.raises(ShipwayError, match="predicate of the verdict"):
        verdict.read(msgspec.structs.replace(said, predicate={}))
    odd = msgspec.structs.replace(said.subject[0], digest={"sha512": "x"})
    with pytest.raises(ShipwayError, match="no sha256"):
        verdict.read(msgspec.structs.replace(said, subject=(odd,)))
    plain = {key: value for key, value in said.predicate.items() if key != verdict.REASONS}
    assert verdict.read(msgspec.structs.replace(said, predicate=plain)).reasons == ()


def restored(chain: Chain, **outcome: Any) -> Restored:
    """Return the verified intent and outcome of the chain's deploy."""
    chain.intend()
    chain.end(**outcome)
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(chain.evidence, chain.release.digest)
    found = drive(walk, RegistrySource(chain.registry))

    def one(kind: str) -> Verified:
        return found.about(chain.release.digest, kind)[0]

    return Restored(intent=one("intent"), outcome=one("outcome"))


def rollback(chain: Chain, back: Restored, **other: Any) -> verdict.Summary:
    """Check the chain's verdict for a rollback."""
    return recheck.rollback(
        bundle_of(chain),
        other.get("sending") or sending(chain),
        trust=other.get("trust") or chain.trust(),
        policy=built_in(),
        restored=back,
    )


def test_rollback_is_not_asked_for_age() -> None:
    """The original verdict lets a rollback through, however old it is."""
    chain = verified()
    assert rollback(chain, restored(chain)).verification_result == "PASSED"


def test_rollback_to_a_failed_deploy() -> None:
    """What did not pass its gate is never put back."""
    chain = verified()
    with pytest.raises(ShipwayError, match="outcome of its deploy was failed"):
        rollback(chain, restored(chain, result="failed"))


def test_rollback_with_another_outcome() -> None:
    """The outcome must be that of the very intent that is put back."""
    chain = verified()
    back = restored(chain)
    edge = msgspec.structs.replace(back.intent.edge, payload=of(b"other"))
    bent = msgspec.structs.replace(back, intent=msgspec.structs.replace(back.intent, edge=edge))
    with pytest.raises(ShipwayError, match="outcome is that of another intent"):
        rollback(chain, bent)


def test_rollback_under_another_verdict() -> None:
    """The deploy that is put back must have stood on this verdict."""
    chain = verified()
    back = restored(chain)
    chain.clock.time += 60
    again = verify(chain.request(), registry=chain.registry, clock=chain.clock)
    chain.decide(again)
    with pytest.raises(ShipwayError, match="stood on another verdict"):
        rollback(chain, back)


def test_rollback_of_another_environment() -> None:
    """A deploy to another environment cannot be put back here, and integrity is always asked."""
    chain = verified()
    wanted = sending(chain, environment="prod", rendered=of(b"other"))
    with pytest.raises(ShipwayError, match="that deploy went to shop/dev"):
        rollback(chain, restored(chain), sending=wanted)
    with pytest.raises(ShipwayError, match="signer not allowed"):
        rollback(chain, restored(chain), trust=chain.trust(MemorySigner(2)))
