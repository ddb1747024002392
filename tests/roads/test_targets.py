"""One environment on several clusters: an intent each, and what becomes of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.git import ROOT
from fakes.shop import WEB, Shop, refused
from shipway.errors import Failures, Kind, ShipwayError
from shipway.roads import status
from shipway.roads.rollback import rollback
from shipway.roads.where import WhereRequest

FAR = WhereRequest(directory=ROOT, keys=("key",))
NAMES = ("east", "mid", "west")


def shop_of(rollout: str = "") -> Shop:
    """Return a project that goes to three clusters, carried there once."""
    shop = Shop()
    shop.far(*NAMES)
    if rollout:
        config = shop.project.files["shipway.toml"].decode()
        shop.write("shipway.toml", f'{config}rollout = "{rollout}"\n')
    shop.carry(keys=("key",))
    shop.edit("two")
    return shop


def history(shop: Shop) -> dict[str, list[tuple[int, str]]]:
    """Return number and result of all deploys by target."""
    found = status.past(FAR, limit=9, hands=shop).targets
    return {one.target: [(d.number, d.result) for d in one.deploys] for one in found}


def broken(shop: Shop, *names: str) -> None:
    """Let Deployments fail on these clusters."""
    for name in names:
        first = shop.clusters[name].image(WEB)
        shop.clusters[name].good = {first}


def test_every_target_has_its_own_intent() -> None:
    """Each cluster's history counts for itself."""
    shop = shop_of()
    shop.carry(keys=("key",))

    assert history(shop) == {name: [(2, "passed"), (1, "passed")] for name in NAMES}


def test_the_first_that_fails_ends_it() -> None:
    """By default the clusters after it stay as they are, and a person hears which."""
    shop = shop_of()
    broken(shop, "mid")
    with pytest.raises(ShipwayError) as caught:
        shop.carry(keys=("key",))

    assert caught.value.id == "gate.progress_deadline"
    assert "mid failed; done: east; as they were: west" in shop.texts()
    told = history(shop)
    assert told["mid"][:2] == [(3, "passed"), (2, "failed")]
    assert (told["east"][0], told["west"][0]) == ((2, "passed"), (1, "passed"))


def test_all_have_their_turn() -> None:
    """Where the config says so, the others follow, and the one failure is told at the end."""
    shop = shop_of("all")
    broken(shop, "east")
    with pytest.raises(ShipwayError) as caught:
        shop.carry(keys=("key",))

    assert caught.value.id == "gate.progress_deadline"
    assert "east failed: " in shop.texts()
    assert [history(shop)[name][0] for name in NAMES] == [
        (3, "passed"),
        (2, "passed"),
        (2, "passed"),
    ]


def test_all_failures_are_told_together() -> None:
    """Two clusters that fail are two failures of one run."""
    shop = shop_of("all")
    broken(shop, "east", "west")
    with pytest.raises(Failures) as caught:
        shop.carry(keys=("key",))

    assert len(caught.value.failures) == 2
    assert history(shop)["mid"][0] == (2, "passed")


@pytest.mark.parametrize("rollout", ["", "all"])
def test_a_rollback_goes_the_same_way(rollout: str) -> None:
    """What a cluster says that is down ends it, or not, as for a deploy."""
    shop = shop_of(rollout)
    shop.carry(keys=("key",))
    gone: dict[str, Any] = {"east": _down()}
    shop.down = gone
    with pytest.raises(ShipwayError) as caught:
        rollback(FAR, reason="", hands=shop, emit=shop.said.append)
    shop.down = {}

    assert caught.value.id == "kube.unreachable"
    after = history(shop)
    assert after["east"][0] == (2, "passed")
    assert after["west"][0] == ((3, "passed") if rollout else (2, "passed"))


def _down() -> ShipwayError:
    return refused("kube.unreachable", Kind.TRANSIENT)


def test_a_stop_on_request_is_heeded_at_once() -> None:
    """Whoever stops the run stops it for every cluster."""
    shop = shop_of("all")
    shop.clusters["mid"].refusals["apply", str(WEB)] = refused("run.cancelled", Kind.CANCELLED)
    with pytest.raises(ShipwayError) as caught:
        shop.carry(keys=("key",))

    assert caught.value.kind is Kind.CANCELLED
    assert shop.clusters["west"].image(WEB) != shop.clusters["east"].image(WEB)
