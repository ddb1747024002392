"""Platforms: what the config or the nodes ask for is built, and an index holds several."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.hands import MAIN
from fakes.shop import WEB, WHERE, Shop, refused
from shipway.core.oci.descriptor import INDEX, describe
from shipway.core.oci.manifest import parse_index
from shipway.core.run.events import StepStarted
from shipway.errors import Kind, ShipwayError
from shipway.roads.rollback import rollback
from shipway.roads.tracing import walk_back

if TYPE_CHECKING:
    from shipway.core.oci.manifest import Index

BOTH = (
    'schema = 1\n[services.shop]\npackage = "."\nport = 8080\n'
    'build.platforms = ["linux/arm64", "linux/amd64"]\n'
)
KEYS = {"keys": ("key",)}


def built(shop: Shop) -> list[str]:
    """Return the platforms that were compiled, in order of their names, since the last call."""
    steps = [one for one in shop.said if isinstance(one, StepStarted) and one.step == "build"]
    shop.said.clear()
    return sorted(str(one.unit.platform) for one in steps)


def index(shop: Shop, reference: str) -> Index:
    """Return what the registry holds as an index."""
    repository, _, digest = reference.partition("@")
    described, data = shop.registries.pull_manifest(repository, digest)
    assert described.media_type == INDEX
    return parse_index(data)


def node(architecture: str, name: str = "one") -> dict[str, Any]:
    """Return a node."""
    info = {"architecture": architecture, "operatingSystem": "linux"}
    named = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}
    return {**named, "status": {"nodeInfo": info}}


def test_several_platforms_are_one_index() -> None:
    """Each platform is built; the workload names the index, which lists an image of each."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    said = shop.carry()

    assert built(shop) == ["linux/amd64", "linux/arm64"]
    assert shop.cluster.image(WEB) == said.images["shop"]
    found = index(shop, said.images["shop"])
    assert [str(one.platform) for one in found.manifests] == ["linux/amd64", "linux/arm64"]
    assert found.annotations["org.opencontainers.image.title"] == "shop"


def test_every_manifest_and_the_index_have_links() -> None:
    """Signature, build, SBOM and tests about each image; all but the SBOM about the index."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    reference = shop.carry().images["shop"]
    repository, _, digest = reference.partition("@")
    manifests = [one.digest for one in index(shop, reference).manifests]
    counts = [len(shop.registries.referrers(repository, one)) for one in (*manifests, digest)]

    assert counts == [4, 4, 3]
    assert walk_back("deployment/shop", WHERE, hands=shop).trace.ok


def test_an_index_that_did_not_change_is_the_same_release() -> None:
    """A second run takes both builds, signs nothing and takes no number."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    first = shop.carry()
    shop.registries.writes.clear()
    again = shop.carry()

    assert (again.changed, again.release) == (False, first.release)
    assert [one for one in shop.registries.writes if one[0] == "blob"] == []


def test_an_index_is_rolled_back() -> None:
    """The old index serves again, its evidence whole."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    first = shop.carry()
    shop.edit("two")
    shop.carry()
    rollback(WHERE, reason="", hands=shop, emit=shop.said.append)

    assert shop.cluster.image(WEB) == first.images["shop"]


def test_a_lost_link_of_one_platform_is_signed_again() -> None:
    """Links are reused only while the registry lists those of every manifest."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    first = shop.carry().images["shop"]
    repository = first.partition("@")[0]
    child = index(shop, first).manifests[1].digest
    for one in shop.registries.referrers(repository, child):
        shop.registries.delete(repository, one.digest)
    shop.carry()

    assert len(shop.registries.referrers(repository, child)) >= 4


def test_one_platform_is_an_image_and_no_index() -> None:
    """A service that names one platform is built for it alone, whatever this machine is."""
    shop = Shop()
    shop.write(
        "shipway.toml", 'schema = 1\n[services.shop]\nbuild.platforms = ["linux/arm64/v8"]\n'
    )
    reference = shop.carry().images["shop"]
    repository, _, digest = reference.partition("@")

    assert built(shop) == ["linux/arm64/v8"]
    assert shop.registries.pull_manifest(repository, digest)[0].media_type != INDEX


def test_the_nodes_decide_where_nobody_does() -> None:
    """Of a target that is not embedded, the platforms of its nodes are built."""
    shop = Shop()
    shop.far("east", "west")
    shop.clusters["east"].put(node("arm64"))
    shop.clusters["west"].put(node("arm64"))
    shop.clusters["west"].put(node("amd64", "two"))
    shop.carry(**KEYS)

    assert built(shop) == ["linux/amd64", "linux/arm64"]


