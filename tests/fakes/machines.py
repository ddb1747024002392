"""Four machines as facts: Debian 12, Ubuntu 24.04, WSL2 and the CI machine."""

from __future__ import annotations

from shipway.core.ports.hostfacts import Cgroups, Facts

_V1 = ("cpu", "cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids", "systemd")

DEBIAN = Facts(
    distribution="debian 12",
    cgroups=Cgroups.V2,
    hierarchies=("/sys/fs/cgroup",),
    systemd=True,
    swap=True,
    memory=16 << 30,
    memory_free=9 << 30,
    disk_free=80 << 30,
    resolvers=("192.168.1.1",),
    search=("lan",),
    networks=("192.168.1.0/24",),
    bridge_netfilter=False,
)
UBUNTU = Facts(
    distribution="ubuntu 24.04",
    cgroups=Cgroups.V2,
    hierarchies=("/sys/fs/cgroup",),
    systemd=True,
    memory=32 << 30,
    memory_free=20 << 30,
    disk_free=200 << 30,
    resolvers=("10.213.0.2", "1.1.1.1"),
    networks=("10.213.0.0/16", "172.17.0.0/16"),
    ephemeral=(32768, 60999),
)
WSL2 = Facts(
    distribution="ubuntu 22.04",
    cgroups=Cgroups.HYBRID,
    hierarchies=("/sys/fs/cgroup/unified", *(f"/sys/fs/cgroup/{name}" for name in _V1[:-1])),
    wsl=True,
    swap=True,
    memory=8 << 30,
    memory_free=6 << 30,
    disk_free=100 << 30,
    resolvers=("172.29.0.1",),
    networks=("172.29.0.0/20",),
    nftables=False,
    bridge_netfilter=False,
)
CI = Facts(
    distribution="debian 12",
    cgroups=Cgroups.HYBRID,
    hierarchies=(*(f"/sys/fs/cgroup/{name}" for name in _V1), "/sys/fs/cgroup/unified"),
    memory=24 << 30,
    memory_free=20 << 30,
    disk_free=60 << 30,
    oom_adjustable=False,
    resolvers=("10.255.255.53",),
    networks=("192.0.2.0/24",),
)
MACHINES = {"debian": DEBIAN, "ubuntu": UBUNTU, "wsl2": WSL2, "ci": CI}
