"""The rules of a verdict: each has a case that fails for that rule alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.chain import NOW, REPORT, WEB, Chain, deployment
from fakes.registry import MemoryRegistry
from fakes.signer import MemorySigner
from shipway.core.evidence import made, shipped, verdict
from shipway.core.evidence.answer import Answer
from shipway.core.evidence.artifact import EMPTY_CONFIG
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.rules import Foreign
from shipway.core.evidence.statement import Statement
from shipway.core.evidence.trust import Trust, TrustedKey
from shipway.core.evidence.walk import MOST_REFERRERS
from shipway.core.oci.descriptor import describe
from shipway.core.oci.digest import of
from shipway.errors import Kind, ShipwayError
from shipway.stages.verify import verify

if TYPE_CHECKING:
    from shipway.core.evidence.verdict import Verdict

FOREIGN = f"example.com/redis@{of(b'redis')}"


def judged(chain: Chain, **other: Any) -> Verdict:
    """Return the verdict on a chain."""
    return verify(chain.request(**other), registry=chain.registry, clock=chain.clock)


def failed(chain: Chain, **other: Any) -> list[str]:
    """Return the rules that failed."""
    found = judged(chain, **other)
    assert found.passed == (not found.of("failed"))
    return [one.rule for one in found.of("failed")]


def chain_with(*, without: str = "", tests: str = "passed", **other: Any) -> Chain:
    """Return a chain that lacks one link of ``make``."""
    chain = Chain()
    chain.make(without=without, **other)
    chain.seal(tests)
    chain.render()
    return chain


def with_build(change: dict[str, Any]) -> Chain:
    """Return a chain whose provenance is changed before it is signed."""
    chain = Chain()
    said = chain.statements()
    predicate = msgspec.json.decode(msgspec.json.encode(said["build"].predicate))
    for path, value in change.items():
        place = predicate
        *folders, last = path.split(".")
        for folder in folders:
            place = place[folder]
        place[last] = value
    said["build"] = msgspec.structs.replace(said["build"], predicate=predicate)
    for kind, one in said.items():
        chain.attest(kind, one, chain.published.manifest, chain.web)
    chain.seal()
    chain.render()
    return chain


@pytest.mark.parametrize("api", [True, False])
def test_whole_chain_passes(api: bool) -> None:
    """A whole chain passes with and without the referrers API, and its verdict names every link."""
    chain = Chain(MemoryRegistry(api=api)).whole()
    found = judged(chain)
    assert found.passed, found.reasons
    assert found.findings == ()
    assert {one.payload for one in found.inputs} == {one.payload for one in chain.links.values()}
    assert found.subjects == {
        chain.release.digest,
        chain.rendered.digest,
        chain.published.manifest.digest,
    }
    assert [one.detail for one in found.of("not asked")] == ["not asked"]


@pytest.mark.parametrize("kind", ["signature", "build", "sbom"])
def test_missing_link(kind: str) -> None:
    """Each required link of an image is missed by its own rule, and by no other."""
    assert failed(chain_with(without=kind)) == [kind]


def test_missing_release_link() -> None:
    """A release that nobody signed does not pass."""
    chain = Chain()
    chain.make()
    chain.seal(sign=False)
    chain.render()
    assert failed(chain) == ["release"]


def test_missing_render_link() -> None:
    """A rendered set that nobody signed does not pass."""
    chain = Chain()
    chain.make()
    chain.seal()
    chain.render(sign=False)
    assert failed(chain) == ["render"]


def test_render_of_another_environment() -> None:
    """A rendered set that was signed for staging does not go to dev."""
    chain = Chain()
    chain.make()
    chain.seal()
    chain.render(environment="staging")
    found = judged(chain)
    assert [one.rule for one in found.of("failed")] == ["render"]
    assert "speaks of these bytes" in found.of("failed")[0].detail
    assert chain.links["render"].edge not in found.inputs


def test_malformed_render_link() -> None:
    """A render link without our fields counts for nothing."""
    chain = Chain()
    chain.make()
    chain.seal()
    chain.render(sign=False)
    said = msgspec.structs.replace(
        shipped.release(chain.release), predicate_type="https://shipway.dev/render/v1", predicate={}
    )
    chain.attest("render", said, chain.release.manifest, chain.evidence)
    assert failed(chain) == ["render"]


def test_missing_release() -> None:
    """Without the release itself there is one answer, and nothing else is guessed."""
    chain = Chain().whole()
    del chain.registry.manifests[chain.evidence, chain.release.digest]
    found = judged(chain)
    assert [one.rule for one in found.of("failed")] == ["release"]
    assert found.inputs == tuple(
        sorted(
            (chain.links["release"].edge, chain.links["render"].edge),
            key=lambda one: one.predicate_type,
        )
    )


def test_another_project() -> None:
    """A release of one project is not let into another."""
    assert "project" in failed(Chain().whole(), project="other")


def test_foreign_builder() -> None:
    """Provenance by a builder that the policy does not name fails the build rule alone."""
    chain = with_build({"runDetails.builder.id": "https://example.com/builder"})
    assert failed(chain) == ["build"]


def test_foreign_build_type() -> None:
    """Another build type means other parameters: it is refused."""
    assert failed(with_build({"buildDefinition.buildType": "https://example.com/x"})) == ["build"]


def test_unknown_external_parameter() -> None:
    """A parameter that the verifier does not know is refused by its name."""
    chain = with_build({"buildDefinition.externalParameters.toolexec": "evil"})
    found = judged(chain)
    assert [(one.rule, one.detail) for one in found.of("failed")] == [
        ("build", "unknown external parameters: toolexec")
    ]


@pytest.mark.parametrize("said", [True, "yes", None, 0])
def test_debug_build(said: object) -> None:
    """A build for debugging passes where nobody depends on it, and nowhere else."""
    chain = with_build({"buildDefinition.externalParameters.debug": said})
    assert judged(chain).passed
    found = judged(chain, trust=chain.trust(protected=True))
    assert [(one.rule, one.detail) for one in found.of("failed")] == [
        ("build", "it was built for debugging, which no protected environment takes")
    ]
    plain = with_build({"buildDefinition.externalParameters.debug": False})
    assert judged(plain, trust=plain.trust(protected=True)).passed


def test_malformed_provenance() -> None:
    """Provenance without the fields of SLSA fails the build rule alone."""
    assert failed(with_build({"buildDefinition": 3, "runDetails": []})) == ["build"]


def test_pending_tests() -> None:
    """Tests that run beside leave the verdict passed and say ``pending``, never where protected."""
    chain = chain_with(without="test", tests="pending")
    found = judged(chain)
    assert found.passed
    assert [one.detail for one in found.of("pending")] == ["tests: pending"]
    assert failed(chain, trust=chain.trust(protected=True)) == ["test"]


def test_tests_off() -> None:
    """Tests that are off are waived by name in an unprotected environment only."""
    chain = chain_with(without="test", tests="off")
    assert [one.rule for one in judged(chain).of("waived")] == ["test"]
    assert failed(chain, trust=chain.trust(protected=True)) == ["test"]


def test_missing_test_link() -> None:
    """A release that claims passed tests must have the link."""
    assert failed(chain_with(without="test")) == ["test"]


def test_failed_tests() -> None:
    """Failed tests are waived by name where unprotected, and refused where protected."""
    report = msgspec.structs.replace(REPORT, result="FAILED", failed=("a.TestB",))
    chain = chain_with(report=report, tests="failed")
    assert [one.detail for one in judged(chain).of("waived")] == [
        "tests failed, in an unprotected environment"
    ]
    found = judged(chain, trust=chain.trust(protected=True))
    assert [one.detail for one in found.of("failed")] == ["tests failed"]


def test_deleted_link() -> None:
    """A link that the release names cannot be deleted, even if another of its kind is there."""
    chain = Chain()
    chain.make()
    chain.attest("again", chain.statements()["sbom"], chain.published.manifest, chain.web)
    extra = msgspec.structs.replace(chain.statements()["sbom"], predicate={"name": "other"})
    link = chain.attest("extra", extra, chain.published.manifest, chain.web)
    chain.seal()
    chain.render()
    del chain.registry.manifests[chain.web, link.manifest.digest]
    assert failed(chain) == ["sealed links"]


def test_altered_link() -> None:
    """One flipped byte in a stored bundle is found, and named an altered link."""
    chain = Chain().whole()
    key = (chain.web, chain.links["sbom"].bundle.digest)
    data = chain.registry.blobs[key]
    chain.registry.blobs[key] = bytes((*data[:-9], data[-9] ^ 1, *data[-8:]))
    found = judged(chain)
    assert {one.rule for one in found.of("failed")} == {"sbom", "sealed links"}
    assert [one.answer for one in found.findings] == [Answer.ALTERED]


def test_foreign_image() -> None:
    """An image that is neither ours nor listed is refused; a listed one is counted as such."""
    chain = Chain()
    chain.make()
    chain.seal()
    chain.render(deployment(chain.published.reference), deployment(FOREIGN, "redis"))
    assert failed(chain) == ["images"]
    listed = Foreign(digest=of(b"redis"), reference=FOREIGN, reason="cache", expires=NOW + 1)
    found = judged(chain, foreign=(listed,))
    assert found.passed
    assert [one.detail for one in found.of("listed")] == ["cache"]
    assert of(b"redis") in found.images
    expired = msgspec.structs.replace(listed, expires=NOW - 1)
    assert [one.detail for one in judged(chain, foreign=(expired,)).of("failed")] == [
        "its entry in the lock has expired"
    ]


def test_image_by_tag() -> None:
    """An image that is named by tag is refused: nobody knows what it will be."""
    chain = Chain()
    chain.make()
    chain.seal()
    chain.render(deployment(f"{WEB}:latest"))
    assert failed(chain) == ["images"]


def test_rendered_set_is_gone() -> None:
    """Without the rendered set's bytes nothing can be said of its images."""
    chain = Chain().whole()
    del chain.registry.blobs[chain.evidence, chain.rendered.digest]
    assert failed(chain) == ["images"]