@pytest.mark.parametrize("why", ["kube.forbidden", ""])
def test_nodes_that_nobody_may_see(why: str) -> None:
    """Where one target does not say what its nodes are, this machine's platform is built."""
    shop = Shop()
    shop.far("east", "west")
    shop.clusters["east"].put(node("arm64"))
    if why:
        shop.clusters["west"].refusals["list", "Node"] = refused(why, Kind.DENIED)
    shop.carry(**KEYS)

    assert built(shop) == ["linux/amd64"]


def test_nodes_that_cannot_be_asked_stop_it() -> None:
    """A cluster that fails is no cluster without nodes: nothing is built for the wrong platform."""
    shop = Shop()
    shop.far("east")
    shop.clusters["east"].refusals["list", "Node"] = refused("kube.failed", Kind.TRANSIENT)
    with pytest.raises(ShipwayError) as caught:
        shop.carry(**KEYS)

    assert caught.value.id == "kube.failed"
    assert built(shop) == []


def test_a_program_for_elsewhere_is_not_run_here() -> None:
    """The port is looked for only with a program that this machine can run, then holds for all."""
    shop = Shop()
    quiet = MAIN.replace('ListenAndServe(":8080", nil)', "Serve(listen(), nil)")
    shop.write("main.go", quiet)
    shop.sandbox.opened = (9999,)
    shop.write("shipway.toml", 'schema = 1\n[services.shop]\nbuild.platforms = ["linux/arm64"]\n')
    shop.carry()
    (port,) = ports(shop)
    assert port["containerPort"] == 8080

    shop.write("shipway.toml", BOTH.replace("port = 8080\n", ""))
    reference = shop.carry().images["shop"]
    (port,) = ports(shop)
    assert port["containerPort"] == 9999
    repository = reference.partition("@")[0]
    for one in index(shop, reference).manifests:
        _, data = shop.registries.pull_manifest(repository, one.digest)
        config = msgspec.json.decode(data)["config"]["digest"]
        assert b"9999/tcp" in shop.memory.read(config)


def ports(shop: Shop) -> list[dict[str, Any]]:
    """Return the container's ports."""
    live = shop.cluster.objects[WEB.identity]
    found: list[dict[str, Any]] = live["spec"]["template"]["spec"]["containers"][0]["ports"]
    return found


def test_a_child_without_evidence_deploys_nothing() -> None:
    """Where the signature of one manifest is not there, the verdict refuses the whole index."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    push, lost = shop.registries.push_manifest, []

    def losing(repository: str, data: bytes, media_type: str, tag: str = "") -> Any:
        if tag.startswith("signature-") and not lost:
            lost.append(tag)
            return describe(data, media_type)
        return push(repository, data, media_type, tag)

    shop.registries.push_manifest = losing  # type: ignore[method-assign]
    shop.registries.attach = lambda *_: None  # type: ignore[method-assign]
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.id == "verdict.failed"
    assert "signature of shop@" in caught.value.message
    assert WEB.identity not in shop.cluster.objects


@pytest.mark.parametrize("seen", [True, False])
def test_a_pods_manifest_is_found_by_its_node(seen: bool) -> None:
    """The node's architecture says which manifest of the index runs; without it all are shown."""
    shop = Shop()
    shop.write("shipway.toml", BOTH)
    shop.carry()
    live = shop.cluster.objects[WEB.identity]
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", "controller": True}
    template = live["spec"]["template"]
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": "shop-1",
                "namespace": "shop-dev",
                "labels": template["metadata"]["labels"],
                "ownerReferences": [{**owner, "uid": live["metadata"]["uid"]}],
            },
            "spec": {**template["spec"], "nodeName": "one"},
        }
    )
    shop.cluster.put(node("arm64"))
    if not seen:
        error = refused("kube.forbidden", Kind.DENIED)
        shop.cluster.refusals["get", "node/one"] = error
    way = walk_back("pod/shop-1", WHERE, hands=shop).trace.steps
    found = [one.details.get("platform") for one in way if one.name == "image"]

    assert found[1:] == (["linux/arm64"] if seen else ["linux/amd64", "linux/arm64"])


def test_a_node_that_cannot_be_asked() -> None:
    """Any other error of the cluster is told."""
    shop = Shop()
    shop.carry()
    named = {"name": "shop-1", "namespace": "shop-dev"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": {"nodeName": "one"}}
    shop.cluster.put(pod)
    shop.cluster.refusals["get", "node/one"] = refused("kube.failed", Kind.TRANSIENT)
    with pytest.raises(ShipwayError) as caught:
        walk_back("pod/shop-1", WHERE, hands=shop)

    assert caught.value.id == "kube.failed"
