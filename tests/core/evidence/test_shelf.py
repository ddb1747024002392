"""The shelf: where releases lie, and when what a tag says counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.chain import EVIDENCE, Chain
from shipway.core.evidence import shelf, shipped, statement
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.walk import Walk
from shipway.core.oci import reference
from shipway.core.oci.digest import of
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.link import Verified

ON = "2026-11-25T03:15:00Z"
DIGEST = of(b"release")


def link_of(**details: Any) -> Verified:
    """Return the verified release link of a chain, its details bent."""
    chain = Chain()
    chain.make()
    chain.seal()
    bent = msgspec.structs.replace(chain.release.contents, channel="release")
    said = shipped.release(msgspec.structs.replace(chain.release, contents=bent), sealed_on=ON)
    predicate = {**said.predicate}
    predicate[shipped.RELEASE_DETAILS] |= details
    said = msgspec.structs.replace(said, predicate=predicate)
    chain.attest("shelved", said, chain.release.manifest, EVIDENCE)
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.referrers(EVIDENCE, chain.release.digest)
    payload = chain.links["shelved"].payload
    found = drive(walk, RegistrySource(chain.registry)).named(payload)
    assert found is not None
    return found


def test_a_release_has_a_place_that_sorts_by_time() -> None:
    """The tag names time, digest and version, and the newest comes first."""
    one = shelf.shelved(ON, DIGEST, "v1.2.0")
    two = shelf.shelved("2026-11-25T03:15:01Z", of(b"other"), "v1.1.0")

    assert one.tag == f"release.20261125T031500Z.{DIGEST[7:15]}.v1.2.0"
    tags = [one.tag, "v1.2.0", "release-abc", f"{one.tag}-x+", two.tag, "release.1.2.3"]
    assert shelf.listed(tags) == (two, one)


@given(st.text(max_size=200))
def test_any_version_makes_a_tag(version: str) -> None:
    """Whatever git says, the place is a tag that is read back as it was."""
    place = shelf.shelved(ON, DIGEST, version)

    assert reference.is_tag(place.tag)
    assert shelf.listed([place.tag]) == (place,)


@given(st.text())
def test_any_tag_is_read(tag: str) -> None:
    """Tags of strangers are no releases, and no error."""
    assert all(one.tag == tag for one in shelf.listed([tag]))


def test_the_signed_link_says_the_same() -> None:
    """Time, channel and digest of the tag are those of the link."""
    link = link_of()
    assert shelf.shelved(ON, link.subject, "v1").is_of(link, link.subject)


@pytest.mark.parametrize("why", ["time", "short", "digest", "channel", "shape"])
def test_a_tag_that_says_something_else_counts_for_nothing(why: str) -> None:
    """Each of time, short digest, digest, channel and shape alone makes it another release."""
    link = link_of(**({"channel": "dev"} if why == "channel" else {}))
    if why == "shape":
        predicate = {shipped.RELEASE_DETAILS: 3}
        said = msgspec.structs.replace(link.statement, predicate=predicate)
        link = msgspec.structs.replace(link, statement=said)
    on = "2999-01-01T00:00:00Z" if why == "time" else ON
    named = DIGEST if why == "short" else link.subject
    place = shelf.shelved(on, named, "v1")

    assert not place.is_of(link, DIGEST if why == "digest" else link.subject)


@pytest.mark.parametrize(
    ("tag", "version", "named", "called"),
    [
        ("v1.2.0", "v1.2.0", "", True),
        ("v1.2.0", "v1.2.0", "v1.2.0", True),
        ("v1.2.0-x", "v1.2.0+x", "v1.2.0+x", True),
        ("v1.2.0-x", "v1.2.0+x", "v1.2.0-x", True),
        ("v1.2.0", "v1.1.0", "v1.2.0", False),
        ("v1.2.0", "v1.1.0", "", False),
        ("v1.2.0", "v1.2.0", "v1.1.0", False),
        ("v1.2.0-x", "v1.2.0-x", "v1.2.0+x", False),
    ],
)
def test_a_release_is_called_what_it_says(
    tag: str, version: str, named: str, *, called: bool
) -> None:
    """The tag's version and the asked one count where the release itself says the same."""
    place = shelf.shelved(ON, DIGEST, tag)

    assert place.is_called(version, named) == called


def test_a_build_for_dev_does_not_say_when() -> None:
    """Only where time counts is it signed: the same dev build again is the same statement."""
    chain = Chain()
    chain.make()
    chain.seal()
    said = statement.encode(shipped.release(chain.release))

    assert b"sealedOn" not in said
    assert b"sealedOn" in statement.encode(shipped.release(chain.release, sealed_on=ON))