def test_rendered_set_is_no_set() -> None:
    """Bytes that are no objects are judged like none."""
    chain = Chain().whole()
    junk = chain.content.put(b"{", "text/plain")
    chain.registry.blobs[chain.evidence, junk.digest] = b"{"
    assert failed(chain, rendered=junk) == ["render", "images"]


def test_signer_not_allowed() -> None:
    """A second key that is not trusted counts for nothing, and is named."""
    chain = Chain()
    chain.make(without="sbom")
    stranger = MemorySigner(2)
    said = chain.statements()["sbom"]
    chain.attest("sbom", said, chain.published.manifest, chain.web, signer=stranger)
    chain.links.pop("sbom")
    chain.seal()
    chain.render()
    found = judged(chain)
    assert [one.rule for one in found.of("failed")] == ["sbom"]
    assert [one.answer for one in found.findings] == [Answer.NOT_ALLOWED]


def test_signer_of_another_role() -> None:
    """A trusted key that holds another role may not sign this kind of link."""
    chain = Chain()
    tester = MemorySigner(2)
    chain.make(without="build")
    said = chain.statements()["build"]
    chain.attest("build", said, chain.published.manifest, chain.web, signer=tester)
    chain.links.pop("build")
    chain.seal()
    chain.render()
    trust = Trust(
        keys=(
            TrustedKey(key=chain.signer.public_key),
            TrustedKey(key=tester.public_key, roles=("tester",)),
        )
    )
    found = judged(chain, trust=trust)
    assert [one.rule for one in found.of("failed")] == ["build"]
    assert found.findings[0].answer is Answer.NOT_ALLOWED
    assert "role builder" in found.findings[0].detail


