"""Where: the destinations of an environment, found without building or starting anything.

``trace``, ``rollback``, ``status``, ``history`` and ``verify`` ask here. None of them starts the
embedded cluster: what does not run is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence.trust import Trust, narrow
from shipway.core.project import settings
from shipway.core.project.settings import Place  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError
from shipway.roads import outset
from shipway.roads.destination import Destination
from shipway.roads.scaffold import LoadedProject  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from shipway.core.ports.hands import Hands


class WhereRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which project and environment."""

    directory: str
    environment: str = settings.DEV
    cluster: str = ""
    target: str = ""
    """One of its contexts; empty: all."""
    keys: tuple[str, ...] = ()


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """An environment and its clusters, before anybody's word is asked for."""

    project: LoadedProject
    place: Place
    contexts: tuple[str, ...]
    registry: str


def reached(request: WhereRequest, *, hands: Hands, loaded: LoadedProject | None = None) -> Reached:
    """Return the environment's clusters, or the one of them that is asked for.

    ``loaded`` is the project, where the caller has read it already.

    Raises:
        ShipwayError: ``cluster.stopped`` (missing), ``config.environment``, ``config.target``
            (not found).
    """
    found = loaded or outset.project(request.directory, hands=hands)
    at = found.at(request.environment)
    contexts, registry = standing(at, request.cluster, hands)
    contexts = chosen(contexts, request.target, request.environment)
    return Reached(project=found, place=at, contexts=contexts, registry=registry)


def destinations(
    request: WhereRequest, *, hands: Hands, loaded: LoadedProject | None = None
) -> tuple[Destination, ...]:
    """Return the environment's destinations; ``loaded`` is as :func:`reached` has it.

    Raises:
        ShipwayError: as :func:`reached`; ``trust.none`` (config).
    """
    there = reached(request, hands=hands, loaded=loaded)
    trust = trusted(there.project, there.place, request.keys, hands)
    return tuple(
        destination(there.project.name, there.place, context, registry=there.registry, trust=trust)
        for context in there.contexts
    )


def chosen(contexts: tuple[str, ...], target: str, environment: str) -> tuple[str, ...]:
    """Return the one context that was named, or all.

    Raises:
        ShipwayError: ``config.target`` (not found).
    """
    found = tuple(one for one in contexts if target in {"", one})
    if not found:
        raise ShipwayError(
            "config.target",
            Kind.NOT_FOUND,
            "the environment has no such target",
            operation="choosing a target of",
            subject=f"{environment}: {target}",
        )
    return found


def destination(
    project: str, at: Place, context: str, *, registry: str, trust: Trust
) -> Destination:
    """Return one target of an environment; its evidence lies in ``REGISTRY/PROJECT/evidence``."""
    return Destination(
        project=project,
        environment=at.environment,
        context=context,
        evidence=f"{registry}/{project}/evidence",
        trust=trust,
        namespaces=at.namespaces,
        rollout=at.rollout,
        health=at.health,
    )


def trust(request: WhereRequest, *, hands: Hands) -> Trust:
    """Return whose word counts in an environment; nothing of it is reached.

    Raises:
        ShipwayError: as :func:`trusted`, and ``config.environment``.
    """
    found = outset.project(request.directory, hands=hands)
    at = found.at(request.environment)
    return trusted(found, at, request.keys, hands)


def trusted(found: LoadedProject, at: Place, named: tuple[str, ...], hands: Hands) -> Trust:
    """Return whose word counts in an environment; the project's own ``[trust]`` only narrows it.

    Raises:
        ShipwayError: ``trust.none`` (config), ``key.missing`` (not found), ``key.invalid``.
    """
    files = hands.files(found.directory)

    def read(path: str) -> str:
        return (files.read(path) or b"").decode(errors="replace")

    known = hands.trusted(named, own=at.embedded and not at.protected)
    keys = narrow(known, found.settings.config.trust.keys, read)
    if not keys:
        raise ShipwayError(
            "trust.none",
            Kind.CONFIG,
            "shipway.toml's [trust] names none of the trusted keys" if known else "there is none",
            operation="looking for a key that is trusted in",
            subject=at.environment,
            hint="name public keys with --key, or under [trust] in your own configuration"
            + ("; a protected one counts only keys with a passphrase" if at.protected else ""),
        )
    return Trust(keys=keys, protected=at.protected)


def standing(at: Place, cluster: str, hands: Hands) -> tuple[tuple[str, ...], str]:
    """Return an environment's contexts and its registry.

    Raises:
        ShipwayError: ``cluster.stopped`` (missing).
    """
    if not at.embedded:
        return at.contexts, at.registry
    ground = hands.ground(cluster)
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
