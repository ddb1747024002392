"""Commands that only look: trace, verify, status, history."""

from __future__ import annotations

import click

from shipway.cli.delivering import environment, keys
from shipway.cli.options import go, shared

file = click.Path(exists=True, dir_okay=False)


@click.command()
@click.argument("subject")
@environment
@click.option("-n", "--namespace", default="", help="Namespace of the object.")
@keys
@click.option("--export", default="", metavar="FILE", help="Write all the evidence to one file.")
@click.option("--trusted-root", default="", metavar="FILE", help="Keys to trust, for an export.")
@click.option("--policy", default="", metavar="FILE", help="Policy to judge by, for an export.")
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@shared
def trace(
    *,
    subject: str,
    environment: str,
    namespace: str,
    keys: tuple[str, ...],
    export: str,
    trusted_root: str,
    policy: str,
    as_json: bool,
) -> int:
    """Walk back from SUBJECT to the commit, and verify every link on the way.

    SUBJECT is pod/NAME, deployment/NAME, an image, or a file that --export wrote; or the full id of
    a commit of which no image was made: then it shows what such runs left on this machine.
    """
    if as_json:
        click.get_current_context().ensure_object(dict)["output"] = "json"
    return go(
        "trace",
        subject=subject,
        environment=environment,
        namespace=namespace,
        keys=keys,
        export=export,
        trusted_root=trusted_root,
        policy=policy,
    )


@click.command()
@click.argument("reference")
@environment
@keys
@shared
def verify(reference: str, environment: str, keys: tuple[str, ...]) -> int:
    """Judge the image or release REFERENCE for an environment, from the registry alone."""
    return go("verify", reference=reference, environment=environment, keys=keys)


@click.command()
@click.argument("environment", metavar="[ENV]", default="")
@keys
@shared
def status(environment: str, keys: tuple[str, ...]) -> int:
    """Show what runs where, and how it is."""
    return go("status", environment=environment, keys=keys)


@click.command()
@click.argument("environment", metavar="ENV")
@click.option("--target", default="", metavar="CONTEXT", help="One of its targets; else all.")
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1), help="Newest first."
)
@keys
@shared
def history(environment: str, target: str, limit: int, keys: tuple[str, ...]) -> int:
    """List the deploys and rollbacks of ENV from their signed links."""
    return go("history", environment=environment, target=target, limit=limit, keys=keys)