def test_key_without_passphrase() -> None:
    """A key without passphrase never counts in a protected environment."""
    chain = Chain(signer=MemorySigner(has_passphrase=False)).whole()
    assert judged(chain).passed
    found = judged(chain, trust=chain.trust(protected=True))
    assert not found.passed
    assert {one.answer for one in found.findings} == {Answer.NOT_ALLOWED}


def test_link_of_an_unknown_kind() -> None:
    """A kind that no role signs is not allowed, by whatever key."""
    chain = Chain().whole()
    said = Statement(
        subject=made.signature(chain.published.manifest.digest).subject,
        predicate_type="https://example.com/unknown",
        predicate={},
    )
    chain.attest("unknown", said, chain.published.manifest, chain.web)
    found = judged(chain)
    assert found.passed
    assert [one.answer for one in found.findings] == [Answer.NOT_ALLOWED]


def test_junk_beside_the_links_changes_nothing() -> None:
    """Referrers that are no links, or of another subject, neither block nor are believed."""
    chain = Chain().whole()
    subject = chain.published.manifest
    other = chain.registry.push_manifest(
        chain.web,
        msgspec.json.encode(
            {
                "schemaVersion": 2,
                "mediaType": subject.media_type,
                "config": EMPTY_CONFIG,
                "layers": [],
                "subject": subject,
            }
        ),
        subject.media_type,
    )
    stray = chain.links["release"].manifest
    chain.registry.manifests[chain.web, stray.digest] = chain.registry.manifests[
        chain.evidence, stray.digest
    ]
    chain.registry.attach(chain.web, subject.digest, [other, stray])
    found = judged(chain)
    assert found.passed
    assert [one.answer for one in found.findings] == [Answer.ALTERED]


