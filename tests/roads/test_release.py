"""Release, deploy and promote on fakes: made once, the same digests everywhere, nothing built."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.git import ROOT
from fakes.go import WRONG
from fakes.hands import MAIN, ServingKube
from fakes.shop import WEB, Shop
from fakes.signer import MemorySigner
from fakes.vulnerable import entry
from shipway.core.evidence import artifact, predicate, shelf
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.trust import Trust
from shipway.core.evidence.walk import Walk
from shipway.core.oci import digest as digests
from shipway.core.oci import referrers
from shipway.core.oci.descriptor import MANIFEST, describe
from shipway.core.oci.digest import Digest, of
from shipway.core.run.events import Remark, StepStarted
from shipway.core.vulns.gate import Rules
from shipway.errors import Kind, ShipwayError
from shipway.roads import growth, releases, status
from shipway.roads.build import BuildRequest, build
from shipway.roads.dispatch import Dispatched, DispatchRequest, deploy, promote
from shipway.roads.release import Released, ReleaseRequest, release
from shipway.roads.tracing import walk_back
from shipway.roads.where import WhereRequest
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.statement import Statement

COVERED = b"mode: set\nexample.com/shop/main.go:5.1,7.2 1 1\n"
CONFIG = """schema = 1
[services.shop]
package = "."
port = 8080
[environments.dev]
[environments.staging]
registry = "one.test"
targets = [{ context = "east" }]
[environments.prod]
registry = "two.test/live"
protected = true
targets = [{ context = "west" }]
"""
KEYS = ("key",)
PROD = WhereRequest(directory=ROOT, environment="prod", keys=KEYS)
PROD_WEB = msgspec.structs.replace(WEB, namespace="shop-prod")
STAGING_WEB = msgspec.structs.replace(WEB, namespace="shop-staging")


def shop_of(config: str = CONFIG) -> Shop:
    """Return a project with three environments and a commit that passes every gate."""
    shop = Shop()
    shop.go.profile = COVERED
    shop.write("shipway.toml", config)
    shop.clusters = {"east": ServingKube(), "west": ServingKube()}
    commit(shop, "v1.0.0")
    return shop


def commit(shop: Shop, version: str, word: str = "") -> None:
    """Commit what is there, after an edit, under a tag."""
    if word:
        shop.edit(word)
    shop.clock.time += 60
    shop.git.commit_all(int(shop.clock.now()))
    shop.git.tags[shop.git.commit] = version


def made(shop: Shop, environment: str = "staging") -> Released:
    """Release the present commit."""
    asked = ReleaseRequest(directory=ROOT, environment=environment, architecture="amd64")
    return release(asked, hands=shop, emit=shop.said.append)


def deployed(shop: Shop, named: str = "", environment: str = "staging", **other: Any) -> Dispatched:
    """Deploy a release."""
    asked = DispatchRequest(directory=ROOT, environment=environment, keys=KEYS, **other)
    return deploy(asked, named, hands=shop, emit=shop.said.append)


def promoted(shop: Shop, origin: str = "staging", to: str = "prod") -> Dispatched:
    """Promote what serves."""
    source = WhereRequest(directory=ROOT, environment=origin, keys=KEYS)
    asked = DispatchRequest(directory=ROOT, environment=to, keys=KEYS)
    return promote(source, asked, hands=shop, emit=shop.said.append)


def steps(shop: Shop) -> list[str]:
    """Return the steps since the last call."""
    found = [one.step for one in shop.said if isinstance(one, StepStarted)]
    shop.said.clear()
    return found


def digest(said: Released | Dispatched) -> str:
    """Return the digest of a release."""
    return said.release.partition("@")[2]


def test_a_release_is_a_reference_and_deploys_nothing() -> None:
    """Its answer is the reference alone; every gate has ended and no cluster has heard of it."""
    shop = shop_of()
    said = made(shop)

    assert list(said.lines()) == [said.release]
    assert said.release.startswith("one.test/shop/evidence@sha256:")
    assert "deploy" not in steps(shop)
    assert WEB.identity not in shop.clusters["east"].objects
    found = releases.pulled("one.test/shop/evidence", of(data(shop, said.release)), shop)
    assert (found.contents.channel, found.contents.tests) == ("release", "passed")


@pytest.mark.parametrize("road", ["build", "up"])
def test_a_version_stays_with_its_release(road: str) -> None:
    """What is built of the same commit later leaves the release's tag alone, and says so."""
    shop = shop_of()
    made(shop)
    at = shop.registries.resolve("one.test/shop/shop", "v1.0.0")
    if road == "build":
        asked = BuildRequest(directory=ROOT, environment="staging", architecture="arm64")
        images = build(asked, hands=shop, emit=shop.said.append).images
    else:
        images = shop.carry(environment="staging", keys=KEYS, tests="off").images
    now = shop.registries.resolve("one.test/shop/shop", "v1.0.0")

    assert at is not None
    assert now == at
    assert not images["shop"].endswith(at.digest)
    assert "shop: the tag v1.0.0 stays with another image of this commit" in shop.texts()


