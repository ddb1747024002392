"""The real Go hand for tests: locked toolchain, shared build cache, state in a temporary folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fakes.toolchains import FakeToolchains
from shipway.adapters.go import GoTool
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.oci.descriptor import Platform
from shipway.core.ports.go import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

OURS = "go1.27.3"
HOST = Platform({"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine])
CACHE = str(Path.home() / ".cache" / "shipway" / "go-build")


def real_go(
    go: str, state: Path, variables: Mapping[str, str] | None = None, **ports: Any
) -> GoTool:
    """Return the Go hand; nothing of this machine's Go settings counts."""
    given = {"HOME": str(state), "PATH": os.environ["PATH"], "GOENV": "off", **(variables or {})}
    processes = SystemProcesses()
    return GoTool(
        ports.get("processes", processes),
        ports.get("sandbox", NamespaceSandbox(processes)),
        ports.get("toolchains", FakeToolchains(go)),
        given,
        ours=OURS,
        state=str(state / "state"),
        scratch=str(state / "scratch"),
        cache=CACHE,
    )


def target(root: Path | str, *packages: str, **fields: Any) -> Target:
    """Return a target for this machine."""
    return Target(root=str(root), packages=packages or (".",), platform=HOST, **fields)
