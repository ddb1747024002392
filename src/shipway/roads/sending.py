"""Sending: what one intent does to its cluster: plan, apply, and ask the gate; or remove.

``roads.carry`` calls it between the swap of the head and the outcome. Where it follows a deploy
that had not ended, it looks at what stands once more, since late requests of that one may arrive.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube import plan as plans
from shipway.core.kube.health import State
from shipway.core.kube.objects import uid_of
from shipway.core.kube.plan import Verb
from shipway.errors import Kind, ShipwayError
from shipway.roads import block
from shipway.stages import deploy, gate, remove, unstick
from shipway.stages.gate import Expected, GateResult, ObjectStatus

if TYPE_CHECKING:
    from shipway.core.evidence.link import Link
    from shipway.core.kube.head import Held
    from shipway.core.kube.plan import Action, Plan
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.roads.carry import CarryRequest
    from shipway.run import Run
    from shipway.stages.deploy import Deployed

_TRIES = 3
"""How often all is applied where an unfinished deploy writes over it."""


def plan(request: CarryRequest, *, kube: Kube, hands: Hands, run: Run) -> Plan:
    """Return what will be done; say what is removed, and what a rollback leaves.

    Raises:
        ShipwayError: as ``deploy.plan``.
    """
    planned, stays = _plan(request, kube, hands)
    for action in stays:
        run.remark(f"{action.ref} is not rolled back: it stays as it is")
    for action in planned.removals:
        if action.why != plans.NOT_BACK:
            run.remark(str(action))
    return planned


class Sent:
    """What one intent did to the cluster so far."""

    def __init__(self) -> None:
        self.seen: list[deploy.Applied] = []
        self.whole = False
        """Whether an apply came to its end."""
        self.gate: GateResult | None = None

    @property
    def objects(self) -> tuple[deploy.Applied, ...]:
        """Return what the server took, each object once, in the order of their names."""
        found = {one.ref.identity: one for one in self.seen}
        return tuple(found[name] for name in sorted(found))


def send(
    request: CarryRequest,
    held: Held,
    link: Link,
    planned: Plan,
    sent: Sent,
    *,
    kube: Kube,
    hands: Hands,
    run: Run,
) -> None:
    """Apply and ask the gate; again where a deploy that began before wrote over it meanwhile.

    Raises:
        ShipwayError: ``deploy.overtaken`` (conflict) where another deploy began since: then the
            gate's answer may be about that one's objects. ``deploy.contested`` (conflict) where
            the one before does not come to rest.
    """
    if request.kind == "delete":
        sent.gate = _remove(request, link, planned, kube=kube, hands=hands, run=run)
        return
    for _ in range(_TRIES):
        applied = _applied(request, link, planned, sent.seen, kube=kube, hands=hands, run=run)
        sent.whole = True
        if request.kind == "rollback":
            _unstick(request, applied, kube=kube, hands=hands, run=run)
        sent.gate = _gate(request, applied, kube=kube, hands=hands, run=run)
        deploy.check_head(request.head, link.payload, kube=kube)
        if held.head.state != "open" or not sent.gate.passed:
            return
        planned, _ = _plan(request, kube, hands)
        if not planned.changes and not deploy.overwritten(applied.objects, link.payload, kube=kube):
            return
        run.remark(f"number {held.head.sequence} was still on its way: all is applied again")
    raise ShipwayError(
        "deploy.contested",
        Kind.CONFLICT,
        f"number {held.head.sequence} goes on applying although this one came after it",
        operation="deploying to",
        subject=f"{request.destination.environment} on {request.destination.context}",
        hint="see who runs it, stop that, then repeat",
    )


def _plan(request: CarryRequest, kube: Kube, hands: Hands) -> tuple[Plan, tuple[Action, ...]]:
    """Return the plan, and what of the set a rollback leaves as it is."""
    destination = request.destination
    planned = deploy.plan(
        deploy.PlanRequest(
            project=destination.project,
            environment=destination.environment,
            target=destination.target,
            rendered=request.rendered,
            standing=request.standing,
            adopt=request.adopt,
            only=request.only,
            stays=request.stays,
        ),
        kube=kube,
        content=hands.content,
    )
    return plans.backwards(planned) if request.kind == "rollback" else (planned, ())


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
    if request.proof is None:
        raise ShipwayError(
            "deploy.unverified",
            Kind.REJECTED,
            "there is no verdict",
            operation="applying",
            subject=str(request.release.digest),
            hint="run `shipway up` again: it makes a new verdict",
        )
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
            head=request.head,
        ),
        summary=lambda done: f"{len(done.objects)} applied, {len(done.pruned)} pruned",
        kube=kube,
        content=hands.content,
        clock=hands.clock,
        on_applied=seen.append,
    )


def _remove(
    request: CarryRequest, link: Link, plan: Plan, *, kube: Kube, hands: Hands, run: Run
) -> GateResult:
    """Remove all that stands; what is left is what the outcome names."""
    run.step(
        remove.remove,
        request.unit,
        remove.RemoveRequest(plan=plan, intent=link.payload, head=request.head),
        summary=lambda done: f"{len(done.pruned)} deleted",
        kube=kube,
        clock=hands.clock,
    )
    there = tuple(
        ObjectStatus(ref=one.ref, uid=one.uid, generation=0, state=State.HEALTHY)
        for one in plan.removals
        if one.verb is Verb.KEEP and one.uid and one.uid == uid_of(kube.get(one.ref) or {})
    )
    return GateResult(passed=True, objects=there, seconds=0.0)


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
