"""What every keeper of links and every source of evidence promises, in memory and for real."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.content import MemoryContent
from fakes.hands import MemoryLinks
from fakes.registry import MemoryRegistry
from shipway.adapters.content.links import LinkStore
from shipway.adapters.content.store import Store
from shipway.core.evidence.link import Link
from shipway.core.evidence.walk import Want
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import MANIFEST, OCTETS, Descriptor, describe
from shipway.core.oci.digest import of
from shipway.core.ports.evidence import Links, Source
from shipway.stages.verify import Both, RegistrySource, StoreSource

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Links, Source)
IMAGE, OTHER = of(b"image"), of(b"other")
REPOSITORY = "127.0.0.1:5000/shop/web"


def link(number: int, subject: str = IMAGE) -> Link:
    """Return a link."""
    data = b"%d" % number
    return Link(
        predicate_type="https://example.com/p",
        payload=of(data),
        bundle=describe(data, OCTETS),
        manifest=describe(b"manifest " + data, MANIFEST),
        subject=of(b"other") if subject == OTHER else IMAGE,
    )


@pytest.fixture(params=["memory", "store"])
def links(request: pytest.FixtureRequest, tmp_path: Path) -> Links:
    """Give each keeper in turn."""
    return MemoryLinks() if request.param == "memory" else LinkStore(Store(tmp_path))


def test_links_are_found_by_what_they_are_about(links: Links) -> None:
    """Those about a subject and no others, each once, in the same order every time."""
    kept = [link(number) for number in range(5)]
    links.keep([*kept, link(9, OTHER)])
    links.keep(kept[:2])
    found = links.about(IMAGE)
    assert {one.digest for one in found} == {one.manifest.digest for one in kept}
    assert len(found) == len(kept)
    assert links.about(IMAGE) == found
    assert links.about(of(b"nothing")) == ()


class Place:
    """Where a manifest, a blob and a link about the manifest lie."""

    def __init__(self, kind: str, folder: Path) -> None:
        content = MemoryContent() if kind == "memory" else Store(folder)
        self.blob = content.put(b"blob", OCTETS)
        empty = content.put(manifest.EMPTY_JSON, manifest.empty().media_type)
        data = manifest.artifact("a/b", (self.blob,), subject=None, annotations={})
        self.manifest = content.put(data, MANIFEST)
        about = manifest.artifact("c/d", (self.blob,), subject=self.manifest, annotations={})
        self.about = content.put(about, MANIFEST)
        links: Links = MemoryLinks() if kind == "memory" else LinkStore(content)  # type: ignore[arg-type]
        said = msgspec.structs.replace(link(1), manifest=self.about, subject=self.manifest.digest)
        links.keep([said])
        store = StoreSource(content, links)
        registry = MemoryRegistry(api=True)
        for one in (self.blob, empty):
            registry.push_blob(REPOSITORY, one, content)
        for one in (data, about):
            registry.push_manifest(REPOSITORY, one, MANIFEST)
        remote = RegistrySource(registry)
        self.source: Source = {"registry": remote, "both": Both(remote, store)}.get(kind, store)

    def ask(self, kind: str, at: Descriptor) -> bytes | None:
        """Ask for something."""
        want = Want(kind=kind, repository=REPOSITORY, digest=at.digest, size=at.size)
        return self.source.answer(want)


@pytest.fixture(params=["memory", "store", "registry", "both"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Give each source in turn."""
    return Place(request.param, tmp_path)


def test_a_source_answers_with_the_bytes(place: Place) -> None:
    """Manifests and blobs are what was put, and what is not there is nothing."""
    absent = describe(b"never", OCTETS)
    assert place.ask("blob", place.blob) == b"blob"
    assert of(place.ask("manifest", place.manifest) or b"") == place.manifest.digest
    assert place.ask("blob", absent) is None
    assert place.ask("manifest", absent) is None


def test_a_source_lists_what_refers(place: Place) -> None:
    """Links about a manifest come as descriptors; about nothing there are none."""
    said = place.ask("referrers", place.manifest) or b"[]"
    listed = msgspec.json.decode(said, type=tuple[Descriptor, ...])
    assert [one.digest for one in listed] == [place.about.digest]
    assert msgspec.json.decode(place.ask("referrers", describe(b"x", OCTETS)) or b"[]") == []
