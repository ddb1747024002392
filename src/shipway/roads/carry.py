"""Carry: one intent to its outcome, for a deploy and for a rollback alike.

Intent n+1 names the head it follows and is signed and published first; then the head is swapped,
the set applied, the gate asked and the outcome signed. Who loses the swap has applied nothing. A
run that is killed leaves an intent without an outcome, which ``history`` says by name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import shipped, statement
from shipway.core.evidence.history import Head, follow
from shipway.core.evidence.link import Edge, Link  # noqa: TC001  msgspec reads types
from shipway.core.evidence.shipped import Applied, Intent, Outcome, Planned
from shipway.core.kube import objects
from shipway.core.kube.plan import Plan, Standing  # noqa: TC001  msgspec reads types
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import of
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.roads import block
from shipway.roads.destination import Destination  # noqa: TC001  msgspec reads types
from shipway.stages import attest, deploy, gate
from shipway.stages.attest import AttestRequest, Said
from shipway.stages.deploy import Proof  # noqa: TC001  msgspec reads types
from shipway.stages.gate import Expected, GateResult

if TYPE_CHECKING:
    from shipway.core.evidence.history import History
    from shipway.core.kube.head import Held
    from shipway.core.oci.digest import Digest
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
    outcome: Link
    said: Outcome
    gate: GateResult
    answered: float
    """When the gate answered, on the monotonic clock."""
    plan: Plan


def carry(
    request: CarryRequest, *, held: Held, kube: Kube, hands: Hands, run: Run, signer: Signer
) -> Carried:
    """Carry out one intent and sign how it ended, whatever that was.

    Raises:
        ShipwayError: ``deploy.lost_swap`` (conflict) with nothing applied, and what plan and apply
            raise; then the outcome says ``failed``. A run that is stopped (``run.cancelled``)
            signs no outcome: its intent stays unfinished.
    """
    began = hands.clock.now()
    plan = _plan(request, kube=kube, hands=hands, run=run)
    after = follow(held.head)
    said = _intent(request, after.sequence, after.follows, kube=kube, hands=hands)
    link = _sign(request, said, hands=hands, run=run, signer=signer)
    won = _swap(request, held, said, link, kube=kube, hands=hands, run=run, signer=signer)
    try:
        applied = _applied(request, link, plan, kube=kube, hands=hands, run=run)
        result = _gate(request, applied, kube=kube, hands=hands, run=run)
    except ShipwayError as error:
        if error.kind is not Kind.CANCELLED:
            closing = _outcome(said, link, began, hands, result="failed", causes=(error.id,))
            _end(request, closing, won, kube=kube, hands=hands, run=run, signer=signer)
        raise
    answered = hands.clock.monotonic()
    closing = _outcome(
        said,
        link,
        began,
        hands,
        result="passed" if result.passed else "failed",
        causes=result.causes,
        objects=tuple(_live(one) for one in result.objects),
        seconds=None if request.since is None else round(answered - request.since, 3),
    )
    outcome = _end(request, closing, won, kube=kube, hands=hands, run=run, signer=signer)
    return Carried(
        intent=link, outcome=outcome, said=closing, gate=result, answered=answered, plan=plan
    )


def standing(past: History, kube: Kube) -> tuple[Standing, ...]:
    """Return what stands in the newest outcome that names objects: all that may be pruned."""
    for entry in past.entries:
        if entry.outcome is not None and entry.outcome.objects:
            return deploy.standing(entry.outcome.objects, kube=kube)
    return ()


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
        plan = _without_jobs(plan)
    for action in plan.removals:
        run.remark(str(action))
    return plan


def _without_jobs(plan: Plan) -> Plan:
    """Return what a rollback does: what a Job once did is not done again."""
    kept = tuple(one for one in plan.actions if one.ref.kind != "Job")
    return msgspec.structs.replace(plan, actions=kept)


def _intent(
    request: CarryRequest, sequence: int, follows: Digest | None, *, kube: Kube, hands: Hands
) -> Intent:
    destination = request.destination
    entries = objects.entries(hands.content.read(request.rendered.digest))
    return Intent(
        project=destination.project,
        environment=destination.environment,
        target=destination.target,
        cluster=deploy.cluster(kube),
        sequence=sequence,
        follows=follows,
        kind=request.kind,
        release=request.release.digest,
        rendered=request.rendered.digest,
        render=request.render,
        verdict=request.verdict,
        objects=tuple(
            Planned(
                group=one.ref.group,
                kind=one.ref.kind,
                namespace=one.ref.namespace,
                name=one.ref.name,
                digest=one.digest,
            )
            for one in entries
        ),
        reason=request.reason,
        waives=("age", "policy") if request.kind == "rollback" else (),
        restores=request.restores,
        signed_on=statement.timestamp(hands.clock.now()),
    )


def _sign(
    request: CarryRequest, said: Intent | Outcome, *, hands: Hands, run: Run, signer: Signer
) -> Link:
    """Sign and publish a record under its place in the history."""
    run.sync()
    told = shipped.intent(said) if isinstance(said, Intent) else shipped.outcome(said)
    payload = statement.encode(told)
    tag = shipped.tag(said.environment, said.target, said.sequence, told.kind, of(payload))
    (link,) = run.step(
        attest.sign,
        request.unit,
        AttestRequest(
            statements=(Said(payload=payload, subject=request.release, tag=tag),),
            repository=request.destination.evidence,
        ),
        summary=lambda _: told.kind,
        signer=signer,
        content=hands.content,
        registry=hands.registry,
        clock=hands.clock,
        links=hands.links,
    )
    return link


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
            lost = _outcome(said, link, hands.clock.now(), hands, result="abandoned")
            _sign(request, lost, hands=hands, run=run, signer=signer)
        raise


def _applied(
    request: CarryRequest, link: Link, plan: Plan, *, kube: Kube, hands: Hands, run: Run
) -> Deployed:
    """Apply; where the cluster has no node port left, say who holds them."""
    try:
        return _apply(request, link, plan, kube=kube, hands=hands, run=run)
    except ShipwayError as error:
        told = block.full(error, kube)
        if told is None:
            raise
        raise told from error


def _apply(
    request: CarryRequest, link: Link, plan: Plan, *, kube: Kube, hands: Hands, run: Run
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
    )


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


def _outcome(
    said: Intent,
    link: Link,
    began: float,
    hands: Hands,
    *,
    result: str,
    causes: tuple[str, ...] = (),
    objects: tuple[Applied, ...] = (),
    seconds: float | None = None,
) -> Outcome:
    return Outcome(
        project=said.project,
        environment=said.environment,
        target=said.target,
        cluster=said.cluster,
        sequence=said.sequence,
        intent=link.edge,
        release=said.release,
        result=result,
        objects=objects,
        causes=causes,
        started_on=statement.timestamp(began),
        finished_on=statement.timestamp(hands.clock.now()),
        seconds=seconds,
    )


def _end(
    request: CarryRequest,
    closing: Outcome,
    won: Held,
    *,
    kube: Kube,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> Link:
    """Sign the outcome, give it its place, and let the head say how it ended."""
    link = _sign(request, closing, hands=hands, run=run, signer=signer)
    head = msgspec.structs.replace(won.head, state=closing.result)
    deploy.swap_head(won, head, kube=kube)
    return link


def _live(one: ObjectStatus) -> Applied:
    return Applied(
        group=one.ref.group,
        kind=one.ref.kind,
        namespace=one.ref.namespace,
        name=one.ref.name,
        uid=one.uid,
        generation=one.generation,
    )
