"""Commands about the project and the user: init, render, check, explain, key."""

from __future__ import annotations

import click

from shipway.cli.completing import environments, errors
from shipway.cli.options import answer, go, shared


@click.command()
@click.option("--dry-run", is_flag=True, help="Print what would be written.")
@shared
def init(dry_run: bool) -> int:
    """Write down what up guesses.

    That is shipway.toml, shipway.lock and deploy/. What is there already is left as it is.
    """
    return go("init", dry_run=dry_run)


@click.command()
@click.argument("environment", metavar="[ENV]", default="dev", shell_complete=environments)
@shared
def render(environment: str) -> int:
    """Print what would be applied to ENV, as YAML.

    ENV is dev by default. No cluster is needed.
    """
    return go("render", environment=environment)


@click.command()
@click.argument("environment", metavar="[ENV]", default="", shell_complete=environments)
@shared
def check(environment: str) -> int:
    """Judge config and manifests, as up does before it pushes.

    Those of ENV, or of all environments. No cluster is needed.
    """
    return go("check", environment=environment)


@click.command()
@click.argument("identifier", metavar="ID", shell_complete=errors)
@shared
def explain(identifier: str) -> int:
    """Explain an error by its ID: cause, example, next step."""
    from shipway.roads import explain as pages  # noqa: PLC0415  only this command reads them

    return answer(lambda _emit: pages.page(identifier))


@click.group()
@shared
def key() -> None:
    """The key that signs your evidence."""


@key.command()
@shared
def show() -> int:
    """Print its fingerprint, its place, and what guards it."""
    return go("key_show", local=False)


@key.command()
@click.argument("path", metavar="[FILE]", default="")
@shared
def export(path: str) -> int:
    """Write the public key to FILE, or print it."""
    return go("key_export", local=False, path=path)
