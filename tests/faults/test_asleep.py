"""A laptop that sleeps in mid-deploy: what happened meanwhile counts, and nothing is half done.

The process is stopped as a closed lid stops it, before a real API server whose controllers are
played here; the clock of a machine that was suspended jumps in ``roads/test_suspended.py``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes import apiserver
from fakes.asleep import Laptop
from fakes.shop import WEB
from roads.test_real_server import HEAD
from shipway.adapters.kube.client import Cluster
from shipway.errors import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNTS = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
LIFE = 3.0
"""Seconds that a credential lasts: longer than a deploy needs to begin."""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Give the shared server without anything of the project, and leave it so."""
    found = Cluster(apiserver.shared().access())
    for ref in (WEB, HEAD):
        found.delete(ref)
    yield found
    for ref in (WEB, HEAD):
        found.delete(ref)
    found.close()


def applied(cluster: Cluster, generation: int = 1) -> dict[str, Any]:
    """Return the Deployment once it has this generation."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = cluster.get(WEB) or {"metadata": {"generation": 0}}
        if found["metadata"]["generation"] >= generation:
            return found
        time.sleep(0.02)
    raise AssertionError("nothing was applied")


def serves(found: dict[str, Any]) -> None:
    """Let the controllers say that the Deployment serves."""
    metadata = found["metadata"]
    status = dict.fromkeys(COUNTS, 1) | {"observedGeneration": metadata["generation"]}
    place = f"/apis/apps/v1/namespaces/{WEB.namespace}/deployments/{WEB.name}"
    apiserver.shared().write_status(place, status)


def login(hours: float = 0) -> dict[str, str]:
    """Write the person's client certificate, made as if it were so many hours later."""
    server = apiserver.shared()
    apiserver.issue(server, "lid", group="system:masters", hours=hours)
    folder = server.folder
    return {"cert_file": str(folder / "lid.crt"), "key_file": str(folder / "lid.key")}


def access(**user: str) -> Any:
    """Return the way of a user to the server."""
    return msgspec.structs.replace(apiserver.shared().access(token=""), **user)


def test_what_serves_after_the_sleep_has_passed(cluster: Cluster) -> None:
    """Asleep for longer than the gate's patience: it looks again, and puts nothing back."""
    with Laptop(access(token=apiserver.ADMIN)) as laptop:
        laptop.up(seconds=1)
        found = applied(cluster)
        laptop.sleep()
        serves(found)
        time.sleep(1.5)
        laptop.wake()
        ended = laptop.answer()

    assert ended["error"] == {}, ended
    assert [one[:3] for one in ended["history"]] == [[1, "deploy", "passed"]]


def test_a_credential_that_was_renewed_while_it_slept(cluster: Cluster) -> None:
    """The old one has run out, the new one is read, and the deploy goes on."""
    with Laptop(access(**login(-6 + LIFE / 3600))) as laptop:
        laptop.up(seconds=20)
        found = applied(cluster)
        laptop.sleep()
        time.sleep(LIFE)
        login()
        laptop.wake()
        serves(found)
        ended = laptop.answer()

    assert ended["error"] == {}, ended
    assert [one[:3] for one in ended["history"]] == [[1, "deploy", "passed"]]


def test_a_credential_that_ran_out_while_it_slept(cluster: Cluster) -> None:
    """That is said, with what is left; after a new login the same command goes on."""
    with Laptop(access(**login(-6 + LIFE / 3600))) as laptop:
        laptop.up(seconds=20)
        applied(cluster)
        laptop.sleep()
        time.sleep(LIFE)
        laptop.wake()
        lost = laptop.answer()
        login()
        laptop.up(seconds=20)
        serves(applied(cluster, 2))
        ended = laptop.answer()

    assert (lost["error"]["id"], lost["error"]["code"]) == ("kube.expired", Kind.DENIED.value)
    assert lost["error"]["hint"]
    assert "nobody knows whether it serves: `shipway up` asks again" in lost["said"]
    assert ended["error"] == {}, ended
    assert [one[:3] for one in ended["history"]] == [
        [2, "deploy", "passed"], [1, "deploy", "failed"],
    ]  # fmt: skip