def test_a_version_that_was_tried_is_the_releases_in_the_end() -> None:
    """A release takes the tag that an earlier build of its commit had."""
    shop = shop_of()
    first = shop.carry(environment="staging", keys=KEYS, tests="off").images["shop"]
    before = shop.registries.resolve("one.test/shop/shop", "v1.0.0")
    made(shop)
    now = shop.registries.resolve("one.test/shop/shop", "v1.0.0")

    assert before is not None
    assert first.endswith(before.digest)
    assert now is not None
    assert now.digest != before.digest


def data(shop: Shop, reference: str) -> bytes:
    """Return the bytes of a manifest."""
    repository, _, name = reference.partition("@")
    return shop.registries.pull_manifest(repository, name)[1]


def test_the_same_commit_is_the_same_release() -> None:
    """A second run builds, signs and shelves nothing, and prints the same reference."""
    shop = shop_of()
    first = made(shop)
    steps(shop)
    shop.registries.writes.clear()
    shop.clock.time += 3600

    assert made(shop).release == first.release
    assert [one for one in shop.registries.writes if one[0] == "blob"] == []
    assert "attest" not in steps(shop)


def test_a_release_is_compressed_well() -> None:
    """What is made once and pulled often is made small, unless its registry is on this machine."""
    shop = shop_of()
    (image,) = made(shop).images.values()
    layers = msgspec.json.decode(data(shop, image))["layers"]

    assert {one["mediaType"].rpartition("+")[2] for one in layers} == {"gzip"}
    (note,) = [one for one in shop.runs.notes(shop.said[0].run) if one.step == "publish"]
    assert b"small" in bytes(note.result)


@pytest.mark.parametrize("why", ["dirty", "tests", "coverage"])
def test_every_gate_blocks(why: str) -> None:
    """Changes that no commit holds, a failing test, too little coverage: there is no release.

    What the tests came to is signed about the commit all the same.
    """
    shop = shop_of()
    if why == "dirty":
        shop.edit("uncommitted")
    elif why == "tests":
        shop.write("main_test.go", WRONG)
        commit(shop, "v2")
    else:
        shop.go.profile = COVERED.replace(b" 1 1", b" 9 0")
    with pytest.raises(ShipwayError) as caught:
        made(shop)

    ids = {"dirty": "source.dirty", "tests": "test.failed", "coverage": "test.coverage"}
    assert caught.value.id == ids[why]
    assert (f"shipway trace {shop.git.commit}" in shop.texts()) == (why != "dirty")
    assert caught.value.kind is Kind.REJECTED
    assert shelf.listed(shop.registries.tags("one.test/shop/evidence")) == ()


