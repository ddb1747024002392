"""Reporting: what a scanner said of an image is attached to that image, and to no other."""

from __future__ import annotations

import json

import pytest

from fakes.git import ROOT
from fakes.reports import grype, trivy
from fakes.shop import Shop
from shipway.core.evidence import predicate, scanned
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.trust import Trust
from shipway.core.evidence.walk import Walk
from shipway.core.oci.digest import of
from shipway.errors import Kind, ShipwayError
from shipway.roads import reporting as road
from shipway.stages.verify import RegistrySource, drive

IMAGE = "r.test/shop/web"


@pytest.fixture
def shop() -> Shop:
    """Give a registry with an image."""
    made = Shop()
    made.image(f"{IMAGE}:1")
    return made


def attach(shop: Shop, said: object, reference: str = f"{IMAGE}:1") -> road.Attached:
    """Attach a report."""
    shop.project.files["report.json"] = json.dumps(said).encode()
    asked = road.ReportRequest(directory=ROOT, reference=reference, path="report.json")
    return road.report(asked, hands=shop, emit=shop.said.append)


def links(shop: Shop) -> list[dict[str, object]]:
    """Return what is said about the image."""
    walk = Walk(trust=Trust(keys=shop.trusted((), own=True)), policy=built_in().policy)
    walk.referrers(IMAGE, of(b"{}"))
    found = drive(walk, RegistrySource(shop.registry)).links
    assert scanned.newest(found) == {}
    assert len(scanned.reports(found)) == len(found)
    return [one.statement.predicate for one in found if one.edge.predicate_type == predicate.SCAN]


@pytest.mark.parametrize("form", [trivy, grype])
def test_a_report_becomes_a_scan_link(shop: Shop, form: object) -> None:
    """Tool, version, distribution and findings; nobody has judged it; a repeat signs nothing."""
    said = form(of(b"{}"))  # type: ignore[operator]
    told = list(attach(shop, said).lines())
    (found,) = links(shop)

    assert told[0].startswith(f"{IMAGE}@{of(b'{}')}: ")
    assert "not judged here" in told[1]
    scanner = found["scanner"]
    assert scanner["uri"].startswith("pkg:github/")  # type: ignore[index]
    assert scanner["result"]["result"] == "NOT_JUDGED"  # type: ignore[index]
    assert scanner["result"]["findings"][0]["id"] == "CVE-2026-7001"  # type: ignore[index]
    attach(shop, said)
    assert len(links(shop)) == 1


def test_a_report_about_another_image_is_refused(shop: Shop) -> None:
    """And so is one that names none, or is none; nothing is attached."""
    for said in (trivy(of(b"other")), grype("latest")):
        with pytest.raises(ShipwayError) as caught:
            attach(shop, said)
        assert (caught.value.id, caught.value.kind) == ("scan.another", Kind.INTEGRITY)
    with pytest.raises(ShipwayError) as caught:
        attach(shop, {})
    assert caught.value.id == "scan.report"
    with pytest.raises(ShipwayError) as caught:
        attach(shop, trivy(of(b"{}")), "r.test/shop/nothing:1")
    assert caught.value.id == "trace.not_found"
    assert links(shop) == []
