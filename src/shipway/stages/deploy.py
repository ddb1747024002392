"""Deploy: a rendered set is sent to one cluster, under a verdict for exactly those bytes.

Roads call it in this order: :func:`read_head`, :func:`plan`, (sign the intent,) :func:`swap_head`,
:func:`apply`, (gate, sign the outcome,) :func:`swap_head` again. There is no way to :func:`apply`
without a verdict that holds when it is looked at there; who loses the swap has applied nothing.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import history, recheck
from shipway.core.evidence.policy import Named  # noqa: TC001  msgspec reads types
from shipway.core.evidence.recheck import Restored, Sending
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.kube import applyset, autoscale, head, images, objects, order, ownership
from shipway.core.kube import plan as plans
from shipway.core.kube.objects import Obj, Ref, ref_of, uid_of
from shipway.core.kube.plan import Action, Observed, Plan, Standing, Verb
from shipway.core.kube.stamp import INTENT, Stamp
from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.ports.kube import MANAGER, Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from shipway.core.evidence import shipped
    from shipway.core.evidence.history import Head
    from shipway.core.evidence.verdict import Summary
    from shipway.core.kube.head import Held
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.content import Content
    from shipway.core.ports.kube import Kube, Reader, Writer

TOOLING = "shipway/v1"
"""What the ApplySet parent says made it."""

_SIDE_BY_SIDE = 8
_PATIENCE = 30.0
"""Seconds for a definition to be Established, or for a Job to be gone."""
_PAUSE = 0.05
_ATTEMPTS = 5
"""Times that an object is read and written back while others write it too."""


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What would be deployed where."""

    project: str
    environment: str
    target: str
    rendered: Descriptor
    standing: tuple[Standing, ...] = ()
    """What signed links say was put here: nothing else is ever pruned."""
    adopt: bool = False
    only: frozenset[str] = frozenset()
    """Services whose objects alone may be pruned; empty: all that stands may be."""
    stays: frozenset[plans.Identity] = frozenset()
    """Objects outside of the set that are left as they are."""


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict, and what it is judged by; for a rollback also the deploy that is put back."""

    bundle: bytes
    trust: Trust
    policy: Named
    restored: Restored | None = None


class ApplyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A plan that may be carried out."""

    project: str
    environment: str
    release: Digest
    rendered: Descriptor
    intent: Digest
    """Payload digest of the intent link that won the swap."""
    proof: Proof
    plan: Plan
    head: Ref | None = None
    """Where the head lies: as soon as it names another intent, no more is sent."""


class Applied(msgspec.Struct, frozen=True):
    """One object as the server answered."""

    ref: Ref
    uid: str
    generation: int
    version: str
    """Resource version right after the apply."""
    verb: Verb


class Deployed(msgspec.Struct, frozen=True):
    """What was done."""

    objects: tuple[Applied, ...]
    pruned: tuple[Ref, ...]
    verdict_time: str
    """When the verdict that let it in was made, RFC 3339."""


def plan(request: PlanRequest, *, kube: Reader, content: Content) -> Plan:
    """Return what :func:`apply` would do; changes nothing.

    Raises:
        ShipwayError: ``kube.not_ours``, ``kube.terminating``, and what the port raises.
    """
    wanted = objects.read_set(content.read(request.rendered.digest))
    refs = {ref_of(obj).identity: ref_of(obj) for obj in wanted}
    for one in request.standing:
        refs.setdefault(one.ref.identity, one.ref)
    return plans.plan(
        wanted,
        Observed(live=_live(refs.values(), kube), scalers=_scalers(wanted, kube)),
        rendered=request.rendered.digest,
        set_name=applyset.parent_name(request.project, request.environment, request.target),
        standing=request.standing,
        adopt=request.adopt,
        only=request.only,
        stays=request.stays,
    )


