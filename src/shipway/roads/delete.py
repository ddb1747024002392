"""Delete: what an environment's deploys put into its clusters goes; its evidence stays.

The CLI calls :func:`delete`. It goes under a signed intent of kind ``delete``, takes a number like
any deploy, and removes nothing but what signed links say was put there. What is never pruned
(namespaces, definitions, volume claims) is left and named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.history import History
from shipway.core.kube import head as heads
from shipway.core.kube.objects import MANIFESTS, write_set
from shipway.core.kube.plan import Verb
from shipway.core.oci.descriptor import MANIFEST
from shipway.errors import Kind, ShipwayError
from shipway.roads import carry, history, outset, targets, where
from shipway.stages import deploy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.evidence.history import Head
    from shipway.core.kube.head import Held
    from shipway.core.kube.plan import Action
    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event
    from shipway.roads.destination import Destination
    from shipway.run import Run

_ALL = 10_000
"""Numbers that are read back, at most, to where something last passed."""


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """What went and what is left."""

    environment: str
    numbers: dict[str, int]
    """Target to its new number; a target without anything has none."""
    deleted: dict[str, tuple[str, ...]]
    left: dict[str, tuple[str, ...]]
    """Target to what stays, and why."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        for target, gone in self.deleted.items():
            yield f"{self.environment} on {target}: {len(gone)} objects are gone"
            yield from (f"  {one}" for one in gone)
            yield from (f"  {one}" for one in self.left[target])
        if not self.numbers:
            yield f"nothing of {self.environment} was there"


def delete(
    request: where.WhereRequest,
    *,
    reason: str,
    sure: Callable[[tuple[str, ...]], bool],
    hands: Hands,
    emit: Callable[[Event], None],
) -> Removed:
    """Remove an environment from every target; ``sure`` is shown each object and may say no.

    Raises:
        ShipwayError: ``delete.unsure`` (usage) where nobody said yes, ``deploy.lost_swap``
            (conflict), and what carrying raises.
    """
    places = where.destinations(request, hands=hands)
    found = {one.context: _There(one, hands) for one in places}
    listed = tuple(line for one in found.values() for line in one.listed())
    if listed and not sure(listed):
        raise ShipwayError(
            "delete.unsure",
            Kind.USAGE,
            f"nobody said yes to deleting {len(listed)} objects",
            operation="deleting",
            subject=request.environment,
            hint="answer y, or say --yes",
        )
    with outset.run("delete", request.environment, hands=hands, emit=emit) as run:
        done = targets.each(
            tuple(name for name, one in found.items() if one.going),
            lambda name: found[name].go(reason, run),
            rollout=places[0].rollout,
            run=run,
        )
        return Removed(
            environment=request.environment,
            numbers=done,
            deleted={name: tuple(str(one.ref) for one in found[name].going) for name in done},
            left={name: tuple(str(one) for one in found[name].staying) for name in done},
        )


class _There:
    """What is there on one target."""

    def __init__(self, destination: Destination, hands: Hands) -> None:
        self._at = destination
        self._hands = hands
        self._kube = hands.kube(destination.context)
        name = heads.ref(destination.project, destination.environment, destination.target)
        there = self._kube.get(name)
        self._held: Held | None = None if there is None else heads.read(there)
        self._past = History()
        if self._held is not None:
            asked = destination.history(_ALL)
            self._past = history.recent(asked, registry=hands.registry, head=self._held.head)
            _read(self._past, self._held.head, destination)
        self._standing = carry.standing(self._past, self._kube)
        empty = hands.content.put(write_set(()), MANIFESTS)
        self._rendered = empty
        plan = deploy.plan(
            deploy.PlanRequest(
                project=destination.project,
                environment=destination.environment,
                target=destination.target,
                rendered=empty,
                standing=self._standing,
            ),
            kube=self._kube,
            content=hands.content,
        )
        self.going: tuple[Action, ...] = tuple(
            one for one in plan.removals if one.verb is Verb.PRUNE
        )
        self.staying: tuple[Action, ...] = tuple(
            one for one in plan.removals if one.verb is not Verb.PRUNE
        )

    def listed(self) -> Iterator[str]:
        """Yield what would go from here."""
        for one in self.going:
            yield f"{one.ref} on {self._at.context}"

    def go(self, reason: str, run: Run) -> int:
        """Remove it, and return the number that this took."""
        hands, at = self._hands, self._at
        newest = self._past.entries[0].intent
        described, data = hands.registry.pull_manifest(at.evidence, newest.release)
        release = hands.content.put(data, described.media_type or MANIFEST)
        request = carry.CarryRequest(
            destination=at,
            release=release,
            rendered=self._rendered,
            render=newest.render,
            verdict=newest.verdict,
            standing=self._standing,
            kind="delete",
            reason=reason or "asked for",
        )
        held = self._held or deploy.read_head(
            at.project, at.environment, at.target, kube=self._kube
        )
        done = carry.carry(
            request, held=held, kube=self._kube, hands=hands, run=run, signer=hands.signer()
        )
        if done.error is not None:
            raise done.error
        return done.said.sequence


def _read(past: History, head: Head, at: Destination) -> None:
    """Do nothing where the history tells what stands.

    Raises:
        ShipwayError: ``delete.history`` (integrity): it breaks off before a deploy that passed.
    """
    entries = past.entries
    if not head.sequence or any(one.passed for one in entries):
        return
    if entries and entries[-1].intent.sequence == 1 and not past.findings:
        return
    why = "; ".join(str(one) for one in past.findings[:3]) or "its links are not there"
    raise ShipwayError(
        "delete.history",
        Kind.INTEGRITY,
        f"what stands there cannot be told from its history: {why}",
        operation="deleting",
        subject=f"{at.environment} on {at.context}",
        hint=f"shipway history {at.environment} --key FILE, with the key that signed it",
    )
