"""Carry: one intent to its outcome, for a deploy and for a rollback alike.

Intent n+1 names the head it follows and is signed and published first; then the head is swapped,
the set applied, the gate asked and the outcome signed. Who loses the swap has applied nothing. A
run that is killed leaves an intent without an outcome, which ``history`` says by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.history import Head, follow, left
from shipway.core.evidence.link import Edge, Link  # noqa: TC001  msgspec reads types
from shipway.core.evidence.shipped import Intent, Outcome  # noqa: TC001  msgspec reads types
from shipway.core.kube import head as heads
from shipway.core.kube.plan import Identity, Plan, Standing, Verb
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError, each
from shipway.roads import growth, record, sending
from shipway.roads.destination import Destination  # noqa: TC001  msgspec reads types
from shipway.stages import deploy, gate
from shipway.stages.deploy import Proof  # noqa: TC001  msgspec reads types
from shipway.stages.gate import GateResult  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from shipway.core.evidence.history import History
    from shipway.core.kube.head import Held
    from shipway.core.kube.objects import Ref
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.signer import Signer
    from shipway.run import Run


class CarryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A judged release, and how it goes out."""

    destination: Destination
    release: Descriptor
    """The release's manifest."""
    rendered: Descriptor
    render: Edge
    verdict: Edge
    proof: Proof | None = None
    """The verdict under which it is applied; nothing is applied without."""
    standing: tuple[Standing, ...] = ()
    adopt: bool = False
    only: frozenset[str] = frozenset()
    """Services whose objects alone may be pruned; empty: all that stands may be."""
    stays: frozenset[Identity] = frozenset()
    """Objects outside of the set that are left as they are."""
    kind: str = "deploy"
    reason: str = ""
    restores: Edge | None = None
    seconds: float = gate.SECONDS
    since: float | None = None
    """For a rollback after a gate: when it answered, on the monotonic clock."""

    @property
    def unit(self) -> Unit:
        """Return what the steps are about."""
        return Unit(target=self.destination.context)

    @property
    def head(self) -> Ref:
        """Return where the head of the history lies."""
        at = self.destination
        return heads.ref(at.project, at.environment, at.target)


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """An intent and how it ended."""

    intent: Link
    outcome: Link | None
    """None where a failure could not be signed: the intent stays unfinished."""
    said: Outcome
    gate: GateResult | None
    """None where it was not reached, or gave no answer."""
    error: ShipwayError | None = None
    """Why apply or gate broke off."""
    half: bool = False
    """Whether the apply broke off with something sent."""
    answered: float
    """When the gate answered or the error came, on the monotonic clock."""
    plan: Plan

    @property
    def passed(self) -> bool:
        """Return whether it serves."""
        return self.error is None and self.gate is not None and self.gate.passed


def carry(
    request: CarryRequest, *, held: Held, kube: Kube, hands: Hands, run: Run, signer: Signer
) -> Carried:
    """Carry out one intent, sign how it ended, and return that; also where apply or gate broke off.

    A failure that cannot be signed is a loud remark, and never hides why it failed.

    Raises:
        ShipwayError: ``deploy.lost_swap`` (conflict) with nothing applied; ``deploy.overtaken``
            (conflict) where another deploy came while this one was closed; what planning and
            signing raise. A run that is stopped (``run.cancelled``) signs no outcome.
    """
    began = hands.clock.now()
    plan = sending.plan(request, kube=kube, hands=hands, run=run)
    after = follow(held.head)
    said = record.intent(request, after.sequence, after.follows, kube=kube, hands=hands)
    link = record.sign(request, said, hands=hands, run=run, signer=signer)
    won = _swap(request, held, said, link, kube=kube, hands=hands, run=run, signer=signer)
    sent = sending.Sent()
    error = None
    try:
        sending.send(request, held, link, plan, sent, kube=kube, hands=hands, run=run)
    except ShipwayError as caught:
        if caught.kind is Kind.CANCELLED:
            raise
        error = caught
    answered, result = hands.clock.monotonic(), sent.gate
    passed = error is None and result is not None and result.passed
    closing = record.outcome(
        said,
        link,
        began,
        hands=hands,
        result="passed" if passed else "failed",
        causes=_causes(error) or (result.causes if result else ()),
        objects=(
            *(record.live(one) for one in (result.objects if result else sent.objects)),
            *(record.live(one) for one in plan.removals if one.verb is Verb.LEAVE),
        ),
        seconds=None if request.since is None else round(answered - request.since, 3),
    )
    if closing.result == "passed":
        growth.served(request.destination, request.rendered.digest, hands=hands)
    return Carried(
        intent=link,
        outcome=_ended(request, closing, won, kube=kube, hands=hands, run=run, signer=signer),
        said=closing,
        gate=result,
        error=error,
        half=not sent.whole and (bool(sent.seen) or _unsure(error)),
        answered=answered,
        plan=plan,
    )


def _causes(error: BaseException | None) -> tuple[str, ...]:
    """Return the ids of what went wrong, once each; never anybody's own words."""
    several = each(error) if error else ()
    return tuple(dict.fromkeys(one.id for one in several if isinstance(one, ShipwayError)))


def _unsure(error: ShipwayError | None) -> bool:
    """Return whether something may have been applied although no answer came, be it one object."""
    several = each(error) if error else ()
    return any(not isinstance(one, ShipwayError) or one.kind is Kind.TRANSIENT for one in several)


def standing(past: History, kube: Kube) -> tuple[Standing, ...]:
    """Return what signed links say was put there: all that may be pruned."""
    return deploy.standing(left(past), kube=kube)


def _swap(
    request: CarryRequest,
    held: Held,
    said: Intent,
    link: Link,
    *,
    kube: Kube,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> Held:
    new = Head(sequence=said.sequence, intent=link.payload, state="open")
    try:
        return deploy.swap_head(held, new, kube=kube)
    except ShipwayError as error:
        if error.id == "deploy.lost_swap":
            lost = record.outcome(said, link, hands.clock.now(), hands=hands, result="abandoned")
            try:
                record.sign(request, lost, hands=hands, run=run, signer=signer)
            except ShipwayError as other:
                _unrecorded(lost, other, run)
        raise


def _ended(
    request: CarryRequest,
    closing: Outcome,
    won: Held,
    *,
    kube: Kube,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> Link | None:
    """Sign the outcome and let the head say how it ended.

    Raises:
        ShipwayError: what stops that, where the deploy passed; a failure is told by itself.
    """
    link = None
    try:
        link = record.sign(request, closing, hands=hands, run=run, signer=signer)
        _close(won, closing.result, kube)
    except ShipwayError as error:
        if closing.result == "passed":
            raise
        _unrecorded(closing, error, run)
    return link


def _close(won: Held, state: str, kube: Kube) -> None:
    try:
        deploy.swap_head(won, msgspec.structs.replace(won.head, state=state), kube=kube)
    except ShipwayError as error:
        if error.id != "deploy.lost_swap":
            raise
        raise ShipwayError(
            "deploy.overtaken",
            Kind.CONFLICT,
            "another deploy to this environment came before this one had ended",
            operation="closing number",
            subject=str(won.head.sequence),
            hint="look at `shipway history`, then repeat if this one is still wanted",
        ) from error


def _unrecorded(closing: Outcome, error: ShipwayError, run: Run) -> None:
    text = f"that number {closing.sequence} was {closing.result} is not recorded: {error}"
    run.remark(text, loud=True)
