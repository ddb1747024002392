"""Deploys at once: one head, nothing lost, and what stands is what the head says."""

from __future__ import annotations

import copy
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from fakes.hands import Killed
from fakes.shop import APPLY_WEB, WEB, WHERE, Shop
from shipway.core.kube import head as heads
from shipway.core.kube.applyset import parent_name
from shipway.core.kube.objects import SYSTEM_NAMESPACE, Ref
from shipway.core.kube.stamp import INTENT
from shipway.errors import Failures, Kind, ShipwayError
from shipway.roads import status
from shipway.roads.delete import delete

HEAD = heads.ref("shop", "dev", "shipway")
NEW = Ref("v1", "ConfigMap", "shop-dev", "new")
ACCOUNT = Ref("v1", "ServiceAccount", "shop-dev", "shop")
SERVICE = Ref("v1", "Service", "shop-dev", "shop")
LOST = {"deploy.lost_swap", "deploy.overtaken", "deploy.contested"}


def twin(shop: Shop, word: str) -> Shop:
    """Return another checkout of the project, edited, before the same cluster and registry."""
    other = Shop()
    other.cluster, other.registries = shop.cluster, shop.registries
    other.edit(word)
    return other


def ids(error: ShipwayError) -> set[str]:
    """Return the ids of what failed."""
    several = error.failures if isinstance(error, Failures) else (error,)
    return {one.id for one in several if isinstance(one, ShipwayError)}


def told(shop: Shop) -> list[tuple[int, str, str, tuple[str, ...]]]:
    """Return number, kind, result and causes of each deploy of a sound history, newest first."""
    (target,) = status.past(WHERE, limit=500, hands=shop).targets
    assert target.sound, target.findings
    return [(one.number, one.kind, one.result, one.causes) for one in target.deploys]


def settled(shop: Shop) -> None:
    """See that the head is the newest number, and that all that stands carries its stamp."""
    data = shop.cluster.objects[HEAD.identity]["data"]
    deploys = told(shop)
    assert [one[0] for one in deploys] == list(range(len(deploys), 0, -1))
    assert int(data["sequence"]) == deploys[0][0]
    stamps = {
        one["metadata"]["annotations"][INTENT]
        for one in shop.cluster.objects.values()
        if INTENT in one["metadata"].get("annotations", {})
    }
    assert stamps == {data["intent"]}


def test_who_is_overtaken_while_applying_stops() -> None:
    """Another deploy begins while one applies: the first sends no more and puts nothing back."""
    shop = Shop()
    shop.carry()
    shop.edit("mine")
    theirs = twin(shop, "theirs")
    said = []

    def hook() -> object:
        shop.cluster.hooks.clear()
        said.append(theirs.carry())
        return None

    shop.cluster.hooks["apply", "serviceaccount/shop-dev/shop"] = hook
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert ids(caught.value) == {"deploy.overtaken"}
    assert caught.value.kind is Kind.CONFLICT
    assert shop.cluster.image(WEB) == said[0].images["shop"]
    assert "number 3 came meanwhile" in shop.texts()
    assert told(shop)[:2] == [
        (3, "deploy", "passed", ()), (2, "deploy", "failed", ("deploy.overtaken",)),
    ]  # fmt: skip


def test_an_answer_about_anothers_objects_does_not_count() -> None:
    """Another deploy begins while the gate watches: nobody passes by what the other one applied."""
    shop = Shop()
    theirs = twin(shop, "theirs")
    shop.cluster.slow = True

    def step(_: object) -> object:
        shop.cluster.slow = False
        return theirs.carry()

    shop.cluster.steps.append(step)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert ids(caught.value) == {"deploy.overtaken"}
    assert [one[:3] for one in told(shop)] == [(2, "deploy", "passed"), (1, "deploy", "failed")]
    settled(shop)


def deleting(shop: Shop) -> str:
    """Delete the environment, and return the id of what stopped that."""
    with pytest.raises(ShipwayError) as caught:
        delete(WHERE, reason="", sure=lambda _: True, hands=shop, emit=shop.said.append)
    return caught.value.id


def test_a_deploy_that_overtakes_a_delete_keeps_its_objects() -> None:
    """A deploy begins while a rank is deleted: nothing of the ranks that follow goes."""
    shop = Shop()
    shop.carry()
    theirs = twin(shop, "theirs")

    def hook() -> object:
        shop.cluster.hooks.clear()
        return theirs.carry()

    shop.cluster.hooks["delete-wait", str(SERVICE)] = hook
    assert deleting(shop) == "deploy.overtaken"
    assert ACCOUNT.identity in shop.cluster.objects
    assert WEB.identity in shop.cluster.objects
    assert told(shop) == [
        (3, "deploy", "passed", ()),
        (2, "delete", "failed", ("deploy.overtaken",)),
        (1, "deploy", "passed", ()),
    ]
    settled(shop)


