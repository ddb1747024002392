"""A root part that starts and ends clusters by saying so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.cluster import record
from shipway.cluster.site import Allocation
from shipway.core.ports.ground import File
from shipway.core.ports.privilege import DeleteOrder, DownOrder, Moment, Started, Stopped, UpOrder
from shipway.errors import Kind, ShipwayError
from shipway.roads import cluster

if TYPE_CHECKING:
    from collections.abc import Callable

    from fakes.ground import MemoryTree, ScriptedInit

STARTED = Started(
    name="default",
    context="shipway",
    server="https://127.0.0.1:20000",
    registry="127.0.0.1:20001",
    node_ports=(20002, 20033),
    authority="CA",
    certificate="CERT",
    key="KEY",
    ends=1_800_000_000.0,
    username="shipway",
    password="a password",
    seconds=4.0,
    was_running=False,
)


class MemoryPrivilege:
    """Keeps the Privilege port; orders are remembered, and ``tree`` and ``init`` follow them."""

    def __init__(self, tree: MemoryTree, init: ScriptedInit, *, ends: float = STARTED.ends) -> None:
        self._tree, self._init, self._ends = tree, init, ends
        self.orders: list[UpOrder | DownOrder | DeleteOrder] = []

    def user(self) -> str:
        """Return the person."""
        return "ann"

    def order(
        self, order: UpOrder | DownOrder | DeleteOrder, *, on_moment: Callable[[Moment], None]
    ) -> Started | Stopped:
        """Start at once, or say that it ran."""
        self.orders.append(order)
        if not isinstance(order, UpOrder):
            if not self._tree.entries(f"/var/lib/shipway/clusters/{order.name}"):
                raise ShipwayError("cluster.unknown", Kind.NOT_FOUND, "there is none")
            on_moment(Moment("stop", order.name))
            return Stopped(order.name, was_running=True, removed=("gone",), kept=("stays",))
        on_moment(Moment("boot", order.name))
        self._init.pid = 99
        for part in cluster.PARTS:
            self._tree.write(File(f"/run/shipway/{order.name}/ready/{part}", ""))
        noted(order.name, self._tree)
        return msgspec.structs.replace(STARTED, name=order.name, ends=self._ends)


def noted(name: str, tree: MemoryTree) -> None:
    """Write the record of a cluster, as the root part does when it makes one."""
    made = record.Record(
        name=name,
        allocation=Allocation(20000, "10.213.0.0/16"),
        created=1.0,
        versions={"kubernetes": "v1.36.3"},
    )
    record.write(made, tree)
