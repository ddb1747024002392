"""Connections to pods: the channels of ``v4.channel.k8s.io``, refusals, and a prompt end."""

from __future__ import annotations

import base64
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.company import Company
from fakes.websocket_server import PortForwardServer
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.contexts import Access
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from adapters.kube.conftest import Misbehaving


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
    said = [line.partition(b": ")[2] for line in lines if b"authorization" in line.lower()]
    assert said == [b"Basic " + base64.b64encode(b"me:secret!")]


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    """Give a network whose proxy alone knows the API server."""
    with Company(tmp_path) as found:
        yield found


def behind(company: Company, server: PortForwardServer, proxy: str, **more: Any) -> Cluster:
    """Return a client of ``https://api.company.test``, which is that server behind TLS."""
    company.serve("api.company.test", int(server.url.rpartition(":")[2]))
    access = Access(
        context="test",
        namespace="default",
        server="https://api.company.test",
        proxy_url=proxy,
        **more,
    )
    return Cluster(access, environment={"SSL_CERT_FILE": str(company.ca)})


@pytest.mark.parametrize("way", ["proxy", "secure_proxy"])
def test_over_tls_through_either_kind_of_proxy(company: Company, way: str) -> None:
    """TLS with the server goes through a plain proxy and through one that has TLS of its own."""
    with PortForwardServer() as server:
        tunnel = behind(company, server, getattr(company, way)).tunnel("ns", "web-1", 8080)
        tunnel.send(b"hello")
        assert tunnel.receive() == b"HELLO"
        threading.Timer(0.1, tunnel.close).start()
        began = time.monotonic()
        assert tunnel.receive() == b""
        assert time.monotonic() - began < 5

    assert company.asked == ["CONNECT api.company.test:443"]


def test_only_the_contexts_own_proxy_counts(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_PROXY is about the proxies of the environment, for tunnels as for requests."""
    monkeypatch.setenv("NO_PROXY", "api.company.test")
    with PortForwardServer() as server:
        behind(company, server, company.proxy).tunnel("ns", "web-1", 8080).close()

    assert company.asked == ["CONNECT api.company.test:443"]


def test_a_proxy_that_says_no(company: Company) -> None:
    """Its refusal is the server's being unreachable, not a defect of ours."""
    proxy = company.secure_proxy.replace("hunter2", "wrong")
    with PortForwardServer() as server, pytest.raises(ShipwayError, match="407") as caught:
        behind(company, server, proxy).tunnel("ns", "web-1", 8080)

    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)


def test_a_plain_server_behind_a_secure_proxy() -> None:
    """What cannot be connected is told before anything is sent, without the proxy's login."""
    with pytest.raises(ShipwayError) as caught:
        cluster("http://api.test", proxy_url="https://me:s3cretpw@proxy.test:3129").tunnel(
            "ns", "web-1", 8080
        )

    assert (caught.value.id, caught.value.subject) == ("network.proxy", "https://proxy.test:3129")


def test_a_server_whose_certificate_is_not_checked(company: Company) -> None:
    """Who asked for no check of it gets none, for tunnels too; who did not is told."""
    with PortForwardServer() as server:
        made = behind(company, server, company.proxy, tls_server_name="other.test")
        with pytest.raises(ShipwayError) as caught:
            made.tunnel("ns", "web-1", 8080)
    assert caught.value.id == "kube.untrusted"
    with PortForwardServer() as server:
        tunnel = behind(company, server, company.proxy, insecure=True).tunnel("ns", "web-1", 8080)
        tunnel.send(b"hello")
        assert tunnel.receive() == b"HELLO"
        tunnel.close()


def test_closing_in_mid_stream_ends_only(company: Company) -> None:
    """However often it is closed while much comes, what came is what was sent, and whole."""
    piece, broken = b"x" * 900, list[bytes]()
    for turn in range(20):
        with PortForwardServer() as server:
            tunnel = behind(company, server, company.proxy).tunnel("ns", "web-1", 8080)

            def talk(server: PortForwardServer = server) -> None:
                with contextlib.suppress(OSError):
                    while True:
                        server.say(b"\0" + piece)

            thread = threading.Thread(target=talk)
            thread.start()
            timer = threading.Timer(0.002 * (turn % 10), tunnel.close)
            timer.start()
            while data := tunnel.receive():
                broken += [data[:40]] if data != piece else []
            timer.join()
            server.hang_up()
            thread.join(5)

    assert broken == []


def test_nobody_there() -> None:
    """A server that does not answer is unreachable, not broken."""
    with PortForwardServer() as server:
        url = server.url
    with pytest.raises(ShipwayError) as caught:
        cluster(url).tunnel("ns", "web-1", 8080)

    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)


def test_a_stream_within_a_proxys_tls_ends(company: Company, misbehaving: Misbehaving) -> None:
    """Leaving a long answer that comes through TLS in TLS ends it, and is no failure."""
    over = threading.Event()
    misbehaving.stream("one", wait=over)
    company.serve("api.company.test", int(misbehaving.url.rpartition(":")[2]))
    access = Access(
        context="test",
        namespace="default",
        server="https://api.company.test",
        proxy_url=company.secure_proxy,
    )
    made = Cluster(access, environment={"SSL_CERT_FILE": str(company.ca)})
    lines = made.log_stream("ns", "x", "app", follow=True)
    assert next(lines) == '"one"'
    began = time.monotonic()
    lines.close()
    assert time.monotonic() - began < 5
    over.set()
    made.close()
