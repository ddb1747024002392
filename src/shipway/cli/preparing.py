"""Commands about the project and the user: init, render, check, explain, key."""

from __future__ import annotations

import click

from shipway.cli.options import answer, go, shared


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
@shared
def init(dry_run: bool) -> int:
    """Write shipway.toml, shipway.lock and deploy/, as up guesses them; never overwrite."""
    return go("init", dry_run=dry_run)


@click.command()
@click.argument("environment", metavar="[ENV]", default="dev")
@shared
def render(environment: str) -> int:
    """Print what would be applied to ENV (dev by default), as YAML; needs no cluster."""
    return go("render", environment=environment)


@click.command()
@click.argument("environment", metavar="[ENV]", default="")
@shared
def check(environment: str) -> int:
    """Judge the config and the manifests of ENV (all by default), as up does before it builds."""
    return go("check", environment=environment)


@click.command()
@click.argument("identifier", metavar="ID")
@shared
def explain(identifier: str) -> int:
    """Explain the error ID: cause, example, next step."""
    from shipway.roads import explain as pages  # noqa: PLC0415  only this command reads them

    return answer(lambda _emit: pages.page(identifier))


@click.group()
@shared
def key() -> None:
    """The key that signs your evidence."""


@key.command()
@shared
def show() -> int:
    """Print the fingerprint, where the key lies, and whether a passphrase guards it."""
    return go("key_show", local=False)


@key.command()
@click.argument("path", metavar="[FILE]", default="")
@shared
def export(path: str) -> int:
    """Write the public key to FILE, or print it."""
    return go("key_export", local=False, path=path)
