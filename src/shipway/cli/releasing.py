"""Commands of releases: release, deploy, promote, what they would do, and their end: delete."""

from __future__ import annotations

import click

from shipway.cli.delivering import adopt, environment, keys, target, timeout
from shipway.cli.options import Comparing, go, shared


@click.command()
@environment
@shared
def release(environment: str) -> int:
    """Make a signed release of the present commit; print its reference alone.

    Every gate blocks. It goes to the registry of ENV, and names no environment.
    """
    return go("release", environment=environment)


@click.command()
@click.argument("environment", metavar="ENV")
@click.argument("release", metavar="[RELEASE]", default="")
@target
@keys
@adopt
@timeout
@shared
def deploy(
    *,
    environment: str,
    release: str,
    target: str,
    keys: tuple[str, ...],
    adopt: bool,
    timeout: float,
) -> int:
    """Deploy a release to ENV; build nothing.

    RELEASE is a version, a digest or a reference by digest; without it, the newest release.
    """
    return go(
        "deploy",
        environment=environment,
        release=release,
        target=target,
        keys=keys,
        adopt=adopt,
        timeout=timeout,
    )


@click.command()
@click.argument("origin", metavar="FROM")
@click.argument("environment", metavar="TO")
@target
@keys
@adopt
@timeout
@shared
def promote(
    *,
    origin: str,
    environment: str,
    target: str,
    keys: tuple[str, ...],
    adopt: bool,
    timeout: float,
) -> int:
    """Deploy to TO the release that serves in FROM, by the same digests."""
    return go(
        "promote",
        origin=origin,
        environment=environment,
        target=target,
        keys=keys,
        adopt=adopt,
        timeout=timeout,
    )


@click.command()
@click.argument("environment", metavar="ENV")
@click.argument("release", metavar="[RELEASE]", default="")
@target
@keys
@adopt
@shared
def plan(*, environment: str, release: str, target: str, keys: tuple[str, ...], adopt: bool) -> int:
    """Show what deploying a release to ENV would change, as the API server judges it.

    RELEASE as for deploy: without it, the newest release. Nothing is changed.
    """
    return go(
        "plan", environment=environment, release=release, target=target, keys=keys, adopt=adopt
    )


@click.command(cls=Comparing)
@click.argument("environment", metavar="ENV")
@click.argument("release", metavar="[RELEASE]", default="")
@target
@keys
@shared
def diff(*, environment: str, release: str, target: str, keys: tuple[str, ...]) -> int:
    """Show how what runs in ENV departs from a release and the manifests of the checkout.

    RELEASE as for deploy: without it, the one that serves. Exits with 0 where nothing departs, 2
    where something does, 1 where it failed.
    """
    return go(
        "diff",
        compares=True,
        environment=environment,
        release=release,
        target=target,
        keys=keys,
    )


@click.command()
@click.argument("environment", metavar="ENV")
@target
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the evidence.")
@keys
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def delete(*, environment: str, target: str, reason: str, keys: tuple[str, ...], yes: bool) -> int:
    """Remove from the clusters of ENV what its deploys put there; the evidence stays."""
    return go("delete", environment=environment, target=target, reason=reason, keys=keys, yes=yes)
