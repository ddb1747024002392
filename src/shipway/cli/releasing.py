"""Commands of releases: release, deploy, promote, what they would do, and their end: delete."""

from __future__ import annotations

import click

from shipway.cli.completing import environments
from shipway.cli.delivering import adopt, environment, keys, target, timeout
from shipway.cli.options import Comparing, go, shared


@click.command()
@environment
@shared
def release(environment: str) -> int:
    """Make a signed release of the present commit.

    Its reference alone is printed. Every gate blocks. It goes to the registry of ENV, and names no
    environment.
    """
    return go("release", environment=environment)


@click.command()
@click.argument("environment", metavar="ENV", shell_complete=environments)
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
@click.argument("origin", metavar="FROM", shell_complete=environments)
@click.argument("environment", metavar="TO", shell_complete=environments)
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
    """Deploy to TO the release that serves in FROM.

    By the same digests: images and verified links are copied where TO has another registry.
    """
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
@click.argument("environment", metavar="ENV", shell_complete=environments)
@click.argument("release", metavar="[RELEASE]", default="")
@target
@keys
@adopt
@shared
def plan(*, environment: str, release: str, target: str, keys: tuple[str, ...], adopt: bool) -> int:
    """Show what deploying a release to ENV would change.

    The API server is asked, and nothing is changed. RELEASE as for deploy: without it, the newest
    release.
    """
    return go(
        "plan", environment=environment, release=release, target=target, keys=keys, adopt=adopt
    )


@click.command(cls=Comparing)
@click.argument("environment", metavar="ENV", shell_complete=environments)
@click.argument("release", metavar="[RELEASE]", default="")
@target
@keys
@shared
def diff(*, environment: str, release: str, target: str, keys: tuple[str, ...]) -> int:
    """Show how what runs in ENV departs from its release.

    The manifests are those of the checkout.

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
@click.argument("environment", metavar="ENV", shell_complete=environments)
@target
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the evidence.")
@keys
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared
def delete(*, environment: str, target: str, reason: str, keys: tuple[str, ...], yes: bool) -> int:
    """Remove from its clusters what deploys to ENV put there.

    Images and evidence stay.
    """
    return go("delete", environment=environment, target=target, reason=reason, keys=keys, yes=yes)
