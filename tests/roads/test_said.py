"""What the roads' answers say to a person, a line each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.hands import ServingKube
from fakes.shop import OVERLAY, WEB, WHERE, Shop, refused
from shipway.core.evidence.answer import Answer, Finding
from shipway.errors import Kind, ShipwayError
from shipway.roads import saving
from shipway.roads.cluster import Deleted, Status, Up
from shipway.roads.tracing import Shown, walk_back

if TYPE_CHECKING:
    from shipway.core.kube.objects import Obj


def test_a_cluster_that_serves() -> None:
    """Context, registry and ports stand where a person looks for them."""
    told = list(
        Up(
            name="default",
            context="shipway",
            server="https://127.0.0.1:1",
            registry="127.0.0.1:2",
            node_ports=(3, 9),
            kubeconfig="/k",
            docker_config="/d",
            ends=0.0,
            seconds=4.04,
        ).lines()
    )
    assert told[0] == "cluster default serves after 4.0 s"
    assert told[-1] == "services: ports 3 to 9 of 127.0.0.1"


def test_a_clusters_parts() -> None:
    """Every part that does not answer is said."""
    told = list(
        Status(
            name="default",
            state="starting",
            context="shipway",
            server="https://127.0.0.1:1",
            registry="127.0.0.1:2",
            node_ports=(3, 9),
            parts={"etcd": True, "kubelet": False},
            versions={"etcd": "v3.6.1"},
        ).lines()
    )
    assert told[0] == "cluster default: starting"
    assert told[-3:] == ["  etcd: answers", "  kubelet: does not answer", "  etcd v3.6.1"]


def test_what_a_deletion_removed_and_left() -> None:
    """Each path and link stands under what became of it."""
    told = Deleted(name="a", removed=("/r",), kept=("/k",), saved=("s",), lost=("l",)).lines()
    assert list(told) == [
        "cluster a is gone", "removed: /r", "stays:   /k", "saved:   s", "lost:    l",
    ]  # fmt: skip


def test_a_run_that_changed_nothing_says_so() -> None:
    """Addresses, or what runs where there are none; then that nothing changed."""
    shop = Shop()
    shop.carry()
    plain = list(shop.carry().lines())
    assert plain == ["shop runs in dev", "nothing changed: the same release serves"]


class Ported(ServingKube):
    """A cluster that gives Services a node port, as the API server does."""

    def apply(self, obj: Obj, **options: Any) -> Obj:
        """Apply, and allocate."""
        live = super().apply(obj, **options)
        if obj["kind"] == "Service" and not options.get("dry_run"):
            (port,) = live["spec"]["ports"]
            ports = [{**port, "nodePort": 30080}, {"port": 81, "name": "other"}]
            return self.put({**live, "spec": {**live["spec"], "ports": ports}})
        return live


def test_a_service_is_told_by_its_address() -> None:
    """The node port of its Service is where it answers on this machine."""
    shop = Shop()
    shop.cluster = Ported()
    said = shop.carry()

    assert said.urls == {"shop": "http://127.0.0.1:30080"}
    assert list(said.lines()) == ["shop: http://127.0.0.1:30080"]


def test_what_is_beside_a_chain_is_said() -> None:
    """A finding that does not break the chain stands apart."""
    shop = Shop()
    shop.carry()
    trace = walk_back("deployment/shop", WHERE, hands=shop).trace
    beside = msgspec.structs.replace(trace, beside=(Finding(Answer.BARE_POD, "pod/x"),))

    assert "beside: bare pod (pod/x)" in list(Shown(trace=beside).lines())


def test_an_overlay_that_names_no_image_of_ours_is_not_used() -> None:
    """It is said, with the line that would make it used; the set in memory goes out."""
    shop = Shop()
    shop.write(f"{OVERLAY}/kustomization.yaml", "resources: []\n")
    shop.carry()

    assert f"{OVERLAY} is not used" in shop.texts()
    assert WEB.identity in shop.cluster.objects


def test_what_git_remarks_is_said() -> None:
    """Remarks about the source reach the person, and failing tests are loud."""
    shop = Shop()
    shop.write("main_test.go", "oops")
    shop.carry()

    assert "tests of shop: FAILED" in shop.texts()


def test_the_port_of_a_flag() -> None:
    """--port counts above every guess."""
    shop = Shop()
    shop.carry(port=9090)
    live = shop.cluster.objects[WEB.identity]
    (port,) = live["spec"]["template"]["spec"]["containers"][0]["ports"]

    assert port["containerPort"] == 9090


def test_a_program_that_cannot_be_confined_is_not_run() -> None:
    """Where the port is a guess, and nothing can be confined, it is said."""
    shop = Shop()
    shop.write(
        "main.go", 'package main\n\nimport "net/http"\n\nfunc main() { http.Serve(l, nil) }\n'
    )
    shop.carry()

    assert "was not run to find its port" in shop.texts()


def test_an_object_that_was_edited_is_put_right() -> None:
    """The same release goes out again where something live differs from it."""
    shop = Shop()
    shop.carry()
    shop.cluster.drop(WEB)

    assert shop.carry().changed
    assert WEB.identity in shop.cluster.objects


def test_a_repository_whose_tags_cannot_be_listed_is_lost_alone() -> None:
    """Its name stands under what is lost; links elsewhere are saved."""
    shop = Shop()
    shop.carry()
    listed = shop.registries.tags

    class Closed(type(shop.registries)):  # type: ignore[misc]  # the class of this registry
        """A registry that does not list one repository."""

        def tags(self, repository: str) -> tuple[str, ...]:
            if repository.endswith("/shop/shop"):
                raise refused("registry.denied", Kind.DENIED)
            return tuple(listed(repository))

    content, links = type(shop.memory)(), type(shop.links)()
    shop.registries.__class__ = Closed
    saved = saving.save("127.0.0.1:5000", registry=shop.registries, content=content, links=links)

    assert saved.lost == ("127.0.0.1:5000/shop/shop: asking: it says no",)
    assert saved.saved


def test_a_registry_of_a_target_that_does_not_answer_stops_first() -> None:
    """Nothing is built for a target that cannot be reached."""
    shop = Shop()
    shop.far("east")
    shop.down["east"] = refused("kube.unreachable", Kind.TRANSIENT)
    with pytest.raises(ShipwayError):
        shop.carry(keys=("key",))

    assert shop.registries.writes == []
