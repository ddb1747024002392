"""Seal: one release over images and links, which names no environment and survives a copy."""

from __future__ import annotations

from fakes.chain import EVIDENCE, Chain
from shipway.core.evidence import release
from shipway.core.evidence.artifact import only_layer, parse
from shipway.stages import seal


def test_release_lists_images_and_links() -> None:
    """A release lists every image with the payload digests of its links, and no environment."""
    chain = Chain()
    chain.make()
    made = tuple(chain.links.values())
    chain.seal()
    (service,) = chain.release.contents.services
    assert service.image == chain.published.manifest.digest
    assert {one.payload for one in service.links} == {one.payload for one in made}
    data = chain.registry.manifests[EVIDENCE, chain.release.digest][1]
    layer = only_layer(parse(data))
    stored = chain.registry.blobs[EVIDENCE, layer.digest]
    assert release.parse(stored) == chain.release.contents
    assert b"127.0.0.1" not in stored
    assert b"dev" in stored
    assert b"environment" not in stored
    assert chain.release.reference == f"{EVIDENCE}@{chain.release.digest}"


def test_same_inputs_same_release() -> None:
    """The same images and links give the same release digest, in any order of services."""
    chain = Chain()
    chain.make()
    links = tuple(chain.links.values())
    names = ("web", "api")

    def sealed(order: tuple[str, ...]) -> release.Release:
        services = tuple(
            seal.Sealed(name=one, published=chain.published, links=links) for one in order
        )
        request = seal.SealRequest(
            project="shop", version="v1", tests="passed", services=services, repository=EVIDENCE
        )
        return seal.seal(request, content=chain.content, registry=None)

    assert sealed(names).digest == sealed(names[::-1]).digest
    assert sealed(names).repository == ""


def test_rendered_set_refers_to_its_release() -> None:
    """A rendered set is stored as an artifact that refers to the release."""
    chain = Chain().whole()
    listed = chain.registry.referrers(EVIDENCE, chain.release.digest)
    assert chain.rendered.media_type in {one.artifact_type for one in listed}
