"""A cluster's life over ports: up, down, delete."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.clock import FakeClock
from fakes.ground import (
    CountingKeys,
    FixedEngineStore,
    FixedFacts,
    FixedPackages,
    MemoryTree,
    ScriptedAnswers,
    ScriptedInit,
    ScriptedShell,
    TakenPorts,
    built,
)
from fakes.sites import whole
from shipway.cluster import life, record
from shipway.core.ports.ground import File
from shipway.core.ports.hostfacts import Facts
from shipway.core.ports.privilege import DeleteOrder, DownOrder, Moment, Started, UpOrder
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from shipway.core.ports.privilege import Stopped

ORDER = UpOrder(name="dev", user="ann", engines=built())


class Machine:
    """A machine in memory with one cluster's worth of ports."""

    def __init__(self) -> None:
        self.tree = MemoryTree()
        self.keys = CountingKeys(self.tree)
        self.init = ScriptedInit(self.tree)
        self.init.ready = tuple(watched.name for watched in whole().watched)
        self.ports = TakenPorts()
        self.answers = ScriptedAnswers()
        self.shell = ScriptedShell()
        self.facts = FixedFacts()
        self.clock = FakeClock()
        self.moments: list[Moment] = []

    def hands(self) -> life.Hands:
        """Return the ports as the root part has them."""
        return life.Hands(
            facts=self.facts,
            tree=self.tree,
            keys=self.keys,
            init=self.init,
            ports=self.ports,
            answers=self.answers,
            shell=self.shell,
            packages=FixedPackages(),
            engines=FixedEngineStore(),
            clock=self.clock,
            python="/usr/bin/python3",
        )

    def up(self, order: UpOrder = ORDER) -> Started:
        """Bring it up."""
        return life.up(order, self.hands(), on_moment=self.moments.append)

    def down(self, name: str = "dev") -> Stopped:
        """Take it down."""
        return life.down(DownOrder(name), self.hands(), on_moment=self.moments.append)

    def delete(self, name: str = "dev", *, everything: bool = False) -> Stopped:
        """Delete it."""
        order = DeleteOrder(name, everything)
        return life.delete(order, self.hands(), on_moment=self.moments.append)

    def steps(self) -> list[str]:
        """Return what happened, in order."""
        return [moment.step for moment in self.moments]


@pytest.fixture
def machine() -> Machine:
    """Give a new machine."""
    return Machine()


def test_up_starts_and_gives_a_way_in(machine: Machine) -> None:
    """A new cluster is reserved, started, fitted out, and answers with one person's credentials."""
    started = machine.up()
    assert started.context == "shipway-dev"
    assert started.registry == "127.0.0.1:20001"
    assert started.certificate == "certificate 1"
    assert not started.was_running
    assert machine.keys.issued[0].common_name == "shipway:ann"
    assert machine.keys.issued[0].organizations == ("shipway:admins",)
    assert len(machine.init.started) == 1
    assert [method for method, _, _ in machine.answers.requests] == ["PATCH"] * 4
    assert "import" in machine.shell.commands[0]
    assert machine.steps()[:2] == ["package", "engine"]


def test_up_is_repeatable(machine: Machine) -> None:
    """A running cluster is left running; the person's certificate is new."""
    machine.up()
    again = machine.up()
    assert again.was_running
    assert again.certificate == "certificate 2"
    assert len(machine.init.started) == 1


def test_up_restarts_what_was_started_from_something_else(machine: Machine) -> None:
    """After an upgrade, or on another resolver, a running cluster is started anew."""
    machine.up()
    machine.facts.facts = msgspec.structs.replace(machine.facts.facts, resolvers=("8.8.8.8",))
    assert not machine.up().was_running
    assert len(machine.init.started) == 2
    assert machine.init.stopped == [0, life.GRACE, 0]


def test_down_and_up_keep_state(machine: Machine) -> None:
    """Ports, keys and the imported image stay over down and up."""
    first = machine.up()
    kept = machine.tree.read("/var/lib/shipway/clusters/dev/pki/ca.crt")
    stopped = machine.down()
    assert stopped.was_running
    assert stopped.kept == ("/var/lib/shipway/clusters/dev",)
    second = machine.up()
    assert second.server == first.server
    assert second.password == first.password
    assert machine.tree.read("/var/lib/shipway/clusters/dev/pki/ca.crt") == kept
    assert len(machine.shell.commands) == 1


def test_leftovers_are_swept_and_named(machine: Machine) -> None:
    """What an older run left is removed before a start, and said."""
    machine.init.left = ("/sys/fs/cgroup/shipway-dev",)
    machine.up()
    assert ("leftover", "/sys/fs/cgroup/shipway-dev") in {
        (moment.step, moment.subject) for moment in machine.moments
    }


def test_a_service_of_an_older_version_goes(machine: Machine) -> None:
    """A service folder that the plan does not know is removed."""
    path = "/var/lib/shipway/clusters/dev/services/old/run"
    machine.tree.write(File(path, ""))
    machine.up()
    assert machine.tree.read(path) is None


