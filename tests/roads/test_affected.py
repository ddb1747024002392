"""Affected: from a vulnerability to the pods, services and commits that it reaches."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from fakes.git import ROOT
from fakes.shop import Shop, refused
from fakes.vulnerable import CVE, ID, LEAKY, entry
from shipway.core.evidence import scanned, statement
from shipway.core.evidence.artifact import PREDICATE_TYPE
from shipway.core.golang.binary import Module
from shipway.core.oci.descriptor import MANIFEST, Descriptor
from shipway.core.oci.digest import Digest
from shipway.core.vulns.finding import Finding
from shipway.core.vulns.gate import NOTED, Judged, Rules
from shipway.errors import Kind, ShipwayError
from shipway.roads import affected as road
from shipway.roads.where import WhereRequest
from shipway.stages.attest import AttestRequest, Said, sign

NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC).timestamp()


@pytest.fixture
def shop() -> Shop:
    """Give a project that was carried to a cluster, and is made of a module with a hole."""
    made = Shop()
    made.clock.sleep(NOW - made.clock.now())
    made.databases.known["/db"] = [entry(), entry("GO-2026-9009", "stdlib", fixed="1.27.9")]
    made.databases.known["/db"] += [entry("GO-2026-9008", "example.com/other")]
    made.scan_rules = Rules(database="/db")
    made.go.modules = (Module(LEAKY, "v1.0.0", "h1:" + "A" * 43 + "="),)
    made.carry()
    return made


def run(shop: Shop, name: str = "", environment: str = "dev", database: str = "") -> road.Told:
    """Ask."""
    place = WhereRequest(directory=ROOT, environment=environment)
    asked = road.AffectedRequest(where=place, id=name, database=database)
    return road.affected(asked, hands=shop)


def _image(shop: Shop) -> tuple[str, Digest]:
    (image,) = {one.image for one in run(shop, ID).reached}
    shop.cache.values.clear()
    repository, _, digest = image.partition("@")
    return repository, Digest(digest)


def pod(shop: Shop, name: str, image: str) -> None:
    """Let a pod run."""
    spec = {"containers": [{"name": "c", "image": image}]}
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop-dev", "uid": name},
            "spec": spec,
        }
    )


@pytest.mark.parametrize("name", [ID, CVE])
def test_what_serves_is_reached_by_any_name(shop: Shop, name: str) -> None:
    """Service, module, fix, commit, signer and the pods that run this very image."""
    (one,) = run(shop, name).reached
    pod(shop, "web-1", one.image)
    pod(shop, "other-1", "r.test/other@sha256:" + "0" * 64)
    told = run(shop, name)
    (one,) = told.reached

    assert (one.id, one.environment, one.service) == (ID, "dev", "shop")
    assert (one.module, one.version, one.fixed) == (LEAKY, "v1.0.0", "1.2.0")
    assert one.pods == ("shop-dev/web-1",)
    assert one.grade == "not scanned"
    assert len(one.commit) == 40
    assert one.owner == shop.key.fingerprint
    text = "\n".join(told.lines())
    assert f"{ID} ({CVE}) Leak in {LEAKY}" in text
    assert "pods shop-dev/web-1" in text
    assert "1 services of 1 releases reached, database of 2026-11-20T12:00:00Z (folder)" in text
    assert told.exit_kind is None


def test_all_that_is_known_is_asked_at_once(shop: Shop) -> None:
    """The standard library's too; what is about another module is not there."""
    assert [one.id for one in run(shop).reached] == [ID, "GO-2026-9009"]


def test_what_is_not_known_reaches_nothing(shop: Shop) -> None:
    """It is said what that means; so it is where a version is fixed."""
    told = run(shop, "CVE-2000-1")
    assert told.reached == ()
    assert "knows nothing of that about any module that serves" in next(iter(told.lines()))

    shop.go.modules = (Module(LEAKY, "v1.2.0", "h1:" + "A" * 43 + "="),)
    shop.edit("again")
    shop.carry()
    assert run(shop, ID).reached == ()


def test_how_near_it_comes_is_the_scans_word(shop: Shop) -> None:
    """The newest scan link of the image, where there is one."""
    (one,) = run(shop, ID).reached
    repository, _, digest = one.image.partition("@")
    finding = Finding(id=ID, module=LEAKY, version="v1.0.0", grade="imported")
    scan = scanned.Scan(
        scanner="govulncheck v1", source="folder", modified=NOW, judged=(Judged(finding, NOTED),),
        block="called", started=NOW, finished=NOW,
    )  # fmt: skip
    said = statement.encode(scanned.statement(scan, Digest(digest)))
    about = Descriptor(MANIFEST, Digest(digest), 1)
    sign(
        AttestRequest(statements=(Said(payload=said, subject=about),), repository=repository),
        signer=shop.key, content=shop.content, registry=shop.registry, clock=shop.clock,
    )  # fmt: skip

    assert run(shop, ID).reached[0].grade == "imported"


def test_a_release_is_read_once(shop: Shop) -> None:
    """The second answer asks the registry for nothing while the head stays, and is the same."""
    first = run(shop, "CVE-2000-1")
    asked: list[str] = []
    pull = shop.registries.pull_blob

    def counted(repository: str, descriptor: Any) -> bytes:
        asked.append(repository)
        return pull(repository, descriptor)

    shop.registries.pull_blob = counted  # type: ignore[method-assign]
    assert run(shop, "CVE-2000-1") == first
    assert asked == []

    shop.edit("again")
    shop.carry()
    asked.clear()
    assert run(shop, "CVE-2000-1") == first
    assert asked


def test_an_sbom_that_is_gone_is_unknown(shop: Shop) -> None:
    """Nobody can say what is in it: that is said, with an exit code of its own."""
    for link in shop.registry.referrers(*_image(shop)):
        if "spdx" in link.annotations.get(PREDICATE_TYPE, ""):
            shop.registries.delete(_image(shop)[0], link.digest)
    told = run(shop)

    assert told.reached == ()
    assert told.unknown == ("dev on shipway: shop has no SBOM that counts",)
    assert told.exit_kind is Kind.MISSING


def test_a_target_that_cannot_be_asked_is_unknown(shop: Shop) -> None:
    """Of all environments the others answer; one that was named is an error."""
    shop.far("east", "west")
    shop.down["west"] = refused("kube.unreachable", Kind.TRANSIENT)
    told = run(shop, environment="")
    assert told.reached == ()
    assert [one.partition(":")[0] for one in told.unknown] == ["dev"]
    with pytest.raises(ShipwayError):
        run(shop, environment="dev")


def test_nothing_that_serves(shop: Shop) -> None:
    """An environment without a deploy has nothing to reach, and an old database is no answer."""
    empty = Shop()
    empty.clock.sleep(NOW - empty.clock.now())
    empty.databases.known["/db"] = []
    empty.scan_rules = Rules(database="/db")
    assert list(run(empty).lines())[-1].startswith("0 services of 0 releases")
    shop.clock.sleep(30 * 86_400)
    with pytest.raises(ShipwayError) as caught:
        run(shop)
    assert caught.value.id == "scan.stale"
