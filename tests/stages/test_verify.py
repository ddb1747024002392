"""Where a walk is fed from: a registry, the local store, both; and what the stage asks."""

from __future__ import annotations

import msgspec
import pytest

from fakes.chain import WEB, Chain
from fakes.hands import MemoryLinks
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.walk import Walk, Want
from shipway.core.oci.descriptor import Descriptor
from shipway.core.oci.digest import Digest, of
from shipway.errors import Kind, ShipwayError
from shipway.stages.verify import Both, RegistrySource, StoreSource, drive, verify


class Broken:
    """A store whose disk fails."""

    def read(self, digest: Digest) -> bytes:
        """Fail."""
        raise ShipwayError("content.failed", Kind.MISSING, "no disk", subject=digest)

    def __getattr__(self, name: str) -> object:
        """Have nothing else."""
        raise AttributeError(name)


def test_verdict_of_a_stranger() -> None:
    """The stage takes everything from the registry, and its time from the clock."""
    chain = Chain().whole()
    found = verify(chain.request(), registry=chain.registry, clock=chain.clock)
    assert found.passed
    assert found.time == chain.clock.now()


def test_store_answers_like_a_registry() -> None:
    """The local store is a source too: what it lacks is none, what is altered is handed on."""
    chain = Chain()
    store = MemoryLinks()
    said = chain.statements()["sbom"]
    link = chain.attest("sbom", said, chain.published.manifest, chain.web, store=store)
    source = StoreSource(chain.content, store)
    listed = source.answer(Want("referrers", "", link.subject)) or b""
    assert link.manifest.digest.encode() in listed
    assert source.answer(Want("manifest", "", link.manifest.digest)) is not None
    assert source.answer(Want("blob", "", of(b"nowhere"), 1)) is None
    chain.content.blobs[link.bundle.digest] = b"bent"
    assert source.answer(Want("blob", "", link.bundle.digest, 4)) == b""


def test_a_store_that_fails_is_an_error() -> None:
    """What the disk cannot give is an error, not a missing link."""
    source = StoreSource(Broken(), MemoryLinks())  # type: ignore[arg-type]
    with pytest.raises(ShipwayError, match="no disk"):
        source.answer(Want("blob", "", of(b"x"), 1))


def test_store_before_registry() -> None:
    """Over both, links of either are seen once, and bytes come from whoever has them."""
    chain = Chain()
    store = MemoryLinks()
    said = chain.statements()
    for kind in ("sbom", "build"):
        chain.attest(kind, said[kind], chain.published.manifest, WEB, store=store)
    chain.attest("test", said["test"], chain.published.manifest, WEB)
    del chain.content.blobs[chain.links["sbom"].bundle.digest]
    both = Both(StoreSource(chain.content, store), RegistrySource(chain.registry))
    listed = both.answer(Want("referrers", WEB, chain.published.manifest.digest)) or b""
    assert len(msgspec.json.decode(listed, type=tuple[Descriptor, ...])) == 3
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.image(WEB, chain.published.manifest.digest)
    found = drive(walk, both)
    assert {one.kind for one in found.links} == {"sbom", "build", "test"}
    assert found.findings == ()
