"""Reach: the clusters and the registry of an environment, made ready before anything is built.

Roads that change something ask here, and only they start the embedded cluster; those that look ask
:mod:`shipway.roads.where`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.kube import nodes
from shipway.core.oci.descriptor import Platform  # noqa: TC001  msgspec reads types
from shipway.core.ports.kube import Selection
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.hands import Hands
    from shipway.core.project.settings import Place


class Reach(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run goes."""

    contexts: tuple[str, ...]
    registry: str
    platforms: tuple[Platform, ...] = ()
    """Of the nodes; empty: this machine's."""


def of(place: Place, cluster: str, hands: Hands) -> Reach:
    """Return how an environment is reached; the embedded cluster is started if it is down.

    Raises:
        ShipwayError: what a cluster or the registry says where it cannot be used.
    """
    if place.embedded:
        ground = hands.raise_ground(cluster)
        return Reach(contexts=(ground.context,), registry=place.registry or ground.registry)
    for context in place.contexts:
        hands.kube(context).version()
    hands.registry.tags(f"{place.registry}/shipway")
    return Reach(
        contexts=place.contexts,
        registry=place.registry,
        platforms=platforms(place.contexts, hands),
    )


def platforms(contexts: tuple[str, ...], hands: Hands) -> tuple[Platform, ...]:
    """Return what the nodes of these clusters run; nothing where one does not say.

    Raises:
        ShipwayError: what the clusters say, but that nodes may not be listed.
    """
    found: set[Platform] = set()
    for context in contexts:
        try:
            here = nodes.platforms(hands.kube(context).list(Selection("v1", "Node")))
        except ShipwayError as error:
            if error.id != "kube.forbidden":
                raise
            here = frozenset()
        if not here:
            return ()
        found |= here
    return tuple(sorted(found, key=str))
