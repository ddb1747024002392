"""What everybody on a machine may know of its clusters: one ``cluster.json`` each.

Read by the roads as anyone, written by :mod:`shipway.cluster.life` as root.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.cluster.site import STATE, Allocation, Programs, Site, state_of
from shipway.core.patterns import late
from shipway.core.ports.ground import File
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.ground import Tree
    from shipway.core.ports.hostfacts import Facts

CLUSTERS = f"{STATE}/clusters"
_NAME = late(r"[a-z][a-z0-9-]{0,29}\Z")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster, running or not."""

    schema: int = 1
    name: str
    allocation: Allocation
    created: float
    """Seconds since the epoch."""
    versions: dict[str, str] = msgspec.field(default_factory=dict)
    """Engine: version."""


def named(name: str) -> str:
    """Return ``name`` if a cluster may be called so.

    Raises:
        ShipwayError: ``cluster.name`` (usage).
    """
    if not _NAME.match(name):
        raise ShipwayError(
            "cluster.name",
            Kind.USAGE,
            "a name is lower case letters, digits and dashes, 30 at most, a letter first",
            operation="naming cluster",
            subject=name[:40],
            hint="shipway cluster up --name dev",
        )
    return name


def read(name: str, tree: Tree) -> Record | None:
    """Return a cluster's record, nothing if there is no such cluster."""
    text = tree.read(f"{state_of(name)}/cluster.json")
    return None if text is None else msgspec.json.decode(text, type=Record)


def known(name: str, tree: Tree) -> Record:
    """Return a cluster's record.

    Raises:
        ShipwayError: ``cluster.unknown`` (not found).
    """
    record = read(named(name), tree)
    if record is None:
        raise ShipwayError(
            "cluster.unknown",
            Kind.NOT_FOUND,
            "there is no such cluster on this machine",
            operation="finding cluster",
            subject=name,
            hint=f"shipway cluster up --name {name}",
        )
    return record


def every(tree: Tree) -> list[Record]:
    """Return every cluster of this machine."""
    found = (read(name, tree) for name in tree.entries(CLUSTERS))
    return [record for record in found if record is not None]


def write(record: Record, tree: Tree) -> None:
    """Write it, readable by everyone."""
    text = msgspec.json.format(msgspec.json.encode(record)).decode() + "\n"
    tree.write(File(f"{state_of(record.name)}/cluster.json", text, 0o644))


def site(record: Record, facts: Facts, programs: Programs | None = None) -> Site:
    """Return where the cluster lives; programs are needed to start it only."""
    return Site(
        name=record.name,
        facts=facts,
        allocation=record.allocation,
        programs=programs or Programs({}, {}),
    )
