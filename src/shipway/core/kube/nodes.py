"""What the nodes of a cluster run: the platforms that images for it need."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci.descriptor import Platform

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shipway.core.kube.objects import Obj


def platforms(nodes: Iterable[Obj]) -> frozenset[Platform]:
    """Return the platforms of Linux nodes, as each kubelet says of itself (``status.nodeInfo``)."""
    found = set()
    for node in nodes:
        info = (node.get("status") or {}).get("nodeInfo") or {}
        architecture = str(info.get("architecture") or "")
        if architecture and info.get("operatingSystem", "linux") == "linux":
            found.add(Platform(architecture))
    return frozenset(found)
