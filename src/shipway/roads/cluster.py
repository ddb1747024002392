"""The embedded cluster: up, status, down, delete, kubeconfig.

What needs root is ordered from the root part; what is a person's (kubeconfig, Docker config) is
changed with that person's rights. The command line and ``shipway up`` call this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.cluster import record as records
from shipway.cluster.life import ENGINES
from shipway.cluster.plan import NODE, boot, check
from shipway.cluster.site import DEFAULT, RUNTIME, node_of
from shipway.core.kube import kubeconfig as kubeconfigs
from shipway.core.oci import dockerconfig
from shipway.core.ports.hostfacts import Facts
from shipway.core.ports.privilege import DeleteOrder, DownOrder, Started, Stopped, UpOrder
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.engines.progress import Progress
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.engines import Engines
    from shipway.core.ports.ground import Init, Tree
    from shipway.core.ports.hostfacts import HostFacts
    from shipway.core.ports.privilege import Moment, Privilege
    from shipway.core.ports.userfiles import UserFiles

RENEW = 24 * 3600
"""Seconds before a certificate's end from which ``ensure`` renews it."""
PARTS = (
    "etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "containerd", "kubelet",
    "kube-proxy", "coredns", "registry", "pasta", "door", NODE,
)  # fmt: skip


class Up(msgspec.Struct, frozen=True, kw_only=True):
    """A cluster that serves; it holds no secret."""

    name: str
    context: str
    server: str
    registry: str
    node_ports: tuple[int, int]
    kubeconfig: str
    docker_config: str
    """Paths of the files that now have an entry for it."""
    ends: float
    """When the person's certificate ends, seconds since the epoch."""
    seconds: float

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        first, last = self.node_ports
        yield f"cluster {self.name} serves after {self.seconds:.1f} s"
        yield f"context:  {self.context}  (in {self.kubeconfig})"
        yield f"registry: {self.registry}  (login in {self.docker_config})"
        yield f"services: ports {first} to {last} of 127.0.0.1"


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What everybody on the machine can see of a cluster."""

    name: str
    state: str
    """``running``, ``starting`` (a part is not ready) or ``stopped``."""
    context: str
    server: str
    registry: str
    node_ports: tuple[int, int]
    parts: dict[str, bool]
    """Part: whether it answers."""
    versions: dict[str, str]
    """Engine: version."""
    pid: int = 0
    """The init's process id on the host."""
    folder: str = ""
    ends: float | None = None
    """When the person's certificate ends; nothing without an entry in the kubeconfig."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"cluster {self.name}: {self.state}"
        yield f"context:  {self.context}"
        yield f"server:   {self.server}"
        yield f"registry: {self.registry}"
        for part, answers in self.parts.items():
            yield f"  {part}: {'answers' if answers else 'does not answer'}"
        for engine, version in self.versions.items():
            yield f"  {engine} {version}"


class Deleted(msgspec.Struct, frozen=True, kw_only=True):
    """What is gone, and what stays and where."""

    name: str
    removed: tuple[str, ...]
    kept: tuple[str, ...]
    saved: tuple[str, ...] = ()
    """Links that only the registry had, now in the store."""
    lost: tuple[str, ...] = ()
    """Links that could not be saved."""

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"cluster {self.name} is gone"
        yield from (f"removed: {path}" for path in self.removed)
        yield from (f"stays:   {path}" for path in self.kept)
        yield from (f"saved:   {link}" for link in self.saved)
        yield from (f"lost:    {link}" for link in self.lost)


class Saved(msgspec.Struct, frozen=True):
    """What became of links that only the registry had."""

    saved: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def up(
    name: str,
    *,
    facts: HostFacts,
    tree: Tree,
    engines: Engines,
    privilege: Privilege,
    files: UserFiles,
    on_progress: Callable[[Progress], None],
    on_moment: Callable[[Moment], None],
) -> Up:
    """Have the cluster running and this person's entries in place.

    Raises:
        ShipwayError: ``cluster.not_linux`` and the like where the machine cannot carry one; what
            engines, the root part and the person's files raise.
    """
    if records.read(_named(name), tree) is None:
        check(facts.read())
    built = engines.ensure(ENGINES, on_progress=on_progress)
    order = UpOrder(name=_named(name), user=privilege.user(), engines=built)
    started = privilege.order(order, on_moment=on_moment)
    assert isinstance(started, Started)  # noqa: S101  the answer to this order
    return _enter(started, files)


def _enter(started: Started, files: UserFiles) -> Up:
    entry = kubeconfigs.Entry(
        name=started.context,
        server=started.server,
        authority=started.authority,
        certificate=started.certificate,
        key=started.key,
        ends=started.ends,
    )
    files.change(files.kubeconfig(), lambda text: kubeconfigs.merge(text, entry))
    files.change(
        files.docker_config(),
        lambda text: dockerconfig.merge(text, started.registry, started.username, started.password),
    )
    return Up(
        name=started.name,
        context=started.context,
        server=started.server,
        registry=started.registry,
        node_ports=started.node_ports,
        kubeconfig=files.kubeconfig(),
        docker_config=files.docker_config(),
        ends=started.ends,
        seconds=started.seconds,
    )


def status(name: str, *, tree: Tree, init: Init, files: UserFiles) -> Status:
    """Say how a cluster is, without root: from its record and what the prober writes down.

    Raises:
        ShipwayError: ``cluster.unknown`` (not found).
    """
    record = records.known(_named(name), tree)
    site = records.site(record, Facts())
    pid = init.running(boot(site)) or 0
    ready = set(tree.entries(f"{RUNTIME}/{record.name}/ready")) if pid else set()
    parts = {part: part in ready for part in PARTS}
    state = "stopped" if not pid else "running" if all(parts.values()) else "starting"
    return Status(
        name=record.name,
        state=state,
        context=site.node,
        server=site.url,
        registry=f"127.0.0.1:{site.registry}",
        node_ports=site.node_ports,
        parts=parts,
        versions=record.versions,
        pid=pid,
        folder=site.state,
        ends=kubeconfigs.ends(files.read(files.kubeconfig()), site.node),
    )


def names(*, tree: Tree) -> tuple[str, ...]:
    """Return the names of all clusters of this machine."""
    return tuple(record.name for record in records.every(tree))


def usable(now: Status | None, clock: Clock) -> bool:
    """Return whether a cluster can be worked with as it is, without ``up`` and root."""
    if now is None or now.state != "running" or now.ends is None:
        return False
    return now.ends - clock.now() > RENEW


def down(name: str, *, privilege: Privilege, on_moment: Callable[[Moment], None]) -> Stopped:
    """Stop a cluster; its state is kept.

    Raises:
        ShipwayError: ``cluster.unknown``, and what the root part raises.
    """
    stopped = privilege.order(DownOrder(_named(name)), on_moment=on_moment)
    assert isinstance(stopped, Stopped)  # noqa: S101  the answer to this order
    return stopped


def delete(
    name: str,
    *,
    everything: bool,
    tree: Tree,
    privilege: Privilege,
    files: UserFiles,
    save: Callable[[str], Saved],
    caches: Callable[[bool], tuple[str, ...]],
    on_moment: Callable[[Moment], None],
) -> Deleted:
    """Remove a cluster and this person's entries for it.

    Args:
        name: Of the cluster.
        everything: Remove installed engines, packages and the build cache too.
        tree: To read the cluster's record.
        privilege: The way to the root part.
        files: The person's.
        save: Copies links that only the registry (``HOST:PORT``) has into the store.
        caches: Returns the person's paths that stay (engine cache, keys, store); given true, it
            removes the engine cache first.
        on_moment: Hears of each step.

    Raises:
        ShipwayError: ``cluster.unknown``, and what the root part raises.
    """
    record = records.known(_named(name), tree)
    site = records.site(record, Facts())
    registry = f"127.0.0.1:{site.registry}"
    saved = save(registry)
    stopped = privilege.order(DeleteOrder(record.name, everything), on_moment=on_moment)
    assert isinstance(stopped, Stopped)  # noqa: S101  the answer to this order
    files.change(files.kubeconfig(), lambda text: kubeconfigs.remove(text, site.node))
    files.change(files.docker_config(), lambda text: dockerconfig.remove(text, registry))
    return Deleted(
        name=record.name,
        removed=stopped.removed,
        kept=(*stopped.kept, *caches(everything)),
        saved=saved.saved,
        lost=saved.lost,
    )


def kubeconfig(name: str, *, files: UserFiles) -> str:
    """Return a kubeconfig that has the cluster's entry alone.

    Raises:
        ShipwayError: ``cluster.no_entry`` (not found).
    """
    context = node_of(_named(name))
    text = kubeconfigs.alone(files.read(files.kubeconfig()), context)
    if text is None:
        raise ShipwayError(
            "cluster.no_entry",
            Kind.NOT_FOUND,
            f"{files.kubeconfig()} has no context {context}",
            operation="reading the kubeconfig",
            hint=f"shipway cluster up --name {name or DEFAULT}",
        )
    return text


def _named(name: str) -> str:
    return records.named(name or DEFAULT)