@pytest.mark.parametrize("what", ["source", "image file", "commit"])
def test_nothing_but_the_commit_is_released(what: str) -> None:
    """A save or commit while the tests run ends it, nothing pushed or signed; a rerun goes on."""
    shop = shop_of(CONFIG.replace("port = 8080", 'port = 8080\nfiles = {"/etc/a" = "a.txt"}'))
    shop.write("a.txt", "as committed")
    commit(shop, "v1.0.0")

    def meanwhile() -> None:
        if what == "commit":
            commit(shop, "v1.0.1", "newer")
        else:
            shop.write(
                {"source": "main.go", "image file": "a.txt"}[what], f"{MAIN}// uncommitted\n"
            )

    shop.go.after_test = meanwhile
    with pytest.raises(ShipwayError) as caught:
        made(shop)
    assert (caught.value.id, caught.value.kind) == ("build.moving", Kind.CONFLICT)
    assert shop.registries.writes == []
    assert not {"publish", "attest", "seal"} & set(steps(shop))
    shop.go.after_test = lambda: None
    shop.write("main.go", MAIN)
    shop.write("a.txt", "as committed")
    commit(shop, "v1.0.2")

    assert made(shop).version == "v1.0.2"


def test_the_newest_release_is_deployed_without_a_build() -> None:
    """Without a name the newest counts; nothing is tested, built or pushed."""
    shop = shop_of()
    made(shop)
    commit(shop, "v1.1.0", "two")
    newest = made(shop)
    steps(shop)
    said = deployed(shop)

    assert (said.release, said.version, said.numbers) == (newest.release, "v1.1.0", {"east": 1})
    assert not {"build", "test", "image", "publish", "seal"} & set(steps(shop))
    assert shop.clusters["east"].image(STAGING_WEB) == newest.images["shop"]
    where = WhereRequest(directory=ROOT, environment="staging", keys=KEYS)
    assert walk_back("deployment/shop", where, hands=shop).trace.ok


@pytest.mark.parametrize("form", ["version", "digest", "reference"])
def test_a_release_is_named(form: str) -> None:
    """By its version, its digest, or its reference."""
    shop = shop_of()
    first = made(shop)
    commit(shop, "v1.1.0", "two")
    made(shop)
    named = {"version": "v1.0.0", "digest": digest(first), "reference": first.release}[form]

    assert deployed(shop, named).release == first.release


def test_manifests_of_another_commit_are_said() -> None:
    """Where the checkout is not what was released, a person hears of it."""
    shop = shop_of()
    made(shop)
    commit(shop, "v1.1.0", "two")
    deployed(shop)

    assert "the manifests are of v1.1.0, the images of v1.0.0" in shop.texts()


def test_the_same_release_again_takes_no_number() -> None:
    """What serves already is left alone."""
    shop = shop_of()
    made(shop)
    deployed(shop)
    said = deployed(shop)

    assert said.numbers == {}
    assert next(iter(said.lines())) == "nothing changed: staging serves v1.0.0"


def test_there_is_no_release() -> None:
    """An empty shelf, an unknown version and an unknown digest are each told."""
    shop = shop_of()
    with pytest.raises(ShipwayError) as caught:
        deployed(shop)
    assert (caught.value.id, caught.value.kind) == ("release.none", Kind.NOT_FOUND)
    made(shop)
    for named in ("v9", of(b"none"), f"one.test/shop/evidence@{of(b'none')}"):
        with pytest.raises(ShipwayError) as caught:
            deployed(shop, named)
        assert (caught.value.id, caught.value.kind) == ("release.unknown", Kind.NOT_FOUND)


def test_a_release_of_another_registry_is_no_release_here() -> None:
    """Its bytes are not read from there; promote copies them."""
    shop = shop_of()
    said = made(shop)
    with pytest.raises(ShipwayError) as caught:
        deployed(shop, said.release, "prod")

    assert (caught.value.id, caught.value.kind) == ("release.elsewhere", Kind.USAGE)


def test_a_registry_that_fails_is_no_empty_shelf() -> None:
    """An error of the registry is told as it is."""
    shop = shop_of()
    said = made(shop)
    shop.registries.manifests["one.test/shop/evidence", digest(said)] = (MANIFEST, b"{}")
    with pytest.raises(ShipwayError) as caught:
        deployed(shop, said.release)

    assert caught.value.kind is Kind.INTEGRITY


