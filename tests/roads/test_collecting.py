"""Growth with the real registry and the real store: what goes there, and what is still whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fakes.content import MemoryContent
from fakes.real_registry import RealRegistry
from fakes.shop import WHERE, Shop
from shipway.adapters.content.keeper import Keeper
from shipway.adapters.content.store import Store
from shipway.adapters.registry.client import connect
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import CONFIG, LAYER_TAR, MANIFEST
from shipway.core.oci.image import Placed
from shipway.roads import growth
from shipway.roads.make import Made
from shipway.roads.tracing import walk_back

if TYPE_CHECKING:
    from pathlib import Path

    from shipway.core.ports.hands import Ground


class RealShop(Shop):
    """A shop whose embedded registry is a real one."""

    def __init__(self, running: RealRegistry) -> None:
        super().__init__()
        self.domain = running.domain
        self.registries: Any = connect({"DOCKER_CONFIG": str(running.docker_config())})

    def ground(self, name: str) -> Ground:
        """Return the embedded cluster with that registry."""
        return msgspec.structs.replace(super().ground(name), registry=self.domain)


def weight(folder: Path) -> int:
    """Return how many bytes the files below a folder have."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def test_a_collection_takes_layers_and_leaves_the_chain(
    registry_path: Path, tmp_path: Path
) -> None:
    """Layers of builds that went are off the disk; what serves is whole, to its last link."""
    with RealRegistry(registry_path, tmp_path) as running:
        shop = RealShop(running)
        images = []
        for number in range(8):
            shop.edit(f"number {number}")
            images.append(shop.carry(tests="off").images["shop"])
        blobs = running.data / "blobs"
        gone = [digest for one in growth_of(shop, images[:3]) for digest in one]
        running.collect()
        assert all((blobs / "sha256" / one[7:9] / one[7:] / "data").exists() for one in gone)
        growth.gc("", dry=False, hands=shop)
        assert growth.NOW in shop.registries.tags(f"{shop.domain}/{growth.COLLECT}")
        running.collect()

        assert gone
        assert not any((blobs / "sha256" / one[7:9] / one[7:] / "data").exists() for one in gone)
        assert shop.registries.tags(f"{shop.domain}/{growth.COLLECT}") == ()
        held = [shop.registries.resolve(*one.split("@")) is not None for one in images]
        assert held == [False] * 3 + [True] * 5
        for image in images[3:]:
            repository, _, digest = image.partition("@")
            for at in manifest.parse(shop.registries.pull_manifest(repository, digest)[1]).layers:
                shop.registries.pull_blob(repository, at)
        assert walk_back("deployment/shop", WHERE, hands=shop).trace.ok
        shop.edit("number 0")
        assert shop.carry(tests="off").images["shop"] == images[0]
        shop.registries.close()


def growth_of(shop: Shop, images: list[str]) -> list[set[str]]:
    """Return the layers that each of these condemned images alone has."""
    known = shop.keeper.ledger()
    kept = {digest for one in known.builds for digest in one.blobs}
    layers = {
        one.image: {
            at.digest
            for at in manifest.parse(
                shop.registries.pull_manifest(one.repository, one.image)[1]
            ).layers
        }
        for one in known.condemned
    }
    return [layers[image.partition("@")[2]] - kept for image in images]


def test_many_edits_stay_under_the_limit(registry_path: Path, tmp_path: Path) -> None:
    """Store and registry on disk have room for a few builds, whatever was made before."""
    size, limit = 64 << 10, 1 << 20
    with RealRegistry(registry_path, tmp_path / "registry") as running:
        shop = RealShop(running)
        store = Store(tmp_path / "store")
        shop.memory = MemoryContent()
        hands = _OnDisk(shop, store, Keeper(store, limit))
        for number in range(200):
            growth.made("shop", [_edit(number, size, hands)], release=False, hands=hands)
            growth.after("", hands=hands, run=None)  # type: ignore[arg-type]
            if number % 50 == 49:
                growth.gc("", dry=False, hands=hands)
                running.collect()
                assert weight(tmp_path / "store") < limit
                assert weight(running.data) < 2 * limit
        shop.registries.close()
    assert len(hands.keeping.ledger().builds) == 5


class _OnDisk:
    """The hands of a shop with a real store."""

    def __init__(self, shop: RealShop, store: Store, keeping: Keeper) -> None:
        self.shop, self.content, self.keeping = shop, store, keeping

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shop, name)


def _edit(number: int, size: int, hands: Any) -> Made:
    """Push an image of one layer of its own."""
    repository = f"{hands.domain}/shop/shop"
    layer = hands.content.put(b"%6d" % number * (size // 6), LAYER_TAR)
    config = hands.content.put(b'{"number": %d}' % number, CONFIG)
    for at in (layer, config):
        hands.registry.push_blob(repository, at, hands.content)
    data = manifest.image(config, (layer,), {})
    hands.content.put(data, MANIFEST)
    return Made(
        name="shop",
        published=Placed(
            repository=repository,
            manifest=hands.registry.push_manifest(repository, data, MANIFEST),
        ),
        images=(),
        links=(),
        bulk={layer.digest: layer.size},
    )
