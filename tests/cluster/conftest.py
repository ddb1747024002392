"""The real cluster that this folder's tests share, and the program that they run in its pods."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.embedded import NAMESPACE, Embedded, until

if TYPE_CHECKING:
    from collections.abc import Iterator

POD = Path(__file__).parent / "pod"


@pytest.fixture(scope="session")
def pod_program(go_path: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build the test program, static."""
    return build(go_path, tmp_path_factory.mktemp("pod") / "pod")


@pytest.fixture(scope="session")
def foreign_program(go_path: str, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Build the test program for machines of another kind."""
    other = "arm64" if os.uname().machine == "x86_64" else "amd64"
    return build(go_path, tmp_path_factory.mktemp("foreign") / "pod", GOARCH=other)


def build(go_path: str, target: Path, **variables: str) -> bytes:
    """Build the test program with these variables."""
    env = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false"}
    env |= variables
    command = [go_path, "build", "-trimpath", "-o", str(target), "."]
    subprocess.run(command, cwd=POD, env=env, check=True)
    return target.read_bytes()


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    """Give a running cluster, which is deleted at the end."""
    one = Embedded("test-a", tmp_path_factory.mktemp("home"))
    if one.exists():
        one.delete()
    one.up()
    yield one
    if one.exists():
        one.delete()


@pytest.fixture(scope="session")
def image(embedded: Embedded, pod_program: bytes) -> str:
    """Give the test program's image in the cluster's registry."""
    return embedded.push(pod_program)


@pytest.fixture(scope="session")
def web(embedded: Embedded, image: str) -> int:
    """Give the NodePort of two pods that serve."""
    port = embedded.at.node_ports[0]
    embedded.deploy(image, port)
    embedded.kubectl("-n", NAMESPACE, "rollout", "status", "deployment/web", "--timeout=60s")
    until(lambda: embedded.ask(port) is not None, 10)
    return port
