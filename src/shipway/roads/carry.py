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
from shipway.core.kube import plan as plans
from shipway.core.kube.plan import Plan, Standing  # noqa: TC001  msgspec reads types
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.run.events import Unit
from shipway.errors import Failures, Kind, ShipwayError
from shipway.roads import block, record
from shipway.roads.destination import Destination  # noqa: TC001  msgspec reads types
from shipway.stages import deploy, gate, unstick
from shipway.stages.deploy import Proof  # noqa: TC001  msgspec reads types
from shipway.stages.gate import Expected, GateResult

if TYPE_CHECKING:
    from shipway.core.evidence.history import History
    from shipway.core.kube.head import Held
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.signer import Signer
    from shipway.run import Run
    from shipway.stages.deploy import Deployed
    from shipway.stages.gate import ObjectStatus


class CarryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A judged release, and how it goes out."""

    destination: Destination
    release: Descriptor
    """The release's manifest."""
    rendered: Descriptor
    render: Edge
    verdict: Edge
    proof: Proof
    standing: tuple[Standing, ...] = ()
    adopt: bool = False
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
        return self.gate is not None and self.gate.passed


def carry(
    request: CarryRequest, *, held: Held, kube: Kube, hands: Hands, run: Run, signer: Signer
) -> Carried:
    """Carry out one intent, sign how it ended, and return that; also where apply or gate broke off.

    A failure that cannot be signed is a loud remark, and never hides why it failed.

    Raises:
        ShipwayError: ``deploy.lost_swap`` (conflict) with nothing applied; ``deploy.overtaken``
            (conflict) where it serves, but another deploy came meanwhile; what planning and
            signing raise. A run that is stopped (``run.cancelled``) signs no outcome.
    """
    began = hands.clock.now()
    plan = _plan(request, kube=kube, hands=hands, run=run)
    after = follow(held.head)
    said = record.intent(request, after.sequence, after.follows, kube=kube, hands=hands)
    link = record.sign(request, said, hands=hands, run=run, signer=signer)
    won = _swap(request, held, said, link, kube=kube, hands=hands, run=run, signer=signer)
    seen: list[deploy.Applied] = []
    applied, result, error = None, None, None
    try:
        applied = _applied(request, link, plan, seen, kube=kube, hands=hands, run=run)
        if request.kind == "rollback":
            _unstick(request, applied, kube=kube, hands=hands, run=run)
        result = _gate(request, applied, kube=kube, hands=hands, run=run)
    except ShipwayError as caught:
        if caught.kind is Kind.CANCELLED:
            raise
        error = caught
    answered = hands.clock.monotonic()
    stood = result.objects if result else sorted(seen, key=lambda one: one.ref.identity)
    closing = record.outcome(
        said,
        link,
        began,
        hands=hands,
        result="passed" if result is not None and result.passed else "failed",
        causes=result.causes if result else _causes(error),
        objects=tuple(record.live(one) for one in stood),
        seconds=None if request.since is None else round(answered - request.since, 3),
    )
    return Carried(
        intent=link,
        outcome=_ended(request, closing, won, kube=kube, hands=hands, run=run, signer=signer),
        said=closing,
        gate=result,
        error=error,
        half=applied is None and (bool(seen) or _unsure(error)),
        answered=answered,
        plan=plan,
    )


def _causes(error: BaseException | None) -> tuple[str, ...]:
    """Return the ids of what went wrong, once each; never anybody's own words."""
    several = error.failures if isinstance(error, Failures) else (error,)
    return tuple(dict.fromkeys(one.id for one in several if isinstance(one, ShipwayError)))


def _unsure(error: ShipwayError | None) -> bool:
    """Return whether something may have been applied although no answer came."""
    return error is not None and error.kind is Kind.TRANSIENT


def standing(past: History, kube: Kube) -> tuple[Standing, ...]:
    """Return what signed links say was put there: all that may be pruned."""
    return deploy.standing(left(past), kube=kube)


def _plan(request: CarryRequest, *, kube: Kube, hands: Hands, run: Run) -> Plan:
    destination = request.destination
    plan = deploy.plan(
        deploy.PlanRequest(
            project=destination.project,
            environment=destination.environment,
            target=destination.target,
            rendered=request.rendered,
            standing=request.standing,
            adopt=request.adopt,
        ),
        kube=kube,
        content=hands.content,
    )
    if request.kind == "rollback":
        plan, stays = plans.backwards(plan)
        for action in stays:
            run.remark(f"{action.ref} is not rolled back: it stays as it is")
    for action in plan.removals:
        run.remark(str(action))
    return plan


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


def _applied(
    request: CarryRequest,
    link: Link,
    plan: Plan,
    seen: list[deploy.Applied],
    *,
    kube: Kube,
    hands: Hands,
    run: Run,
) -> Deployed:
    """Apply, and note in ``seen`` what the server took; say who holds the node ports if none is."""
    try:
        return _apply(request, link, plan, seen, kube=kube, hands=hands, run=run)
    except ShipwayError as error:
        told = block.full(error, kube)
        if told is None:
            raise
        raise told from error


def _apply(
    request: CarryRequest,
    link: Link,
    plan: Plan,
    seen: list[deploy.Applied],
    *,
    kube: Kube,
    hands: Hands,
    run: Run,
) -> Deployed:
    destination = request.destination
    return run.step(
        deploy.apply,
        request.unit,
        deploy.ApplyRequest(
            project=destination.project,
            environment=destination.environment,
            release=request.release.digest,
            rendered=request.rendered,
            intent=link.payload,
            proof=request.proof,
            plan=plan,
        ),
        summary=lambda done: f"{len(done.objects)} applied, {len(done.pruned)} pruned",
        kube=kube,
        content=hands.content,
        clock=hands.clock,
        on_applied=seen.append,
    )


def _unstick(
    request: CarryRequest, applied: Deployed, *, kube: Kube, hands: Hands, run: Run
) -> None:
    """Delete the broken pods for which StatefulSets would wait for ever."""
    sets = tuple(one.ref for one in applied.objects if one.ref.kind == "StatefulSet")
    if not sets:
        return
    done = run.step(
        unstick.unstick,
        request.unit,
        unstick.UnstickRequest(sets=sets),
        summary=lambda made: f"{len(made.pods)} pods deleted",
        kube=kube,
        clock=hands.clock,
    )
    for pod in done.pods:
        run.remark(f"{pod} was deleted: it was stuck at the revision that was taken back")


def _gate(
    request: CarryRequest, applied: Deployed, *, kube: Kube, hands: Hands, run: Run
) -> GateResult:
    def seen(status: ObjectStatus) -> None:
        if status.message:
            run.line("gate", request.unit, f"{status.ref}: {status.message}")

    return run.step(
        gate.watch,
        request.unit,
        gate.GateRequest(
            objects=tuple(
                Expected(one.ref, one.uid, one.generation, one.version) for one in applied.objects
            ),
            seconds=request.seconds,
            rules=request.destination.health,
        ),
        summary=lambda done: "all serve" if done.passed else ", ".join(done.causes),
        kube=kube,
        clock=hands.clock,
        on_change=seen,
    )


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