def test_an_old_release_under_a_newer_tag_is_not_the_newest() -> None:
    """Who writes to the registry can put an old release first by its tag, but not by its link."""
    shop = shop_of()
    old = made(shop)
    commit(shop, "v1.1.0", "two")
    newest = made(shop)
    repository, _, name = old.release.partition("@")
    later = shelf.shelved("2999-01-01T00:00:00Z", of(data(shop, old.release)), "v1.0.0")
    shop.registries.push_manifest(repository, data(shop, old.release), MANIFEST, later.tag)

    assert name != digest(newest)
    assert deployed(shop).release == newest.release


def test_an_old_release_under_the_tag_of_a_version_is_not_that_version() -> None:
    """The version of a tag is signed by nobody: the release itself must say the same."""
    shop = shop_of()
    old = made(shop)
    commit(shop, "v1.1.0", "two")
    newest = made(shop)
    repository, _, name = newest.release.partition("@")
    signed = shelf.listed(shop.registries.tags(repository))
    for one in signed:
        version = {"v1.0.0": "v1.1.0", "v1.1.0": "v1.0.0"}[one.version]
        bent = msgspec.structs.replace(one, version=version)
        manifest = data(shop, old.release if version == "v1.1.0" else newest.release)
        shop.registries.push_manifest(repository, manifest, MANIFEST, bent.tag)
    assert len(shelf.listed(shop.registries.tags(repository))) == 2 * len(signed)

    assert digest(deployed(shop, "v1.1.0")) == name
    assert deployed(shop, "v1.0.0").release == old.release


def unsigned(shop: Shop, said: Released) -> None:
    """Take the release link away."""
    repository, _, name = said.release.partition("@")
    for one in shop.registries.referrers(repository, name):
        if one.annotations.get("dev.sigstore.bundle.predicateType", "").endswith("release/v0.1"):
            shop.registries.delete(repository, one.digest)


def test_a_release_without_its_link_is_signed_again() -> None:
    """A tag alone makes no release: the next run signs it, and then it is found."""
    shop = shop_of()
    first = made(shop)
    unsigned(shop, first)
    with pytest.raises(ShipwayError, match="no release in it whose link counts"):
        deployed(shop)
    shop.clock.time += 60

    assert made(shop).release == first.release
    assert deployed(shop).release == first.release


def test_a_release_by_a_stranger_is_none() -> None:
    """A release whose link is by another key does not count, whatever its tag says."""
    shop = shop_of()
    key, shop.key = shop.key, MemorySigner(7)
    made(shop)
    shop.key = key
    with pytest.raises(ShipwayError) as caught:
        deployed(shop)

    assert caught.value.id == "release.none"


def test_a_port_that_only_the_build_saw() -> None:
    """Where nothing but a confined run told the port, the image's own config tells it again."""
    shop = shop_of(CONFIG.replace("port = 8080\n", ""))
    shop.write("main.go", MAIN.replace('ListenAndServe(":8080", nil)', "Serve(listen(), nil)"))
    commit(shop, "v2")
    shop.sandbox.opened = (9999,)
    made(shop)
    shop.sandbox.opened = None
    deployed(shop)
    live = shop.clusters["east"].objects[STAGING_WEB.identity]
    (port,) = live["spec"]["template"]["spec"]["containers"][0]["ports"]

    assert port["containerPort"] == 9999


def test_promotion_takes_the_same_digests_to_another_registry() -> None:
    """Image, release and links are there; the protected environment verifies them as its own."""
    shop = shop_of()
    first = made(shop)
    deployed(shop)
    said = promoted(shop)

    assert said.release == f"two.test/live/shop/evidence@{digest(first)}"
    image = first.images["shop"].partition("@")[2]
    assert shop.clusters["west"].image(PROD_WEB) == f"two.test/shop/shop@{image}"
    assert len(shop.registries.referrers("two.test/shop/shop", image)) == 4
    assert walk_back("deployment/shop", PROD, hands=shop).trace.ok
    (target,) = status.past(PROD, limit=5, hands=shop).targets
    assert [(one.number, one.kind, one.result) for one in target.deploys] == [
        (1, "deploy", "passed")
    ]


