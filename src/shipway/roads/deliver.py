"""Deliver: from signed images to pods that serve, under a verdict for exactly these bytes.

``up``, ``release`` and ``promote`` come here with a release's services. Render, verdict, intent,
apply, gate, outcome; and if the gate says no, what ran before is put back (``roads.restore``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import shipped, statement, verdict
from shipway.core.evidence.link import Link  # noqa: TC001  msgspec reads types
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.release import Release, absolute
from shipway.core.evidence.rules import Foreign
from shipway.core.oci.digest import parse as parse_digest
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.roads import carry, pins, releases, restore
from shipway.roads.before import Before
from shipway.roads.carry import Carried  # noqa: TC001  msgspec reads types
from shipway.roads.destination import Destination  # noqa: TC001  msgspec reads types
from shipway.stages import attest, deploy, render, seal, verify
from shipway.stages.attest import AttestRequest, Said
from shipway.stages.deploy import Proof
from shipway.stages.gate import Expected, GateRequest, watch
from shipway.stages.render import Rendered  # noqa: TC001  msgspec reads types
from shipway.stages.seal import SealRequest

if TYPE_CHECKING:
    from shipway.core.evidence.history import History
    from shipway.core.evidence.statement import Statement
    from shipway.core.evidence.verdict import Verdict
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.kube import Kube
    from shipway.core.ports.renderer import Renderer
    from shipway.core.ports.signer import Signer
    from shipway.roads.opening import Opening
    from shipway.run import Run


class DeliverRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A release, and where it goes."""

    destination: Destination
    release: Release | SealRequest
    """One that lies in the registry with its link; or one that is sealed when it is needed."""
    render: render.RenderRequest
    """With everything but the images."""
    foreign: tuple[str, ...] = ()
    """References by digest that the lock lists."""
    services: tuple[str, ...] = ()
    """All services of the project. Those that a release to be sealed lacks stay as the release has
    them that serves; what is theirs is left alone where there is none."""
    alone: bool = False
    """Whether the project may have services that nobody has named: theirs is left alone, too."""
    adopt: bool = False
    seconds: float = 120.0


class Delivered(msgspec.Struct, frozen=True, kw_only=True):
    """A release that serves."""

    release: Release
    rendered: Rendered
    carried: Carried | None = None
    """None where the very same release served already."""


def deliver(
    request: DeliverRequest,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
    renderer: Renderer | None = None,
    before: Before | None = None,
) -> Delivered:
    """Seal, render, judge and deploy; return when the new pods serve.

    ``renderer`` is one that has read the files already, in place of the hands' own; ``before`` is
    what stood at the destination, where the caller has begun to read it.

    Raises:
        ShipwayError: ``verdict.failed`` (rejected) before anything is applied, ``gate.*``
            (rejected) after what ran before was put back, and whatever a stage raises; where apply
            broke off half way, after that too.
    """
    destination = request.destination
    kube = hands.kube(destination.context)
    held, past = (before or Before(destination, hands)).now()
    request = _whole(request, past, hands)
    planned = _planned(request, hands)
    rendered = _render(request, planned, hands=hands, run=run, renderer=renderer or hands.renderer)
    if _serves(request, planned, rendered, past, kube=kube, hands=hands):
        return Delivered(release=planned, rendered=rendered)
    signer = opening.signer()
    release = _seal(request, rendered, hands=hands, run=run)
    said = _said(request, release, rendered)
    links = _attest(request, release, said, hands=hands, run=run, signer=signer)
    decision = _decide(request, release, rendered, hands=hands, run=run, signer=signer)
    asked = carry.CarryRequest(
        destination=destination,
        release=release.manifest,
        rendered=rendered.set,
        render=links[-1].edge,
        verdict=decision.edge,
        proof=Proof(
            bundle=hands.content.read(decision.bundle.digest),
            trust=destination.trust,
            policy=built_in(),
        ),
        standing=carry.standing(past, kube),
        adopt=request.adopt,
        only=_only(request, release),
        seconds=request.seconds,
    )
    carried = carry.carry(asked, held=held, kube=kube, hands=hands, run=run, signer=signer)
    if not carried.passed:
        restore.after(carried, destination, hands=hands, run=run, signer=signer)
    run.fact("release", release.digest)
    return Delivered(release=release, rendered=rendered, carried=carried)