def test_clusters_stand_side_by_side(machine: Machine) -> None:
    """A second name gets ports of its own."""
    first = machine.up()
    machine.init.pid = None
    second = machine.up(msgspec.structs.replace(ORDER, name="other"))
    assert second.node_ports[0] > first.node_ports[1]
    assert [one.name for one in record.every(machine.tree)] == ["dev", "other"]


def test_a_taken_port_is_named_with_its_holder(machine: Machine) -> None:
    """A port that somebody took while the cluster was down stops the start, by name."""
    machine.up()
    machine.down()
    machine.ports.taken[20007] = "nginx (pid 12)"
    with pytest.raises(ShipwayError) as caught:
        machine.up()
    assert caught.value.id == "cluster.port_taken"
    assert caught.value.subject == "20007"
    assert "nginx (pid 12)" in caught.value.message


def test_a_machine_too_small_is_refused_before_anything(machine: Machine) -> None:
    """Too little memory is said before a file is written; an existing cluster is not refused."""
    machine.facts.facts = Facts(memory_free=1)
    with pytest.raises(ShipwayError) as caught:
        machine.up()
    assert caught.value.id == "cluster.memory"
    assert machine.tree.files == {}


def test_a_part_that_never_comes_is_named(machine: Machine) -> None:
    """After its patience `up` says what is not ready and where its log is."""
    machine.init.ready = tuple(name for name in machine.init.ready if name != "coredns")
    with pytest.raises(ShipwayError) as caught:
        machine.up()
    assert caught.value.id == "cluster.start"
    assert "coredns" in caught.value.message
    assert "log/coredns/current" in caught.value.hint


def test_an_init_that_ends_is_noticed_at_once(machine: Machine) -> None:
    """Where the init ended, `up` does not wait for its parts."""
    machine.init.dies = True
    machine.init.ready = ()
    with pytest.raises(ShipwayError) as caught:
        machine.up()
    assert caught.value.id == "cluster.start"
    assert machine.clock.time - FakeClock().time < 1


def test_an_image_that_cannot_be_imported_is_said(machine: Machine) -> None:
    """A failure of ctr ends the start and is tried again by the next."""
    machine.shell.code = 1
    with pytest.raises(ShipwayError) as caught:
        machine.up()
    assert caught.value.id == "cluster.pause"
    machine.shell.code = 0
    machine.up()
    assert len(machine.shell.commands) == 2


def test_objects_that_are_refused_are_said(machine: Machine) -> None:
    """An apiserver that refuses the cluster's own objects ends the start."""
    machine.answers.status = 403
    with pytest.raises(ShipwayError) as caught:
        machine.up()
    assert caught.value.id == "cluster.objects"
    assert "403" in caught.value.message


def test_delete_removes_state_and_keeps_programs(machine: Machine) -> None:
    """Without --all, installed programs stay and are listed."""
    machine.up()
    deleted = machine.delete()
    assert "/var/lib/shipway/clusters/dev" in deleted.removed
    assert deleted.kept == ("/var/lib/shipway/engines", "/var/lib/shipway/packages")
    assert record.every(machine.tree) == []
    assert machine.init.stopped[-1] == 0


def test_delete_all_removes_programs_of_the_last(machine: Machine) -> None:
    """With --all nothing stays, unless another cluster still needs the programs."""
    machine.up()
    machine.init.pid = None
    machine.up(msgspec.structs.replace(ORDER, name="other"))
    assert machine.delete(everything=True).kept
    deleted = machine.delete("other", everything=True)
    assert deleted.kept == ()
    assert not [path for path in machine.tree.files if path.startswith("/var/lib/shipway")]


@pytest.mark.parametrize("verb", ["down", "delete"])
def test_an_unknown_cluster_is_said(machine: Machine, verb: str) -> None:
    """What does not exist cannot be stopped or deleted."""
    with pytest.raises(ShipwayError) as caught:
        getattr(machine, verb)("nobody")
    assert caught.value.id == "cluster.unknown"


@pytest.mark.parametrize("name", ["", "Dev", "a/b", "..", "1a", "a" * 31, "x\n"])
def test_names_cannot_leave_their_folder(machine: Machine, name: str) -> None:
    """Only plain names become part of a path that root uses."""
    with pytest.raises(ShipwayError) as caught:
        machine.up(msgspec.structs.replace(ORDER, name=name))
    assert caught.value.id == "cluster.name"


def test_the_record_is_public_and_holds_no_secret(machine: Machine) -> None:
    """Everybody may read ports and versions; nothing else stands there."""
    machine.up()
    file = machine.tree.files["/var/lib/shipway/clusters/dev/cluster.json"]
    assert file.mode == 0o644
    keys = {"schema", "name", "allocation", "created", "versions"}
    assert set(json.loads(file.text)) == keys
    assert json.loads(file.text)["versions"]["kubernetes"] == "v1"


def test_orders_take_turns(machine: Machine) -> None:
    """Up holds the machine while it reserves, then its cluster; other orders hold a cluster."""
    machine.up()
    assert machine.tree.locks == 2
    machine.down()
    machine.delete()
    assert machine.tree.locks == 4
