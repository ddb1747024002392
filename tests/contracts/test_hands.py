"""What the hands of every process promise to roads: those in memory, and those of a machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.hands import ROOT, FakeHands
from fakes.person import Person, grounded
from shipway.core.ports.hands import Hands

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Hands,)
KUBECONFIG = """\
clusters: [{name: a, cluster: {server: 'https://127.0.0.1:1'}}]
users: [{name: a, user: {token: secret}}]
contexts: [{name: east, context: {cluster: a, user: a}}]
"""


@pytest.fixture(params=["memory", "machine"])
def hands(request: pytest.FixtureRequest, tmp_path: Path) -> Hands:
    """Give each pair of hands in turn, before there is a cluster."""
    if request.param == "memory":
        memory = FakeHands()
        memory.running = False
        return memory
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    person = Person(tmp_path)
    person.configure("[trust]\npublic = true\n")
    person.environ["SIGSTORE_ID_TOKEN"] = "a.token.here"
    return grounded(person)


def test_a_hand_is_the_same_at_every_call(hands: Hands) -> None:
    """What one part of a road did, the next one finds, whichever hand did it."""
    names = [name for name, value in vars(Hands).items() if isinstance(value, property)]
    # In memory each of these is a new view of the same one.
    wrapped = {
        "bases",
        "content",
        "keeping",
        "registry",
    }
    for name in names:
        first = getattr(hands, name)
        assert first is not None
        assert name in wrapped or getattr(hands, name) is first
    put = hands.content.put(b"data", "a/b")
    assert hands.content.has(put.digest)


def test_a_folder_and_a_cluster_by_name(hands: Hands) -> None:
    """Files, cluster, processors and variables are at hand; loading is free."""
    hands.warm()
    assert hands.cores >= 1
    assert hands.files(ROOT).read("nothing") is None
    assert hands.kube("east") is not None
    assert "SHIPWAY_KEY_PASSWORD" not in hands.variables
    assert "SIGSTORE_ID_TOKEN" not in hands.variables


def test_the_own_key_is_trusted_where_it_counts(hands: Hands) -> None:
    """The signer's fingerprint is known, and trusted only where the person's own key counts."""
    assert hands.signer().fingerprint == hands.fingerprint()
    assert hands.at_hand()
    assert hands.sealer() is not None
    (mine,) = hands.trusted((), own=True)
    assert mine.key.fingerprint == hands.fingerprint()
    assert hands.trusted((), own=False) == ()


def test_the_ground_is_raised_and_found(hands: Hands) -> None:
    """Once raised it runs, by its name, context and registry."""
    raised = hands.raise_ground("")
    assert raised.running
    assert raised.context == "shipway"
    assert raised.registry.startswith("127.0.0.1:")
    assert hands.ground("") == raised
