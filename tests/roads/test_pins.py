"""Pins: resolved once, written into the lock, never looked up again."""

from __future__ import annotations

import pytest

from fakes.shop import SIDE, WEB, Shop
from shipway.core.project import lockfile
from shipway.errors import ShipwayError
from shipway.roads import pins

BASE = "registry.test/base:12"


def lock(shop: Shop) -> lockfile.Lock:
    """Return the lock as it was written."""
    return lockfile.load(shop.project.files.get(lockfile.FILE))


def side(shop: Shop, context: str = "shipway") -> str:
    """Return the foreign image that serves."""
    live = shop.clusters.get(context, shop.cluster).objects[WEB.identity]
    return str(live["spec"]["template"]["spec"]["containers"][1]["image"])


def test_a_foreign_tag_of_an_overlay_is_pinned_once() -> None:
    """The digest of the first run is in the lock, and serves although the tag has moved."""
    shop = Shop()
    first = shop.image(SIDE)
    shop.overlay({"name": "side", "image": SIDE})
    shop.carry()
    assert lock(shop).images == {SIDE: first.digest}
    assert "shipway.lock has new pins" in shop.texts()

    shop.image(SIDE, b'{"other": 1}')
    shop.edit("two")
    shop.said.clear()
    shop.carry()
    assert side(shop) == f"registry.test/side@{first.digest}"
    assert "new pins" not in shop.texts()


def test_two_targets_get_the_same_digest() -> None:
    """A tag that moves between two targets of a run is one digest on both."""
    shop = Shop()
    shop.far("east", "west")
    first = shop.image(SIDE)
    shop.overlay({"name": "side", "image": SIDE})
    resolve = shop.registries.resolve

    class Moving(type(shop.registries)):  # type: ignore[misc]  # the class of this registry
        """A registry in which the tag moves after each look."""

        def resolve(self, repository: str, reference: str) -> object:
            found = resolve(repository, reference)
            if repository == "registry.test/side":
                shop.image(SIDE, b'{"other": 1}')
            return found

    shop.registries.__class__ = Moving
    shop.carry(keys=("key",))
    assert {side(shop, "east"), side(shop, "west")} == {f"registry.test/side@{first.digest}"}
    assert lock(shop).images == {SIDE: first.digest}


def test_an_image_that_nobody_has_stops_the_run() -> None:
    """A foreign image that its registry does not have is said by name."""
    shop = Shop()
    shop.overlay({"name": "side", "image": SIDE})
    with pytest.raises(ShipwayError) as caught:
        shop.carry()
    assert (caught.value.id, caught.value.subject) == ("image.unknown", SIDE)


def test_a_base_by_tag_is_pinned_once() -> None:
    """A base named by tag is looked up once, then taken from the lock."""
    shop = Shop()
    shop.write("shipway.toml", f'schema = 1\n[services.shop]\nimage.base = "{BASE}"\n')
    first = shop.image(BASE)
    shop.carry()
    assert lock(shop).bases == {BASE: first.digest}

    shop.image(BASE, b'{"other": 1}')
    found, kept = pins.base(BASE, lock(shop), shop)
    assert found == f"registry.test/base@{first.digest}"
    assert kept == lock(shop)


def test_a_base_by_digest_needs_no_pin() -> None:
    """What names a digest, or nothing, is left as it is."""
    named = f"registry.test/base@sha256:{'a' * 64}"
    for reference in (named, ""):
        assert pins.base(reference, lockfile.Lock(), Shop()) == (reference, lockfile.Lock())


def test_what_one_target_serves_is_pinned_although_the_next_one_fails() -> None:
    """The digest that serves on the first cluster is written down, and said once."""
    shop = Shop()
    shop.far("east", "mid", "west")
    first = shop.image(SIDE)
    shop.overlay({"name": "side", "image": SIDE})
    shop.clusters["west"].good = set()
    with pytest.raises(ShipwayError):
        shop.carry(keys=("key",))

    assert lock(shop).images == {SIDE: first.digest}
    assert shop.texts().count("shipway.lock has new pins") == 1
    assert "west failed; done: east, mid" in shop.texts()
