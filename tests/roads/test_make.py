"""Make: links that say the same are reused, and files on the way into the image are checked."""

from __future__ import annotations

import pytest

from fakes.hands import MAIN
from fakes.shop import Shop
from fakes.signer import MemorySigner
from shipway.errors import Kind, ShipwayError

REPOSITORY = "127.0.0.1:5000/shop/shop"


def writes(shop: Shop) -> list[tuple[str, str, str]]:
    """Return what was written into the image's repository since the last call."""
    found = [one for one in shop.registries.writes if one[1] == REPOSITORY and one[0] != "tag"]
    shop.registries.writes.clear()
    return found


def test_links_of_an_unchanged_image_are_reused() -> None:
    """The same source signed by the same key is not signed again."""
    shop = Shop()
    shop.carry()
    writes(shop)
    shop.carry()

    assert [one for one in writes(shop) if one[0] == "blob"] == []


def test_another_key_signs_again() -> None:
    """Links by another signer say something else."""
    shop = Shop()
    shop.carry()
    writes(shop)
    shop.key = MemorySigner(3)
    shop.trust.append(shop.key)
    shop.carry()

    assert [one for one in writes(shop) if one[0] == "blob"]


def test_links_that_the_registry_lost_are_signed_again() -> None:
    """A new registry gets its links although the stage cache knows older ones."""
    shop = Shop()
    shop.carry()
    shop.registries.manifests.clear()
    shop.registries.blobs.clear()
    shop.registries.tagged.clear()
    shop.cluster.objects = {
        key: one for key, one in shop.cluster.objects.items() if one["kind"] != "ConfigMap"
    }
    writes(shop)
    shop.carry()

    assert [one for one in writes(shop) if one[0] == "blob"]


def test_a_ca_file_is_part_of_the_image() -> None:
    """A CA below the project changes the image; one that is not there is named."""
    shop = Shop()
    plain = shop.carry().images
    shop.write("shipway.toml", 'schema = 1\n[services.shop]\nimage.ca = "ca.pem"\n')
    with pytest.raises(ShipwayError) as caught:
        shop.carry()
    assert (caught.value.id, caught.value.kind) == ("image.ca", Kind.CONFIG)
    assert caught.value.subject == "ca.pem"

    shop.write("ca.pem", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    assert shop.carry().images != plain


def test_tests_that_block_and_pass_are_links() -> None:
    """With --tests block the result is part of what was signed at once."""
    shop = Shop()
    shop.go.profile = b"mode: set\nexample.com/shop/main.go:5.1,7.2 1 1\n"
    said = shop.carry(tests="block")

    assert said.tests == "passed"


def test_a_save_in_mid_run_is_not_pushed_as_what_was_there_before() -> None:
    """Nothing is pushed that the run did not begin with; the next run carries what was saved."""
    shop = Shop()
    shop.go.before_build = lambda: shop.edit("saved in mid-run")
    with pytest.raises(ShipwayError) as caught:
        shop.carry()
    assert (caught.value.id, caught.value.kind) == ("build.moving", Kind.CONFLICT)
    assert shop.registries.writes == []
    shop.go.before_build = lambda: None

    assert shop.carry().changed


def test_several_services_are_made_and_one_alone_prunes_nothing() -> None:
    """Two programs are two images; carrying one of them leaves the other alone."""
    shop = Shop()
    shop.drop("main.go")
    shop.drop("main_test.go")
    for name in ("front", "back"):
        shop.write(f"cmd/{name}/main.go", MAIN)
    config = "schema = 1\n"
    for name in ("front", "back"):
        config += f'[services.{name}]\npackage = "./cmd/{name}"\n'
    shop.write("shipway.toml", config)
    both = shop.carry()
    assert sorted(both.images) == ["back", "front"]
    assert sorted(both.urls) in (["back", "front"], [])

    shop.write("cmd/front/main.go", f"{MAIN}// two\n")
    one = shop.carry(package="front")
    assert list(one.images) == ["front"]
    there = {name for _, kind, _, name in shop.cluster.objects if kind == "Deployment"}
    assert there == {"front", "back"}
