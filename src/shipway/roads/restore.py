"""Restore: put back what served before, under an intent of kind rollback.

``deliver`` comes here when a gate says no, ``rollback`` when a person asks. Nothing is judged anew:
the original verdict is checked for integrity against the passed outcome that stood on it, so that
no stale database blocks the way out. Jobs, definitions and volumes are not rolled back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.evidence import artifact, shipped
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.recheck import Restored
from shipway.core.evidence.walk import Walk
from shipway.core.oci.descriptor import MANIFEST, Descriptor
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.roads import carry, history
from shipway.stages import deploy
from shipway.stages.deploy import Proof
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.history import Entry
    from shipway.core.evidence.link import Edge
    from shipway.core.kube.head import Held
    from shipway.core.kube.plan import Standing
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.signer import Signer
    from shipway.roads.carry import Carried
    from shipway.roads.destination import Destination
    from shipway.run import Run


def after(
    failed: Carried,
    destination: Destination,
    *,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> None:
    """Put the newest passed release back because a gate said no, and raise why it did.

    Raises:
        ShipwayError: ``gate.failed`` (rejected), always.
    """
    entry = _newest_passed(destination, hands)
    told = "; ".join(f"{one.ref}: {one.message}" for one in failed.gate.failures)
    for one in failed.gate.failures:
        for line in one.lines:
            run.line("gate", Unit(target=destination.context), line)
    if entry is None:
        raise _failed(destination, told, "there is no release before it: it was left as it is")
    restored = put_back(
        entry,
        destination,
        reason="gate failed",
        since=failed.answered,
        hands=hands,
        run=run,
        signer=signer,
    )
    if not restored.gate.passed:
        raise _failed(destination, told, "what ran before was applied again and does not serve")
    number, seconds = entry.intent.sequence, restored.said.seconds or 0.0
    raise _failed(
        destination, told, f"the release of number {number} serves again after {seconds:.1f} s"
    )


def put_back(
    entry: Entry,
    destination: Destination,
    *,
    reason: str,
    since: float | None,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> Carried:
    """Carry the release of ``entry`` out again, with its old bytes and its old verdict.

    Raises:
        ShipwayError: ``deploy.unverified`` (rejected) where the evidence does not hold, and what
            carrying raises.
    """
    proof, restores = _proof(entry, destination, hands)
    kube = hands.kube(destination.context)
    held = deploy.read_head(
        destination.project, destination.environment, destination.target, kube=kube
    )
    intent = entry.intent
    request = carry.CarryRequest(
        destination=destination,
        release=_release(destination, entry, hands),
        rendered=_rendered(destination, entry, hands),
        render=intent.render,
        verdict=intent.verdict,
        proof=proof,
        standing=_standing(destination, held, hands),
        kind="rollback",
        reason=reason,
        restores=restores,
        since=hands.clock.monotonic() if since is None else since,
    )
    return carry.carry(request, held=held, kube=kube, hands=hands, run=run, signer=signer)


def _newest_passed(destination: Destination, hands: Hands) -> Entry | None:
    """Return what served last, looking further back only if it is not near."""
    head = history.head(
        destination.project,
        destination.environment,
        destination.target,
        kube=hands.kube(destination.context),
    )
    for newest in (5, 500):
        asked = destination.history(newest)
        past = history.read(asked, registry=hands.registry, head=head)
        if past.newest_passed is not None:
            return past.newest_passed
    return None


def _proof(entry: Entry, destination: Destination, hands: Hands) -> tuple[Proof, Edge]:
    """Return the original verdict with the deploy that passed under it, and that outcome's edge."""
    if entry.outcome_link is None:
        raise ShipwayError(
            "rollback.none", Kind.INTERNAL, "a deploy without an outcome cannot be put back"
        )
    proof = Proof(
        bundle=_bundle(destination, entry.intent.verdict, hands),
        trust=destination.trust,
        policy=built_in(),
        restored=Restored(intent=entry.link, outcome=entry.outcome_link),
    )
    return proof, entry.outcome_link.edge


def _bundle(destination: Destination, verdict: Edge, hands: Hands) -> bytes:
    """Return the bundle of the original verdict, from the registry."""
    _, data = hands.registry.pull_manifest(destination.evidence, verdict.manifest)
    layer = artifact.only_layer(artifact.parse(data))
    return hands.registry.pull_blob(destination.evidence, layer)


def _release(destination: Destination, entry: Entry, hands: Hands) -> Descriptor:
    found, data = hands.registry.pull_manifest(destination.evidence, entry.intent.release)
    return hands.content.put(data, found.media_type or MANIFEST)


def _rendered(destination: Destination, entry: Entry, hands: Hands) -> Descriptor:
    """Bring the rendered set into the store, as the render link that was judged names it."""
    walk = Walk(trust=destination.trust, policy=built_in().policy)
    walk.link(destination.evidence, entry.intent.render.manifest, entry.intent.release)
    found = drive(walk, RegistrySource(hands.registry))
    link = found.named(entry.intent.render.payload)
    if link is None:
        raise ShipwayError(
            "deploy.unverified",
            Kind.REJECTED,
            "; ".join(str(one) for one in found.findings) or "its render link is gone",
            operation="putting back",
            subject=f"number {entry.intent.sequence} of {destination.environment}",
            hint="`shipway history` shows which releases can be put back",
        )
    said = shipped.read(link.statement, shipped.Rendering)
    rendered = Descriptor(said.media_type, said.rendered, said.size)
    hands.registry.fetch_blob(destination.evidence, rendered, hands.content)
    return rendered


def _standing(destination: Destination, held: Held, hands: Hands) -> tuple[Standing, ...]:
    past = history.read(destination.history(), registry=hands.registry, head=held.head)
    return carry.standing(past, hands.kube(destination.context))


def _failed(destination: Destination, told: str, then: str) -> ShipwayError:
    return ShipwayError(
        "gate.failed",
        Kind.REJECTED,
        f"{told}; {then}",
        operation="waiting for",
        subject=f"{destination.project} in {destination.environment}",
        hint="the container's last lines stand above; mend the service and run `shipway up` again",
    )
