"""Open: the address a service has, or a forward to whichever pod serves."""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.git import ROOT
from fakes.shop import FAR, Shop, refused
from shipway import scope
from shipway.core.kube.objects import Ref
from shipway.core.run.events import Fact, Remark
from shipway.errors import Kind, ShipwayError
from shipway.roads import forward as road
from shipway.roads.where import WhereRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

SPACE = "shop-dev"


def serve(shop: Shop, *pods: str, **spec: Any) -> None:
    """Put a Service and pods that are ready."""
    port = {"port": 80, "targetPort": 8080} | spec.pop("port", {})
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "shop", "namespace": SPACE},
            "spec": {"selector": {"app": "shop"}, "ports": [port], **spec},
        }
    )
    for name in pods:
        shop.cluster.put(
            {
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {"name": name, "namespace": SPACE, "labels": {"app": "shop"}},
                "spec": {"containers": []},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
        )


def visit(shop: Shop, **asked: Any) -> road.Opened:
    """Open the service."""
    request = road.OpenRequest(where=WhereRequest(directory=ROOT), **({"service": "shop"} | asked))
    return road.visit(request, hands=shop, emit=shop.said.append)


@pytest.fixture
def shop() -> Shop:
    """Give the project."""
    return Shop()


def test_a_node_port_is_an_address(shop: Shop) -> None:
    """On the embedded cluster the URL is printed, and shown unless --print."""
    serve(shop, port={"nodePort": 30080})

    assert list(visit(shop).lines()) == ["http://127.0.0.1:30080"]
    assert shop.browser.shown == ["http://127.0.0.1:30080"]
    visit(shop, show=False)
    assert len(shop.browser.shown) == 1


def test_no_browser_is_said(shop: Shop) -> None:
    """Where there is nothing to show it with, the person reads so."""
    serve(shop, port={"nodePort": 30080})
    shop.browser.there = False
    visit(shop)

    assert [one.text for one in shop.said if isinstance(one, Remark)] == [
        "no browser was found here: open the URL by hand"
    ]


@pytest.mark.parametrize(
    ("spec", "identifier", "kind"),
    [
        (None, "open.service", Kind.NOT_FOUND),
        ({"ports": []}, "open.port", Kind.CONFIG),
        ({"selector": {}}, "open.port", Kind.CONFIG),
    ],
)
def test_what_cannot_be_opened(
    shop: Shop, spec: dict[str, Any] | None, identifier: str, kind: Kind
) -> None:
    """No such Service, one without a port, and one without pods."""
    if spec is not None:
        serve(shop, **spec)
    with pytest.raises(ShipwayError) as caught:
        visit(shop)

    assert (caught.value.id, caught.value.kind) == (identifier, kind)


class Forwarding:
    """An ``open`` that forwards beside the test."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._scope = scope.Scope()
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            with self._scope:
                visit(self._shop)
        except ShipwayError as error:
            self.error = error

    def port(self) -> int:
        """Return the local port, once there is one."""
        ends = time.monotonic() + 10
        while time.monotonic() < ends and self.error is None:
            for one in self._shop.said:
                if isinstance(one, Fact):
                    return int(one.value.rpartition(":")[2])
            time.sleep(0.01)
        raise AssertionError(self.error)

    def end(self) -> None:
        """Press Ctrl-C."""
        self._scope.cancel()
        self._thread.join(10)


@pytest.fixture
def far() -> Iterator[tuple[Shop, int]]:
    """Give a project on a cluster that has no address here, and the forwarded port."""
    shop = Shop()
    shop.write("shipway.toml", FAR.format('{context = "far"}'))
    serve(shop, "a")
    way = Forwarding(shop)
    yield shop, way.port()
    way.end()
    assert isinstance(way.error, ShipwayError)
    assert way.error.id == "run.cancelled"


def asked(port: int) -> bytes:
    """Return what the service answers to one byte, or that it hung up."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as near:
        near.sendall(b"?")
        return near.recv(100)


def test_a_forward_follows_the_pods(far: tuple[Shop, int]) -> None:
    """Each connection goes to a pod that is ready then; none, and a refusal, are told."""
    shop, port = far
    first = asked(port)
    shop.cluster.drop(Ref("v1", "Pod", SPACE, "a"))
    assert asked(port) == b""
    serve(shop, "b")
    second = asked(port)
    shop.cluster.refusals["tunnel", f"pod/{SPACE}/b"] = refused("kube.forbidden", Kind.DENIED)
    assert asked(port) == b""
    shop.cluster.refusals["tunnel", f"pod/{SPACE}/b"] = refused("kube.forward", Kind.TRANSIENT)
    assert asked(port) == b""

    assert (first, second) == (b"a:8080 ?", b"b:8080 ?")
    remarks = [one.text for one in shop.said if isinstance(one, Remark)]
    assert [("no pod of it is ready" in one, "it says no" in one) for one in remarks] == [
        (True, False),
        (False, True),
        (False, True),
    ]
    assert shop.browser.shown == [f"http://127.0.0.1:{port}"]


def test_a_forward_follows_the_service(far: tuple[Shop, int]) -> None:
    """A redeploy that gives it other pods or another port is what the next connection goes to."""
    shop, port = far
    assert asked(port) == b"a:8080 ?"
    serve(shop, selector={"app": "other"}, port={"targetPort": 9090})
    assert asked(port) == b""
    pod = shop.cluster.objects[Ref("v1", "Pod", SPACE, "a").identity]
    pod["metadata"]["labels"] = {"app": "other"}
    shop.cluster.put(pod)
    assert asked(port) == b"a:9090 ?"
    shop.cluster.drop(Ref("v1", "Service", SPACE, "shop"))
    assert asked(port) == b""

    remarks = [one.text for one in shop.said if isinstance(one, Remark)]
    assert ["is ready" in remarks[0], "is gone" in remarks[1]] == [True, True]