def test_a_delete_that_was_overtaken_did_not_pass() -> None:
    """A deploy begins when all is deleted: what stands then is that deploy's, its parent too."""
    shop = Shop()
    shop.carry()
    theirs = twin(shop, "theirs")

    def hook() -> object:
        shop.cluster.hooks.clear()
        return theirs.carry()

    def last() -> None:
        shop.cluster.hooks["get", str(ACCOUNT)] = hook

    shop.cluster.hooks["delete-wait", str(ACCOUNT)] = last
    assert deleting(shop) == "deploy.overtaken"
    assert told(shop)[1] == (2, "delete", "failed", ("deploy.overtaken",))
    parent = Ref("v1", "ConfigMap", SYSTEM_NAMESPACE, parent_name("shop", "dev", "shipway"))
    kinds = shop.cluster.objects[parent.identity]["metadata"]["annotations"]
    assert "Deployment.apps" in kinds["applyset.kubernetes.io/contains-group-kinds"]
    settled(shop)


def opened(shop: Shop) -> None:
    """Let the head say that its deploy is still on its way, as after a kill."""
    live = shop.cluster.objects[HEAD.identity]
    shop.cluster.put({**live, "data": {**live["data"], "state": "open"}})


def write_over(shop: Shop) -> None:
    """Let a request of the deploy before arrive late: its stamp is on an object again."""
    live = shop.cluster.objects[ACCOUNT.identity]
    stamp = {**live["metadata"]["annotations"], INTENT: "sha256:late"}
    shop.cluster.put({**live, "metadata": {**live["metadata"], "annotations": stamp}})


def test_what_an_unfinished_deploy_writes_over_is_applied_again() -> None:
    """A request of the one before that arrives late does not stay: the newer one looks again."""
    shop = Shop()
    shop.carry()
    shop.edit("mine")
    opened(shop)

    def hook() -> object:
        shop.cluster.hooks.clear()
        write_over(shop)
        return None

    shop.cluster.hooks[APPLY_WEB] = hook
    shop.carry()

    assert "number 1 was still on its way: all is applied again" in shop.texts()
    assert told(shop)[0][:3] == (2, "deploy", "passed")
    settled(shop)


def test_what_it_brought_meanwhile_is_removed() -> None:
    """What the one before makes after the plan was made is found by the second look."""
    shop = Shop()
    shop.carry()
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}}
    shop.overlay(more=(config,))
    shop.cluster.hooks[APPLY_WEB] = _killed
    with pytest.raises(Killed):
        shop.carry()
    brought = copy.deepcopy(shop.cluster.objects[NEW.identity])
    shop.cluster.drop(NEW)
    shop.overlay()

    def hook() -> object:
        shop.cluster.hooks.clear()
        return shop.cluster.put(brought)

    shop.cluster.hooks[APPLY_WEB] = hook
    shop.carry()

    assert NEW.identity not in shop.cluster.objects
    settled(shop)


def _killed() -> object:
    raise Killed


def test_an_unfinished_deploy_that_never_rests() -> None:
    """Where somebody goes on writing, that is said by name, and what stands is left."""
    shop = Shop()
    shop.carry()
    shop.edit("mine")
    opened(shop)
    shop.cluster.hooks[APPLY_WEB] = lambda: write_over(shop)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert ids(caught.value) == {"deploy.contested"}
    assert "what stands is left as it is" in shop.texts()
    assert told(shop)[0] == (2, "deploy", "failed", ("deploy.contested",))


def test_after_a_kill_nothing_is_applied_twice() -> None:
    """A head that a killed run left open costs one more look, and no second apply."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    opened(shop)
    shop.cluster.calls.clear()
    shop.carry()

    assert shop.cluster.calls.count(APPLY_WEB) == 1


def test_two_at_once_twenty_times() -> None:
    """Two deploys set out together, again and again: there is one head, and no number is lost."""
    shop = Shop()
    shop.carry()
    for turn in range(20):
        start = threading.Barrier(2)

        def go(word: str, start: threading.Barrier = start) -> set[str]:
            mine = twin(shop, word)
            start.wait()
            try:
                mine.carry(tests="off")
            except ShipwayError as error:
                return ids(error)
            return set()

        with ThreadPoolExecutor(2) as pool:
            ended = list(pool.map(go, (f"a{turn}", f"b{turn}")))
        assert set().union(*ended) <= LOST
        assert set() in ended, "both were lost"
        settled(shop)


def test_twenty_at_once() -> None:
    """Of twenty that set out together each has passed, lost or been overtaken; a rerun serves."""
    shop = Shop()
    shop.carry()
    start = threading.Barrier(20)

    def go(number: int) -> set[str]:
        mine = twin(shop, f"number {number}")
        start.wait()
        try:
            mine.carry(tests="off")
        except ShipwayError as error:
            return ids(error)
        return set()

    with ThreadPoolExecutor(20) as pool:
        ended = list(pool.map(go, range(20)))
    assert set().union(*ended) <= LOST
    assert set() in ended, "all were lost"
    settled(shop)
    shop.edit("last")
    said = shop.carry()
    assert shop.cluster.image(WEB) == said.images["shop"]
    settled(shop)
