"""What stays of all that was built: a table of who needs what."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.growth import ledger as ledgers
from shipway.core.growth.ledger import Build, Ledger
from shipway.core.oci.digest import Digest, of

NOBODY: frozenset[Digest] = frozenset()
PLENTY = 1 << 60
HERE = ("shop", "dev", "local")


def name(text: str) -> Digest:
    """Return a digest."""
    return of(text.encode())


def build(number: int, service: str = "web", **other: Any) -> Build:
    """Return a build with a base that all share, and a program of its own."""
    blobs = {name("base"): 1000, name(f"{service} {number}"): 100}
    return Build(
        project="shop",
        service=service,
        repository=f"127.0.0.1:5000/shop/{service}",
        manifests=(name(f"image {service} {number}"),),
        blobs=blobs,
        **other,
    )


def built(count: int, service: str = "web") -> Ledger:
    """Return a ledger after so many builds."""
    known = Ledger()
    for number in range(count):
        known = known.made([build(number, service)])
    return known


def dropped(known: Ledger, needed: frozenset[Digest] = NOBODY, limit: int = PLENTY) -> list[str]:
    """Return the programs of the builds that go."""
    plan = ledgers.plan(known, needed=needed, limit=limit)
    programs = {name(f"web {number}"): f"web {number}" for number in range(20)}
    return [programs[digest] for one in plan.dropped for digest in one.blobs if digest in programs]


def test_the_newest_five_of_each_service_stay() -> None:
    """Older ones go, with what they alone need; a shared base stays."""
    known = built(7).made([build(0, "api")])
    plan = ledgers.plan(known, needed=NOBODY, limit=PLENTY)

    assert dropped(known) == ["web 1", "web 0"]
    assert set(plan.blobs) == {name("web 1"), name("web 0")}
    assert (plan.size, plan.kept, plan.over) == (200, 1000 + 6 * 100, 0)


def test_a_build_made_again_is_the_newest() -> None:
    """Going back to an old commit makes its build stay, with one entry."""
    known = built(6).made([build(0)])

    assert dropped(known) == ["web 1"]
    assert len(known.builds) == 6


def test_what_serves_stays() -> None:
    """The images of the last two deploys of each target stay, however old their builds are."""
    known = built(8)
    for number in (0, 1, 2):
        known = known.served(HERE, build(number).manifests)
    known = known.served(("shop", "prod", "east"), build(0).manifests)

    assert dropped(known) == []
    assert dropped(known.served(("shop", "prod", "east"), build(1).manifests)) == []
    again = known.served(HERE, build(2).manifests)
    assert again.images == known.images == {build(at).image for at in (0, 1, 2)}


def test_what_is_named_or_live_stays() -> None:
    """A name in the store and a running pod hold a build."""
    assert dropped(built(8), frozenset(build(0).manifests)) == ["web 2", "web 1"]


def test_a_release_stays_in_its_registry() -> None:
    """It goes from the store like any build, and is not condemned there."""
    known = built(6).made([build(9, release=True)])
    known = Ledger(builds=(*known.builds[1:], known.builds[0]))
    plan = ledgers.plan(known, needed=NOBODY, limit=PLENTY)

    assert [one.release for one in plan.dropped] == [False, True]
    assert [one.release for one in known.dropped(plan.dropped).condemned] == [False]


@pytest.mark.parametrize(
    ("limit", "stay", "over"),
    [(1500, 5, 0), (1499, 4, 0), (1250, 2, 0), (1100, 1, 0), (1, 1, 1099)],
)
def test_the_limit_counts_before_the_newest_five(limit: int, stay: int, over: int) -> None:
    """Of a store that is full fewer builds stay, the newest one always."""
    plan = ledgers.plan(built(5), needed=NOBODY, limit=limit)

    assert (5 - len(plan.dropped), plan.over) == (stay, over)


def test_other_bytes_count_against_the_limit() -> None:
    """What a look at the whole store found beside bulk is part of what it has."""
    known = built(5).measured(1500 + 300, 7.0)

    assert (known.others, known.looked) == (300, 7.0)
    assert dropped(known, limit=1799) == ["web 0"]
    assert dropped(known, limit=1800) == []


def test_condemned_builds_are_a_registrys_to_forget() -> None:
    """What went from the store is listed until its registry is done; made again, it is not."""
    known = built(7)
    plan = ledgers.plan(known, needed=NOBODY, limit=PLENTY)
    after = known.dropped(plan.dropped)

    assert [one.image for one in after.condemned] == [build(1).image, build(0).image]
    assert len(after.builds) == 5
    assert ledgers.weight(after.condemned, after.builds) == 200
    assert ledgers.manifests(after.condemned, after.builds) == (
        ("127.0.0.1:5000/shop/web", build(1).image),
        ("127.0.0.1:5000/shop/web", build(0).image),
    )
    assert after.made([build(0)]).condemned == after.condemned[:1]
    assert after.collected(after.condemned).condemned == ()
    assert after.condemned[0].host == "127.0.0.1:5000"


def test_what_no_registry_ever_collects_is_forgotten_in_the_end() -> None:
    """The list does not grow with time: the first to go is the first that is forgotten."""
    known = Ledger()
    for number in range(ledgers.CONDEMNED + 3):
        known = known.dropped([build(number)])

    assert len(known.condemned) == ledgers.CONDEMNED
    assert known.condemned[0].image == build(3).image


def test_a_manifest_that_another_build_has_is_not_deleted() -> None:
    """The image of one platform in two indexes stays with the newer one."""
    shared = name("child")
    old = Build(
        project="shop", service="web", repository="r/web", manifests=(name("a"), shared), blobs={}
    )
    new = Build(
        project="shop", service="web", repository="r/web", manifests=(name("b"), shared), blobs={}
    )

    assert ledgers.manifests([old], [new]) == (("r/web", name("a")),)


def test_orphans_are_big_and_nobodys() -> None:
    """Little blobs count as evidence; big ones stay for a build or a name."""
    sizes = {name("lost"): 500, name("web 0"): 500, name("named"): 500, name("little"): 5}
    found = ledgers.orphans(sizes, built(1), frozenset({name("named")}), little=5)

    assert list(found) == [name("lost")]


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 6)), max_size=30),
    st.sets(st.tuples(st.sampled_from("ab"), st.integers(0, 6))),
    st.integers(0, 2500),
)
def test_nothing_that_is_needed_goes(
    history: list[tuple[str, int]], needed: set[tuple[str, int]], limit: int
) -> None:
    """Whatever was built, served and allowed: the blobs of a needed or newest build stay."""
    known = Ledger()
    for service, number in history:
        known = known.made([build(number, service)])
    live = frozenset(build(number, service).image for service, number in needed)
    plan = ledgers.plan(known, needed=live, limit=limit)
    gone = {one.key for one in plan.dropped}
    stay = [one for one in known.builds if one.key not in gone]

    assert not any(one.image in live for one in plan.dropped)
    assert {one.service for one in stay} == {service for service, _ in history}
    assert not {digest for one in stay for digest in one.blobs} & set(plan.blobs)
    if not plan.over:
        assert plan.kept <= limit or all(one.image in live for one in stay[1:]) or not stay
