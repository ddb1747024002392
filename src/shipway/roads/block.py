"""The embedded cluster's block of node ports, when all of it is taken.

``roads.carry`` asks here when an object could not be applied, so that the person reads who holds
the ports, and not only that there is none left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube.objects import ref_of
from shipway.core.ports.kube import Selection
from shipway.errors import Failures, Kind, ShipwayError, each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.kube import Reader

_FULL = "failed to allocate a nodePort: range is full"
"""The apiserver's words (pkg/registry/core/service/portallocator)."""
_SHOWN = 40


def full(error: ShipwayError, kube: Reader) -> ShipwayError | None:
    """Return the error that names the holders of all node ports; none where that is not it.

    What else failed beside stays beside it.
    """
    failed = each(error)
    full = [one for one in failed if isinstance(one, ShipwayError) and _FULL in one.message]
    if not full:
        return None
    told = _told(full[0], kube)
    others = tuple(one for one in failed if one not in full)
    return Failures((told, *others)) if others else told


def _told(error: ShipwayError, kube: Reader) -> ShipwayError:
    holders = sorted(_holders(kube))
    more = f" and {len(holders) - _SHOWN} more" if len(holders) > _SHOWN else ""
    return ShipwayError(
        "kube.no_node_port",
        Kind.MISSING,
        f"every node port of the cluster is taken, by {', '.join(holders[:_SHOWN])}{more}",
        operation=error.operation,
        subject=error.subject,
        hint="remove one that is not needed (kubectl delete namespace NAME), or use another cluster"
        " (--name NAME): each has a block of its own",
    )


def _holders(kube: Reader) -> Iterator[str]:
    """Yield every Service that holds a node port, with its ports."""
    for service in kube.list(Selection("v1", "Service")):
        ports = (service.get("spec") or {}).get("ports") or ()
        held = [str(one["nodePort"]) for one in ports if one.get("nodePort")]
        if held:
            at = ref_of(service)
            yield f"{at.namespace}/{at.name} ({', '.join(held)})"
