"""The two records of an attempt, and how they get their place in the history.

``roads.carry`` signs the intent before anything is applied, and the outcome however that ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.evidence import shipped, statement
from shipway.core.evidence.shipped import Applied, Intent, Outcome, Planned
from shipway.core.kube import objects
from shipway.core.oci.digest import of
from shipway.stages import attest, deploy
from shipway.stages.attest import AttestRequest, Said

if TYPE_CHECKING:
    from shipway.core.evidence.link import Link
    from shipway.core.kube.plan import Action
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.signer import Signer
    from shipway.roads.carry import CarryRequest
    from shipway.run import Run
    from shipway.stages.gate import ObjectStatus


def intent(
    request: CarryRequest, sequence: int, follows: Digest | None, *, kube: Kube, hands: Hands
) -> Intent:
    """Return what will be applied, and where."""
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


def sign(
    request: CarryRequest, said: Intent | Outcome, *, hands: Hands, run: Run, signer: Signer
) -> Link:
    """Sign and publish a record under its place in the history."""
    synced = run.syncing()
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
        there=synced,
    )
    return link


def outcome(
    said: Intent,
    link: Link,
    began: float,
    *,
    hands: Hands,
    result: str,
    causes: tuple[str, ...] = (),
    objects: tuple[Applied, ...] = (),
    seconds: float | None = None,
) -> Outcome:
    """Return how an intent ended; ``began`` is in seconds since the epoch."""
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


def live(one: ObjectStatus | deploy.Applied | Action) -> Applied:
    """Return an object as the gate saw it, the server took it, or the plan left it."""
    return Applied(
        group=one.ref.group,
        kind=one.ref.kind,
        namespace=one.ref.namespace,
        name=one.ref.name,
        uid=one.uid,
        generation=one.generation,
    )
