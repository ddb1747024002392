"""Names, ports and addresses of a cluster."""

from __future__ import annotations

import ipaddress

from fakes.sites import site


def test_the_default_cluster_is_plain_shipway() -> None:
    """Context, node and host of the default cluster carry no suffix; others do."""
    assert site().node == "shipway"
    assert site(name="dev").node == "shipway-dev"


def test_ports_are_one_block() -> None:
    """apiserver, registry and 32 NodePorts follow one another."""
    one = site()
    assert (one.apiserver, one.registry) == (20000, 20001)
    assert one.node_ports == (20002, 20033)
    assert one.url == "https://127.0.0.1:20000"


def test_networks_do_not_overlap() -> None:
    """Pods, Services and the node's own addresses share one /16 without touching."""
    one = site()
    pods, services = ipaddress.ip_network(one.pods), ipaddress.ip_network(one.services)
    whole = ipaddress.ip_network(one.allocation.network)
    assert not pods.overlaps(services)
    for address in (one.address, one.dns):
        assert ipaddress.ip_address(address) in whole
        assert ipaddress.ip_address(address) not in pods
        assert ipaddress.ip_address(address) not in services
    assert one.kubernetes == str(services[1])


def test_state_and_runtime_are_apart() -> None:
    """What survives down lies under /var/lib, what does not under /run."""
    one = site(name="dev")
    assert one.at("etcd") == "/var/lib/shipway/clusters/dev/etcd"
    assert one.runtime == "/run/shipway/dev"
