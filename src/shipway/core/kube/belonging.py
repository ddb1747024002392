"""Which service of a project an object belongs to, where one is delivered without another.

``stages.render`` leaves out what belongs to a service that is not delivered, ``plan`` prunes only
what belongs to one that is. The recommended label counts first (kubernetes.io, "Recommended
Labels"), then a placeholder for the service's image; an object without either is everybody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.kube import images

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.kube.objects import Obj

LABEL = "app.kubernetes.io/name"


def labelled(obj: Obj) -> str:
    """Return the service that an object's own label names; empty if it has none."""
    labels = (obj.get("metadata") or {}).get("labels") or {}
    return str(labels.get(LABEL) or "")


def services(obj: Obj, packages: Mapping[str, str]) -> frozenset[str]:
    """Return the services that an object names by label or placeholder.

    ``packages`` maps import paths (of ``ko://``) to services.
    """
    named = {labelled(obj)} - {""}
    for _, text in images.placeholders(obj):
        scheme, _, rest = text.partition("://")
        named.add(packages.get(rest, rest) if scheme == "ko" else rest)
    return frozenset(named)
