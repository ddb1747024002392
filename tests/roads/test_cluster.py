"""The roads of the embedded cluster over fakes: orders for root, entries for the person."""

from __future__ import annotations

import json

import msgspec
import pytest
import yaml

from fakes.clock import FakeClock
from fakes.engines import FakeEngines
from fakes.ground import FixedFacts, MemoryTree, ScriptedInit
from fakes.privilege import STARTED, MemoryPrivilege, noted
from fakes.userfiles import MemoryUserFiles
from shipway.cluster.life import ENGINES
from shipway.core.ports.ground import File
from shipway.core.ports.hostfacts import Facts
from shipway.core.ports.privilege import DeleteOrder, DownOrder, UpOrder
from shipway.errors import ShipwayError
from shipway.roads import cluster


class World:
    """A person, a root part and a machine with one cluster's record."""

    def __init__(self) -> None:
        self.tree = MemoryTree()
        self.init = ScriptedInit(self.tree)
        self.files = MemoryUserFiles()
        self.privilege = MemoryPrivilege(self.tree, self.init)
        self.engines = FakeEngines({name: {name: b"x"} for name in ENGINES})
        self.saved: list[str] = []
        self.facts = FixedFacts()
        noted("default", self.tree)

    def up(self, name: str = "") -> cluster.Up:
        """Bring it up."""
        return cluster.up(
            name,
            facts=self.facts,
            tree=self.tree,
            engines=self.engines,
            privilege=self.privilege,
            files=self.files,
            on_progress=lambda _: None,
            on_moment=lambda _: None,
        )

    def status(self) -> cluster.Status:
        """Look."""
        return cluster.status("", tree=self.tree, init=self.init, files=self.files)

    def delete(self, *, everything: bool = False) -> cluster.Deleted:
        """Delete it."""

        def save(registry: str) -> cluster.Saved:
            self.saved.append(registry)
            return cluster.Saved(saved=("sha256:1",), lost=("sha256:2",))

        return cluster.delete(
            "",
            everything=everything,
            tree=self.tree,
            privilege=self.privilege,
            files=self.files,
            save=save,
            caches=lambda all_too: ("store",) if all_too else ("store", "engine cache"),
            on_moment=lambda _: None,
        )

    def ready(self, *without: str) -> None:
        """Have the prober say that all parts but some are ready."""
        self.init.pid = 99
        for part in cluster.PARTS:
            if part not in without:
                self.tree.write(File(f"/run/shipway/default/ready/{part}", ""))


@pytest.fixture
def world() -> World:
    """Give a new world."""
    return World()


def test_up_makes_engines_then_asks_root(world: World) -> None:
    """Engines are made as the person, then one order names them and the account."""
    world.up()
    assert world.engines.made == list(ENGINES)
    (order,) = world.privilege.orders
    assert isinstance(order, UpOrder)
    assert order.name == "default"
    assert order.user == "ann"
    assert [built.name for built in order.engines] == list(ENGINES)


def test_a_machine_that_cannot_is_told_before_anything_is_made(world: World) -> None:
    """On another system nothing is built and no root is asked for; an existing cluster goes on."""
    world.facts.facts = Facts(system="Darwin")
    world.up()
    world.engines.made.clear()
    with pytest.raises(ShipwayError) as caught:
        world.up("new")
    assert caught.value.id == "cluster.not_linux"
    assert world.engines.made == []


def test_up_enters_the_person(world: World) -> None:
    """Kubeconfig and Docker config each get one entry; the answer holds no secret."""
    up = world.up()
    config = yaml.safe_load(world.files.texts[world.files.kubeconfig()])
    assert config["current-context"] == "shipway"
    logins = json.loads(world.files.texts[world.files.docker_config()])["auths"]
    assert list(logins) == ["127.0.0.1:20001"]
    assert b"a password" not in msgspec.json.encode(up)
    assert up.kubeconfig == world.files.kubeconfig()


def test_status_of_a_stopped_cluster(world: World) -> None:
    """Without an init nothing is ready, whatever files say."""
    world.ready()
    world.init.pid = None
    status = world.status()
    assert status.state == "stopped"
    assert not any(status.parts.values())
    assert status.ends is None


def test_status_of_a_running_cluster(world: World) -> None:
    """All parts ready is running; one missing is starting, and named."""
    world.up()
    world.ready()
    assert world.status().state == "running"
    assert world.status().ends == STARTED.ends
    assert world.status().versions == {"kubernetes": "v1.36.3"}
    world.tree.remove("/run/shipway/default/ready/coredns")
    assert world.status().state == "starting"
    assert world.status().parts["coredns"] is False


def test_usable_needs_no_root(world: World) -> None:
    """A running cluster with a certificate of more than a day is used as it is."""
    world.up()
    world.ready()
    clock = FakeClock()
    assert cluster.usable(world.status(), clock)
    clock.time = STARTED.ends - 3600
    assert not cluster.usable(world.status(), clock)
    assert not cluster.usable(None, clock)


def test_names_of_all_clusters(world: World) -> None:
    """Every cluster with a record is named."""
    assert cluster.names(tree=world.tree) == ("default",)


def test_down_asks_root(world: World) -> None:
    """Down is one order, and entries stay."""
    world.up()
    before = dict(world.files.texts)
    stopped = cluster.down("", privilege=world.privilege, on_moment=lambda _: None)
    assert stopped.was_running
    assert world.privilege.orders[-1] == DownOrder("default")
    assert world.files.texts == before


def test_delete_saves_links_first_and_leaves_no_entry(world: World) -> None:
    """Links are saved before anything ends; then the cluster and both entries go."""
    world.up()
    deleted = world.delete()
    assert world.saved == ["127.0.0.1:20001"]
    assert world.privilege.orders[-1] == DeleteOrder("default")
    assert world.files.texts == {}
    assert deleted.kept == ("stays", "store", "engine cache")
    assert (deleted.saved, deleted.lost) == (("sha256:1",), ("sha256:2",))


def test_delete_all_is_passed_on(world: World) -> None:
    """--all reaches the root part and the caches."""
    assert "engine cache" not in world.delete(everything=True).kept
    assert world.privilege.orders[-1] == DeleteOrder("default", everything=True)


def test_delete_of_an_unknown_cluster_saves_nothing(world: World) -> None:
    """What does not exist is said before anything is done."""
    world.tree.files.clear()
    with pytest.raises(ShipwayError) as caught:
        world.delete()
    assert caught.value.id == "cluster.unknown"
    assert world.saved == []


def test_kubeconfig_is_the_entry_alone(world: World) -> None:
    """It can be handed to another program; without an entry the next step is named."""
    with pytest.raises(ShipwayError) as caught:
        cluster.kubeconfig("", files=world.files)
    assert caught.value.id == "cluster.no_entry"
    world.up()
    text = cluster.kubeconfig("", files=world.files)
    assert yaml.safe_load(text)["current-context"] == "shipway"
