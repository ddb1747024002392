"""Attest: what was said is signed, stored, pushed and listed; nothing else is written."""

from __future__ import annotations

import msgspec
import pytest

from fakes.chain import SOURCE, WEB, Chain, FixedClock
from fakes.hands import MemoryLinks
from fakes.registry import MemoryRegistry
from shipway.core.evidence import bundle, statement
from shipway.core.evidence.artifact import Artifact, parse
from shipway.core.oci.digest import hex_of
from shipway.errors import ShipwayError
from shipway.stages import attest
from shipway.stages.attest import AttestRequest, Said


def request(chain: Chain) -> AttestRequest:
    """Return the request for all statements about the image."""
    said = tuple(
        Said(payload=statement.encode(one), subject=chain.published.manifest)
        for one in chain.statements().values()
    )
    return AttestRequest(statements=said, repository=WEB)


def manifest_of(chain: Chain, link: attest.Link) -> Artifact:
    """Return a link's manifest as the registry holds it."""
    return parse(chain.registry.manifests[WEB, link.manifest.digest][1])


def test_manifest_is_that_of_cosign() -> None:
    """The manifest has the artifact type, empty config, subject and annotations of cosign v3."""
    chain = Chain()
    links = attest.sign(
        request(chain),
        signer=chain.signer,
        content=chain.content,
        registry=chain.registry,
        clock=chain.clock,
    )
    assert [one.predicate_type for one in links] == [
        one.predicate_type for one in chain.statements().values()
    ]
    found = manifest_of(chain, links[0])
    assert found.artifact_type == bundle.MEDIA_TYPE
    assert [one.media_type for one in found.layers] == [bundle.MEDIA_TYPE]
    assert found.config is not None
    assert chain.content.read(found.config.digest) == b"{}"
    assert found.subject is not None
    assert found.subject.digest == chain.published.manifest.digest
    assert found.annotations == {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": links[0].predicate_type,
        "org.opencontainers.image.created": "2027-01-15T08:00:00Z",
    }
    assert {one.repository for one in links} == {WEB}


def test_one_index_write_for_all_links() -> None:
    """Without the referrers API all links of an image take one index write, and a tag each."""
    chain = Chain()
    chain.registry.writes.clear()
    links = attest.sign(
        request(chain),
        signer=chain.signer,
        content=chain.content,
        registry=chain.registry,
        clock=chain.clock,
    )
    fallback = f"sha256-{hex_of(chain.published.manifest.digest)}"
    tags = [what for kind, _, what in chain.registry.writes if kind == "tag"]
    assert tags.count(fallback) == 1
    assert {one for one in tags if one != fallback} == {attest.own_tag(one) for one in links}
    assert tags[-1] == fallback
    listed = chain.registry.referrers(WEB, chain.published.manifest.digest)
    assert {one.digest for one in listed} == {one.manifest.digest for one in links}


def test_no_link_comes_before_its_subject() -> None:
    """While an image is on its way only blobs are sent; links follow when it is there."""
    chain = Chain()
    asked = request(chain)
    chain.registry.writes.clear()

    def there() -> None:
        assert {kind for kind, _, _ in chain.registry.writes} == {"blob"}
        chain.registry.writes.clear()

    attest.sign(
        asked,
        signer=chain.signer,
        content=chain.content,
        registry=chain.registry,
        clock=chain.clock,
        there=there,
    )
    assert {kind for kind, _, _ in chain.registry.writes} == {"manifest", "tag"}


def test_referrers_api() -> None:
    """With the referrers API no index is written."""
    chain = Chain(MemoryRegistry(api=True))
    chain.make()
    assert not [tag for _, tag in chain.registry.tagged if tag.startswith("sha256-")]
    assert len(chain.registry.referrers(WEB, chain.published.manifest.digest)) == 4


def test_store_only() -> None:
    """Without a registry, links lie in the store and are found there by subject."""
    chain = Chain()
    store = MemoryLinks()
    links = attest.sign(
        msgspec.structs.replace(request(chain), repository=""),
        signer=chain.signer,
        content=chain.content,
        registry=None,
        clock=FixedClock(),
        links=store,
    )
    store.keep(links)
    assert {one.repository for one in links} == {""}
    kept = store.about(chain.published.manifest.digest)
    assert {one.digest for one in kept} == {one.manifest.digest for one in links}
    assert store.about(links[0].payload) == ()
    pushed = attest.push(links, WEB, content=chain.content, registry=chain.registry)
    assert {one.repository for one in pushed} == {WEB}
    assert attest.push((), WEB, content=chain.content, registry=chain.registry) == ()


def test_repeat_is_harmless() -> None:
    """Pushing the same links again sends no blob and changes no index."""
    chain = Chain()
    chain.make()
    links = tuple(chain.links.values())
    chain.registry.writes.clear()
    attest.push(links, WEB, content=chain.content, registry=chain.registry)
    assert [one for one in chain.registry.writes if one[0] == "blob"] == []
    fallback = f"sha256-{hex_of(chain.published.manifest.digest)}"
    assert ("tag", WEB, fallback) not in chain.registry.writes


def test_identity_is_the_payload() -> None:
    """Signing again gives another signature and the same identity."""
    chain = Chain()
    said = chain.statements()["sbom"]
    first = chain.attest("sbom", said, chain.published.manifest, WEB)
    second = chain.attest("sbom", said, chain.published.manifest, WEB)
    assert first.payload == second.payload
    assert first.bundle != second.bundle
    assert first.edge.payload == first.payload


@pytest.mark.parametrize("payload", [b"{}", b"no json"])
def test_only_statements_are_signed(payload: bytes) -> None:
    """What is no statement is never signed."""
    chain = Chain()
    said = Said(payload=payload, subject=chain.published.manifest)
    with pytest.raises(ShipwayError) as caught:
        attest.sign(
            AttestRequest(statements=(said,)),
            signer=chain.signer,
            content=chain.content,
            registry=None,
            clock=chain.clock,
        )
    assert caught.value.id == "statement.invalid"


def test_links_say_nothing_of_this_machine() -> None:
    """No link names a host, user, absolute path or registry of the machine that made it."""
    chain = Chain().whole()
    for link in chain.links.values():
        payload = bundle.parse(chain.content.read(link.bundle.digest)).envelope.payload
        for secret in (SOURCE.root, "somebody", "127.0.0.1", "/home"):
            assert secret.encode() not in payload, link.predicate_type
