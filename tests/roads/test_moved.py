"""A base image whose tag moved on: told as that where the pinned bytes are gone."""

from __future__ import annotations

import pytest

from fakes.content import MemoryContent
from fakes.registry import MemoryRegistry
from shipway.adapters.baseimage import BaseImages
from shipway.core.oci.descriptor import MANIFEST, Platform
from shipway.errors import Kind, ShipwayError
from shipway.roads import pins

BASE = "registry.test/base:12"


class Bare:
    """Hands that have a registry and the real base images of it."""

    def __init__(self) -> None:
        self.registry = MemoryRegistry(api=False)
        self.bases = BaseImages(MemoryContent(), self.registry)  # type: ignore[arg-type]  # a small store

    def push(self, text: bytes) -> str:
        """Move the tag to another manifest; return its reference by digest."""
        found = self.registry.push_manifest("registry.test/base", text, MANIFEST, "12")
        return f"registry.test/base@{found.digest}"


def test_a_base_whose_tag_moved_on_is_told() -> None:
    """Where the pinned bytes are gone, what the tag is now is named, and how to take it."""
    hands = Bare()
    pinned = hands.push(b"{}")
    now = hands.push(b'{"other": 1}')
    hands.registry.delete("registry.test/base", pinned.partition("@")[2])

    with pytest.raises(ShipwayError) as caught:
        pins.pulled(BASE, pinned, Platform("linux", "amd64"), hands)  # type: ignore[arg-type]

    assert (caught.value.id, caught.value.kind) == ("base.moved", Kind.CONFLICT)
    assert now.partition("@")[2] in caught.value.message
    assert "shipway.lock" in caught.value.hint


@pytest.mark.parametrize("kind", ["by digest", "all gone"])
def test_a_base_that_is_gone_altogether(kind: str) -> None:
    """A base by digest, or one whose tag is gone too, has not moved: it is not found."""
    hands = Bare()
    pinned = hands.push(b"{}")
    hands.registry.manifests.clear()
    hands.registry.tagged.clear()
    if kind == "by digest":
        hands.push(b'{"other": 1}')
    written = pinned if kind == "by digest" else BASE

    with pytest.raises(ShipwayError) as caught:
        pins.pulled(written, pinned, Platform("linux", "amd64"), hands)  # type: ignore[arg-type]

    assert caught.value.id == "registry.not_found"
