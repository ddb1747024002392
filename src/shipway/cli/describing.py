"""The command that describes: sbom."""

from __future__ import annotations

import re

import click

from shipway.cli.options import go, shared


def _platform(ctx: click.Context, param: click.Parameter, value: str) -> str:
    """Return a platform as it was written, or fail."""
    if value and not re.fullmatch(r"[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?", value):
        raise click.BadParameter(f"{value!r} is not as linux/arm64", ctx, param)
    return value


@click.command()
@click.argument("subject", metavar="IMAGE|BINARY")
@click.option(
    "--format",
    "form",
    type=click.Choice(["spdx-json", "cyclonedx-json"]),
    default="spdx-json",
    show_default=True,
    help="Of the document.",
)
@click.option(
    "--platform", metavar="OS/ARCH", callback=_platform, default="", help="Of an image for several."
)
@click.option(
    "--file",
    "to",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    default="",
    help="Write it there.",
)
@shared
def sbom(*, subject: str, form: str, platform: str, to: str) -> int:
    """Print what is in a Go program or an image.

    That is its bill of materials: SPDX 2.3 or CycloneDX 1.6.

    A program is named by its file; an image by its reference, or by the folder of an image layout
    (DIR:NAME where it holds several). --file writes the document instead. Nothing is run, and the
    same input gives the same bytes.
    """
    return go("sbom", local=False, subject=subject, form=form, file=to, platform=platform)