def apply(
    request: ApplyRequest,
    *,
    kube: Kube,
    content: Content,
    clock: Clock,
    on_applied: Callable[[Applied], None] | None = None,
) -> Deployed:
    """Carry out the plan, if the verdict allows exactly these bytes now.

    ``on_applied`` sees each object as soon as the server has it (in several threads), so that the
    caller knows what stands where the rest is refused.

    Raises:
        ShipwayError: ``deploy.unverified`` (rejected) before anything is sent; ``deploy.plan``
            (conflict) if the plan is about another set; then what the port raises, and
            ``deploy.overtaken`` (conflict) as soon as another deploy has moved the head.
    """
    wanted = _set(request.rendered.digest, content)
    summary = _recheck(request, wanted, clock)
    if request.plan.rendered != request.rendered.digest:
        raise ShipwayError("deploy.plan", Kind.CONFLICT, "the plan was made for another set")
    _look(request, kube)
    prepare(kube)
    _announce(request.plan, kube, before=True)
    sent = _send(request, {ref_of(obj).identity: obj for obj in wanted}, kube, clock, on_applied)
    pruned = [action for action in request.plan.removals if action.verb is Verb.PRUNE]
    for _, actions in _ranks(pruned):
        _look(request, kube)
        for action in actions:
            kube.delete(action.ref, uid=action.uid)
    if request.plan.removals:
        _look(request, kube)
        _announce(request.plan, kube, before=False)
    return Deployed(sent, tuple(action.ref for action in pruned), summary.time_verified)


def prepare(kube: Kube) -> None:
    """Make the namespace of Shipway's own bookkeeping, if it is not there."""
    name = objects.SYSTEM_NAMESPACE
    if kube.get(Ref("v1", "Namespace", "", name)) is None:
        metadata = {"name": name, "labels": dict(objects.RESTRICTED)}
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}, force=True)


def cluster(kube: Reader) -> str:
    """Return what identifies a cluster: the uid of its namespace ``kube-system``.

    Raises:
        ShipwayError: ``kube.not_found`` where it cannot be read.
    """
    found = kube.get(Ref("v1", "Namespace", "", "kube-system"))
    if found is None:
        raise ShipwayError(
            "kube.not_found", Kind.NOT_FOUND, "there is none", subject="namespace/kube-system"
        )
    return uid_of(found)


def read_head(project: str, environment: str, target: str, *, kube: Kube) -> Held:
    """Return the head of a history, made if there is none yet.

    Raises:
        ShipwayError: ``deploy.head`` (integrity) if something else lies there.
    """
    name = head.ref(project, environment, target)
    found = kube.get(name)
    if found is None:
        prepare(kube)
        try:
            found = kube.create(head.fresh(name))
        except ShipwayError as error:
            if error.id != "kube.exists":  # another deploy made it at the same moment
                raise
            found = kube.get(name) or {}
    return head.read(found)


def swap_head(expected: Held, new: Head, *, kube: Writer) -> Held:
    """Move the head from where it was read to ``new``.

    Raises:
        ShipwayError: ``deploy.lost_swap`` (conflict) if it moved since it was read.
    """
    try:
        return head.read(kube.replace(head.write(new, expected.object)))
    except ShipwayError as error:
        if error.id not in {"kube.conflict", "kube.not_found"}:
            raise
        raise ShipwayError(
            "deploy.lost_swap",
            Kind.CONFLICT,
            "another deploy to this environment came first; nothing was applied",
            operation="moving",
            subject=str(ref_of(expected.object)),
            hint="look at `shipway history`, then repeat",
        ) from error


def check_head(name: Ref, intent: Digest, *, kube: Reader) -> None:
    """Do nothing while the head names ``intent``: until then nobody else has applied anything.

    Raises:
        ShipwayError: ``deploy.overtaken`` (conflict) if it names another one.
    """
    head.check(kube.get(name), name, intent)


