"""What goes after a run and by ``gc``, on fakes: what is needed stays, at every kill too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.hands import Killed
from fakes.shop import WEB, WHERE, Shop
from shipway.core.growth.ledger import Ledger
from shipway.core.oci.descriptor import MANIFEST, OCTETS, Descriptor
from shipway.core.oci.digest import Digest, of
from shipway.core.oci.image import Placed
from shipway.errors import Kind, ShipwayError
from shipway.roads import growth, rollback, status
from shipway.roads.make import Made
from shipway.roads.tracing import walk_back

if TYPE_CHECKING:
    from shipway.roads.growth import Collected

HOST = "127.0.0.1:5000"


def edited(times: int) -> tuple[Shop, list[str]]:
    """Return a shop after so many edits, and the images that they made."""
    shop = Shop()
    images = []
    for number in range(times):
        shop.edit(f"number {number}")
        images.append(shop.carry(tests="off").images["shop"])
    return shop, images


def gc(shop: Shop, *, dry: bool = False) -> Collected:
    """Collect."""
    return growth.gc("", dry=dry, hands=shop)


def held(shop: Shop, image: str) -> bool:
    """Return whether the registry has an image's manifest."""
    repository, _, digest = image.partition("@")
    return shop.registries.resolve(repository, digest) is not None


def whole(shop: Shop, known: Ledger) -> bool:
    """Return whether all bulk of all builds that stay is in the store."""
    return all(shop.memory.has(digest) for one in known.builds for digest in one.blobs)


def test_the_newest_five_builds_stay_after_a_run() -> None:
    """Older programs and layers go from the store; every link and manifest stays."""
    shop, images = edited(8)
    known = shop.keeper.ledger()

    assert [one.image for one in known.builds] == [one[-71:] for one in images[:2:-1]]
    assert [one.image for one in known.condemned] == [one[-71:] for one in images[:3]]
    assert whole(shop, known)
    alone = {digest for one in known.condemned for digest in one.blobs} - {
        digest for one in known.builds for digest in one.blobs
    }
    assert len(alone) >= 3
    assert not any(shop.memory.has(digest) for digest in alone)
    assert all(held(shop, one) for one in images)
    assert len(status.past(WHERE, limit=50, hands=shop).targets[0].deploys) == 8


def test_a_run_that_changes_nothing_looks_at_nothing() -> None:
    """Neither the store's blobs nor the registry are asked about what may go."""
    shop, _ = edited(7)
    looks = shop.keeper.looks
    for _ in range(3):
        shop.carry(tests="off")

    assert shop.keeper.looks == looks
    assert len(shop.keeper.ledger().builds) == 5


def test_what_another_cluster_could_free_costs_no_run_on_this_one() -> None:
    """Much that waits for a registry which is not here is no reason to take the store alone."""
    shop, _ = edited(1)
    far = made(1, host="127.0.0.1:6000")
    heavy = msgspec.structs.replace(far, bulk={of(b"heavy"): growth.BATCH})
    growth.made("shop", [heavy], release=False, hands=shop)
    shop.keeper.note(lambda known: known.dropped(known.builds[:1]))
    shop.carry(tests="off")
    assert shop.keeper.taken == 0
    shop.registry_at = "127.0.0.1:6000"
    growth.after("", hands=shop, run=_Run())  # type: ignore[arg-type]

    assert shop.keeper.taken == 1
    assert shop.keeper.ledger().condemned == ()


def test_what_serves_stays_however_old() -> None:
    """After a rollback, and while builds alone go on, images of the last deploys stay."""
    shop, images = edited(3)
    rollback.rollback(WHERE, reason="", hands=shop, emit=shop.said.append)
    serving = shop.cluster.image(WEB)
    assert serving == images[1]
    for number in range(6):
        growth.made("shop", [made(number)], release=False, hands=shop)
    gc(shop)

    assert held(shop, images[1])
    assert held(shop, images[2])
    assert not held(shop, images[0])
    known = shop.keeper.ledger()
    ours = tuple(one for one in known.builds if one.image in {at[-71:] for at in images})
    assert len(ours) == 2
    assert whole(shop, Ledger(builds=ours))
    assert walk_back("deployment/shop", WHERE, hands=shop).trace.ok
    rollback.rollback(WHERE, reason="", hands=shop, emit=shop.said.append)
    assert shop.cluster.image(WEB) == images[2]


