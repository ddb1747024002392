"""containerd with runc and the CNI plugins: what runs pods.

Written for configuration version 3 of containerd 2 (docs/cri/config.md of that project). The
registry's login stands in its hosts.toml, which root alone can read.
"""

from __future__ import annotations

import base64
import json
import posixpath
from typing import TYPE_CHECKING

from shipway.cluster.part import Part
from shipway.core.ports.ground import Ask, Check, File

if TYPE_CHECKING:
    from shipway.cluster.site import Site

NAME = "containerd"
SOCKET = "/run/containerd/containerd.sock"
PAUSE = "shipway.local/pause:1"
BRIDGE = "shipway0"
USER = "shipway"
"""The registry's login name."""
_CONFIG = """version = 3
root = {root}
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri",
  "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp",
]

[grpc]
address = "{socket}"

[plugins.'io.containerd.cri.v1.images']
snapshotter = "{snapshotter}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{pause}"

[plugins.'io.containerd.cri.v1.images'.registry]
config_path = {hosts}

[plugins.'io.containerd.cri.v1.runtime']
restrict_oom_score_adj = {restrict}
enable_unprivileged_ports = true
enable_unprivileged_icmp = true

[plugins.'io.containerd.cri.v1.runtime'.containerd]
default_runtime_name = "runc"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
runtime_path = {shim}

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
BinaryName = {runc}
SystemdCgroup = false

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = [{plugins}]
conf_dir = {networks}
"""


def part(site: Site, password: str) -> Part:
    """Return containerd; ``password`` is the registry's."""
    return Part(
        name=NAME,
        program=NAME,
        arguments=("--config", site.at("config", "containerd.toml"), "--log-level", "warn"),
        files=(_config(site), _hosts(site, password), _network(site)),
        check=Check(ask=Ask.GRPC, address=SOCKET),
    )


def _config(site: Site) -> File:
    text = _CONFIG.format(
        root=json.dumps(site.at("containerd")),
        socket=SOCKET,
        snapshotter="overlayfs" if site.facts.overlay else "native",
        pause=PAUSE,
        hosts=json.dumps(site.at("config", "hosts")),
        restrict="false" if site.facts.oom_adjustable else "true",
        shim=json.dumps(site.programs["containerd-shim-runc-v2"]),
        runc=json.dumps(site.programs["runc"]),
        plugins=json.dumps(posixpath.dirname(site.programs["bridge"])),
        networks=json.dumps(site.at("config", "cni")),
    )
    return File(site.at("config", "containerd.toml"), text)


def basic(password: str) -> str:
    """Return the value of an Authorization header for the registry's login (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode()


def _hosts(site: Site, password: str) -> File:
    server = f"http://127.0.0.1:{site.registry}"
    text = (
        f'server = "{server}"\n\n[host."{server}"]\ncapabilities = ["pull", "resolve"]\n\n'
        f'[host."{server}".header]\nauthorization = "{basic(password)}"\n'
    )
    return File(site.at("config", "hosts", f"127.0.0.1:{site.registry}", "hosts.toml"), text)


def _network(site: Site) -> File:
    ipam = {
        "type": "host-local",
        "dataDir": "/run/cni",
        "ranges": [[{"subnet": site.pods}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": ipam,
    }
    value = {
        "cniVersion": "1.0.0",
        "name": "shipway",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }
    return File(site.at("config", "cni", "10-shipway.conflist"), json.dumps(value, indent=1) + "\n")
