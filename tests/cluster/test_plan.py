"""Every component's configuration as a function of the machine's facts."""

from __future__ import annotations

import json
import posixpath
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.machines import CI, DEBIAN, MACHINES, UBUNTU, WSL2
from fakes.sites import whole
from shipway.cluster.plan import NODE, allocate, check
from shipway.cluster.site import SPAN, Allocation
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shipway.cluster.plan import Plan
    from shipway.core.ports.hostfacts import Facts

TABLE: dict[str, dict[str, Any]] = {
    "debian": {
        "failCgroupV1": True,
        "memorySwap": {"swapBehavior": "NoSwap"},
        "restrict": "false",
        "masqueradeAll": True,
        "tables": "xtables-nft-multi",
        "forward": "forward . 192.168.1.1",
        "resolv": "nameserver 192.168.1.1\nsearch lan\n",
        "network": "10.213.0.0/16",
        "cgroups": 1,
    },
    "ubuntu": {
        "failCgroupV1": True,
        "memorySwap": None,
        "restrict": "false",
        "masqueradeAll": False,
        "tables": "xtables-nft-multi",
        "forward": "forward . 10.213.0.2 1.1.1.1",
        "resolv": "nameserver 10.213.0.2\nnameserver 1.1.1.1\n",
        "network": "10.214.0.0/16",
        "cgroups": 1,
    },
    "wsl2": {
        "failCgroupV1": False,
        "memorySwap": None,
        "restrict": "false",
        "masqueradeAll": True,
        "tables": "xtables-legacy-multi",
        "forward": "forward . 172.29.0.1",
        "resolv": "nameserver 172.29.0.1\n",
        "network": "10.213.0.0/16",
        "cgroups": 9,
    },
    "ci": {
        "failCgroupV1": False,
        "memorySwap": None,
        "restrict": "true",
        "masqueradeAll": False,
        "tables": "xtables-nft-multi",
        "forward": "forward . 10.255.255.53",
        "resolv": "nameserver 10.255.255.53\n",
        "network": "10.213.0.0/16",
        "cgroups": 10,
    },
}


def text_of(plan: Plan, name: str) -> str:
    """Return the text of the file called ``name``."""
    return next(file.text for file in plan.files if posixpath.basename(file.path) == name)


def arguments_of(plan: Plan, name: str) -> tuple[str, ...]:
    """Return the arguments of a part."""
    return next(part.arguments for part in plan.parts if part.name == name)


def everything_free(ports: Sequence[int]) -> bool:
    """Have no port taken."""
    return bool(ports)


@pytest.mark.parametrize("name", MACHINES)
def test_machines_differ_only_where_they_must(name: str) -> None:
    """Each of the four machines gets exactly the values of its row."""
    facts, row = MACHINES[name], TABLE[name]
    plan = whole(facts)
    kubelet = json.loads(text_of(plan, "kubelet.json"))
    proxy = json.loads(text_of(plan, "kube-proxy.json"))
    found = {
        "failCgroupV1": kubelet["failCgroupV1"],
        "memorySwap": kubelet.get("memorySwap"),
        "restrict": text_of(plan, "containerd.toml").split("restrict_oom_score_adj = ")[1][:5],
        "masqueradeAll": proxy["iptables"]["masqueradeAll"],
        "tables": posixpath.basename(text_of(plan, "iptables").split("exec ")[1].split()[0]),
        "forward": text_of(plan, "Corefile").split("  forward")[1].split(" {")[0],
        "resolv": text_of(plan, "resolv.conf"),
        "network": allocate(facts, [], everything_free).network,
        "cgroups": len(plan.boot.cgroups),
    }
    found["restrict"] = found["restrict"].strip()
    found["forward"] = "forward" + found["forward"]
    assert found == row


def test_the_same_facts_give_the_same_plan() -> None:
    """A plan is a pure function: twice the same bytes."""
    assert msgspec.json.encode(whole(CI)) == msgspec.json.encode(whole(CI))


def test_no_resolver_means_no_forwarding() -> None:
    """A machine whose only resolver is a stub gets a resolver for the cluster's own names."""
    plan = whole(msgspec.structs.replace(CI, resolvers=(), search=()))
    assert "forward" not in text_of(plan, "Corefile")
    assert text_of(plan, "resolv.conf") == ""


