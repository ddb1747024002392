"""Connections to pods: the channels of ``v4.channel.k8s.io``, refusals, and a prompt end."""

from __future__ import annotations

import base64
import threading
import time
from typing import Any

import pytest

from fakes.websocket_server import PortForwardServer
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.contexts import Access
from shipway.errors import Kind, ShipwayError


def cluster(url: str, **more: Any) -> Cluster:
    """Return a client of the server."""
    return Cluster(Access(context="test", namespace="default", server=url, **more))


def test_data_goes_both_ways() -> None:
    """The pod's port is asked for, its echo on each channel left out, large pieces arrive whole."""
    with PortForwardServer() as server:
        tunnel = cluster(server.url, token="secret-token").tunnel("ns", "web-1", 8080)
        tunnel.send(b"hello")
        assert tunnel.receive() == b"HELLO"
        tunnel.send(b"x" * 1000)
        assert tunnel.receive() == b"X" * 1000
        tunnel.close()

    lines = server.request.splitlines()
    assert lines[0] == b"GET /api/v1/namespaces/ns/pods/web-1/portforward?ports=8080 HTTP/1.1"
    assert b"Authorization: Bearer secret-token" in lines
    assert b"Sec-WebSocket-Protocol: v4.channel.k8s.io" in lines
    assert server.heard[0] == b"\0hello"


def test_the_pods_refusal_is_told() -> None:
    """What comes on the error channel is why."""
    with PortForwardServer() as server:
        tunnel = cluster(server.url).tunnel("ns", "web-1", 8080)
        server.say(b"\1connection refused")
        with pytest.raises(ShipwayError, match="connection refused") as caught:
            tunnel.receive()
        tunnel.close()

    assert (caught.value.id, caught.value.kind) == ("kube.forward", Kind.TRANSIENT)
    assert caught.value.subject == "pod/ns/web-1:8080"


@pytest.mark.parametrize("end", ["close", "hang_up"])
def test_the_end_of_the_far_side(end: str) -> None:
    """A close frame and a cut connection are the end, and nothing can be sent after it."""
    with PortForwardServer() as server:
        tunnel = cluster(server.url).tunnel("ns", "web-1", 8080)
        assert server.ready.wait(5)
        time.sleep(0.05)
        getattr(server, end)()
        assert tunnel.receive() == b""
        tunnel.close()
        with pytest.raises(ShipwayError):
            tunnel.send(b"x")


def test_closing_wakes_who_receives() -> None:
    """A thread that waits for the pod returns at once."""
    with PortForwardServer() as server:
        tunnel = cluster(server.url).tunnel("ns", "web-1", 8080)
        threading.Timer(0.1, tunnel.close).start()
        began = time.monotonic()
        assert tunnel.receive() == b""
        assert time.monotonic() - began < 5


def test_refused_upgrades() -> None:
    """The API server's no is the error it always is."""
    body = b'{"kind":"Status","message":"pods \\"web-1\\" not found"}'
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    with PortForwardServer(refuse=refusal) as server, pytest.raises(ShipwayError) as caught:
        cluster(server.url).tunnel("ns", "web-1", 8080)
    assert caught.value.id == "kube.not_found"


def test_through_a_proxy() -> None:
    """The context's proxy is asked for the server by name, with its own login."""
    with PortForwardServer() as server:
        proxy = server.url.replace("http://", "http://me:secret%21@")
        tunnel = cluster("http://api.test", proxy_url=proxy).tunnel("ns", "web-1", 8080)
        tunnel.send(b"hello")
        assert tunnel.receive() == b"HELLO"
        tunnel.close()

    lines = server.connect.splitlines()
    assert lines[0].startswith(b"CONNECT api.test:80 ")
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:secret!") in lines


def test_nobody_there() -> None:
    """A server that does not answer is unreachable, not broken."""
    with PortForwardServer() as server:
        url = server.url
    with pytest.raises(ShipwayError) as caught:
        cluster(url).tunnel("ns", "web-1", 8080)

    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)
