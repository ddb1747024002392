"""Many services in one repository: side by side, one release, only what changed made again."""

from __future__ import annotations

import threading
from collections import Counter
from typing import Any

import pytest

from fakes.go import WRONG
from fakes.hands import MAIN
from fakes.shop import Shop
from shipway.core.run.events import StepFinished, StepStarted
from shipway.errors import Failures, Kind, ShipwayError

NAMES = ("back", "front", "side")


def several(shop: Shop, *names: str) -> Shop:
    """Give the project a program for each name, in one module."""
    shop.drop("main.go")
    shop.drop("main_test.go")
    config = "schema = 1\n"
    for name in names:
        shop.write(f"cmd/{name}/main.go", MAIN)
        shop.write(f"cmd/{name}/main_test.go", "package main\n")
        config += f'[services.{name}]\npackage = "./cmd/{name}"\n'
    shop.write("shipway.toml", config)
    return shop


def steps(shop: Shop, kind: type = StepStarted) -> list[Any]:
    """Return the steps since the last call."""
    found = [one for one in shop.said if isinstance(one, kind)]
    shop.said.clear()
    return found


def test_one_release_over_several_images() -> None:
    """Every service has an image with links of its own; one release and one intent hold them."""
    shop = several(Shop(), *NAMES)
    said = shop.carry()

    assert sorted(said.images) == list(NAMES)
    assert len(set(said.images.values())) == 3
    begun = Counter(one.step for one in steps(shop))
    assert [begun[step] for step in ("build", "publish", "seal", "deploy", "test")] == [
        3,
        3,
        1,
        1,
        1,
    ]
    for reference in said.images.values():
        repository, _, digest = reference.partition("@")
        about = shop.registries.referrers(repository, digest)
        assert len(about) == 4, "signature, build, sbom, and the tests that ran beside"


def test_no_more_compilers_than_cores() -> None:
    """Services are made side by side, but no more compilers run at once than there are cores."""
    shop = several(Shop(), "a", "b", "c", "d")
    running, most, both = [], [], threading.Barrier(2)
    build = shop.go.build

    def slow(target: Any, ldflags: str) -> Any:
        running.append(target)
        both.wait(5)
        most.append(len(running))
        both.wait(5)
        made = build(target, ldflags)
        running.remove(target)
        return made

    shop.go.build = slow  # type: ignore[method-assign]
    shop.carry()

    assert set(most) == {2}


def test_nothing_changed_builds_nothing_again() -> None:
    """A second run takes every build of the first and signs nothing."""
    shop = several(Shop(), *NAMES)
    first = shop.carry()
    steps(shop)
    again = shop.carry()

    assert not again.changed
    assert again.release == first.release
    ended = [one for one in steps(shop, StepFinished) if one.step in {"build", "image", "sbom"}]
    assert len(ended) == 9
    assert all(one.cached for one in ended)


def test_tests_of_one_module_run_once() -> None:
    """Three services of one module share one run of its tests, whose link each image has."""
    shop = several(Shop(), *NAMES)
    shop.write("cmd/side/main_test.go", WRONG)
    said = shop.carry()

    (begun,) = [one for one in shop.said if isinstance(one, StepStarted) and one.step == "test"]
    assert str(begun.unit) == "./..."
    assert said.exit_kind is Kind.TESTS
    loud = [text for text in shop.texts().splitlines() if text.startswith("tests of ")]
    assert [text.partition(":")[0] for text in loud] == ["tests of back, front, side"]


def test_tests_that_block_refuse_once() -> None:
    """Where tests of several services fail, one error names the services and nothing is built."""
    shop = several(Shop(), *NAMES)
    shop.write("cmd/side/main_test.go", WRONG)
    with pytest.raises(ShipwayError) as caught:
        shop.carry(tests="block")

    assert (caught.value.id, caught.value.subject) == ("test.failed", "back, front, side")
    assert not [one for one in steps(shop) if one.step == "build"]


def test_another_way_to_build_is_tested_apart() -> None:
    """Build tags choose other files: services that differ in them do not share their tests."""
    shop = several(Shop(), "a", "b")
    config = shop.project.files["shipway.toml"].decode()
    shop.write("shipway.toml", f'{config}[services.b.build]\ntags = ["x"]\n')
    shop.carry()

    tested = [str(one.unit) for one in steps(shop) if one.step == "test"]
    assert sorted(tested) == ["a", "b"]


def test_a_service_that_does_not_compile_stops_all() -> None:
    """No release is sealed over some of the services: what failed is told by name."""
    shop = several(Shop(), *NAMES)
    shop.write("cmd/front/main.go", MAIN + WRONG)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.kind is Kind.CONFIG
    assert not [one for one in steps(shop) if one.step == "seal"]


def test_manifests_that_are_refused_are_told_once() -> None:
    """What stops every service alike is one error, and nothing was pushed."""
    shop = several(Shop(), *NAMES)
    shop.overlay(more=({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "other"}},))
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert not isinstance(caught.value, Failures)
    assert not shop.registries.manifests
