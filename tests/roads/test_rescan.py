"""Rescan: what serves is judged against a newer database, and its images say so afterwards."""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import pytest

from fakes.git import ROOT
from fakes.shop import Shop, refused
from fakes.vulnerable import ID, LEAKY, entry
from shipway.core.evidence import predicate, scanned, statement
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.trust import Trust
from shipway.core.evidence.walk import Walk
from shipway.core.golang.binary import Module
from shipway.core.oci.descriptor import MANIFEST, Descriptor
from shipway.core.oci.digest import Digest
from shipway.core.vulns.finding import Finding
from shipway.core.vulns.gate import NOTED, Allowance, Judged, Rules
from shipway.errors import Kind, ShipwayError
from shipway.roads import affected as asking
from shipway.roads import rescan as road
from shipway.roads import scanning
from shipway.roads.where import WhereRequest
from shipway.stages.attest import AttestRequest, Said, sign
from shipway.stages.verify import RegistrySource, drive

NEW = "GO-2026-9009"
NOW = dt.datetime(2026, 11, 25, tzinfo=dt.UTC).timestamp()


@pytest.fixture
def shop() -> Shop:
    """Give a project that serves and is made of a module with a hole."""
    made = Shop()
    made.clock.sleep(NOW - made.clock.now())
    made.databases.known["/db"] = [entry()]
    made.scan_rules = Rules(database="/db")
    made.go.modules = (Module(LEAKY, "v1.0.0", "h1:" + "A" * 43 + "="),)
    made.carry()
    return made


def run(shop: Shop, environment: str = "dev") -> scanning.Told:
    """Scan what is deployed."""
    place = WhereRequest(directory=ROOT, environment=environment)
    return road.deployed(road.RescanRequest(where=place), hands=shop, emit=shop.said.append)


def graded(shop: Shop, grade: str) -> None:
    """Attach what a scan of the code says to the image that serves."""
    place = WhereRequest(directory=ROOT)
    told = asking.affected(asking.AffectedRequest(where=place), hands=shop)
    repository, _, digest = told.reached[0].image.partition("@")
    finding = Finding(id=ID, module=LEAKY, version="v1.0.0", grade=grade)
    scan = scanned.Scan(
        scanner="govulncheck v1",
        source="folder",
        modified=NOW,
        judged=(Judged(finding, NOTED),),
        block="called",
        started=NOW - 60,
        finished=NOW - 60,
    )
    said = statement.encode(scanned.statement(scan, Digest(digest)))
    about = Descriptor(MANIFEST, Digest(digest), 1)
    sign(
        AttestRequest(statements=(Said(payload=said, subject=about),), repository=repository),
        signer=shop.key,
        content=shop.content,
        registry=shop.registry,
        clock=shop.clock,
    )


def links(shop: Shop) -> list[tuple[str, dict[str, Any]]]:
    """Return what scan links about the image that serves say."""
    place = WhereRequest(directory=ROOT)
    told = asking.affected(asking.AffectedRequest(where=place), hands=shop)
    (image,) = {one.image for one in told.reached}
    repository, _, digest = image.partition("@")
    walk = Walk(trust=Trust(keys=shop.trusted((), own=True)), policy=built_in().policy)
    walk.referrers(repository, Digest(digest))
    found = drive(walk, RegistrySource(shop.registry)).links
    return [
        (one.edge.predicate_type, one.statement.predicate) for one in found if one.kind == "scan"
    ]


def test_what_no_scan_names_counts_as_called(shop: Shop) -> None:
    """An SBOM cannot say how near it comes: the gate says no, the links say why."""
    told = run(shop)
    said = dict(links(shop))

    assert told.exit_kind is Kind.REJECTED
    assert list(told.subjects) == ["dev on shipway: shop"]
    (found,) = said[predicate.SCAN]["scanner"]["result"]["findings"]
    assert (found["grade"], found["seen"]) == ("called", {"sbom": "present"})
    assert said[predicate.SCAN]["scanner"]["result"]["result"] == "FAILED"
    assert said[predicate.VEX]["statements"][0]["status"] == "under_investigation"