def _serves(
    request: DeliverRequest,
    release: Release,
    rendered: Rendered,
    past: History,
    *,
    kube: Kube,
    hands: Hands,
) -> bool:
    """Return whether this very release is what was deployed last, passed, and still stands."""
    newest = past.entries[0] if past.entries else None
    if newest is None or newest.outcome is None or not newest.passed:
        return False
    if (newest.intent.release, newest.intent.rendered) != (release.digest, rendered.set.digest):
        return False
    plan = deploy.plan(
        deploy.PlanRequest(
            project=request.destination.project,
            environment=request.destination.environment,
            target=request.destination.target,
            rendered=rendered.set,
            adopt=request.adopt,
        ),
        kube=kube,
        content=hands.content,
    )
    if plan.changes:
        return False
    there = deploy.standing(newest.outcome.objects, kube=kube)
    expected = tuple(Expected(one.ref, one.uid) for one in there)
    asked = GateRequest(objects=expected, seconds=request.seconds, rules=request.destination.health)
    seen = watch(asked, kube=kube, clock=hands.clock)
    same = {one.ref: one.uid for one in seen.objects} == {one.ref: one.uid for one in expected}
    return seen.passed and same


def foreseen(
    request: DeliverRequest, past: History, *, hands: Hands, run: Run
) -> tuple[Rendered, frozenset[str]]:
    """Return what would be applied, and whose objects alone might be pruned (empty: all).

    Nothing is sent anywhere.
    """
    request = _whole(request, past, hands)
    release = _planned(request, hands)
    made = _render(request, release, hands=hands, run=run, renderer=hands.renderer)
    return made, _only(request, release)


def _whole(request: DeliverRequest, past: History, hands: Hands) -> DeliverRequest:
    """Return the request with the services that are not made now as they serve already."""
    sealing, newest = request.release, past.newest_passed
    if isinstance(sealing, Release) or newest is None:
        return request
    missing = set(request.services) - {one.name for one in sealing.services}
    if not missing:
        return request
    earlier = releases.pulled(request.destination.evidence, newest.intent.release, hands)
    kept = tuple(one for one in earlier.contents.services if one.name in missing)
    return msgspec.structs.replace(request, release=msgspec.structs.replace(sealing, also=kept))


def _absent(request: DeliverRequest, release: Release) -> frozenset[str]:
    """Return the project's services that are not part of the release."""
    return frozenset(request.services) - {one.name for one in release.contents.services}


def _only(request: DeliverRequest, release: Release) -> frozenset[str]:
    """Return whose objects alone may be pruned; empty where the release is of all services."""
    if not request.alone and not _absent(request, release):
        return frozenset()
    return frozenset(one.name for one in release.contents.services)


def _planned(request: DeliverRequest, hands: Hands) -> Release:
    """Return the release, without sending anything."""
    if isinstance(request.release, Release):
        return request.release
    return seal.seal(request.release, content=hands.content, registry=None)


def _seal(request: DeliverRequest, rendered: Rendered, *, hands: Hands, run: Run) -> Release:
    """Push the release, unless the registry has it, and the rendered set beside it."""
    release = request.release
    if isinstance(release, SealRequest):
        release = run.step(
            seal.seal,
            Unit(),
            release,
            summary=lambda made: made.digest,
            content=hands.content,
            registry=hands.registry,
        )
    kept = seal.KeepRequest(
        rendered=rendered.set,
        release=release.manifest,
        repository=request.destination.evidence,
    )
    seal.keep(kept, content=hands.content, registry=hands.registry)
    return release