def test_a_resolver_of_ipv6_is_bracketed() -> None:
    """CoreDNS takes an IPv6 resolver with brackets and port."""
    plan = whole(msgspec.structs.replace(CI, resolvers=("fd00::1",)))
    assert "forward . [fd00::1]:53 {" in text_of(plan, "Corefile")


def test_eviction_is_absolute() -> None:
    """No threshold is a percentage, which a big and fairly full disk would trip over."""
    kubelet = json.loads(text_of(whole(), "kubelet.json"))
    assert not any("%" in value for value in kubelet["evictionHard"].values())
    assert kubelet["imageGCHighThresholdPercent"] == 100


def test_images_that_nothing_uses_go_after_an_hour() -> None:
    """The kubelet lets containerd forget them; the registry has them still."""
    kubelet = json.loads(text_of(whole(), "kubelet.json"))
    assert kubelet["imageMaximumGCAge"] == "1h"


def test_the_registry_collects_before_it_starts() -> None:
    """Its script looks for the tag that asks, and the prober ends it gently when that is there."""
    plan = whole()
    script = next(file.text for file in plan.files if file.path.endswith("/services/registry/run"))
    tag = "/repositories/shipway/collect/_manifests/tags/now"
    assert f"{tag} ]; then" in script
    assert script.index("garbage-collect") < script.index("exec env")
    assert "delete-untagged" not in script
    prober = json.loads(text_of(plan, "prober.json"))
    asked = {one["name"]: one["asked"] for one in prober["watched"] if one["asked"]}
    assert list(asked) == ["registry"]
    assert asked["registry"].endswith(tag)


def test_the_apiserver_is_locked_down() -> None:
    """Anonymous off, Node and RBAC, NodeRestriction, encryption, audit, TLS to etcd and kubelet."""
    plan = whole()
    given = arguments_of(plan, "kube-apiserver")
    for flag in (
        "--anonymous-auth=false",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--etcd-servers=https://127.0.0.1:2379",
        "--service-node-port-range=20002-20033",
        "--kubelet-preferred-address-types=InternalIP,Hostname",
    ):
        assert flag in given
    levels = json.loads(text_of(plan, "pod-security.json"))["defaults"]
    assert levels["enforce"] == "baseline"
    providers = json.loads(text_of(plan, "encryption.json"))["resources"][0]["providers"]
    assert list(providers[0]) == ["secretbox"]


def test_no_body_reaches_the_audit_log() -> None:
    """No audit rule records more than metadata, for Secrets or anything else."""
    rules = json.loads(text_of(whole(), "audit.json"))["rules"]
    assert {rule["level"] for rule in rules} == {"None", "Metadata"}


def test_the_kubelet_is_locked_down() -> None:
    """Anonymous off, webhook authorization, no read-only port, seccomp by default."""
    kubelet = json.loads(text_of(whole(), "kubelet.json"))
    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}
    assert kubelet["readOnlyPort"] == 0
    assert kubelet["seccompDefault"] is True


def test_only_the_block_is_joined_to_the_host() -> None:
    """The door gets the block; pasta listens on nothing, with no way to the host's loopback."""
    assert arguments_of(whole(), "door")[-3:] == ("/run/netns/cluster", "20000", "20033")
    given = arguments_of(whole(), "pasta")
    assert "--no-map-gw" in given
    for option in ("--tcp-ports", "--udp-ports", "--tcp-ns", "--udp-ns"):
        assert given[given.index(option) + 1] == "none"


def test_a_machine_without_a_route_gets_one_made_up() -> None:
    """Offline, pasta is told address, gateway and MAC; online it copies them from the route."""
    offline = arguments_of(whole(msgspec.structs.replace(CI, online=False)), "pasta")
    assert offline[offline.index("--address") + 1] == "10.213.194.1"
    assert offline[offline.index("--gateway") + 1] == "10.213.194.2"
    assert "--address" not in arguments_of(whole(), "pasta")


def test_the_registry_asks_for_a_login_on_loopback() -> None:
    """It listens on 127.0.0.1, the same port as outside, and knows one bcrypt login."""
    plan = whole()
    value = json.loads(text_of(plan, "registry.yaml"))
    assert value["http"]["addr"] == "127.0.0.1:20001"
    assert value["auth"]["htpasswd"]["path"].endswith("/htpasswd")
    assert text_of(plan, "htpasswd") == "shipway:$2b$04$hash\n"
    assert 'authorization = "Basic ' in text_of(plan, "hosts.toml")


