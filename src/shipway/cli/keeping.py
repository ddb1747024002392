"""Commands about what is kept."""

from __future__ import annotations

import click

from shipway.cli.options import go, shared


@click.command()
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@shared
def gc(*, dry_run: bool) -> int:
    """Remove what nobody needs any more, as every run does.

    What killed runs left goes, too. What is deployed or named stays, and the newest five builds of
    each service; so do signed links.
    """
    return go("gc", local=False, dry_run=dry_run)
