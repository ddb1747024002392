"""Kinds of Kubernetes itself that wait for something, each in a few lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shipway.core.kube.health.state import (
    HEALTHY,
    Around,
    Cause,
    Health,
    State,
    condition,
    failed,
    is_true,
    progressing,
)
from shipway.core.patterns import late

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj


_HOPELESS = late(
    r"no persistent volumes available for this claim and no storage class is set"
    r'|storageclass\.storage\.k8s\.io "[^"]*" not found',
    re.IGNORECASE,
)
"""What a claim is told where nobody makes volumes for it (pkg/controller/volume)."""


def service(obj: Obj, _around: Around) -> Health:
    """Healthy at once; a LoadBalancer when it has an address."""
    if (obj.get("spec") or {}).get("type") != "LoadBalancer":
        return HEALTHY
    given = ((obj.get("status") or {}).get("loadBalancer") or {}).get("ingress")
    return HEALTHY if given else progressing("its load balancer has no address yet")


def claim(obj: Obj, around: Around) -> Health:
    """Healthy when Bound, or when it waits for its first pod by design."""
    phase = (obj.get("status") or {}).get("phase")
    if phase == "Bound":
        return HEALTHY
    if phase == "Lost":
        return failed(Cause.FAILED, "its volume is lost")
    newest = around.warnings[-1] if around.warnings else {}
    reason, message = str(newest.get("reason")), str(newest.get("message") or "")
    if reason == "WaitForFirstConsumer":
        return Health(State.HEALTHY, "it waits for its first pod")
    if _HOPELESS.search(message):
        return failed(Cause.VOLUME, message)
    return progressing(message or "it has no volume yet", Cause.VOLUME)


def namespace(obj: Obj, _around: Around) -> Health:
    """Healthy unless it is going away."""
    phase = (obj.get("status") or {}).get("phase", "Active")
    return HEALTHY if phase == "Active" else progressing(f"it is {phase}")


def definition(obj: Obj, _around: Around) -> Health:
    """Healthy when Established; failed when its names are taken."""
    names = condition(obj, "NamesAccepted")
    if names.get("status") == "False":
        return failed(Cause.FAILED, f"{names.get('reason')}: {names.get('message')}")
    return HEALTHY if is_true(obj, "Established") else progressing("it is not Established yet")


def api_service(obj: Obj, _around: Around) -> Health:
    """Healthy when Available."""
    if is_true(obj, "Available"):
        return HEALTHY
    return progressing(str(condition(obj, "Available").get("message") or "it is not Available yet"))
