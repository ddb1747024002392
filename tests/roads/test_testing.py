"""Testing: the gate's verdict by itself, and coverage as a file."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from fakes.git import ROOT
from fakes.go import WRONG
from fakes.hands import MAIN
from fakes.shop import Shop
from shipway.core.run.events import Line, StepFinished
from shipway.errors import Kind, ShipwayError
from shipway.roads import testing as road

COVERED = b"mode: set\nexample.com/shop/main.go:5.1,7.2 9 1\nexample.com/shop/main.go:8.1,9.2 1 0\n"


def run(shop: Shop, **asked: object) -> road.Tested:
    """Test the project."""
    request = road.TestingRequest(directory=ROOT, architecture="amd64", **asked)  # type: ignore[arg-type]
    return road.test(request, hands=shop, emit=shop.said.append)


def test_what_passes_is_told_with_its_coverage() -> None:
    """The output streams, the answer says counts and coverage, and nothing is built."""
    shop = Shop()
    shop.go.profile = COVERED
    told = list(run(shop).lines())

    assert told == ["shop: PASSED: 1 passed, 0 failed, 90.0 % covered (gate 80 %)"]
    assert [one.text for one in shop.said if isinstance(one, Line)] == ["main_test.go"]
    assert [one.step for one in shop.said if isinstance(one, StepFinished)] == ["source", "test"]
    assert list(run(shop).lines()) == told


@pytest.mark.parametrize(
    ("test", "gate", "identifier", "why"),
    [
        (WRONG, 80, "test.failed", "1 failed"),
        ("fine", 95, "test.coverage", "90.0 % covered (gate 95 %)"),
    ],
)
def test_the_gate_says_no(test: str, gate: int, identifier: str, why: str) -> None:
    """A failed test, and coverage under the gate, each end with what makes exit code 9."""
    shop = Shop()
    shop.go.profile = COVERED
    shop.write("main_test.go", test)
    shop.write("shipway.toml", f"schema = 1\n[test]\ncoverage = {gate}\n")
    with pytest.raises(ShipwayError) as caught:
        run(shop, cobertura="cover.xml")

    assert (caught.value.id, caught.value.kind) == (identifier, Kind.REJECTED)
    assert why in caught.value.message
    assert "cover.xml" in shop.project.files


def test_what_was_saved_in_mid_run_was_not_tested() -> None:
    """A generated test that breaks while the tests run is not taken for one that has passed."""
    shop = Shop()
    shop.go.profile = COVERED
    shop.git.ignored.add("gen_test.go")
    shop.write("gen_test.go", "package main\n")
    shop.go.after_test = lambda: shop.write("gen_test.go", f"package main\n// {WRONG}\n")
    run(shop)
    shop.go.after_test = lambda: None

    with pytest.raises(ShipwayError) as caught:
        run(shop)

    assert caught.value.id == "test.failed"


def test_coverage_is_written_below_the_project() -> None:
    """The file names sources by their path in the repository."""
    shop = Shop()
    shop.go.profile = COVERED
    told = run(shop, cobertura="cover.xml")
    found = ET.fromstring(shop.project.files["cover.xml"])  # noqa: S314  ours

    assert list(told.lines())[-1] == "coverage in cover.xml"
    assert [one.get("filename") for one in found.iter("class")] == ["main.go"]
    assert found.get("line-rate") == "0.6000"


def test_nothing_measured_is_a_no() -> None:
    """A project whose tests measure nothing does not pass, and its coverage file is empty."""
    shop = Shop()
    with pytest.raises(ShipwayError, match="nothing measured"):
        run(shop, cobertura="cover.xml")

    assert b'lines-valid="0"' in shop.project.files["cover.xml"]


def test_a_module_is_tested_once() -> None:
    """Two services of one module are one run of its tests, whose report both have."""
    shop = Shop()
    shop.go.profile = COVERED
    config = 'schema = 1\n[services.shop]\npackage = "."\n'
    shop.write("cmd/back/main.go", MAIN)
    shop.write("shipway.toml", f'{config}[services.back]\npackage = "./cmd/back"\n')
    reports = run(shop).reports

    assert reports["shop"] == reports["back"]
    assert [one.step for one in shop.said if isinstance(one, StepFinished)] == ["source", "test"]
