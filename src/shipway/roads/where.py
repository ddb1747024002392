"""Where: the destinations of an environment, found without building or starting anything.

``trace``, ``rollback``, ``status``, ``history`` and ``verify`` ask here. None of them starts the
embedded cluster: what does not run is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.trust import Trust
from shipway.core.project import settings
from shipway.errors import Kind, ShipwayError
from shipway.roads import scaffold
from shipway.roads.destination import Destination

if TYPE_CHECKING:
    from shipway.core.ports.hands import Hands
    from shipway.core.project.settings import Place
    from shipway.roads.scaffold import LoadedProject


class WhereRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which project and environment."""

    directory: str
    environment: str = settings.DEV
    cluster: str = ""
    target: str = ""
    """One of its contexts; empty: all."""
    keys: tuple[str, ...] = ()


def project(directory: str, hands: Hands) -> LoadedProject:
    """Return the project in ``directory``."""
    asked = scaffold.ProjectRequest(directory=directory, variables=hands.variables)
    return scaffold.load(asked, files=hands.files(directory), go=hands.go)


def place(request: WhereRequest, hands: Hands) -> tuple[str, Place]:
    """Return the project's name and where the environment lives."""
    found = project(request.directory, hands)
    return found.name, settings.place(found.settings.config, found.name, request.environment)


def destinations(request: WhereRequest, *, hands: Hands) -> tuple[Destination, ...]:
    """Return the environment's destinations.

    Raises:
        ShipwayError: ``cluster.stopped`` (missing), ``config.environment``, ``config.target``
            (not found), ``trust.none`` (config).
    """
    name, at = place(request, hands)
    contexts, registry = _reach(request, at, hands)
    if request.target:
        contexts = tuple(one for one in contexts if one == request.target)
    if not contexts:
        raise ShipwayError(
            "config.target",
            Kind.NOT_FOUND,
            "the environment has no such target",
            operation="choosing a target of",
            subject=f"{request.environment}: {request.target}",
        )
    trust = trusted(request, at, hands)
    return tuple(
        Destination(
            project=name,
            environment=at.environment,
            context=context,
            evidence=f"{registry}/{name}/evidence",
            trust=trust,
            namespaces=at.namespaces,
            health=at.health,
        )
        for context in contexts
    )


def trusted(request: WhereRequest, at: Place, hands: Hands) -> Trust:
    """Return whose word counts in an environment.

    Raises:
        ShipwayError: ``trust.none`` (config).
    """
    keys = hands.trusted(request.keys, own=at.embedded and not at.protected)
    if not keys:
        raise ShipwayError(
            "trust.none",
            Kind.CONFIG,
            "no key is trusted there",
            operation="judging evidence of",
            subject=at.environment,
            hint="name public keys with --key, or under [trust] in your own configuration",
        )
    return Trust(keys=keys, protected=at.protected)


def _reach(request: WhereRequest, at: Place, hands: Hands) -> tuple[tuple[str, ...], str]:
    if not at.embedded:
        return at.contexts, at.registry
    ground = hands.ground(request.cluster)
    if ground is None or not ground.running:
        raise ShipwayError(
            "cluster.stopped",
            Kind.MISSING,
            "the embedded cluster does not run",
            operation="reaching",
            subject=at.environment,
            hint="shipway cluster up",
        )
    return (ground.context,), at.registry or ground.registry
