"""Reading a machine from its own files, for machines of four kinds."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.hostfacts import LinuxFacts
from shipway.core.ports.hostfacts import Cgroups

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "etc/os-release": 'NAME="Debian"\nID=debian\nVERSION_ID="12"\n',
    "proc/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n/dev/sda / ext4 rw 0 0\n",
    "proc/meminfo": "MemTotal:  2048 kB\nMemFree: 1 kB\nMemAvailable:  1024 kB\n",
    "proc/swaps": "Filename Type Size Used Priority\n",
    "proc/filesystems": "nodev\toverlay\n\text4\n",
    "proc/self/status": "Name: x\nCapBnd:\t000001ffffffffff\n",
    "proc/sys/kernel/osrelease": "6.1.0\n",
    "proc/sys/net/ipv4/ip_forward": "0\n",
    "proc/sys/net/ipv4/ip_local_port_range": "32768\t60999\n",
    "proc/modules": "nf_tables 1 1 - Live 0x0\n",
    "proc/net/route": (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    ),
    "etc/resolv.conf": "search lan\nnameserver 192.168.1.1\n",
}


def machine(root: Path, **other: str) -> LinuxFacts:
    """Return a reader of a machine that differs from a plain Debian 12 in some files."""
    (root / "var" / "lib").mkdir(parents=True)
    for name, text in {**FILES, **other}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return LinuxFacts(str(root))


def test_a_plain_machine(tmp_path: Path) -> None:
    """Every fact of an ordinary machine is as its files say."""
    facts = machine(tmp_path).read()
    assert facts.distribution == "debian 12"
    assert facts.machine == platform.machine()
    assert (facts.cgroups, facts.hierarchies) == (Cgroups.V2, ("/sys/fs/cgroup",))
    assert (facts.memory, facts.memory_free) == (2 << 20, 1 << 20)
    assert facts.networks == ("192.168.1.0/24",)
    assert facts.resolvers == ("192.168.1.1",)
    assert facts.search == ("lan",)
    assert facts.ephemeral == (32768, 60999)
    assert facts.disk_free > 0
    for name in ("online", "overlay", "oom_adjustable", "sysctls_writable", "nftables"):
        assert getattr(facts, name), name
    for name in ("systemd", "wsl", "swap", "bridge_netfilter"):
        assert not getattr(facts, name), name


def test_the_stub_of_systemd_is_passed_over(tmp_path: Path) -> None:
    """Behind a stub on the loopback the real servers are found (Ubuntu)."""
    facts = machine(
        tmp_path,
        **{
            "etc/resolv.conf": "nameserver 127.0.0.53\nsearch example.org\n",
            "run/systemd/resolve/resolv.conf": "nameserver 10.0.0.2\nnameserver fe80::1%eth0\n",
            "run/systemd/system/x": "",
        },
    ).read()
    assert facts.resolvers == ("10.0.0.2",)
    assert facts.search == ("example.org",)
    assert facts.systemd


def test_a_stub_alone_is_no_resolver(tmp_path: Path) -> None:
    """Where only a stub is known there is no upstream; nonsense is passed over too."""
    text = "nameserver ::1\nnameserver what\nnameserver\n"
    assert machine(tmp_path, **{"etc/resolv.conf": text}).read().resolvers == ()


def test_windows_subsystem(tmp_path: Path) -> None:
    """WSL2 is known by its kernel's name; its hybrid cgroups are all listed."""
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0\n"
        "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
    )
    facts = machine(
        tmp_path,
        **{
            "proc/sys/kernel/osrelease": "5.15.90.1-microsoft-standard-WSL2\n",
            "proc/mounts": mounts,
            "proc/swaps": "Filename Type\n/dev/sdb partition\n",
            "proc/modules": "",
            "proc/kallsyms": "0 t other\n",
        },
    ).read()
    assert facts.wsl
    assert facts.swap
    assert not facts.nftables
    assert facts.cgroups is Cgroups.HYBRID
    assert facts.hierarchies == ("/sys/fs/cgroup/unified", "/sys/fs/cgroup/memory")


def test_version_one_alone(tmp_path: Path) -> None:
    """Only version 1 hierarchies are version 1."""
    text = "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\n"
    assert machine(tmp_path, **{"proc/mounts": text}).read().cgroups is Cgroups.V1


def test_a_confined_machine(tmp_path: Path) -> None:
    """Without CAP_SYS_RESOURCE the oom score cannot be lowered; without a route it is offline."""
    route = FILES["proc/net/route"].replace("00000000\t0101A8C0", "000010AC\t0101A8C0", 1)
    facts = machine(
        tmp_path,
        **{
            "proc/self/status": "CapBnd:\t000001fffeffffff\n",
            "proc/net/route": route.replace("\t00000000\t0\t0\t0\n", "\t0000FFFF\t0\t0\t0\n", 1),
            "proc/sys/net/bridge/bridge-nf-call-iptables": "1",
        },
    ).read()
    assert not facts.oom_adjustable
    assert not facts.online
    assert facts.bridge_netfilter
    assert facts.networks == ("172.16.0.0/16", "192.168.1.0/24")


def test_nothing_to_read(tmp_path: Path) -> None:
    """A machine that tells nothing is still read."""
    facts = LinuxFacts(str(tmp_path)).read()
    assert facts.distribution == ""
    assert not facts.online
    assert facts.disk_free == 0
    assert not facts.oom_adjustable
    assert facts.ephemeral == (32768, 60999)


@pytest.mark.parametrize("system", ["Linux"])
def test_this_machine(system: str) -> None:
    """The machine of the tests can be read as it is."""
    facts = LinuxFacts().read()
    assert facts.system == system
    assert facts.memory > facts.memory_free > 0
    assert facts.hierarchies
