"""Preflight: the API server judges what a plan would send, and stores none of it.

Roads that only look call :func:`judge` with the plan that a deploy would carry out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.kube import autoscale, objects
from shipway.core.kube.objects import ref_of
from shipway.core.kube.plan import Verb
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj, Ref
    from shipway.core.kube.plan import Action, Plan
    from shipway.core.ports.content import Content
    from shipway.core.ports.kube import Kube

_SIDE_BY_SIDE = 8


def judge(planned: Plan, *, kube: Kube, content: Content) -> tuple[str, ...]:
    """Have the server judge every object without storing any; return what it could not judge yet.

    Of an object whose namespace is not there it judges the form alone.

    Raises:
        ShipwayError: the server's refusals, several together.
    """
    wanted = {ref_of(obj).identity: obj for obj in objects.read_set(content.read(planned.rendered))}
    unknown: list[str] = []

    def attempt(action: Action) -> None:
        obj = autoscale.release(wanted[action.ref.identity], planned.scalers)
        try:
            kube.apply(obj, force=True, dry_run=True)
        except ShipwayError as error:
            if error.id not in {"kube.not_found", "kube.unknown_kind"}:
                raise
            formed = error.id == "kube.not_found" and _well_formed(action.ref, obj, kube)
            but = "; only its form was judged" if formed else ""
            unknown.append(f"{action.ref}: {error.message}{but}")

    todo = [one for one in planned.actions if one.verb is not Verb.RECREATE]
    scope.each(attempt, todo, _SIDE_BY_SIDE)
    return tuple(sorted(unknown))


def _well_formed(ref: Ref, obj: Obj, kube: Kube) -> bool:
    """Return whether the server takes the object in the namespace ``default``, which is there.

    What else it says there (rights, quotas, policies) is about that namespace, and does not count.

    Raises:
        ShipwayError: ``kube.invalid`` (config).
    """
    there = msgspec.structs.replace(ref, namespace="default")
    if not ref.namespace:
        return False
    try:
        if kube.get(there) is not None:
            return False
        moved = {**obj, "metadata": {**obj["metadata"], "namespace": there.namespace}}
        kube.apply(moved, force=True, dry_run=True)
    except ShipwayError as error:
        if error.id != "kube.invalid":
            return False
        error.subject = str(ref)
        raise
    return True