def test_what_one_environment_said_stays_there() -> None:
    """Verdict, intent and outcome of the first environment are not copied."""
    shop = shop_of()
    made(shop)
    deployed(shop)
    promoted(shop)

    tags = shop.registries.tags("two.test/live/shop/evidence")
    assert not [tag for tag in tags if tag.startswith("staging.")]
    assert [tag.partition("-")[0] for tag in tags if tag.startswith("verdict-")] == ["verdict"]


def test_a_promoted_release_is_found_where_it_went() -> None:
    """`deploy` of the other environment finds it by its version, and as the newest."""
    shop = shop_of()
    made(shop)
    deployed(shop)
    said = promoted(shop)

    assert deployed(shop, "v1.0.0", "prod").release == said.release
    assert deployed(shop, "", "prod").numbers == {}


def test_what_finds_a_promoted_release_comes_last() -> None:
    """Nobody finds a release in the other registry before its links are listed there."""
    shop = shop_of()
    first = made(shop)
    deployed(shop)
    shop.registries.writes.clear()
    promoted(shop)

    where = "two.test/live/shop/evidence"
    tags = [tag for kind, at, tag in shop.registries.writes if (kind, at) == ("tag", where)]
    (place,) = shelf.listed(tags)
    image = referrers.tag(digests.parse(first.images["shop"].partition("@")[2]))
    order = [tag for kind, _, tag in shop.registries.writes if kind == "tag"]
    assert order.index(referrers.tag(digests.parse(digest(first)))) < order.index(place.tag)
    assert order.index(image) < order.index(place.tag)


def test_links_that_do_not_count_do_not_travel() -> None:
    """What a stranger attached to an image is left where it was."""
    shop = shop_of()
    first = made(shop)
    deployed(shop)
    repository, _, image = first.images["shop"].partition("@")
    subject = describe(data(shop, first.images["shop"]), MANIFEST)
    bytes_of = artifact.encode(artifact.EMPTY_CONFIG, artifact_type="x/y", subject=subject)
    junk = shop.registries.push_manifest(repository, bytes_of, MANIFEST)
    shop.registries.attach(repository, image, [junk])
    promoted(shop)

    assert len(shop.registries.referrers(repository, image)) == 5
    assert len(shop.registries.referrers("two.test/shop/shop", image)) == 4


def test_an_index_is_promoted_with_all_its_images() -> None:
    """Index, both manifests and the links about each arrive, and the verdict is whole."""
    platforms = 'build.platforms = ["linux/amd64", "linux/arm64"]\n'
    shop = shop_of(CONFIG.replace("port = 8080\n", f"port = 8080\n{platforms}"))
    first = made(shop)
    deployed(shop)
    promoted(shop)

    image = first.images["shop"].partition("@")[2]
    children = [one["digest"] for one in msgspec.json.decode(
        data(shop, f"two.test/shop/shop@{image}")
    )["manifests"]]  # fmt: skip
    counts = [len(shop.registries.referrers("two.test/shop/shop", one)) for one in children]
    assert counts == [4, 4]
    assert walk_back("deployment/shop", PROD, hands=shop).trace.ok


def test_one_registry_for_both_copies_nothing() -> None:
    """Where both environments read the same registry, a promotion is a deploy."""
    shop = shop_of(CONFIG.replace("two.test/live", "one.test"))
    made(shop)
    deployed(shop)
    steps(shop)
    promoted(shop)

    assert "transfer" not in steps(shop)
    assert PROD_WEB.identity in shop.clusters["west"].objects