def made(number: int, size: int = 10, *, host: str = HOST) -> Made:
    """Return a service of a program of its own, over a base that all share."""
    manifest = b"manifest %d" % number
    return Made(
        name="shop",
        published=Placed(
            repository=f"{host}/shop/shop",
            manifest=Descriptor(MANIFEST, of(manifest), len(manifest)),
        ),
        images=(),
        links=(),
        bulk={of(b"base"): 10, of(b"%d" % number * size): len(b"%d" % number * size)},
    )


def test_gc_takes_images_from_the_registry_and_asks_it_to_collect() -> None:
    """Manifests of builds that went are deleted there, their evidence stays, and a tag asks."""
    shop, images = edited(8)
    before = set(shop.registries.tags(f"{HOST}/shop/shop"))
    told = gc(shop)

    assert [held(shop, one) for one in images] == [False] * 3 + [True] * 5
    assert told.registry > 0
    assert shop.registries.tags(f"{HOST}/{growth.COLLECT}") == (growth.NOW,)
    assert {one for one in before if "sha256-" in one} <= set(
        shop.registries.tags(f"{HOST}/shop/shop")
    )
    assert shop.keeper.ledger().condemned == ()
    assert gc(shop).registry == 0
    assert walk_back("deployment/shop", WHERE, hands=shop).trace.ok


def test_a_dry_run_says_what_would_go_and_changes_nothing() -> None:
    """It names the same builds and bytes, also while another run uses the store."""
    shop, images = edited(5)
    growth.made("shop", [made(number) for number in range(3)], release=False, hands=shop)
    lost = shop.memory.put(bytes(100_000), OCTETS)
    shop.keeper.busy = True
    before = shop.keeper.ledger(), dict(shop.memory.blobs), dict(shop.registries.manifests)
    told = gc(shop, dry=True)

    assert before == (shop.keeper.ledger(), shop.memory.blobs, shop.registries.manifests)
    assert [one[-71:] for one in told.builds] == [one[-71:] for one in images[2::-1]]
    assert "would be removed" in "\n".join(told.lines())
    shop.keeper.busy = False
    done = gc(shop)
    assert (done.builds, done.freed) == (told.builds, told.freed)
    assert not shop.memory.has(lost.digest)
    assert "freed in /home/ann/store" in "\n".join(done.lines())


def test_a_store_in_use_is_left_alone() -> None:
    """While another process uses it a run removes nothing, and gc says so."""
    shop, _ = edited(5)
    shop.keeper.busy = True
    shop.edit("once more")
    shop.carry(tests="off")

    assert len(shop.keeper.ledger().builds) == 6
    with pytest.raises(ShipwayError) as caught:
        gc(shop)
    assert (caught.value.id, caught.value.kind) == ("store.busy", Kind.TRANSIENT)


def test_what_cannot_be_removed_never_fails_a_run() -> None:
    """It is a remark with the command that tries again."""
    shop, _ = edited(5)
    shop.keeper.broken = ShipwayError("store.ledger", Kind.INTEGRITY, "no ledger")
    growth_run = _Run()
    growth.after("", hands=shop, run=growth_run)  # type: ignore[arg-type]

    assert growth_run.said[0].startswith("old builds were not removed: ")
    shop.keeper.broken = ShipwayError("run.cancelled", Kind.CANCELLED, "stopped")
    with pytest.raises(ShipwayError):
        growth.after("", hands=shop, run=growth_run)  # type: ignore[arg-type]


class _Run:
    def __init__(self) -> None:
        self.said: list[str] = []

    def remark(self, text: str, *, fix: str = "") -> None:
        """Remember."""
        self.said.append(text)
        assert fix == "shipway gc"


def test_other_registries_are_never_changed() -> None:
    """Builds that were pushed elsewhere are forgotten, and nothing is deleted there."""
    shop, _ = edited(1)
    data = b"{}"
    for number in range(8):
        shop.registries.push_manifest("registry.test/shop/shop", data, MANIFEST, f"v{number}")
        service = made(number, host="registry.test")
        growth.made("shop", [service], release=False, hands=shop)
    gc(shop)

    assert len(shop.registries.tags("registry.test/shop/shop")) == 8
    assert shop.keeper.ledger().condemned == ()


def test_a_stopped_cluster_is_collected_later() -> None:
    """What its registry still holds is remembered until it runs again."""
    shop, images = edited(8)
    shop.running = False
    gc(shop)
    assert len(shop.keeper.ledger().condemned) == 3
    assert all(held(shop, one) for one in images)
    shop.running = True
    gc(shop)
    assert shop.keeper.ledger().condemned == ()
    assert not held(shop, images[0])


