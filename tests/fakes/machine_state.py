"""What a machine looks like from outside a cluster, to be compared before and after."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fakes.embedded import as_root

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDERS = ("/etc", "/opt", "/run", "/srv", "/usr", "/var", "/root/.kube", "/root/.docker")
STAYS = (
    *("/var/lib/shipway/engines", "/var/lib/shipway/packages", "/var/cache", "/var/log/journal"),
    *("/var/lib/apt", "/var/lib/dpkg", "/run/sudo", "/var/lib/sudo", "/var/tmp"),
)
"""What delete says it leaves, and what the system itself writes meanwhile."""
TELLING = ("shipway", "kube", "cni", "containerd", "runc", "etcd", "coredns", "pods")
"""Words that a path of a cluster has: other work goes on beside the tests."""
_LISTING = """
import os, sys
folders, stays = eval(sys.argv[1])
for top in folders:
    for root, names, files in os.walk(top):
        names[:] = [n for n in names if os.path.join(root, n) not in stays]
        for name in names + files:
            print(os.path.join(root, name))
"""


def others() -> set[str]:
    """Return the folders of clusters that stand on the machine for other reasons."""
    clusters = Path("/var/lib/shipway/clusters")
    names = [path.name for path in clusters.iterdir()] if clusters.exists() else []
    groups = [path for path in Path("/sys/fs/cgroup").glob("*") if path.is_dir()]
    return {
        *(f"/var/lib/shipway/clusters/{name}" for name in names),
        *(f"/run/shipway/{name}" for name in names),
        *(f"{group}/shipway-{name}" for group in groups for name in names),
    }


def files(ignored: set[str]) -> set[str]:
    """Return every path in the folders where a cluster could leave something."""
    argument = repr((FOLDERS, {*STAYS, *ignored}))
    said = as_root([sys.executable, "-I", "-c", _LISTING, argument])
    return set(said.stdout.splitlines())


def cgroups(ignored: set[str]) -> set[str]:
    """Return every control group's folder."""
    found = set()
    for root, names, _ in os.walk("/sys/fs/cgroup"):
        names[:] = [name for name in names if f"{root}/{name}" not in ignored]
        found.add(root)
    return found


def network() -> dict[str, str]:
    """Return links, addresses, routes and the firewall of the calling network namespace."""
    links = sorted(path.name for path in Path("/sys/class/net").iterdir())
    routes = Path("/proc/net/route").read_text()
    tables = _firewall()
    return {"links": " ".join(links), "routes": routes, "firewall": tables}


def _firewall() -> str:
    """Return the rules of nf_tables and of the legacy tables, without counters."""
    packages = "/var/lib/shipway/packages"
    script = (
        f"export LD_LIBRARY_PATH={packages}/lib XTABLES_LIBDIR={packages}/lib/xtables\n"
        f"for kind in nft legacy; do {packages}/bin/xtables-$kind-multi iptables-save; done"
        f" | sed -e '/^#/d' -e 's/\\[[0-9]*:[0-9]*\\]//'"
    )
    return as_root(["sh", "-c", script], check=False).stdout


def mounts() -> list[str]:
    """Return the mounts that the calling process sees."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return sorted(line.split(" ", 4)[4] for line in lines)


def processes(word: str) -> Iterator[str]:
    """Yield processes whose program or arguments name ``word``."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                text = (entry / "cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
            if word in text:
                yield f"{entry.name} {text[:120]}"