def overwritten(applied: Iterable[Applied], intent: Digest, *, kube: Reader) -> tuple[Ref, ...]:
    """Return what was applied under ``intent`` and does not carry its stamp (any more)."""

    def look(one: Applied) -> Ref | None:
        metadata = (kube.get(one.ref) or {}).get("metadata") or {}
        return None if (metadata.get("annotations") or {}).get(INTENT) == intent else one.ref

    found = scope.each(look, applied, _SIDE_BY_SIDE)
    return tuple(ref for ref in found if ref is not None)


def standing(
    objects: Iterable[shipped.Applied | history.Left], *, kube: Reader
) -> tuple[Standing, ...]:
    """Return what an outcome, or a history, says stands, each in the version to ask for it.

    Kinds that the server does not serve any more are left out: none of them can be there.
    """
    found = []
    for one in objects:
        if resource := kube.preferred(one.group, one.kind):
            ref = Ref(resource.api_version, one.kind, one.namespace, one.name)
            intents = one.intents if isinstance(one, history.Left) else ()
            found.append(Standing(ref, one.uid, intents))
    return tuple(found)


def _recheck(request: ApplyRequest, wanted: tuple[Obj, ...], clock: Clock) -> Summary:
    """Look at the verdict once more, against what the stored bytes really hold."""
    proof = request.proof
    sending = Sending(
        project=request.project,
        environment=request.environment,
        release=request.release,
        rendered=request.rendered.digest,
        images=tuple(_pinned(one) for one in images.uses(wanted, {})),
    )
    if proof.restored is not None:
        return recheck.rollback(
            proof.bundle, sending, trust=proof.trust, policy=proof.policy, restored=proof.restored
        )
    return recheck.deploy(
        proof.bundle, sending, trust=proof.trust, policy=proof.policy, now=clock.now()
    )


def _pinned(use: images.Use) -> Digest:
    if use.digest is None:
        why = f"{use.reference} is not pinned to a digest, so no verdict can be about it"
        raise ShipwayError(
            "deploy.unverified",
            Kind.REJECTED,
            why,
            operation="checking the set for",
            subject=use.reference,
            hint="name it as shipway://SERVICE, or with @sha256:DIGEST",
        )
    return use.digest


def _send(
    request: ApplyRequest,
    wanted: dict[tuple[str, str, str, str], Obj],
    kube: Kube,
    clock: Clock,
    on_applied: Callable[[Applied], None] | None,
) -> tuple[Applied, ...]:
    """Look at the head and apply, rank after rank, the objects of a rank side by side."""
    set_id = applyset.identifier(request.plan.set_name)
    stamp = Stamp(request.release, request.intent, set_id)
    scalers = request.plan.scalers

    def one(action: Action) -> Applied:
        obj = stamp.on(autoscale.release(wanted[action.ref.identity], scalers))
        done = _one(action, obj, kube, clock)
        if on_applied:
            on_applied(done)
        return done

    sent: list[Applied] = []
    for rank, actions in _ranks(request.plan.actions):
        _look(request, kube)
        done = scope.each(one, actions, _SIDE_BY_SIDE)
        sent += done
        if rank == order.DEFINITIONS:
            for applied in done:
                _established(applied.ref, kube, clock)
    return tuple(sent)


def _ranks(actions: Iterable[Action]) -> Iterator[tuple[int, Iterator[Action]]]:
    return groupby(actions, key=lambda one: order.rank(one.ref.kind))


def _look(request: ApplyRequest, kube: Reader) -> None:
    """Stop where another deploy has begun, perhaps while this process slept."""
    if request.head is not None:
        check_head(request.head, request.intent, kube=kube)


def _one(action: Action, obj: Obj, kube: Kube, clock: Clock) -> Applied:
    if action.hand_over and (live := kube.get(action.ref)):
        kube.apply(autoscale.handover(live), force=True, manager=autoscale.HEIR)
    if action.verb is Verb.ADOPT:
        _take_over(action.ref, kube)
    if action.verb is Verb.RECREATE:
        kube.delete(action.ref, uid=action.uid)
        _until(lambda: kube.get(action.ref) is None, action.ref, "is still there", clock)
    live = kube.apply(obj, force=True)
    metadata = live["metadata"]
    generation, version = int(metadata.get("generation") or 0), metadata["resourceVersion"]
    return Applied(action.ref, uid_of(live), generation, version, action.verb)


