"""The history of one environment and target: a chain of intents, each with its outcome.

``roads`` ask :func:`follow` for the next number and read a history back with :func:`read`. The
head is a pointer in the cluster (or a branch) that this module only compares with the links.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import msgspec

from shipway.core.evidence import shipped
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.link import Verified  # noqa: TC001  msgspec reads types
from shipway.core.evidence.shipped import Intent, Outcome
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable

T = TypeVar("T", Intent, Outcome)


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where a history stands, as its cluster keeps it; the first has sequence 0."""

    sequence: int = 0
    intent: Digest | None = None
    """Payload digest of the newest intent that won the swap."""
    state: str = "empty"
    """``empty``, ``open`` (applying) or the outcome's result."""


class Next(msgspec.Struct, frozen=True, kw_only=True):
    """The number that a new intent takes, and what it follows."""

    sequence: int
    follows: Digest | None


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a history."""

    intent: Intent
    link: Verified
    outcome: Outcome | None = None
    outcome_link: Verified | None = None

    @property
    def passed(self) -> bool:
        """Return whether it ended well."""
        return self.outcome is not None and self.outcome.result == "passed"

    @property
    def serves(self) -> bool:
        """Return whether it ended well and left something that serves: no ``delete`` does."""
        return self.passed and self.intent.kind != "delete"


class History(msgspec.Struct, frozen=True, kw_only=True):
    """A history as its links tell it, newest first, and what is wrong with it."""

    entries: tuple[Entry, ...] = ()
    """The chain from the head backwards."""
    others: tuple[Entry, ...] = ()
    """Intents that are not on the chain: abandoned or forked ones."""
    findings: tuple[Finding, ...] = ()

    @property
    def newest_passed(self) -> Entry | None:
        """Return the entry that a rollback would put back if the newest one failed.

        None where that is a ``delete``: nothing served after it.
        """
        found = next((one for one in self.entries if one.passed), None)
        return found if found is not None and found.serves else None

    def passed(self, release: str) -> Entry | None:
        """Return the newest passed entry of a release, named by its digest or how that begins."""
        return next(
            (one for one in self.entries if one.serves and one.intent.release.startswith(release)),
            None,
        )

    def before(self, release: Digest) -> Entry | None:
        """Return the newest passed entry of another release: what ``rollback`` goes to."""
        return next(
            (one for one in self.entries if one.serves and one.intent.release != release), None
        )


class Left(msgspec.Struct, frozen=True, kw_only=True):
    """One object that deploys put into the cluster, or may have put there before they broke off."""

    group: str
    kind: str
    namespace: str
    name: str
    uid: str = ""
    """As the newest outcome that names it saw it; empty where none does."""
    intents: tuple[Digest, ...] = ()
    """Intents that planned it and did not pass: the live object may carry the stamp of one."""


def left(past: History) -> tuple[Left, ...]:
    """Return all that may still stand in the cluster: nothing else is ever pruned.

    That is what the newest passed outcome names, and of every attempt after it what its outcome
    names and what its intent planned, since an apply that was refused or killed half way removed
    nothing and named only what it saw. ``past`` has to reach back to the newest passed outcome.
    """
    found: dict[tuple[str, str, str, str], Left] = {}
    for entry in past.entries:
        for one in entry.outcome.objects if entry.outcome else ():
            known = found.setdefault(one.identity, _left(one.identity))
            if not known.uid:
                found[one.identity] = msgspec.structs.replace(known, uid=one.uid)
        if entry.passed:
            break
        for planned in entry.intent.objects:
            known = found.setdefault(planned.identity, _left(planned.identity))
            intents = (*known.intents, entry.link.edge.payload)
            found[planned.identity] = msgspec.structs.replace(known, intents=intents)
    return tuple(found.values())


def _left(identity: tuple[str, str, str, str]) -> Left:
    group, kind, namespace, name = identity
    return Left(group=group, kind=kind, namespace=namespace, name=name)


def follow(head: Head) -> Next:
    """Return number and predecessor of the intent after ``head``."""
    return Next(sequence=head.sequence + 1, follows=head.intent)


def read(
    links: Iterable[Verified], *, environment: str, target: str, head: Head | None, oldest: int = 1
) -> History:
    """Return the history of one environment and target.

    Without a ``head`` (offline) the highest number stands for it, and a tail that was cut off
    cannot be seen; links of other environments, targets or of a wrong shape are left out. Numbers
    before ``oldest`` were not read, so nothing is said of them.
    """
    entries = _entries(links, environment, target)
    by_payload = {one.link.edge.payload: one for one in entries}
    findings: list[Finding] = []
    chain = _chain(_tips(entries, by_payload, head, findings), by_payload, findings, oldest)
    others = tuple(one for one in entries if one not in chain)
    findings += _beside(others, entries, head)
    findings += [
        Finding(Answer.UNFINISHED, _name(one.intent)) for one in chain if one.outcome is None
    ]
    return History(entries=chain, others=others, findings=tuple(findings))


def _entries(links: Iterable[Verified], environment: str, target: str) -> list[Entry]:
    outcomes: dict[Digest, tuple[Outcome, Verified]] = {}
    intents: list[tuple[Intent, Verified]] = []
    for link in links:
        if link.kind == "outcome" and (ended := _parsed(link, Outcome)) is not None:
            known = outcomes.get(ended.intent.payload)
            if known is None or known[0].finished_on <= ended.finished_on:
                outcomes[ended.intent.payload] = (ended, link)
        elif link.kind == "intent" and (planned := _parsed(link, Intent)) is not None:
            intents.append((planned, link))
    entries = []
    for planned, link in intents:
        if (planned.environment, planned.target) == (environment, target):
            ended, ended_link = outcomes.get(link.edge.payload, (None, None))
            entries.append(Entry(intent=planned, link=link, outcome=ended, outcome_link=ended_link))
    return sorted(entries, key=lambda one: (-one.intent.sequence, one.link.edge.payload))


def _tips(
    entries: list[Entry],
    by_payload: dict[Digest, Entry],
    head: Head | None,
    findings: list[Finding],
) -> Entry | None:
    """Return where the chain starts: the head, else the highest number that went on."""
    if head is None:
        finished = [one for one in entries if one.outcome and one.outcome.result != "abandoned"]
        tops = [one for one in entries if one.intent.sequence == entries[0].intent.sequence]
        return next((one for one in tops if one in finished), tops[0] if tops else None)
    if head.intent is None:
        return None
    tip = by_payload.get(head.intent)
    if tip is None:
        what = f"number {head.sequence}"
        findings.append(Finding(Answer.TRUNCATED, what, "the head names an intent that is gone"))
    return tip


def _chain(
    tip: Entry | None, by_payload: dict[Digest, Entry], findings: list[Finding], oldest: int
) -> tuple[Entry, ...]:
    chain: list[Entry] = []
    while tip is not None:
        chain.append(tip)
        follows, number = tip.intent.follows, tip.intent.sequence
        if follows is None:
            if number != 1:
                findings.append(Finding(Answer.TRUNCATED, f"number {number}", "it follows nothing"))
            break
        if number <= oldest:
            break
        before = by_payload.get(follows)
        if before is None or before.intent.sequence != number - 1:
            why = f"number {number} follows an intent that is not number {number - 1}, or is gone"
            findings.append(Finding(Answer.TRUNCATED, f"number {number - 1}", why))
            break
        tip = before
    return tuple(chain)


def _beside(others: tuple[Entry, ...], entries: list[Entry], head: Head | None) -> list[Finding]:
    """Return what the intents off the chain are: lost swaps, forks, or newer than the head."""
    followed = {one.intent.follows for one in entries}
    found = []
    for one in others:
        went_on = one.link.edge.payload in followed or (
            one.outcome is not None and one.outcome.result != "abandoned"
        )
        if not went_on:
            found.append(Finding(Answer.ABANDONED, _name(one.intent)))
        elif head is not None and one.intent.sequence > head.sequence:
            why = f"the head says {head.sequence}"
            found.append(Finding(Answer.TRUNCATED, _name(one.intent), why))
        elif any(two is not one and two.intent.sequence == one.intent.sequence for two in entries):
            found.append(Finding(Answer.FORKED, _name(one.intent), "another intent has its number"))
        else:
            found.append(
                Finding(Answer.TRUNCATED, _name(one.intent), "the chain does not reach it")
            )
    return found


def _name(intent: Intent) -> str:
    return shipped.tag(intent.environment, intent.target, intent.sequence, "intent")


def _parsed(link: Verified, into: type[T]) -> T | None:
    try:
        return shipped.read(link.statement, into)
    except ShipwayError:
        return None