def test_a_dev_build_is_not_promoted() -> None:
    """What `up` brought serves, but it is no release, and the other environment stays untouched."""
    shop = shop_of()
    shop.carry(environment="staging", keys=KEYS)
    with pytest.raises(ShipwayError) as caught:
        promoted(shop)

    assert (caught.value.id, caught.value.kind) == ("promote.dev_build", Kind.REJECTED)
    assert "its signed link says dev" in caught.value.message
    assert PROD_WEB.identity not in shop.clusters["west"].objects


def test_a_release_whose_link_is_gone_is_not_promoted() -> None:
    """Without a signed link nobody knows the channel."""
    shop = shop_of()
    said = made(shop)
    deployed(shop)
    unsigned(shop, said)
    with pytest.raises(ShipwayError) as caught:
        promoted(shop)

    assert (caught.value.id, "no link counts" in caught.value.message) == (
        "promote.dev_build",
        True,
    )


def test_nothing_serves_that_could_be_promoted() -> None:
    """An environment without a passed deploy has nothing to give."""
    shop = shop_of()
    with pytest.raises(ShipwayError) as caught:
        promoted(shop)

    assert (caught.value.id, caught.value.kind) == ("serving.none", Kind.NOT_FOUND)
    assert "east" in caught.value.message


def test_targets_that_serve_different_releases() -> None:
    """What to promote is then a person's decision."""
    shop = shop_of(
        CONFIG.replace('{ context = "east" }', '{ context = "east" }, { context = "mid" }')
    )
    shop.clusters["mid"] = ServingKube()
    first = made(shop)
    deployed(shop)
    commit(shop, "v1.1.0", "two")
    second = made(shop)
    deployed(shop, target="mid")
    with pytest.raises(ShipwayError) as caught:
        promoted(shop)

    assert (caught.value.id, caught.value.kind) == ("serving.differs", Kind.CONFLICT)
    assert digest(first) in caught.value.message
    assert digest(second) in caught.value.message


def test_an_image_that_the_origin_lost() -> None:
    """What is to be copied and is not there is named, and nothing is applied."""
    shop = shop_of()
    first = made(shop)
    deployed(shop)
    repository, _, image = first.images["shop"].partition("@")
    del shop.registries.manifests[repository, image]
    with pytest.raises(ShipwayError) as caught:
        promoted(shop)

    assert (caught.value.id, caught.value.subject) == ("transfer.gone", first.images["shop"])
    assert PROD_WEB.identity not in shop.clusters["west"].objects


def test_a_protected_environment_takes_manifests_of_a_commit_only() -> None:
    """The release is clean, but what is rendered is the checkout: it must be a commit too."""
    shop = shop_of()
    made(shop)
    deployed(shop)
    shop.edit("uncommitted")
    with pytest.raises(ShipwayError) as caught:
        promoted(shop)

    assert caught.value.id == "source.dirty"


def test_a_release_of_fewer_services_prunes_nothing() -> None:
    """Where the checkout has a service that the release has not, what runs of it stays."""
    shop = shop_of()
    made(shop)
    deployed(shop)
    more = '[services.side]\npackage = "./cmd/side"\nport = 8081\n'
    shop.write("cmd/side/main.go", MAIN)
    shop.write("shipway.toml", CONFIG + more)
    commit(shop, "v2")
    deployed(shop, "v1.0.0")

    kinds = {kind for _, kind, _, name in shop.clusters["east"].objects if name == "side"}
    assert kinds == set()
    assert not [one for one in shop.said if isinstance(one, Remark) and "prune" in one.text]


def test_manifests_of_ones_own_are_what_is_deployed() -> None:
    """An overlay of the environment is rendered with the release's images, as `up` would."""
    shop = shop_of()
    overlay = "deploy/overlays/staging"
    shop.write(f"{overlay}/kustomization.yaml", "resources: [web.yaml]\n")
    shop.write(f"{overlay}/web.yaml", "image: shipway://shop\n")
    shop.overlay()
    shop.renderer.folders[overlay] = shop.renderer.folders.pop("deploy/overlays/dev")
    commit(shop, "v2")
    said = made(shop)
    deployed(shop)

    live = shop.clusters["east"].objects[STAGING_WEB.identity]
    assert "livenessProbe" not in live["spec"]["template"]["spec"]["containers"][0]
    assert shop.clusters["east"].image(STAGING_WEB) == said.images["shop"]


