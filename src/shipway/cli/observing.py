"""Commands that only look: trace, verify, affected, status, history."""

from __future__ import annotations

from typing import Any

import click
from click.core import ParameterSource

from shipway.cli.completing import environments
from shipway.cli.delivering import environment, keys, target
from shipway.cli.options import go, shared

file = click.Path(exists=True, dir_okay=False)


@click.command()
@click.argument("subject")
@environment
@click.option("-n", "--namespace", default="", metavar="NAMESPACE", help="Namespace of the object.")
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
    """Walk back from SUBJECT to its commit; verify every link.

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
@click.argument("reference", metavar="REFERENCE|ARTIFACT")
@environment
@keys
@click.option("--bundle", default="", metavar="FILE", help="Sigstore bundle to judge for ARTIFACT.")
@click.option(
    "--certificate-identity",
    "--identity",
    "identity",
    default="",
    metavar="IDENTITY",
    help="Who signed it.",
)
@click.option(
    "--certificate-identity-regexp",
    "--identity-pattern",
    "identity_pattern",
    default="",
    metavar="REGEX",
    help="The same; the whole identity must match.",
)
@click.option(
    "--certificate-oidc-issuer",
    "--issuer",
    "issuer",
    default="",
    metavar="URL",
    help="Who vouched for the identity.",
)
@click.option(
    "--certificate-oidc-issuer-regexp",
    "--issuer-pattern",
    "issuer_pattern",
    default="",
    metavar="REGEX",
    help="The same; the whole URL must match.",
)
@click.option(
    "--trusted-root",
    default="",
    metavar="FILE|public",
    help="Whose word counts; for an identity the public instance's by default.",
)
@click.option("--predicate-type", default="", metavar="URI", help="What it must say.")
@click.option(
    "--use-signed-timestamps",
    "--require-timestamp",
    "timestamp",
    is_flag=True,
    help="Ask for a timestamp even where a log says when.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --output json.")
@shared
def verify(
    *,
    reference: str,
    environment: str,
    keys: tuple[str, ...],
    bundle: str,
    as_json: bool,
    **asked: Any,  # noqa: ANN401  options of --bundle
) -> int:
    """Judge an image or release, from its registry alone.

    REFERENCE is REPOSITORY@sha256:... or REPOSITORY:TAG; ENV says what must hold for it.

    With --bundle, judge a Sigstore bundle of anybody's for ARTIFACT, a file or sha256:DIGEST, and
    print every check with what it saw. That needs no project and no network.
    """
    if as_json:
        click.get_current_context().ensure_object(dict)["output"] = "json"
    context = click.get_current_context()
    if bundle and context.get_parameter_source("environment") is ParameterSource.COMMANDLINE:
        raise click.UsageError("--env does not go with --bundle")
    if bundle:
        return go(
            "verify_bundle", local=False, bundle=bundle, artifact=reference, keys=keys, **asked
        )
    if named := [name for name, value in asked.items() if value]:
        raise click.UsageError(f"{', '.join(named)}: only with --bundle")
    return go("verify", reference=reference, environment=environment, keys=keys)


@click.command()
@click.argument("words", metavar="ID|--all [ENV]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that is known, instead of one ID.")
@click.option("--database", metavar="URL|DIR", default="", help="Instead of your configuration's.")
@keys
@shared
def affected(
    *, words: tuple[str, ...], everything: bool, database: str, keys: tuple[str, ...]
) -> int:
    """Show what a vulnerability reaches of what runs now.

    That is pods, services and commits. ID is any of its names: GO, CVE or GHSA. ENV is all
    environments by default.
    """
    most = 1 if everything else 2
    if len(words) > most or not (words or everything):
        raise click.UsageError("name one ID, or --all; then at most one environment")
    name = "" if everything else words[0]
    environment = "".join(words if everything else words[1:])
    return go("affected", id=name, environment=environment, database=database, keys=keys)


@click.command()
@click.argument("reference")
@shared
def sign(reference: str) -> int:
    """Sign an image or release by an identity, without a key.

    Your own [trust] names the Sigstore instance; the job, a file or a variable gives the token.
    """
    return go("sign", local=False, reference=reference)


@click.command()
@click.argument("environment", metavar="[ENV]", default="", shell_complete=environments)
@keys
@shared
def status(environment: str, keys: tuple[str, ...]) -> int:
    """Show what runs where, and how it is.

    In ENV, or in all environments.
    """
    return go("status", environment=environment, keys=keys)


@click.command()
@click.argument("environment", metavar="ENV", shell_complete=environments)
@target
@click.option(
    "--limit",
    metavar="N",
    default=20,
    show_default=True,
    type=click.IntRange(1),
    help="The newest N.",
)
@keys
@shared
def history(environment: str, target: str, limit: int, keys: tuple[str, ...]) -> int:
    """List the deploys and rollbacks of ENV from their signed links."""
    return go("history", environment=environment, target=target, limit=limit, keys=keys)