def test_another_embedded_cluster_is_collected_by_its_own_runs() -> None:
    """A run on one cluster does not forget what the registry of another one still holds."""
    shop, images = edited(8)
    shop.registry_at = "127.0.0.1:6000"
    gc(shop)
    assert len(shop.keeper.ledger().condemned) == 3
    assert all(held(shop, one) for one in images)
    shop.registry_at = HOST
    gc(shop)

    assert shop.keeper.ledger().condemned == ()
    assert not held(shop, images[0])


def test_live_pods_hold_their_images() -> None:
    """A build that a pod of the cluster runs stays, whoever deployed it."""
    shop, images = edited(1)
    for number in range(6):
        growth.made("shop", [made(number)], release=False, hands=shop)
    shop.keeper.note(lambda known: Ledger(builds=known.builds))
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "other"}}
    shop.cluster.put(pod | {"spec": {"containers": [{"name": "c", "image": images[0]}]}})
    gc(shop)

    assert held(shop, images[0])
    assert images[0][-71:] in {one.image for one in shop.keeper.ledger().builds}


@pytest.mark.parametrize("limit", [4000, 1500])
def test_five_hundred_edits_stay_under_the_limit(limit: int) -> None:
    """At no moment after a run is the store bigger than it may be."""
    shop = Shop()
    shop.keeper.limit = limit
    for number in range(500):
        service = made(number, 100)
        for digest, size in service.bulk.items():
            data = b"base" if size == 10 else b"%d" % number * 100
            shop.memory.blobs[digest] = data[:size]
        growth.made("shop", [service], release=False, hands=shop)
        growth.after("", hands=shop, run=_Run())  # type: ignore[arg-type]
        assert sum(shop.keeper.sizes().values()) <= limit
        assert whole(shop, shop.keeper.ledger())
    assert len(shop.keeper.ledger().builds) == 5 if limit == 4000 else 4


def test_more_than_the_limit_is_told_where_all_of_it_is_needed() -> None:
    """What serves stays above any limit, and the person hears by how much."""
    shop, _ = edited(2)
    shop.keeper.limit = 1
    told = gc(shop)

    assert told.over > 0
    assert "above the limit" in "\n".join(told.lines())
    assert whole(shop, shop.keeper.ledger())


def test_what_stages_remember_has_a_limit() -> None:
    """A twentieth of the store's: gc says what goes, the next day's run takes it by itself."""
    shop, _ = edited(2)
    shop.carry(tests="off")
    used = set(shop.cache.values)
    assert gc(shop).remembered == 0
    old = of(b"old")
    shop.cache.values = {old: bytes(4000), **shop.cache.values}
    shop.keeper.limit = 20 * sum(len(shop.cache.values[one]) for one in used)

    assert gc(shop, dry=True).remembered == 4000
    assert old in shop.cache.values
    assert "3.9 KiB freed of what stages remember" in list(gc(shop).lines())
    assert set(shop.cache.values) == used
    shop.cache.values[old] = bytes(4000)
    shop.clock.time += 2 * 86400
    for number in range(6):
        growth.made("shop", [made(number)], release=False, hands=shop)
    growth.after("", hands=shop, run=_Run())  # type: ignore[arg-type]
    assert set(shop.cache.values) == used


def test_status_tells_the_room() -> None:
    """The store's size and limit stand below what runs."""
    shop, _ = edited(1)
    assert list(status.now(WHERE, hands=shop).lines())[-1].endswith("of 5.0 GiB in /home/ann/store")


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 40, "5120.0 GiB")]
)
def test_bytes_as_people_read_them(count: int, text: str) -> None:
    """The unit keeps numbers short."""
    assert growth.size(count) == text


def calls() -> int:
    """Return how many calls that change the world a collection makes."""
    shop, _ = edited(8)
    shop.kill_at(0)
    gc(shop)
    return len(shop.calls)


@pytest.mark.parametrize("number", range(1, calls() + 1))
def test_a_kill_at_any_call_of_a_collection_loses_nothing(number: int) -> None:
    """What serves, stays and proves is there; the next collection completes it."""
    shop, images = edited(8)
    needed: set[Digest] = {d for one in shop.keeper.ledger().builds for d in one.blobs}
    shop.kill_at(number)
    with pytest.raises(Killed):
        gc(shop)
    shop.kill_at(0)

    assert all(shop.memory.has(digest) for digest in needed)
    assert all(held(shop, one) for one in images[3:])
    assert walk_back("deployment/shop", WHERE, hands=shop).trace.ok
    gc(shop)
    assert [held(shop, one) for one in images] == [False] * 3 + [True] * 5
    assert shop.registries.tags(f"{HOST}/{growth.COLLECT}") == (growth.NOW,)
