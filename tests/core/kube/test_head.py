"""The head of a history, as a ConfigMap holds it."""

from __future__ import annotations

import pytest

from shipway.core.evidence.history import Head
from shipway.core.kube import head
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

NAME = head.ref("shop", "dev", "local")


def test_name() -> None:
    """Each project, environment and target has a head of its own, in Shipway's namespace."""
    assert str(NAME) == "configmap/shipway-system/head.shop.dev.local"


def test_fresh_head_is_empty() -> None:
    """A history that has not begun reads as such."""
    assert head.read(head.fresh(NAME)).head == Head()


def test_head_is_read_back() -> None:
    """What is written is read back, and the version it was read at is kept."""
    onto = {**head.fresh(NAME), "metadata": {"name": NAME.name, "resourceVersion": "7"}}
    new = Head(sequence=3, intent=of(b"intent"), state="open")

    found = head.read(head.write(new, onto))

    assert found.head == new
    assert found.object["metadata"]["resourceVersion"] == "7"


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"sequence": "x", "state": "open"},
        {"sequence": "1"},
        {"sequence": "1", "state": "open", "intent": "sha256:zz"},
    ],
)
def test_something_else(data: dict[str, str]) -> None:
    """A ConfigMap that somebody else wrote is no head."""
    with pytest.raises(ShipwayError) as caught:
        head.read({"metadata": {"name": "x"}, "data": data})

    assert caught.value.id == "deploy.head"


def test_the_head_is_still_of_this_intent() -> None:
    """Another intent's head, and one that is gone, are told; one's own says nothing."""
    mine = head.write(Head(sequence=3, intent=of(b"mine"), state="open"), head.fresh(NAME))
    head.check(mine, NAME, of(b"mine"))
    with pytest.raises(ShipwayError, match="number 3 began before") as caught:
        head.check(mine, NAME, of(b"other"))
    assert (caught.value.id, caught.value.subject) == ("deploy.overtaken", str(NAME))
    with pytest.raises(ShipwayError) as caught:
        head.check(None, NAME, of(b"mine"))
    assert caught.value.id == "deploy.head"
