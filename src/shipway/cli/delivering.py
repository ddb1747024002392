"""Commands that change what runs: up, rollback, demo."""

from __future__ import annotations

import click

from shipway.cli.completing import environments, services
from shipway.cli.options import go, shared

keys = click.option(
    "--key",
    "keys",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False),
    help="Public key to trust; may be given more than once.",
)
environment = click.option(
    "--env",
    "environment",
    metavar="ENV",
    default="dev",
    show_default=True,
    shell_complete=environments,
    help="Environment, of those in shipway.toml.",
)
target = click.option(
    "--target", default="", metavar="CONTEXT", help="One target of ENV; else all."
)
port = click.option(
    "--port", metavar="N", type=click.IntRange(1, 65535), help="Port the service listens on."
)
tests = click.option(
    "--tests",
    type=click.Choice(["block", "beside", "off"]),
    help="Before the build, beside it, or not at all.",
)
adopt = click.option("--adopt", is_flag=True, help="Take over objects that others made.")
timeout = click.option(
    "--timeout",
    metavar="SECONDS",
    type=click.FloatRange(1, 86400),
    default=120,
    show_default=True,
    help="How long the new pods have to serve.",
)


@click.command()
@click.argument("package", default="", shell_complete=services)
@environment
@keys
@adopt
@port
@tests
@timeout
@click.option("--dry-run", is_flag=True, help="Show what would change; send and apply nothing.")
@click.option("--debug", is_flag=True, help="Run it under Delve; forward to that until Ctrl-C.")
@shared
def up(
    *,
    package: str,
    environment: str,
    keys: tuple[str, ...],
    adopt: bool,
    port: int | None,
    tests: str | None,
    timeout: float,
    dry_run: bool,
    debug: bool,
) -> int:
    """Test, build, sign and deploy; print the URL.

    PACKAGE is a main package (./cmd/web) or the name of its service; without it, all services.
    ENV is one of [environments] in shipway.toml; without that table there is dev alone, on the
    embedded cluster.
    """
    return go(
        "up",
        package=package,
        environment=environment,
        keys=keys,
        adopt=adopt,
        port=port or 0,
        tests=tests or "",
        timeout=timeout,
        dry_run=dry_run,
        debug=debug,
    )


@click.command()
@click.argument("environment", metavar="ENV", shell_complete=environments)
@click.option("--to", default="", metavar="RELEASE", help="Digest of one that served before.")
@target
@click.option("--reason", default="", metavar="TEXT", help="Why; it stands in the evidence.")
@keys
@shared
def rollback(*, environment: str, to: str, target: str, reason: str, keys: tuple[str, ...]) -> int:
    """Put the previous release of ENV back, or one that served before."""
    return go("rollback", environment=environment, to=to, target=target, reason=reason, keys=keys)


@click.command()
@click.option("--keep/--no-keep", default=True, help="Leave the cluster running afterwards.")
@shared
def demo(keep: bool) -> int:
    """Carry the example service the whole road, and show its evidence."""
    return go("demo", local=False, keep=keep)
