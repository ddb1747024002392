"""An index over several platforms: links about it and each of its manifests, or no verdict."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from fakes.chain import SOURCE, WEB, Chain
from shipway.core.evidence import likeness, made, rules, steps
from shipway.core.evidence.answer import Answer
from shipway.core.evidence.artifact import Artifact
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.snapshot import Snapshot
from shipway.core.evidence.statement import Statement
from shipway.core.evidence.walk import Evidence, Walk
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import INDEX, Descriptor, Platform
from shipway.core.oci.digest import of
from shipway.stages.verify import RegistrySource, drive, verify


def chain_of(**bend: Any) -> Chain:
    """Return a whole chain whose one service is an index."""
    chain = Chain()
    chain.index(**bend)
    chain.seal()
    chain.render()
    return chain


def walked(chain: Chain) -> Evidence:
    """Return all evidence about the image."""
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.image(WEB, chain.published.manifest.digest)
    return drive(walk, RegistrySource(chain.registry))


def failed(chain: Chain) -> list[tuple[str, str]]:
    """Return the rules that failed, and why."""
    found = verify(chain.request(), registry=chain.registry, clock=chain.clock)
    return [(one.rule, one.detail) for one in found.of("failed")]


def arm(chain: Chain) -> Descriptor:
    """Return the second child of the index."""
    _, data = chain.registry.pull_manifest(WEB, chain.published.manifest.digest)
    return msgspec.json.decode(data, type=_Index).manifests[1]


class _Index(msgspec.Struct):
    manifests: tuple[Descriptor, ...]


def swap(chain: Chain, *children: Descriptor) -> None:
    """Let the registry answer the index's digest with an index over other manifests."""
    data = manifest.index(children)
    chain.registry.manifests[WEB, chain.published.manifest.digest] = (INDEX, data)


def test_a_whole_index_passes() -> None:
    """Every manifest has its links, the index has its own, and the verdict names all of them."""
    chain = chain_of()
    found = verify(chain.request(), registry=chain.registry, clock=chain.clock)

    assert found.passed, found.reasons
    assert {one.payload for one in found.inputs} == {one.payload for one in chain.links.values()}
    kinds = [one.rule for one in found.reasons]
    assert [kinds.count(kind) for kind in ("signature", "build", "sbom", "test")] == [3, 3, 2, 3]


@pytest.mark.parametrize("kind", ["signature", "build", "test"])
def test_an_index_has_links_of_its_own(kind: str) -> None:
    """What stands on its manifests does not stand on the index: each link is missed by its rule."""
    assert failed(chain_of(without=kind)) == [(kind, "missing link")]


def test_an_unsigned_manifest_is_refused() -> None:
    """One manifest without links fails every rule about it, however whole the others are."""
    found = failed(chain_of(unsigned="arm64"))
    assert found == [(kind, "missing link") for kind in ("signature", "build", "sbom", "test")]


def test_a_manifest_that_the_build_does_not_list_is_refused() -> None:
    """A manifest that came into the index beside its build is named, though it has all links."""
    chain = chain_of(listed=1)
    assert failed(chain) == [("build", f"unlisted manifest: {arm(chain).digest}")]


def test_an_index_that_lost_a_manifest_is_refused() -> None:
    """A build link that lists more than the index has is about another index."""
    chain = Chain()
    index = chain.index()
    one, other = (chain.links[f"build {name}"].subject for name in ("amd64", "arm64"))
    short = Evidence(
        links=walked(chain).links,
        manifests={index.manifest.digest: made_index(one)},
    )
    reasons = rules.of_image(short, built_in(), index.manifest.digest, protected=False)

    (found,) = [one for one in reasons if one.rule == "build" and "its index" in one.detail]
    assert found.detail == f"its index has not the manifest that its build link lists: {other}"


def made_index(*digests: Any) -> Any:
    """Return an index as the walk read it."""
    return Artifact(manifests=tuple(Descriptor("application/x", one, 1) for one in digests))


def test_an_index_that_was_swapped_is_altered() -> None:
    """Other bytes under the index's digest are seen, although both manifests are what they were."""
    chain = chain_of()
    swap(chain, arm(chain))
    found = verify(chain.request(), registry=chain.registry, clock=chain.clock)

    assert not found.passed
    assert Answer.ALTERED in {one.answer for one in found.findings}


def test_another_index_over_the_same_manifests_is_unsigned() -> None:
    """Manifests that are whole do not make an index so: it needs links about its own digest."""
    chain = chain_of()
    data = manifest.index((arm(chain),), {"a": "b"})
    other = chain.registry.push_manifest(WEB, data, INDEX)
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.image(WEB, other.digest)
    evidence = drive(walk, RegistrySource(chain.registry))
    reasons = rules.of_image(evidence, built_in(), other.digest, protected=False)

    assert {one.rule for one in reasons if one.outcome == rules.FAILED} == {
        "signature", "build", "test",
    }  # fmt: skip


def test_verify_of_an_index_judges_its_manifests() -> None:
    """An index alone, without a release, is refused for one unsigned manifest too."""
    chain = Chain()
    index = chain.index(unsigned="arm64")
    reasons = rules.of_image(walked(chain), built_in(), index.manifest.digest, protected=False)

    assert len([one for one in reasons if one.outcome == rules.FAILED]) == 4