def test_a_release_outlives_the_same_build_by_up() -> None:
    """The image of a release stays in the embedded registry, though `up` made it again later.

    Junk under a release's tag keeps nothing, and stops nothing.
    """
    shop = shop_of()
    released = made(shop, "dev")
    junk = shelf.shelved("2026-11-25T03:15:00Z", of(b"junk"), "v0")
    shop.registries.push_manifest("127.0.0.1:5000/shop/evidence", b"{}", MANIFEST, junk.tag)
    again = shop.carry()
    assert again.images == released.images
    later = []
    for number in range(8):
        commit(shop, f"v2.{number}", f"word {number}")
        later.append(shop.carry().images["shop"])
    growth.gc("", dry=False, hands=shop)

    held = [shop.registries.resolve(*one.split("@")) for one in (*released.images.values(), *later)]
    assert [one is not None for one in held] == [True, *[False] * 3, *[True] * 5]
    deployed(shop, "v1.0.0", "dev")


def scanning(config: str = CONFIG) -> Shop:
    """Return the project, with a database that knows of a hole, and a caller who wants a scan."""
    shop = shop_of(config)
    shop.databases.known["/db"] = [entry()]
    shop.databases.modified = "2026-11-24T12:00:00Z"
    shop.scan_rules = Rules(database="/db", release=True)
    return shop


def scans(shop: Shop, said: Released) -> list[Statement]:
    """Return what scan links about the release's image say."""
    repository, _, digest = said.images["shop"].partition("@")
    trust = Trust(keys=shop.trusted(KEYS, own=True))
    walk = Walk(trust=trust, policy=built_in().policy)
    walk.referrers(repository, Digest(digest))
    found = drive(walk, RegistrySource(shop.registry))
    return [one.statement for one in found.links if one.kind == "scan"]


def test_a_release_is_scanned_where_it_is_asked_for() -> None:
    """What was found is attached to the image; a repeat signs nothing and is the same release."""
    shop = scanning()
    shop.scanner.near["."] = "imported"
    first = made(shop)
    said = {one.predicate_type: one.predicate for one in scans(shop, first)}

    assert set(said) == {predicate.SCAN, predicate.VEX}
    result = said[predicate.SCAN]["scanner"]["result"]
    assert (result["result"], result["findings"][0]["grade"]) == ("PASSED", "imported")
    (vexed,) = said[predicate.VEX]["statements"]
    assert vexed["status"] == "not_affected"
    assert made(shop) == first
    assert len(scans(shop, first)) == 2

    shop.databases.modified = "2026-11-24T18:00:00Z"
    assert made(shop) == first
    assert len(scans(shop, first)) == 3  # the document says the same


def test_what_stops_a_release_stops_it_before_anything_is_pushed() -> None:
    """The gate blocks beside the build; an old database does, too; unasked, nothing is scanned."""
    shop = scanning()
    shop.scanner.near["."] = "called"
    for days, identifier in ((14, "scan.found"), (0, "scan.stale")):
        shop.scan_rules = Rules(database="/db", release=True, days=days)
        with pytest.raises(ShipwayError) as caught:
            made(shop)
        assert (caught.value.id, caught.value.kind) == (identifier, Kind.REJECTED)
        assert not shop.registries.tags("one.test/shop/evidence")
        assert not [one for one in shop.calls if one.startswith("push")]

    shop.scan_rules = Rules(database="/db")
    assert not scans(shop, made(shop))


def test_a_project_may_ask_for_the_scan() -> None:
    """What the commit says can tighten."""
    shop = scanning(CONFIG + "[scan]\nrelease = true\n")
    shop.scan_rules = Rules(database="/db")

    assert [one.predicate_type for one in scans(shop, made(shop))] == [predicate.SCAN]
