"""Commands of the inner loop: build, test."""

from __future__ import annotations

import click

from shipway.cli.delivering import environment as of_environment
from shipway.cli.options import go, shared

file = click.Path(dir_okay=False)


@click.command()
@click.argument("package", default="")
@of_environment
@click.option(
    "--push", metavar="true|false", type=bool, default=True, help="false: keep them here."
)
@click.option("--oci-layout", "folder", metavar="DIR", type=click.Path(file_okay=False), default="")
@click.option("--tarball", "archive", metavar="FILE", type=file, default="")
@shared
def build(*, package: str, environment: str, push: bool, folder: str, archive: str) -> int:
    """Build images and print their references by digest, and nothing else.

    They go to the registry of the environment with their evidence; into an image layout with
    --oci-layout; into a tar for `docker load` with --tarball; or with --push=false nowhere.
    """
    return go(
        "build",
        package=package,
        environment=environment,
        push=push,
        folder=folder,
        archive=archive,
    )


@click.command()
@click.argument("package", default="")
@click.option("--cobertura", metavar="FILE", type=file, default="", help="Coverage as XML.")
@shared
def test(*, package: str, cobertura: str) -> int:
    """Run the tests of PACKAGE's module, and judge their coverage by the gate."""
    return go("test", package=package, cobertura=cobertura)
