"""Histories as their links tell them: every named answer about a chain of intents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.chain import CLUSTER
from shipway.core.evidence import history, shipped
from shipway.core.evidence.answer import Answer
from shipway.core.evidence.history import Head, History
from shipway.core.evidence.link import Edge, Verified
from shipway.core.evidence.shipped import Applied, Intent, Outcome, Planned
from shipway.core.oci.digest import Digest, of
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.evidence.statement import Statement

EDGE = Edge(predicate_type="x", payload=of(b"x"), manifest=of(b"x"))


def link(said: Statement, name: str) -> Verified:
    """Return a verified link with a payload digest made from its name."""
    return Verified(
        statement=said,
        edge=Edge(predicate_type=said.predicate_type, payload=of(name.encode()), manifest=of(b"m")),
        subject=of(b"release"),
        repository="",
        signer="",
        bundle=of(b"b"),
    )


def intent(
    number: int,
    follows: str = "",
    name: str = "",
    release: str = "release",
    plans: str = "",
    *,
    kind: str = "deploy",
) -> Verified:
    """Return intent ``number``; its payload is named like ``1`` or as given.

    ``plans`` are names of ConfigMaps, a letter each.
    """
    said = Intent(
        project="shop",
        environment="dev",
        target="local",
        cluster=CLUSTER,
        sequence=number,
        follows=of(follows.encode()) if follows else None,
        kind=kind,
        release=of(release.encode()),
        rendered=of(b"rendered"),
        render=EDGE,
        verdict=EDGE,
        objects=tuple(
            Planned(group="", kind="ConfigMap", namespace="ns", name=one, digest=of(b"x"))
            for one in plans
        ),
        signed_on="2026-01-01T00:00:00Z",
    )
    return link(shipped.intent(said), name or str(number))


def outcome(
    of_intent: str, result: str = "passed", on: str = "2026-01-01T00:00:00Z", **uids: str
) -> Verified:
    """Return the outcome of an intent; ``uids`` are those of ConfigMaps by name."""
    said = Outcome(
        project="shop",
        environment="dev",
        target="local",
        cluster=CLUSTER,
        sequence=1,
        intent=msgspec.structs.replace(EDGE, payload=of(of_intent.encode())),
        release=of(b"release"),
        result=result,
        objects=tuple(
            Applied(group="", kind="ConfigMap", namespace="ns", name=name, uid=uid)
            for name, uid in uids.items()
        ),
        started_on=on,
        finished_on=on,
    )
    return link(shipped.outcome(said), f"outcome of {of_intent} {result}")


def head(number: int) -> Head:
    """Return a head that stands at intent ``number``."""
    return Head(sequence=number, intent=of(str(number).encode()), state="passed")


def read(*links: Verified, at: Head | None = None, oldest: int = 1) -> History:
    """Return the history of dev on its one target."""
    return history.read(links, environment="dev", target="local", head=at, oldest=oldest)


def answers(found: History) -> list[tuple[Answer, str]]:
    """Return the findings, without their details."""
    return [(one.answer, one.subject) for one in found.findings]


THREE = (
    intent(1), outcome("1"),
    intent(2, "1"), outcome("2"),
    intent(3, "2"), outcome("3"),
)  # fmt: skip


@pytest.mark.parametrize("at", [head(3), None])
def test_whole_history(at: Head | None) -> None:
    """A whole chain is read newest first and says nothing is wrong, with or without a head."""
    found = read(*THREE, at=at)
    assert [one.intent.sequence for one in found.entries] == [3, 2, 1]
    assert found.findings == ()
    assert found.others == ()
    assert found.newest_passed is found.entries[0]


def test_next_number() -> None:
    """The next intent takes the next number and names the head."""
    assert history.follow(Head()).sequence == 1
    assert history.follow(Head()).follows is None
    after = history.follow(head(41))
    assert (after.sequence, after.follows) == (42, of(b"41"))


def test_empty_history() -> None:
    """No links and no head are an empty history."""
    assert read(at=Head()) == History()
    assert read() == History()
    assert History().newest_passed is None


def test_unfinished() -> None:
    """An intent without outcome is an unfinished deploy."""
    found = read(*THREE[:5], at=head(3))
    assert answers(found) == [(Answer.UNFINISHED, "dev.local-000003-intent")]
    assert found.newest_passed is found.entries[1]


def test_abandoned() -> None:
    """An intent that lost the swap, and on which nothing followed, is abandoned."""
    lost = intent(3, "2", name="3 lost")
    for more in ((), (outcome("3 lost", "abandoned"),)):
        found = read(*THREE, lost, *more, at=head(3))
        assert answers(found) == [(Answer.ABANDONED, "dev.local-000003-intent")]
        assert [one.link for one in found.others] == [lost]


def test_abandoned_before_the_swap() -> None:
    """A newer intent that never won the head is abandoned, not a gap."""
    found = read(*THREE, intent(4, "3"), at=head(3))
    assert answers(found) == [(Answer.ABANDONED, "dev.local-000004-intent")]


def test_forked() -> None:
    """Two intents with one number that both went on are a fork, with or without a head."""
    other = intent(2, "1", name="2 other")
    found = read(*THREE, other, outcome("2 other"), at=head(3))
    assert answers(found) == [(Answer.FORKED, "dev.local-000002-intent")]
    follower = intent(3, "2 other", name="3 other")
    found = read(*THREE, other, follower, outcome("3 other"), at=head(3))
    assert {one for one, _ in answers(found)} == {Answer.FORKED}


@pytest.mark.parametrize("at", [head(3), None])
def test_gap(at: Head | None) -> None:
    """A missing number in the middle is a truncated history."""
    found = read(*THREE[4:], *THREE[:2], at=at)
    assert (Answer.TRUNCATED, "number 2") in answers(found)


def test_head_names_a_missing_intent() -> None:
    """A head whose intent is gone is a truncated history."""
    found = read(*THREE, at=head(4))
    assert (Answer.TRUNCATED, "number 4") in answers(found)


def test_head_is_older() -> None:
    """A head that was set back is found by the newer deploys that finished."""
    found = read(*THREE, at=head(2))
    assert answers(found) == [(Answer.TRUNCATED, "dev.local-000003-intent")]


def test_head_was_emptied() -> None:
    """An empty head beside a finished history is a truncated history."""
    found = read(*THREE[:2], at=Head())
    assert answers(found) == [(Answer.TRUNCATED, "dev.local-000001-intent")]


def test_first_number_is_one() -> None:
    """A chain that starts at another number has lost its beginning."""
    found = read(intent(2), outcome("2"), at=head(2))
    assert answers(found) == [(Answer.TRUNCATED, "number 2")]


def test_numbers_that_were_not_read() -> None:
    """What lies before the oldest number that was read is no gap."""
    assert read(*THREE[2:], at=head(3), oldest=2).findings == ()


def test_numbers_must_be_consecutive() -> None:
    """An intent that follows one of a much older number skips something."""
    found = read(*THREE[:2], intent(3, "1"), outcome("3"), at=head(3))
    assert (Answer.TRUNCATED, "number 2") in answers(found)


def test_others_are_left_out() -> None:
    """Links of another target or environment, or of another shape, are not of this history."""
    said = THREE[0].statement
    elsewhere = link(
        msgspec.structs.replace(said, predicate={**said.predicate, "target": "other"}), "other"
    )
    broken = link(msgspec.structs.replace(said, predicate={}), "broken")
    broken_end = link(msgspec.structs.replace(THREE[1].statement, predicate={}), "end")
    assert read(*THREE, elsewhere, broken, broken_end, at=head(3)) == read(*THREE, at=head(3))


def test_newest_outcome_counts() -> None:
    """Of two outcomes of one intent (interrupted, then closed) the later one counts."""
    early = outcome("3", "interrupted")
    late = outcome("3", "passed", "2026-01-01T00:00:09Z")
    for pair in ((early, late), (late, early)):
        assert read(*THREE[:5], *pair, at=head(3)).entries[0].passed


def test_before() -> None:
    """A rollback goes to the newest passed deploy of another release."""
    old = intent(1, release="old")
    found = read(old, outcome("1"), intent(2, "1"), outcome("2"), at=head(2))
    back = found.before(Digest(of(b"release")))
    assert back is not None
    assert back.intent.sequence == 1
    assert found.before(of(b"old")) is found.entries[0]


def test_passed() -> None:
    """A release is found again by its digest or how that begins, if it ever passed."""
    old = intent(1, release="old")
    found = read(old, outcome("1"), intent(2, "1"), outcome("2", result="failed"), at=head(2))
    assert found.passed(of(b"old")) is found.entries[1]
    assert found.passed(of(b"old")[:12]) is found.entries[1]
    assert found.passed(of(b"release")) is None
    assert found.passed(of(b"none")) is None


def test_nothing_serves_after_a_delete() -> None:
    """It ended well, yet no gate may put back what was there before it."""
    gone = intent(2, "1", kind="delete")
    found = read(intent(1), outcome("1"), gone, outcome("2"), at=head(2))
    assert (found.entries[0].passed, found.entries[0].serves) == (True, False)
    assert found.newest_passed is None
    assert found.passed(of(b"release")) is found.entries[1]
    assert found.before(of(b"other")) is found.entries[1]
    later = read(
        intent(1), outcome("1"), gone, outcome("2"), intent(3, "2"), outcome("3"), at=head(3)
    )
    assert later.newest_passed is later.entries[0]


def test_subject_must_be_the_release() -> None:
    """An intent whose subject is not the release it speaks of cannot be read."""
    said = msgspec.structs.replace(
        THREE[0].statement,
        subject=(
            msgspec.structs.replace(THREE[0].statement.subject[0], digest={"sha256": "0" * 64}),
        ),
    )
    with pytest.raises(ShipwayError, match="its subject is not the release"):
        shipped.read(said, Intent)


def left(*links: Verified, at: int) -> dict[str, tuple[str, tuple[Digest, ...]]]:
    """Return uid and intents of what may still stand, by name."""
    found = history.left(read(*links, at=head(at)))
    return {one.name: (one.uid, one.intents) for one in found}


def test_what_passed_last_is_what_stands() -> None:
    """After a passed deploy only what its outcome names may be removed by the next one."""
    found = left(
        intent(1, plans="ab"), outcome("1", a="1", b="2"),
        intent(2, "1", plans="bc"), outcome("2", b="2", c="3"), at=2,
    )  # fmt: skip
    assert found == {"b": ("2", ()), "c": ("3", ())}


def test_what_a_failed_deploy_left() -> None:
    """What stood before still does, and what its outcome or its intent names may have come."""
    found = left(
        intent(1, plans="ab"), outcome("1", a="1", b="2"),
        intent(2, "1", plans="bcd"), outcome("2", "failed", b="2", c="3"), at=2,
    )  # fmt: skip
    two = (of(b"2"),)
    assert found == {"a": ("1", ()), "b": ("2", two), "c": ("3", two), "d": ("", two)}


def test_what_a_killed_deploy_left() -> None:
    """Without an outcome only the stamps of the intents can tell, however many were killed."""
    found = left(
        intent(1, plans="a"), outcome("1", a="1"), intent(2, "1", plans="ab"),
        intent(3, "2", plans="b"), at=3,
    )  # fmt: skip
    assert found == {"a": ("1", (of(b"2"),)), "b": ("", (of(b"3"), of(b"2")))}


def test_the_newest_uid_counts() -> None:
    """An object that somebody deleted, and a failed deploy made anew, is the new one."""
    found = left(
        intent(1, plans="a"), outcome("1", a="1"),
        intent(2, "1", plans="a"), outcome("2", "failed", a="9"), at=2,
    )  # fmt: skip
    assert found["a"][0] == "9"


def test_what_first_deploys_left() -> None:
    """Where none has passed yet, all attempts count."""
    found = left(intent(1, plans="a"), outcome("1", "failed", a="1"), intent(2, "1"), at=2)
    assert found == {"a": ("1", (of(b"1"),))}
