"""What a plan would change, as people read it: every object, every field, and no secret.

``shipway plan`` and ``shipway diff`` print these lines. Values are compared before they are hidden,
so that a secret that changed is seen to change.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shipway.core.kube.plan import Verb
from shipway.core.secrets import detect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.kube.diff import Departure
    from shipway.core.kube.plan import Action, Plan

HIDDEN = "(hidden)"
_NAMED = re.compile(r"\.env\[([^\]]+)\]\.value\Z|\Adata\.([^.]+)\Z")
"""The paths of variables and of settings, by their names."""


def lines(plan: Plan) -> Iterator[str]:
    """Yield a line for each object that would change or be left out, and below it its fields."""
    for action in (*plan.actions, *plan.removals):
        if action.verb is not Verb.UNCHANGED:
            yield str(action)
            yield from (f"  {_shown(one, action)}" for one in action.changes)


def _shown(change: Departure, action: Action) -> str:
    """Return ``path: found -> wanted``, neither of them where it may be a secret."""
    if action.ref.kind == "Secret" or _is_credential(change):
        return f"{change.path}: {HIDDEN} -> {HIDDEN}"
    return str(change)


def _is_credential(change: Departure) -> bool:
    """Return whether either value is a credential by its name or its form."""
    named = _NAMED.search(change.path)
    name = (named[1] or named[2]) if named else ""
    values = [str(one) for one in (change.wanted, change.found) if one is not None]
    return any(detect.credential(name, one) if name else detect.by_shape(one) for one in values)
