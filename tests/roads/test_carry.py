"""Carrying one intent: who loses applies nothing, what fails is signed, what is stopped is not."""

from __future__ import annotations

import pytest

from fakes.shop import WEB, WHERE, Shop, refused
from shipway.core.kube import head as heads
from shipway.core.kube.objects import Ref
from shipway.errors import Kind, ShipwayError
from shipway.roads import status

HEAD = str(heads.ref("shop", "dev", "shipway"))


def deploys(shop: Shop) -> list[tuple[int, str, tuple[str, ...]]]:
    """Return the numbers with what became of them."""
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    return [(one.number, one.result, one.causes) for one in target.deploys]


def results(shop: Shop) -> list[str]:
    """Return the results of all outcomes in the registry, lost ones too."""
    tags = shop.registries.tags("127.0.0.1:5000/shop/evidence")
    return [one for one in tags if one.endswith("-outcome")]


def test_who_loses_the_swap_applies_nothing() -> None:
    """The head moved in between: an abandoned outcome is signed, and the cluster is untouched."""
    shop = Shop()
    shop.carry()
    before = shop.cluster.image(WEB)
    shop.edit("two")
    shop.cluster.refusals["replace", HEAD] = refused("kube.conflict", Kind.CONFLICT)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert (caught.value.id, caught.value.kind) == ("deploy.lost_swap", Kind.CONFLICT)
    assert shop.cluster.image(WEB) == before
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    assert [one.number for one in target.deploys] == [1]
    assert any(one.startswith("abandoned") for one in target.findings)
    assert target.sound
    assert len(results(shop)) == 2


def test_a_head_that_cannot_be_moved_signs_no_end() -> None:
    """Where the swap is refused for another reason, nobody knows: the intent stays open."""
    shop = Shop()
    shop.cluster.refusals["replace", HEAD] = refused("kube.denied", Kind.DENIED)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.id == "kube.denied"
    assert results(shop) == []
    assert WEB.identity not in shop.cluster.objects


def test_an_apply_that_is_refused_is_a_failed_outcome() -> None:
    """An admission error ends the intent by its id, never by the server's own words."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.cluster.refusals["apply", str(WEB)] = refused("kube.admission", Kind.REJECTED, "policy p")
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.id == "kube.admission"
    assert deploys(shop)[1] == (2, "failed", ("kube.admission",))


def test_a_stopped_run_signs_no_outcome() -> None:
    """Ctrl-C while applying: the error passes through and history says what was not finished."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.cluster.refusals["apply", str(WEB)] = refused("run.cancelled", Kind.CANCELLED)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.kind is Kind.CANCELLED
    assert deploys(shop)[0] == (2, "deploy unfinished", ())
    shop.carry()
    assert [one[:2] for one in deploys(shop)] == [
        (3, "passed"), (2, "deploy unfinished"), (1, "passed"),
    ]  # fmt: skip


def test_what_is_removed_is_said_before() -> None:
    """An object that no later release has is named, then pruned."""
    shop = Shop()
    job = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "old"},
        "data": {"a": "b"},
    }
    shop.overlay(more=(job,))
    shop.carry()
    assert Ref("v1", "ConfigMap", "shop-dev", "old").identity in shop.cluster.objects

    shop.overlay()
    shop.carry()
    assert Ref("v1", "ConfigMap", "shop-dev", "old").identity not in shop.cluster.objects
    assert "configmap/shop-dev/old" in shop.texts()


def test_a_rollback_runs_no_job_again() -> None:
    """What a Job once did is not done again by putting its release back."""
    from shipway.roads.rollback import rollback  # noqa: PLC0415

    shop = Shop()
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "move"},
        "spec": {
            "template": {
                "spec": {
                    "restartPolicy": "Never",
                    "containers": [{"name": "move", "image": "shipway://shop"}],
                }
            }
        },
    }
    place = Ref("batch/v1", "Job", "shop-dev", "move")
    done = {"conditions": [{"type": "Complete", "status": "True"}]}
    shop.overlay(more=(job,))
    shop.cluster.steps.append(
        lambda kube: kube.put({**kube.objects[place.identity], "status": done})
    )
    shop.carry()
    shop.overlay()
    shop.edit("two")
    shop.carry()
    assert place.identity not in shop.cluster.objects
    shop.cluster.calls.clear()
    rollback(WHERE, reason="", hands=shop, emit=shop.said.append)

    assert place.identity not in shop.cluster.objects
    assert not [one for one in shop.cluster.calls if one == ("apply", str(place))]
