"""A machine that was suspended in mid-deploy: on waking, its clock is hours ahead at once."""

from __future__ import annotations

import pytest

from fakes.shop import APPLY_WEB, WEB, WHERE, Shop
from shipway.core.kube import head as heads
from shipway.errors import Kind, ShipwayError
from shipway.roads import status

NIGHT = 9 * 3600.0
HEAD = ("replace", str(heads.ref("shop", "dev", "shipway")))


def slept(shop: Shop, call: tuple[str, str]) -> None:
    """Let the machine sleep for a night right before a call."""

    def hook() -> object:
        del shop.cluster.hooks[call]
        shop.clock.time += NIGHT
        return None

    shop.cluster.hooks[call] = hook


def results(shop: Shop) -> list[tuple[int, str, tuple[str, ...]]]:
    """Return number, result and causes of each deploy of a sound history, newest first."""
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    assert target.sound, target.findings
    return [(one.number, one.result, one.causes) for one in target.deploys]


def test_a_verdict_of_yesterday_lets_nothing_in() -> None:
    """It slept between verdict and apply: nothing is applied, and the same command judges anew."""
    shop = Shop()
    first = shop.carry().images["shop"]
    shop.edit("two")
    slept(shop, HEAD)
    with pytest.raises(ShipwayError, match=r"it is 324\d\d s old") as caught:
        shop.carry()

    assert (caught.value.id, caught.value.kind) == ("deploy.unverified", Kind.REJECTED)
    assert "run `shipway up` again" in caught.value.hint
    assert "nothing was applied" in shop.texts()
    assert shop.cluster.image(WEB) == first
    again = shop.carry()
    assert shop.cluster.image(WEB) == again.images["shop"]
    assert results(shop) == [
        (3, "passed", ()), (2, "failed", ("deploy.unverified",)), (1, "passed", ()),
    ]  # fmt: skip


def test_a_night_in_mid_apply_changes_nothing() -> None:
    """What was judged before it began is applied to its end, serves, and says when."""
    shop = Shop()
    slept(shop, APPLY_WEB)
    said = shop.carry()

    assert shop.cluster.image(WEB) == said.images["shop"]
    assert results(shop) == [(1, "passed", ())]
    assert shop.carry().changed is False
