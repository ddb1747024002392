"""Health by the expressions of the configuration, for kinds that Kubernetes does not know.

``core.project.settings`` makes rules of the ``[health]`` tables before anything is built;
``stages.gate`` hands them to the scene. An expression sees the object's fields (``status``,
``spec``, ``metadata``) and the whole as ``object``; one that has no value does not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube.health import cel, generic
from shipway.core.kube.health.state import HEALTHY, Cause, Health, failed, observed, progressing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.kube.objects import Obj


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of objects of one kind, in this order; an empty expression is not asked."""

    kind: str
    """As ``Certificate.cert-manager.io``: kind and group."""
    failed: str = ""
    progressing: str = ""
    healthy: str = ""


def check(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Return the rules, if all their expressions can be read.

    Raises:
        ShipwayError: ``health.expression`` (config) for the first that cannot.
    """
    found = tuple(rules)
    for rule in found:
        for text in (rule.failed, rule.progressing, rule.healthy):
            if text:
                cel.parse(text)
    return found


def kind_of(obj: Obj) -> str:
    """Return kind and group as rules name them."""
    group = str(obj.get("apiVersion", "")).rpartition("/")[0]
    return f"{obj.get('kind')}.{group}".rstrip(".")


def judge(rule: Rule, obj: Obj) -> Health:
    """Return the health of an object by its rule."""
    if "observedGeneration" in (obj.get("status") or {}) and not observed(obj):
        return progressing("its controller has not seen it yet")
    said = generic.ready_message(obj)
    if _holds(rule.failed, obj):
        return failed(Cause.FAILED, said or f"it is failed by the expression {rule.failed}")
    if _holds(rule.progressing, obj):
        return progressing(said or f"it is on its way by the expression {rule.progressing}")
    if not rule.healthy or _holds(rule.healthy, obj):
        return HEALTHY
    return progressing(said or f"{rule.healthy} does not hold yet")


def _holds(text: str, obj: Obj) -> bool:
    if not text:
        return False
    try:
        return cel.evaluate(cel.parse(text), {**obj, "object": obj}) is True
    except cel.NoValueError:
        return False