def test_an_index_within_an_index_is_judged_to_its_end() -> None:
    """A manifest that is listed by an inner index needs its links as well."""
    inner, leaf, outer = of(b"inner"), of(b"leaf"), of(b"outer")
    evidence = Evidence(manifests={outer: made_index(inner), inner: made_index(leaf, outer)})
    reasons = rules.of_image(evidence, built_in(), outer, protected=False)

    assert {one.subject.partition("@")[2] for one in reasons} == {outer, inner, leaf}


def test_the_build_link_of_an_index() -> None:
    """It lists its manifests by platform and the commit, and no parameter that nobody knows."""
    chain = Chain()
    chain.index()
    (link,) = (
        one for one in walked(chain).about(chain.published.manifest.digest) if one.kind == "build"
    )
    definition = link.statement.predicate["buildDefinition"]
    names = [one["name"] for one in definition["resolvedDependencies"]]

    assert names == ["commit", "tree", "manifest linux/amd64", "manifest linux/arm64"]
    assert definition["resolvedDependencies"][0]["digest"] == {"gitCommit": SOURCE.commit}
    assert definition["externalParameters"]["platform"] == "linux/amd64,linux/arm64"
    assert set(definition["externalParameters"]) <= made.EXTERNAL_PARAMETERS


@pytest.mark.parametrize(
    "predicate",
    [
        {},
        {"buildDefinition": 3},
        {"buildDefinition": {"resolvedDependencies": 3}},
        {"buildDefinition": {"resolvedDependencies": [3, {"name": "commit"}]}},
    ],
)
def test_a_build_link_that_lists_nothing(predicate: dict[str, Any]) -> None:
    """Whatever shape a stranger gives it, a build link without manifests lists none."""
    assert made.children(Statement(subject=(), predicate_type="x", predicate=predicate)) == set()


def test_a_listed_manifest_without_a_digest_is_none_that_exists() -> None:
    """An entry that names no digest can never be met."""
    listed = [{"name": f"{made.CHILD}x"}]
    predicate = {"buildDefinition": {"resolvedDependencies": listed}}
    assert made.children(Statement(subject=(), predicate_type="x", predicate=predicate)) == {""}


def test_the_way_back_shows_every_platform() -> None:
    """A trace of an index goes on to each manifest, which is derived from it, and to its links."""
    chain = Chain()
    chain.index()
    way = list(steps.link_steps(walked(chain), chain.published.manifest.digest))
    images = [one for one in way if one.name == "image"]

    assert [one.details["platform"] for one in images] == ["linux/amd64", "linux/arm64"]
    assert {one.state for one in images} == {"derived"}
    assert [one.name for one in way].count("sbom") == 2


def test_a_pod_may_run_what_the_index_leads_to() -> None:
    """The manifest of its platform, and that manifest's config, stand for the verdict's image."""
    chain = chain_of()
    evidence = walked(chain)
    child = evidence.manifests[arm(chain).digest]
    covered = likeness._covered(evidence, frozenset({chain.published.manifest.digest}))

    assert child.config is not None
    assert {arm(chain).digest, child.config.digest} <= covered
    assert Platform("arm64") == arm(chain).platform


def pod(reference: str, image_id: str = "") -> Snapshot:
    """Return a snapshot of a pod on an arm64 node."""
    status = {"containerStatuses": [{"name": "web", "imageID": image_id}]} if image_id else {}
    containers = [{"name": "web", "image": reference}]
    live = {"kind": "Pod", "spec": {"containers": containers}, "status": status}
    return Snapshot(subject="pod/web", cluster="c", pod=live, architecture="arm64")


@pytest.mark.parametrize("named", ["index", "manifest", "config"])
def test_a_pod_runs_exactly_one_manifest(named: str) -> None:
    """Whatever its runtime calls imageID, it leads to one manifest, and how is said."""
    chain = chain_of()
    evidence, index = walked(chain), chain.published
    child = arm(chain)
    config = evidence.manifests[child.digest].config
    assert config is not None
    told = {
        "index": (index.reference, "the architecture of the pod's node"),
        "manifest": (f"{WEB}@{child.digest}", "the pod's imageID"),
        "config": (config.digest, "the pod's imageID, which is its configuration"),
    }
    image_id, how = told[named]
    found = likeness.chosen(pod(index.reference, image_id), evidence, index.manifest.digest)

    assert found == (child, how)
    way = list(steps.link_steps(evidence, index.manifest.digest, found))
    (shown,) = [one for one in way if one.name == "image"]
    assert (shown.subject, shown.details["from"]) == (child.digest, how)


def test_where_nothing_tells_which_manifest_it_is() -> None:
    """No pod, no index, another image, or a node that nobody may see: then all are shown."""
    chain = chain_of()
    evidence, index = walked(chain), chain.published
    digest = index.manifest.digest
    blind = msgspec.structs.replace(pod(index.reference), architecture="")
    bare = msgspec.structs.replace(pod(index.reference), pod=None)

    assert likeness.chosen(blind, evidence, digest) is None
    assert likeness.chosen(bare, evidence, digest) is None
    assert likeness.chosen(pod(f"{WEB}@{of(b'other')}"), evidence, digest) is None
    assert likeness.chosen(pod(index.reference), evidence, arm(chain).digest) is None
    assert likeness.chosen(pod(index.reference), Evidence(), digest) is None
    lone = Evidence(manifests={digest: made_index(arm(chain).digest)})
    assert likeness.chosen(pod(index.reference), lone, digest) is None
