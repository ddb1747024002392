"""The example services, found and run as a newcomer's would be."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.content import MemoryContent
from fakes.gotools import real_go, target
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.golang import discovery
from shipway.core.golang.discovery import Port, Probes

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize(
    ("name", "mains", "port", "probes"),
    [
        (
            "hello",
            ((".", "hello", True),),
            8080,
            Probes(startup="/healthz", readiness="/readyz", liveness="/healthz"),
        ),
        (
            "shop",
            (
                ("cmd/shop", "shop", True),
                ("cmd/shopctl", "shopctl", False),
            ),
            9000,
            Probes(startup="/healthz", readiness="/healthz", liveness="/healthz"),
        ),
    ],
)
def test_examples_are_understood(
    *,
    name: str,
    mains: tuple[tuple[str, str, bool], ...],
    port: int,
    probes: Probes,
    go_path: str,
    tmp_path: Path,
) -> None:
    """Main packages, port and probes of each example are found in its sources, and are true."""
    go = real_go(go_path, tmp_path)
    found = go.survey(str(EXAMPLES / name), ".").mains
    folder = found[0].folder

    assert tuple((one.folder, one.name, one.serves) for one in found) == mains
    assert discovery.decide("", found[0].port, None) == Port(port, "source")
    assert found[0].probes == probes
    content = MemoryContent()
    built = go.build(target(EXAMPLES / name, f"./{folder}"), "-s -w -buildid=")
    program = content.path(content.adopt(built.path, "x").digest)
    sandbox = NamespaceSandbox(SystemProcesses())
    assert sandbox.ports((program,), env={}, seconds=5, memory=256 << 20) == (port,)
