"""The embedded cluster of this machine, as the person who works with it may see and start it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from shipway.errors import ShipwayError
from shipway.wiring.person import Person

if TYPE_CHECKING:
    from shipway.core.ports.engines import Engines
    from shipway.core.ports.hands import Ground
    from shipway.roads import cluster


class Grounded(Person):
    """A person, and the hands that start, find and end embedded clusters for them."""

    @cached_property
    def engines(self) -> Engines:
        """Return the locked programs of this account."""
        from shipway.adapters.engines import assembly

        return assembly.for_caller(self.processes, self.variables)

    @cached_property
    def privilege(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return the way to the root part."""
        from shipway import rootpart
        from shipway.adapters.privilege import SudoPrivilege

        return SudoPrivilege(
            self.account,
            lambda order, on_moment: rootpart.carry_out(order, rootpart.hands(), on_moment),
            environ=self.variables,
        )

    @cached_property
    def ground_facts(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return what reads this machine."""
        from shipway.adapters.hostfacts import LinuxFacts

        return LinuxFacts()

    @cached_property
    def ground_tree(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return the files of clusters, as everybody may read them."""
        from shipway.adapters.ground.tree import RootTree

        return RootTree()

    @cached_property
    def ground_init(self) -> Any:  # noqa: ANN401  the port, without importing it
        """Return what knows whether a cluster's init lives."""
        from shipway.adapters.ground.init import NamespacedInit

        return NamespacedInit()

    def ground(self, name: str) -> Ground | None:
        """Return the embedded cluster as it is; none where there is none to work with."""
        from shipway.core.ports.hands import Ground
        from shipway.roads import cluster

        try:
            now = cluster.status(
                name, tree=self.ground_tree, init=self.ground_init, files=self.userfiles
            )
        except ShipwayError as error:
            if error.id != "cluster.unknown":
                raise
            return None
        running = cluster.usable(now, self.clock)
        return Ground(name=now.name, context=now.context, registry=now.registry, running=running)

    def raise_ground(self, name: str) -> Ground:
        """Return the embedded cluster, started if it does not run."""
        from shipway.core.ports.hands import Ground

        there = self.ground(name)
        if there is not None and there.running:
            return there
        up = self.start(name)
        return Ground(name=up.name, context=up.context, registry=up.registry, running=True)

    def start(self, name: str) -> cluster.Up:
        """Start the embedded cluster, its programs made first where they are missing."""
        from shipway.core.engines.progress import words
        from shipway.core.run.events import Unit
        from shipway.roads import cluster
        from shipway.run import Run

        with Run(
            "cluster up", runs=self.runs, clock=self.clock, emit=self._emit, subject=name
        ) as run:
            return cluster.up(
                name,
                facts=self.ground_facts,
                tree=self.ground_tree,
                engines=self.engines,
                privilege=self.privilege,
                files=self.userfiles,
                on_progress=lambda one: run.progress(
                    one.phase, Unit(service=one.engine), one.done, one.total, what=words(one)
                ),
                on_moment=lambda one: run.line(
                    "cluster", Unit(), f"{one.seconds:5.1f} s  {one.step} {one.subject}".rstrip()
                ),
            )
