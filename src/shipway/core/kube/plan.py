"""What a deploy would do to a cluster: a pure function of the set and of what was observed.

``stages.deploy`` observes, asks :func:`plan`, and applies; a dry run prints the plan instead. A
plan names objects; their bytes are always taken from the rendered set.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube import applyset, autoscale, belonging, diff, order
from shipway.core.kube.autoscale import Target  # noqa: TC001  msgspec reads types
from shipway.core.kube.diff import Departure  # noqa: TC001  msgspec reads types
from shipway.core.kube.objects import Obj, Ref, ref_of, uid_of
from shipway.core.kube.stamp import INTENT
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.ports.kube import MANAGER
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Identity = tuple[str, str, str, str]
"""Of an object whatever its version: group, kind, namespace, name."""
NOT_BACK = "it is not rolled back"
LASTING = frozenset({"Namespace", "CustomResourceDefinition", "PersistentVolumeClaim"})
"""Kinds that are never pruned: removing one removes what others, or time, put into it."""


class Verb(enum.Enum):
    """What happens to one object."""

    CREATE = "create"
    CONFIGURE = "configure"
    UNCHANGED = "unchanged"
    """Nothing but the stamp."""
    ADOPT = "adopt"
    """Taken over from those who made it, with all that they set."""
    RECREATE = "recreate"
    """Deleted and made anew, because what changes in it is immutable."""
    PRUNE = "prune"
    KEEP = "keep"
    """Not in the set any more, and left alone; ``why`` says why."""
    LEAVE = "leave"
    """Not in the set, because it may belong to a service that is not delivered now."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One object and what happens to it."""

    verb: Verb
    ref: Ref
    uid: str = ""
    """Of the live object, a precondition of deleting it."""
    generation: int = 0
    """Of the live object."""
    hand_over: bool = False
    """Whether ``spec.replicas`` is handed to an autoscaler first."""
    changes: tuple[Departure, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        """Return one line for people."""
        return f"{self.verb.value} {self.ref}" + (f" ({self.why})" if self.why else "")


class Standing(msgspec.Struct, frozen=True):
    """An object that signed links say was put here: by its uid, or by the stamp it carries."""

    ref: Ref
    uid: str = ""
    """As an outcome saw it; empty where none names it."""
    intents: tuple[Digest, ...] = ()
    """Intents that planned it and did not pass."""

    def is_of(self, live: Obj) -> bool:
        """Return whether ``live`` is the object that was put here."""
        annotations = (live.get("metadata") or {}).get("annotations") or {}
        same = bool(self.uid) and uid_of(live) == self.uid
        return same or annotations.get(INTENT) in self.intents


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """What was found: the live objects of the set and of what stands, and live autoscalers."""

    live: dict[Identity, Obj]
    scalers: frozenset[Target] = frozenset()


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a deploy would do, in order."""

    rendered: Digest
    set_name: str
    """The ApplySet parent's name."""
    actions: tuple[Action, ...]
    removals: tuple[Action, ...]
    """Prunes, in the reverse order, and what is kept."""
    scalers: frozenset[Target]
    """Whose ``spec.replicas`` is left out of what is sent."""

    @property
    def changes(self) -> bool:
        """Return whether anything but stamps would change."""
        kinds = {action.verb for action in (*self.actions, *self.removals)}
        return bool(kinds - {Verb.UNCHANGED, Verb.KEEP, Verb.LEAVE})


def plan(
    objects: tuple[Obj, ...],
    observed: Observed,
    *,
    rendered: Digest,
    set_name: str,
    standing: Iterable[Standing] = (),
    adopt: bool = False,
    only: frozenset[str] = frozenset(),
    stays: frozenset[Identity] = frozenset(),
) -> Plan:
    """Return the plan for ``objects`` (in the order of the set).

    With ``only`` nothing is pruned but what is labelled as one of these services; nor is an
    object that ``stays`` names.

    Raises:
        ShipwayError: ``kube.not_ours`` (conflict) names objects that somebody else made, unless
            ``adopt``; ``kube.terminating`` (conflict) names those that are being deleted.
    """
    scalers = observed.scalers | autoscale.targets(objects)
    set_id = applyset.identifier(set_name)
    actions = tuple(_action(obj, observed.live, set_id, scalers) for obj in objects)
    _refuse(actions, observed.live, adopt=adopt)
    names = {ref_of(obj).identity for obj in objects}
    gone = [one for one in standing if one.ref.identity not in names and _known(one, observed)]
    gone.sort(key=lambda one: order.key(one.ref), reverse=True)
    return Plan(
        rendered=rendered,
        set_name=set_name,
        actions=actions,
        removals=tuple(_removal(one, observed.live, set_id, only, stays) for one in gone),
        scalers=scalers,
    )


def backwards(planned: Plan) -> tuple[Plan, tuple[Action, ...]]:
    """Return what a rollback does of a plan, and what it leaves although it would change it.

    All that it leaves and that is there is among the removals, as left, since it stands. What a Job
    once did is not done again; definitions and volume claims that are there keep what time put
    into them.
    """
    kept = tuple(one for one in planned.actions if not _stays(one))
    left = tuple(one for one in planned.actions if _stays(one) and one.verb is not Verb.UNCHANGED)
    there = tuple(
        msgspec.structs.replace(one, verb=Verb.LEAVE, why=NOT_BACK, changes=())
        for one in planned.actions
        if _stays(one) and one.uid
    )
    removals = planned.removals + there
    return msgspec.structs.replace(planned, actions=kept, removals=removals), left


def _stays(action: Action) -> bool:
    kind = action.ref.kind
    return kind == "Job" or (kind in LASTING - {"Namespace"} and action.verb is not Verb.CREATE)


def _action(
    obj: Obj,
    live: Mapping[Identity, Obj],
    set_id: str,
    scalers: frozenset[Target],
) -> Action:
    ref = ref_of(obj)
    sent = autoscale.release(obj, scalers)
    found = live.get(ref.identity)
    if found is None:
        return Action(verb=Verb.CREATE, ref=ref)
    changes = tuple(diff.departures(sent, found))
    ours = applyset.is_member(found, set_id)
    verb = _verb(ref, changes, ours=ours)
    letting_go = autoscale.scaled(ref, scalers) and "replicas" not in (sent.get("spec") or {})
    return Action(
        verb=verb,
        ref=ref,
        uid=uid_of(found),
        generation=_generation(found),
        hand_over=letting_go and (not ours or autoscale.owns_replicas(found, MANAGER)),
        changes=changes,
    )


def _generation(live: Obj) -> int:
    return int((live.get("metadata") or {}).get("generation") or 0)


def _verb(ref: Ref, changes: tuple[Departure, ...], *, ours: bool) -> Verb:
    if not ours:
        return Verb.ADOPT
    if ref.kind == "Job" and any(_immutable(change.path) for change in changes):
        return Verb.RECREATE
    return Verb.CONFIGURE if changes else Verb.UNCHANGED


def _immutable(path: str) -> bool:
    """Return whether a Job keeps this field for life (batch/v1)."""
    return path.startswith(("spec.template", "spec.selector", "spec.completions"))


def _refuse(actions: tuple[Action, ...], live: Mapping[Identity, Obj], *, adopt: bool) -> None:
    ending = [
        action.ref
        for action in actions
        if (live.get(action.ref.identity, {}).get("metadata") or {}).get("deletionTimestamp")
    ]
    if ending:
        raise _refusal("kube.terminating", "it is being deleted", ending, "wait, then repeat")
    foreign = [action.ref for action in actions if action.verb is Verb.ADOPT]
    if foreign and not adopt:
        why = "it exists, and this environment did not make it"
        raise _refusal("kube.not_ours", why, foreign, "--adopt takes it over")


def _refusal(name: str, why: str, refs: list[Ref], hint: str) -> ShipwayError:
    return ShipwayError(
        name,
        Kind.CONFLICT,
        why,
        operation="planning",
        subject=", ".join(str(ref) for ref in refs),
        hint=hint,
    )


def _known(one: Standing, observed: Observed) -> bool:
    """Return whether there is anything to say: what was only planned may never have been made."""
    live = observed.live.get(one.ref.identity)
    return bool(one.uid) or (live is not None and one.is_of(live))


def _removal(
    one: Standing,
    live: Mapping[Identity, Obj],
    set_id: str,
    only: frozenset[str],
    stays: frozenset[Identity],
) -> Action:
    found = live.get(one.ref.identity)
    if found is None:
        why = "it is gone already"
    elif not one.is_of(found):
        why = "another object took its name"
    elif not applyset.is_member(found, set_id):
        why = "somebody took it out of this set"
    elif one.ref.kind in LASTING:
        why = "this kind is never pruned"
    elif one.ref.identity in stays or (only and belonging.labelled(found) not in only):
        why = "it may belong to a service that is not delivered now"
        return Action(
            verb=Verb.LEAVE, ref=one.ref, uid=uid_of(found), generation=_generation(found), why=why
        )
    else:
        return Action(verb=Verb.PRUNE, ref=one.ref, uid=uid_of(found))
    return Action(verb=Verb.KEEP, ref=one.ref, uid=one.uid, why=why)