def test_a_repeat_says_nothing_new(shop: Shop) -> None:
    """The same findings by the same database are signed once; a newer database is told."""
    first = run(shop)
    before = len(links(shop))
    shop.clock.sleep(60)
    assert run(shop) == first
    assert len(links(shop)) == before

    shop.databases.modified = "2026-11-24T12:00:00Z"
    run(shop)
    assert len(links(shop)) > before


def test_a_newer_database_knows_more(shop: Shop) -> None:
    """All that is known of what serves is judged; an exception of the caller's own counts."""
    run(shop)
    shop.databases.known["/db"].append(entry(NEW))
    shop.databases.modified = "2026-11-24T12:00:00Z"
    one = Allowance(ID, "ours", "ada", dt.date(2026, 12, 1))
    shop.scan_rules = Rules(database="/db", exceptions=(one,))
    (judged,) = run(shop).subjects.values()

    assert {at.finding.id: at.outcome for at in judged} == {ID: "excepted", NEW: "blocked"}


def test_what_a_scan_graded_keeps_its_grade(shop: Shop) -> None:
    """What the release's scan saw of the code counts, until the code is looked at again."""
    graded(shop, "imported")
    shop.databases.known["/db"].append(entry(NEW))
    for _ in range(2):
        (judged,) = run(shop).subjects.values()
        assert {at.finding.id: (at.outcome, dict(at.finding.seen)) for at in judged} == {
            ID: ("noted", {"scan": "imported"}),
            NEW: ("blocked", {"sbom": "present"}),
        }


def test_nothing_known_is_attached_too(shop: Shop) -> None:
    """The link says PASSED, against which database, and that a distribution was not scanned."""
    shop.databases.known["/db"] = []
    told = run(shop)

    assert told.exit_kind is None
    shop.databases.known["/db"] = [entry()]
    ((kind, said),) = links(shop)
    result = said["scanner"]["result"]
    assert (kind, result["result"], result["osPackages"]) == (
        predicate.SCAN,
        "PASSED",
        "not scanned",
    )


def test_what_cannot_be_asked_is_not_clean(shop: Shop) -> None:
    """It is said, with an exit code of its own."""
    shop.databases.known["/db"] = []
    shop.far("east", "west")
    shop.down["west"] = refused("kube.unreachable", Kind.TRANSIENT)
    told = run(shop, "")

    assert told.exit_kind is Kind.MISSING
    assert "not scanned: dev" in shop.texts()


def test_one_image_is_judged_by_its_sbom(shop: Shop) -> None:
    """By tag or digest, as the environment trusts it; nothing is attached."""
    place = WhereRequest(directory=ROOT)
    asked = road.RescanRequest(where=place)
    (one,) = asking.affected(asking.AffectedRequest(where=place), hands=shop).reached
    told = road.image(asked, one.image, hands=shop)

    assert told.exit_kind is Kind.REJECTED
    assert "packages of a distribution: not scanned" in list(told.lines())
    (judged,) = told.subjects[one.image]
    assert (judged.finding.id, judged.finding.seen) == (ID, {"sbom": "present"})
    assert links(shop) == []

    graded(shop, "imported")
    assert road.image(asked, one.image, hands=shop).exit_kind is None


def test_an_image_without_an_sbom_is_not_clean(shop: Shop) -> None:
    """Nobody can say what is in it."""
    shop.image("r.test/other:1", msgspec.json.encode({"schemaVersion": 2, "layers": []}))
    with pytest.raises(ShipwayError) as caught:
        road.image(
            road.RescanRequest(where=WhereRequest(directory=ROOT)), "r.test/other:1", hands=shop
        )

    assert (caught.value.id, caught.value.kind) == ("scan.unknown", Kind.NOT_FOUND)
