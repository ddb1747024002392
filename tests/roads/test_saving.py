"""Saving links before their registry goes: copied once, and what is lost is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fakes.content import MemoryContent
from fakes.hands import MemoryLinks
from fakes.registry import MemoryRegistry
from fakes.shop import Shop, refused
from shipway.core.evidence import artifact, bundle
from shipway.core.oci.descriptor import MANIFEST, OCTETS, describe
from shipway.errors import Kind
from shipway.roads import saving

if TYPE_CHECKING:
    from shipway.roads.cluster import Saved

HOST = "127.0.0.1:5000"


class Afresh:
    """A machine whose store is empty beside a registry that has everything."""

    def __init__(self) -> None:
        self.shop = Shop()
        self.shop.carry()
        self.content = MemoryContent()
        self.links = MemoryLinks()

    def save(self) -> Saved:
        """Save."""
        return saving.save(
            HOST, registry=self.shop.registries, content=self.content, links=self.links
        )

    def manifests(self) -> set[str]:
        """Return the links that the run made, as its own machine keeps them."""
        return {one for links in self.shop.links.kept.values() for one in links}


def by_subject(links: MemoryLinks) -> dict[str, set[str]]:
    """Return the digests of links by what they are about."""
    return {about: set(kept) for about, kept in links.kept.items()}


class Down(MemoryRegistry):
    """A registry that does not answer."""

    def repositories(self, domain: str) -> tuple[str, ...]:
        """Refuse."""
        raise refused("registry.unreachable", Kind.TRANSIENT, f"{domain} does not answer")


def test_every_link_is_copied_and_no_image() -> None:
    """What was signed is in the store afterwards, by its subject; nothing else is, or is lost."""
    here = Afresh()
    saved = here.save()

    assert saved.lost == ()
    assert {one.rpartition("@")[2] for one in saved.saved} == here.manifests()
    assert by_subject(here.links) == by_subject(here.shop.links)


def test_what_is_here_is_not_copied_again() -> None:
    """Only links that the registry alone has are named."""
    here = Afresh()
    here.save()

    again = here.save()
    assert (again.saved, again.lost) == ((), ())


def test_links_that_cannot_be_read_are_named_and_the_rest_is_saved() -> None:
    """A link whose bundle is gone is lost by name; the others are saved."""
    here = Afresh()
    registry = here.shop.registries
    links = here.manifests()
    (place, digest) = next(key for key in registry.manifests if key[1] in links)
    carrier = artifact.parse(registry.manifests[place, digest][1])
    del registry.blobs[place, carrier.layers[0].digest]
    saved = here.save()

    (lost,) = saved.lost
    assert lost.startswith(f"{place}@{digest}: ")
    assert len(saved.saved) == len(links) - 1


def test_one_broken_repository_loses_no_other() -> None:
    """A tag that cannot be read is lost by name; every other link is saved."""
    here = Afresh()
    registry = here.shop.registries
    place = f"{HOST}/shop/shop"
    manifest = registry.push_manifest(place, b'{"schemaVersion": 2}', MANIFEST, "odd")
    registry.manifests[place, manifest.digest] = (MANIFEST, b"{}")
    saved = here.save()

    (lost,) = saved.lost
    assert lost.startswith(f"{place}:odd")
    assert len(saved.saved) == len(here.manifests())


def test_a_bundle_about_nothing_is_no_link() -> None:
    """A carrier without subject, or with several layers, is not taken for a link."""
    here = Afresh()
    registry = here.shop.registries
    blob = next(
        registry.blobs[place, artifact.parse(data).layers[0].digest]
        for (place, digest), (_, data) in registry.manifests.items()
        if digest in here.manifests()
    )
    registry.blobs[f"{HOST}/shop/odd", describe(blob, bundle.MEDIA_TYPE).digest] = blob
    alone = artifact.encode(
        describe(blob, bundle.MEDIA_TYPE), artifact_type=bundle.MEDIA_TYPE, subject=None
    )
    other = artifact.encode(describe(b"x", OCTETS), artifact_type=OCTETS)
    registry.push_manifest(f"{HOST}/shop/odd", alone, MANIFEST, "alone")
    registry.push_manifest(f"{HOST}/shop/odd", other, MANIFEST, "other")

    saved = here.save()
    assert saved.lost == ()
    assert not any("/shop/odd" in one for one in saved.saved)


def test_a_registry_that_is_down_stops_nothing() -> None:
    """All of it is named as lost, with the reason."""
    saved = saving.save(HOST, registry=Down(), content=MemoryContent(), links=MemoryLinks())

    assert saved.saved == ()
    assert saved.lost == (f"{HOST}: asking: {HOST} does not answer",)
