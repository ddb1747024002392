"""Where a service answers, and which pods a connection may go to."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube import forwarding
from shipway.core.kube.forwarding import Endpoint, Port


def service(*ports: dict[str, Any], **status: Any) -> dict[str, Any]:
    """Return a Service with these ports."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"selector": {"b": "2", "a": "1"}, "ports": list(ports)},
        "status": status,
    }


def ingress(host: str, *, backend: str = "web", namespace: str = "shop", tls: bool = False) -> Any:
    """Return an Ingress to a Service."""
    to = {"path": "/api", "backend": {"service": {"name": backend}}}
    return {
        "kind": "Ingress",
        "metadata": {"name": "i", "namespace": namespace},
        "spec": {
            "tls": [{"hosts": [host]}] if tls else [],
            "rules": [{"host": host, "http": {"paths": [to]}}],
        },
    }


HTTP = {"name": "http", "port": 80, "targetPort": "web", "nodePort": 30080}


def test_ports_for_people_come_first() -> None:
    """A port that is called http comes before others; UDP is none; TLS goes by name and number."""
    dns = {"name": "dns", "port": 53, "protocol": "UDP"}
    found = forwarding.ports(service(dns, {"name": "grpc", "port": 9000}, HTTP, {"port": 8443}))

    assert [(one.number, one.target, one.node, one.secure) for one in found] == [
        (80, "web", 30080, False),
        (9000, 9000, 0, False),
        (8443, 8443, 0, True),
    ]


@pytest.mark.parametrize(
    ("port", "local", "url"),
    [
        (Port(80, 80), 8080, "http://h"),
        (Port(443, 443, secure=True), 8443, "https://h"),
        (Port(9000, 9000), 9000, "http://h:9000"),
    ],
)
def test_local_ports_and_urls(port: Port, local: int, url: str) -> None:
    """A low port has a high one here; a usual port stands in no URL."""
    assert (port.local, port.url("h", port.number)) == (local, url)


def test_an_ingress_wins() -> None:
    """The host that people type comes before load balancer and node port; others' do not count."""
    other = [ingress("x.test", backend="api"), ingress("y.test", namespace="other")]
    wild = ingress("*.test")
    found = service(HTTP, loadBalancer={"ingress": [{"ip": "192.0.2.1"}]})

    assert forwarding.address(found, [*other, wild, ingress("a.test")]) == "http://a.test/api"
    assert forwarding.address(found, [ingress("a.test", tls=True)]) == "https://a.test/api"
    assert forwarding.address(found, [*other, wild], nodes="n") == "http://192.0.2.1"


def test_addresses_without_an_ingress() -> None:
    """A load balancer by name or number, a node port where nodes are known, else none."""
    six = service(HTTP, loadBalancer={"ingress": [{}, {"ip": "2001:db8::1"}]})

    assert forwarding.address(six, []) == "http://[2001:db8::1]"
    assert forwarding.address(service(HTTP), [], nodes="127.0.0.1") == "http://127.0.0.1:30080"
    assert forwarding.address(service(HTTP), []) == ""
    assert forwarding.address(service({"port": 80}), [], nodes="n") == ""
    assert forwarding.address(service(), [], nodes="n") == ""


def pod(name: str, created: str = "1", *, ready: bool = True, **metadata: str) -> dict[str, Any]:
    """Return a pod."""
    return {
        "metadata": {"name": name, "namespace": "shop", "creationTimestamp": created, **metadata},
        "spec": {"containers": [{"ports": [{"name": "web", "containerPort": 8080}]}, {}]},
        "status": {"conditions": [{"type": "Ready", "status": str(ready)}]},
    }


def test_pods_of_an_image() -> None:
    """Those that serve and run this very one, the newest first."""

    def running(name: str, image: str, created: str = "1", **more: Any) -> dict[str, Any]:
        return pod(name, created, **more) | {"spec": {"containers": [{}, {"image": image}]}}

    pods = [
        running("old", "r@a"),
        running("new", "r@a", "2"),
        running("other", "r@b", "3"),
        running("ill", "r@a", "4", ready=False),
        pod("bare") | {"spec": {}},
    ]
    assert forwarding.running("r@a", 40, pods) == (
        Endpoint("shop", "new", 40),
        Endpoint("shop", "old", 40),
    )


def test_pods_that_serve_the_newest_first() -> None:
    """Neither one that is not ready, nor one on its way out."""
    pods = [
        pod("old", "1"),
        pod("new", "2"),
        pod("gone", "3", deletionTimestamp="now"),
        pod("ill", "4", ready=False),
    ]
    found = forwarding.endpoints(Port(80, "web"), pods)

    assert found == (Endpoint("shop", "new", 8080), Endpoint("shop", "old", 8080))
    assert forwarding.endpoints(Port(80, 9), pods[:1]) == (Endpoint("shop", "old", 9),)
    assert forwarding.endpoints(Port(80, "9"), pods[:1]) == (Endpoint("shop", "old", 9),)
    assert forwarding.endpoints(Port(80, "none"), pods[:1]) == ()


def test_the_selector() -> None:
    """Labels in order; a Service without one selects nothing."""
    assert forwarding.selector(service()) == "a=1,b=2"
    assert forwarding.selector({"spec": {}}) == ""