def _said(request: DeliverRequest, release: Release, rendered: Rendered) -> tuple[Statement, ...]:
    """Return what is said of the release here; its own link first, unless it has one."""
    render_link = shipped.render(_rendering(request, release, rendered), release.digest)
    if isinstance(request.release, Release):
        return (render_link,)
    return (shipped.release(release), render_link)


def _render(
    request: DeliverRequest, release: Release, *, hands: Hands, run: Run, renderer: Renderer
) -> Rendered:
    images = {
        one.name: f"{absolute(one.repository, request.destination.evidence)}@{one.image}"
        for one in release.contents.services
    }
    return run.step(
        render.render,
        Unit(target=request.destination.context),
        msgspec.structs.replace(request.render, images=images, absent=_absent(request, release)),
        summary=lambda made: f"{len(made.entries)} objects",
        renderer=renderer,
        content=hands.content,
        resolve=lambda reference: pins.resolved(reference, hands),
    )


def _rendering(request: DeliverRequest, release: Release, rendered: Rendered) -> shipped.Rendering:
    return shipped.Rendering(
        project=request.destination.project,
        environment=request.destination.environment,
        rendered=rendered.set.digest,
        media_type=rendered.set.media_type,
        size=rendered.set.size,
        overlay=rendered.overlay,
        commit=rendered.commit,
        renderer=rendered.renderer,
        images={one.name: one.image for one in release.contents.services},
    )


def _attest(
    request: DeliverRequest,
    release: Release,
    statements: tuple[Statement, ...],
    *,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> tuple[Link, ...]:
    synced = run.syncing()
    said = tuple(
        Said(payload=statement.encode(one), subject=release.manifest) for one in statements
    )
    return run.step(
        attest.sign,
        Unit(target=request.destination.context),
        AttestRequest(statements=said, repository=request.destination.evidence),
        summary=lambda _: ", ".join(one.kind for one in statements),
        signer=signer,
        content=hands.content,
        registry=hands.registry,
        clock=hands.clock,
        links=hands.links,
        there=synced,
    )


def _decide(
    request: DeliverRequest,
    release: Release,
    rendered: Rendered,
    *,
    hands: Hands,
    run: Run,
    signer: Signer,
) -> Link:
    """Return the signed verdict, which passed; one that did not is signed too, and an error."""
    judged = _verify(request, release, rendered, hands=hands, run=run)
    (decision,) = _attest(
        request, release, (verdict.statement(judged),), hands=hands, run=run, signer=signer
    )
    _unless_passed(judged, run)
    return decision


def _verify(
    request: DeliverRequest, release: Release, rendered: Rendered, *, hands: Hands, run: Run
) -> Verdict:
    listed = (*request.foreign, *rendered.resolved.values())
    foreign = tuple(
        Foreign(digest=parse_digest(one.rpartition("@")[2]), reference=one) for one in listed
    )
    return run.step(
        verify.verify,
        Unit(target=request.destination.context),
        verify.VerifyRequest(
            project=request.destination.project,
            environment=request.destination.environment,
            repository=request.destination.evidence,
            release=release.digest,
            rendered=rendered.set,
            trust=request.destination.trust,
            foreign=foreign,
        ),
        summary=lambda made: "passed" if made.passed else "refused",
        registry=hands.registry,
        clock=hands.clock,
    )


def _unless_passed(judged: Verdict, run: Run) -> None:
    for reason in (*judged.of("pending"), *judged.of("waived")):
        run.remark(f"{reason.outcome}: {reason.rule} ({reason.detail})")
    failed = judged.of("failed")
    if not failed:
        return
    told = "; ".join(f"{one.rule} of {one.subject}: {one.detail}" for one in failed)
    more = "; ".join(str(one) for one in judged.findings)
    raise ShipwayError(
        "verdict.failed",
        Kind.REJECTED,
        f"{told}{f' [{more}]' if more else ''}",
        operation="verifying the release for",
        subject=f"{judged.project}/{judged.environment}",
        hint="nothing was applied; each reason names the rule and what it asks for",
    )
