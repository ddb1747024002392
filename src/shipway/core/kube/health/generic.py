"""Kinds that nobody here knows, by the conditions that controllers agree on (kstatus)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.health.state import (
    HEALTHY,
    Around,
    Cause,
    Health,
    condition,
    failed,
    is_true,
    observed,
    progressing,
)

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj


def conditions(obj: Obj, _around: Around) -> Health:
    """Judge by generation, Reconciling, Stalled and Ready; without any of them it is healthy."""
    status = obj.get("status") or {}
    if "observedGeneration" in status and not observed(obj):
        return progressing("its controller has not seen it yet")
    if is_true(obj, "Stalled"):
        return failed(Cause.FAILED, _said(obj, "Stalled"))
    if is_true(obj, "Reconciling"):
        return progressing(_said(obj, "Reconciling"))
    ready = condition(obj, "Ready") or condition(obj, "Available")
    if ready and ready.get("status") != "True":
        return progressing(_said(obj, str(ready["type"])))
    return HEALTHY


def ready_message(obj: Obj) -> str:
    """Return what the condition Ready or Available says of itself; empty without one."""
    name = "Ready" if condition(obj, "Ready") else "Available"
    return _said(obj, name) if condition(obj, name) else ""


def _said(obj: Obj, name: str) -> str:
    found = condition(obj, name)
    text = ": ".join(part for part in (found.get("reason"), found.get("message")) if part)
    return text or f"{name} is {found.get('status')}"
