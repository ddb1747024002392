"""Commands of the embedded cluster."""

from __future__ import annotations

import click

from shipway.cli.options import go, shared


@click.group()
@shared
def cluster() -> None:
    """The embedded Kubernetes on this machine."""


@cluster.command()
@shared
def up() -> int:
    """Start the cluster.

    Its programs are built first where they are missing.
    """
    return go("cluster_up", local=False)


@cluster.command()
@shared
def status() -> int:
    """Show every part, its address and its state."""
    return go("cluster_status", local=False)


@cluster.command()
@shared
def down() -> int:
    """Stop the cluster; its state is kept."""
    return go("cluster_down", local=False)


@cluster.command()
@click.option("--all", "everything", is_flag=True, help="Engines and build cache too.")
@shared
def delete(everything: bool) -> int:
    """Remove the cluster and its state, and list what is left."""
    return go("cluster_delete", local=False, everything=everything)


@cluster.command()
@shared
def kubeconfig() -> int:
    """Print a kubeconfig for the cluster."""
    return go("cluster_kubeconfig", local=False)