def test_secret_files_are_root_only() -> None:
    """Every file but scripts and the resolver's is 0600, scripts are 0700."""
    modes = {file.mode for file in whole().files if not file.path.endswith("resolv.conf")}
    assert modes == {0o600, 0o700}


def test_a_part_waits_for_what_it_needs() -> None:
    """A service's script waits for the ready files of its needs and proves its program."""
    plan = whole()
    script = next(file.text for file in plan.files if file.path.endswith("kube-scheduler/run"))
    assert "until [ -e /run/shipway/default/ready/kube-apiserver ]" in script
    assert "sha256sum --check" in script
    assert plan.site.programs.digests["kube-scheduler"] in script


def test_only_pasta_and_the_door_leave_the_network_namespace() -> None:
    """Every other part stays inside."""
    plan = whole()
    outside = [file.path for file in plan.files if "nsenter --net=" in file.text]
    assert outside == [plan.site.at("services", name, "run") for name in ("pasta", "door")]


def test_the_door_is_told_from_other_pythons() -> None:
    """Its process is known by the file that its service writes, as the prober runs Python too."""
    plan = whole()
    files = {watched.name: watched.pidfile for watched in plan.watched}
    pidfile = plan.site.at("services", "door", "last.pid")
    assert {name: file for name, file in files.items() if file} == {"door": pidfile}


def test_all_parts_are_watched() -> None:
    """The prober asks every part but itself, and whether the node is Ready."""
    plan = whole()
    names = {part.name for part in plan.parts} - {"prober"}
    assert {watched.name for watched in plan.watched} == names | {NODE}
    assert next(watched.program for watched in plan.watched if watched.name == NODE) == ""


def test_folders_are_named_from_the_top_down() -> None:
    """A folder stands behind those above it, so that each is made with its own mode."""
    folders = whole().directories
    assert folders[0] == "/var/lib/shipway/clusters/default"
    assert list(folders) == sorted(folders)
    assert "/var/lib/shipway/clusters/default/config/hosts" in folders


def test_blocks_of_clusters_do_not_overlap() -> None:
    """A second cluster gets the next block, also while the first is stopped."""
    first = allocate(CI, [], everything_free)
    second = allocate(CI, [first], everything_free)
    assert second.base == first.base + SPAN


def test_a_taken_port_moves_the_block() -> None:
    """A block in which anything listens is passed over."""
    taken = 20010
    found = allocate(CI, [], lambda ports: taken not in ports)
    assert taken not in range(found.base, found.base + SPAN)


def test_blocks_stay_out_of_ephemeral_ports() -> None:
    """Where the kernel hands out low ports, the block lies outside of them."""
    facts = msgspec.structs.replace(CI, ephemeral=(10000, 29999))
    assert allocate(facts, [], everything_free).base >= 30000


def test_no_free_block_is_said() -> None:
    """A machine without a free block is told so, with the way to free one."""
    with pytest.raises(ShipwayError) as caught:
        allocate(CI, [], lambda _: False)
    assert caught.value.id == "cluster.no_ports"
    assert "cluster delete" in caught.value.hint


def test_no_free_network_is_said() -> None:
    """A machine that routes every private network is told so; IPv6 networks do not count."""
    facts = msgspec.structs.replace(CI, networks=("10.0.0.0/8", "172.16.0.0/12", "fd00::/8"))
    with pytest.raises(ShipwayError) as caught:
        allocate(facts, [Allocation(1, "")], everything_free)
    assert caught.value.id == "cluster.no_network"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"system": "Darwin"}, "cluster.not_linux"),
        ({"machine": "riscv64"}, "cluster.machine"),
        ({"memory_free": 200 << 20}, "cluster.memory"),
        ({"disk_free": 1 << 30}, "cluster.disk"),
    ],
)
def test_a_machine_that_cannot_is_told_why(change: dict[str, Any], error: str) -> None:
    """Each lack has an id of its own and a next step."""
    facts: Facts = msgspec.structs.replace(CI, **change)
    with pytest.raises(ShipwayError) as caught:
        check(facts)
    assert caught.value.id == error
    assert caught.value.hint


@pytest.mark.parametrize("facts", [DEBIAN, UBUNTU, WSL2, CI])
def test_a_machine_that_can_is_let_through(facts: Facts) -> None:
    """All four machines may carry a cluster."""
    check(facts)