def test_statement_about_something_else() -> None:
    """A signed statement moved onto another image does not speak of it."""
    chain = Chain().whole()
    other = chain.registry.push_manifest(chain.web, b'{"schemaVersion":2}', "x/y")
    with pytest.raises(ShipwayError, match="does not speak of"):
        chain.attest("moved", chain.statements()["sbom"], other, chain.web)


def test_flood() -> None:
    """More links than anybody needs are refused, with a word to remove them."""
    chain = Chain().whole()
    flood = [describe(str(number).encode(), "x/y") for number in range(MOST_REFERRERS + 1)]

    class Flooded(MemoryRegistry):
        def referrers(self, repository: str, subject: Any) -> Any:  # noqa: ARG002
            return tuple(flood)

    chain.registry.__class__ = Flooded
    with pytest.raises(ShipwayError) as caught:
        judged(chain)
    assert caught.value.id == "evidence.flooded"


def test_registry_that_is_down() -> None:
    """A registry that cannot be asked is an error, never a verdict."""

    class Down(MemoryRegistry):
        def pull_manifest(self, repository: str, reference: str) -> Any:  # noqa: ARG002
            raise ShipwayError("registry.unreachable", Kind.TRANSIENT, "down", subject=repository)

    chain = Chain().whole()
    chain.registry.__class__ = Down
    with pytest.raises(ShipwayError, match="down"):
        judged(chain)


def test_registry_with_wrong_bytes() -> None:
    """A registry that serves other bytes under a digest makes an altered link."""
    chain = Chain().whole()
    key = (chain.web, chain.links["build"].manifest.digest)
    chain.registry.manifests[key] = (chain.registry.manifests[key][0], b"{}")
    found = judged(chain)
    assert "build" in [one.rule for one in found.of("failed")]
    assert Answer.ALTERED in [one.answer for one in found.findings]


def test_verdict_link() -> None:
    """A verdict's link says who, when, where, under which policy, and that levels are open."""
    found = judged(Chain().whole())
    said = verdict.statement(found)
    assert said.predicate["verificationResult"] == "PASSED"
    assert said.predicate["verifiedLevels"] == ["SLSA_BUILD_LEVEL_UNEVALUATED"]
    assert said.predicate["resourceUri"].endswith("/project/shop/environment/dev")
    assert said.predicate["policy"]["uri"] == built_in().uri
    read = verdict.read(said)
    assert read.subjects == found.subjects
    assert read.reasons == found.reasons
    assert read.policy_digest == built_in().digest


def test_failed_verdict_link() -> None:
    """A failed verdict is a statement too."""
    said = verdict.statement(judged(chain_with(without="sbom")))
    assert said.predicate["verificationResult"] == "FAILED"
    assert said.predicate["verifiedLevels"] == ["FAILED"]
