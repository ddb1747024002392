"""Restore: put back what served before, under an intent of kind rollback.

``deliver`` comes here when a gate says no or an apply breaks off, ``rollback`` when a person asks.
Nothing is judged anew: the original verdict is checked for integrity against the passed outcome
that stood on it, so that no stale database blocks the way out. Jobs, definitions and volumes are
not rolled back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from shipway.core.evidence import artifact, shipped
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.recheck import Restored
from shipway.core.evidence.walk import Walk
from shipway.core.kube.health import causes
from shipway.core.oci.descriptor import MANIFEST, Descriptor
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.roads import carry, history
from shipway.stages import deploy
from shipway.stages.deploy import Proof
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.history import Entry, History
    from shipway.core.evidence.link import Edge
    from shipway.core.kube.head import Held
    from shipway.core.kube.plan import Identity
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.signer import Signer
    from shipway.roads.carry import Carried
    from shipway.roads.destination import Destination
    from shipway.run import Run

_RECENT = 5
"""Numbers of the history that are looked at first: what is put back is mostly near."""


def after(
    failed: Carried,
    destination: Destination,
    *,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> NoReturn:
    """Put the newest passed release back where it has to be, and raise why the new one failed.

    It has to be if the gate said no, or if the apply broke off with something sent. Whether it
    could be put back is part of the gate's error, and a loud remark beside any other.

    Raises:
        ShipwayError: the id of the gate's one cause or ``gate.failed`` for several (rejected), or
            what apply or gate raised; ``run.cancelled``.
    """
    unit = Unit(target=destination.context)
    failures = failed.gate.failures if failed.gate else ()
    for line in (line for one in failures for line in one.lines):
        run.line("gate", unit, line)
    if failed.error is not None:
        run.remark(str(failed.error), loud=True)
    then = _then(failed, destination, hands=hands, run=run, signer=signer)
    if failed.error is not None:
        run.remark(then, loud=True)
        raise failed.error
    told = "; ".join(f"{one.ref}: {one.message}" for one in failures)
    page = causes.page(one.cause for one in failures)
    raise ShipwayError(
        page.id,
        Kind.REJECTED,
        f"{told}; {then}",
        operation="waiting for",
        subject=f"{destination.project} in {destination.environment}",
        hint=page.hint,
    )


def _then(
    failed: Carried, destination: Destination, *, hands: Hands, run: Run, signer: Signer
) -> str:
    """Put back what served before, if that is called for; return what was done."""
    if failed.gate is None and not failed.half:
        if not failed.said.objects:
            return "nothing was applied"
        return "all of it was applied, and nobody knows whether it serves: `shipway up` asks again"
    try:
        return _again(failed, destination, hands=hands, run=run, signer=signer)
    except ShipwayError as error:
        if error.kind is Kind.CANCELLED:
            raise
        return (
            f"what ran before could not be put back ({error}):"
            f" `shipway up` goes on, `shipway rollback {destination.environment}` puts it back"
        )


def _again(
    failed: Carried, destination: Destination, *, hands: Hands, run: Run, signer: Signer
) -> str:
    kube = hands.kube(destination.context)
    held = deploy.read_head(
        destination.project, destination.environment, destination.target, kube=kube
    )
    if held.head.intent != failed.intent.payload:
        return f"number {held.head.sequence} came meanwhile, and what stands is its business"
    if failed.gate is not None and failed.gate.passed:
        return "what stands is left as it is"
    past = history.recent(destination.history(_RECENT), registry=hands.registry, head=held.head)
    entry = past.newest_passed
    if entry is None:
        return "there is no release before it: it was left as it is"
    restored = put_back(
        entry,
        destination,
        reason="gate failed" if failed.gate else "apply failed",
        since=failed.answered,
        past=past,
        held=held,
        hands=hands,
        run=run,
        signer=signer,
    )
    if not restored.passed:
        return "what ran before was applied again and does not serve"
    number, seconds = entry.intent.sequence, restored.said.seconds or 0.0
    return f"the release of number {number} serves again after {seconds:.1f} s"


def put_back(
    entry: Entry,
    destination: Destination,
    *,
    reason: str,
    since: float | None,
    past: History,
    held: Held,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> Carried:
    """Carry the release of ``entry`` out again, with its old bytes and its old verdict.

    ``past`` reaches back to what passed last; ``held`` is the head that this follows.

    Raises:
        ShipwayError: ``deploy.unverified`` (rejected) where the evidence does not hold, and what
            carrying raises, or why it broke off.
    """
    proof, restores = _proof(entry, destination, hands)
    kube = hands.kube(destination.context)
    intent = entry.intent
    request = carry.CarryRequest(
        destination=destination,
        release=_release(destination, entry, hands),
        rendered=_rendered(destination, entry, hands),
        render=intent.render,
        verdict=intent.verdict,
        proof=proof,
        standing=carry.standing(past, kube),
        stays=_left(entry),
        kind="rollback",
        reason=reason,
        restores=restores,
        since=hands.clock.monotonic() if since is None else since,
    )
    done = carry.carry(request, held=held, kube=kube, hands=hands, run=run, signer=signer)
    if done.error is not None:
        raise done.error
    return done


def _left(entry: Entry) -> frozenset[Identity]:
    """Return what stood beside the set of ``entry``: what that deploy left, its rollback leaves."""
    stood = entry.outcome.objects if entry.outcome else ()
    return frozenset((one.group, one.kind, one.namespace, one.name) for one in stood)


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
