"""Wiring of releases: made, foreseen, deployed, promoted, deleted.

:mod:`shipway.wiring` has these among its own; the table is in ``shipway.cli``.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from shipway.wiring.tools import Tools, architecture

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.run.events import Event

    Emit = Callable[[Event], None]


def release(*, directory: str, cluster: str, emit: Emit, environment: str) -> object:
    """Make a release of the present commit."""
    from shipway.roads import release as road

    asked = road.ReleaseRequest(
        directory=directory,
        environment=environment,
        cluster=cluster,
        architecture=architecture(),
    )
    return road.release(asked, hands=Tools(emit), emit=emit)


def deploy(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    release: str,
    target: str,
    keys: tuple[str, ...],
    adopt: bool,
    timeout: float,
) -> object:
    """Deploy a release that a registry holds."""
    from shipway.roads import dispatch as road

    asked = road.DispatchRequest(
        directory=directory,
        environment=environment,
        cluster=cluster,
        target=target,
        keys=keys,
        adopt=adopt,
        seconds=timeout,
    )
    return road.deploy(asked, release, hands=Tools(emit), emit=emit)


def promote(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    origin: str,
    environment: str,
    target: str,
    keys: tuple[str, ...],
    adopt: bool,
    timeout: float,
) -> object:
    """Deploy the release that serves in another environment."""
    from shipway.roads import dispatch as road
    from shipway.roads.where import WhereRequest

    source = WhereRequest(directory=directory, environment=origin, cluster=cluster, keys=keys)
    asked = road.DispatchRequest(
        directory=directory,
        environment=environment,
        cluster=cluster,
        target=target,
        keys=keys,
        adopt=adopt,
        seconds=timeout,
    )
    return road.promote(source, asked, hands=Tools(emit), emit=emit)


def plan(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    release: str,
    target: str,
    keys: tuple[str, ...],
    adopt: bool,
) -> object:
    """Show what a deploy would change."""
    from shipway.roads import foresee as road
    from shipway.roads.dispatch import DispatchRequest

    asked = DispatchRequest(
        directory=directory,
        environment=environment,
        cluster=cluster,
        target=target,
        keys=keys,
        adopt=adopt,
    )
    return road.plan(asked, release, hands=Tools(emit), emit=emit)


def diff(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    release: str,
    target: str,
    keys: tuple[str, ...],
) -> object:
    """Show how what runs departs from what is asked."""
    from shipway.roads import foresee as road
    from shipway.roads.dispatch import DispatchRequest

    asked = DispatchRequest(
        directory=directory,
        environment=environment,
        cluster=cluster,
        target=target,
        keys=keys,
    )
    return road.diff(asked, release, hands=Tools(emit), emit=emit)


def delete(
    *,
    directory: str,
    cluster: str,
    emit: Emit,
    environment: str,
    target: str,
    reason: str,
    keys: tuple[str, ...],
    yes: bool,
) -> object:
    """Remove an environment from its clusters."""
    from shipway.roads import delete as road
    from shipway.roads.where import WhereRequest

    asked = WhereRequest(
        directory=directory, environment=environment, cluster=cluster, target=target, keys=keys
    )
    sure = (lambda _: True) if yes else _asked
    return road.delete(asked, reason=reason, sure=sure, hands=Tools(emit), emit=emit)


def _asked(listed: tuple[str, ...]) -> bool:
    """Show what would go, and return whether the person at the terminal says yes; else no."""
    sys.stderr.write("".join(f"  {one}\n" for one in listed))
    if not sys.stdin or not sys.stdin.isatty():
        return False
    sys.stderr.write(f"delete these {len(listed)} objects? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}