def _take_over(ref: Ref, kube: Kube) -> None:
    """Put the fields of an object's former makers into our hands, so that applying means it."""
    for attempt in range(1, _ATTEMPTS + 1):
        live = kube.get(ref)
        wanted = ownership.taken_over(live, MANAGER) if live else None
        if wanted is None:
            return
        try:
            kube.replace(wanted)
        except ShipwayError as error:
            if error.id != "kube.conflict" or attempt == _ATTEMPTS:
                raise  # else it changed since it was read
        else:
            return


def _established(ref: Ref, kube: Kube, clock: Clock) -> None:
    """Wait until a definition is served: objects of its kind may come next."""

    def served() -> bool:
        live = kube.get(ref) or {}
        conditions = (live.get("status") or {}).get("conditions") or ()
        for one in conditions:
            if one["type"] == "NamesAccepted" and one["status"] == "False":
                raise _unaccepted(ref, one)
        if not any(one["type"] == "Established" and one["status"] == "True" for one in conditions):
            return False
        spec = live["spec"]
        versions = [one["name"] for one in spec["versions"] if one.get("served")]
        kind = spec["names"]["kind"]
        return all(kube.resource(f"{spec['group']}/{name}", kind) for name in versions)

    _until(served, ref, "is not Established", clock)


def _unaccepted(ref: Ref, said: dict[str, str]) -> ShipwayError:
    return ShipwayError(
        "deploy.definition",
        Kind.CONFLICT,
        f"{said.get('reason')}: {said.get('message')}",
        operation="waiting until the server accepts",
        subject=str(ref),
        hint="give it other names, or remove the definition that has them (kubectl get crd)",
    )


def _until(done: Callable[[], bool], ref: Ref, otherwise: str, clock: Clock) -> None:
    until = clock.monotonic() + _PATIENCE
    while not done():
        if clock.monotonic() >= until:
            raise ShipwayError(
                "deploy.stuck",
                Kind.TRANSIENT,
                f"it {otherwise} after {_PATIENCE:.0f} s",
                operation="waiting for",
                subject=str(ref),
                hint=f"kubectl describe {ref.kind.lower()} {ref.name}"
                + (f" -n {ref.namespace}" if ref.namespace else "")
                + " says why; then repeat",
            )
        clock.sleep(_PAUSE)


def _announce(planned: Plan, kube: Writer, *, before: bool) -> None:
    """Write the ApplySet parent: while things move, it covers what was and what will be."""
    members = [action.ref for action in planned.actions]
    if before:
        members += [action.ref for action in planned.removals]
    else:
        members += [action.ref for action in planned.removals if action.verb is not Verb.PRUNE]
    kube.apply(applyset.parent(planned.set_name, members, TOOLING), force=True)


def _set(rendered: Digest, content: Content) -> tuple[Obj, ...]:
    return objects.read_set(content.read(rendered))


def _live(refs: Iterable[Ref], kube: Reader) -> dict[tuple[str, str, str, str], Obj]:
    todo = list(refs)
    found = scope.each(kube.get, todo, _SIDE_BY_SIDE)
    return {ref.identity: obj for ref, obj in zip(todo, found, strict=True) if obj is not None}


def _scalers(wanted: tuple[Obj, ...], kube: Reader) -> frozenset[autoscale.Target]:
    """Return what live autoscalers of the set's namespaces scale."""
    scalable = {"Deployment", "StatefulSet"}
    spaces = sorted({ref_of(obj).namespace for obj in wanted if obj.get("kind") in scalable})
    selections = [
        Selection("autoscaling/v2", "HorizontalPodAutoscaler", namespace) for namespace in spaces
    ]
    found = scope.each(kube.list, selections, _SIDE_BY_SIDE)
    return autoscale.targets(obj for group in found for obj in group)
