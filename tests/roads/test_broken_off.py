"""Applies that break off half way: what is signed, what is put back, what is removed later."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from fakes.hands import Killed
from fakes.shop import APPLY_WEB, WEB, WHERE, Shop, refused
from shipway.core.evidence.shipped import Applied
from shipway.core.kube import head as heads
from shipway.core.kube.objects import Ref
from shipway.core.kube.stamp import INTENT
from shipway.errors import Failures, Kind, ShipwayError
from shipway.roads import history, rollback, status, where

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.core.evidence.history import Entry

HEAD = heads.ref("shop", "dev", "shipway")
NEW, OLD = (Ref("v1", "ConfigMap", "shop-dev", name) for name in ("new", "old"))


def config(name: str) -> dict[str, Any]:
    """Return a ConfigMap, which is applied before any Deployment."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "b"}}


def there(shop: Shop, *refs: Ref) -> list[bool]:
    """Return which of these stand."""
    return [ref.identity in shop.cluster.objects for ref in refs]


def raising(error: BaseException) -> Callable[[], object]:
    """Return a hook that raises."""

    def hook() -> object:
        raise error

    return hook


def once(shop: Shop, error: BaseException) -> None:
    """Let the next apply of the Deployment break off, and those after it go through."""

    def hook() -> object:
        del shop.cluster.hooks[APPLY_WEB]
        raise error

    shop.cluster.hooks[APPLY_WEB] = hook


def entries(shop: Shop) -> tuple[Entry, ...]:
    """Return the history, newest first."""
    (place,) = where.destinations(WHERE, hands=shop)
    head = history.head("shop", "dev", "shipway", kube=shop.cluster)
    return history.read(place.history(), registry=shop.registries, head=head).entries


def told(shop: Shop) -> list[tuple[int, str, str, str]]:
    """Return number, kind, result and reason of each deploy, newest first."""
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    return [(one.number, one.kind, one.result, one.reason) for one in target.deploys]


DENIED = refused("kube.admission", Kind.REJECTED, "policy p")


def test_what_is_half_new_is_put_back() -> None:
    """An object that is denied half way: the old release serves again, and the denial is raised."""
    shop = Shop()
    first = shop.carry().images["shop"]
    shop.edit("two")
    once(shop, DENIED)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is DENIED
    assert shop.cluster.image(WEB) == first
    assert told(shop)[:2] == [
        (3, "rollback", "passed", "apply failed"),
        (2, "deploy", "failed", ""),
    ]
    assert "the release of number 1 serves again after" in shop.texts()
    assert entries(shop)[0].outcome.seconds is not None  # type: ignore[union-attr]


def test_a_failed_outcome_names_what_was_applied() -> None:
    """The objects that the server took stand in it with their uids, the denied one does not."""
    shop = Shop()
    shop.overlay(more=(config("new"),))
    once(shop, DENIED)
    with pytest.raises(ShipwayError):
        shop.carry()
    outcome = entries(shop)[0].outcome

    assert outcome is not None
    assert outcome.causes == ("kube.admission",)
    uid = shop.cluster.objects[NEW.identity]["metadata"]["uid"]
    assert Applied(group="", kind="ConfigMap", namespace="shop-dev", name="new", uid=uid) in (
        outcome.objects
    )
    assert WEB.name not in {one.name for one in outcome.objects}


def test_several_refusals_are_named_once_each() -> None:
    """Causes are the ids of all that was refused side by side."""
    shop = Shop()
    other = refused("kube.quota", Kind.REJECTED)
    once(shop, Failures((DENIED, other, DENIED, ValueError("x"))))
    with pytest.raises(Failures):
        shop.carry()

    outcome = entries(shop)[0].outcome
    assert outcome is not None
    assert outcome.causes == ("kube.admission", "kube.quota")


def test_putting_back_removes_what_is_new() -> None:
    """What the failed release brought is removed by the rollback, and what stood before stays."""
    shop = Shop()
    shop.overlay(more=(config("old"),))
    shop.carry()
    shop.overlay(more=(config("new"),))
    once(shop, DENIED)
    with pytest.raises(ShipwayError):
        shop.carry()

    assert there(shop, NEW, OLD) == [False, True]
    shop.overlay()
    shop.carry()
    assert there(shop, NEW, OLD) == [False, False]


def test_without_a_release_before_it_is_left() -> None:
    """A first deploy that breaks off is left and said; the next removes what it does not want."""
    shop = Shop()
    shop.overlay(more=(config("new"),))
    once(shop, DENIED)
    with pytest.raises(ShipwayError):
        shop.carry()

    assert "there is no release before it: it was left as it is" in shop.texts()
    assert there(shop, NEW) == [True]
    shop.overlay()
    shop.carry()
    assert there(shop, NEW, WEB) == [False, True]


def test_what_a_killed_run_brought_is_removed() -> None:
    """After kill -9 in the apply nothing names uids: the intent and the stamp tell what is ours."""
    shop = Shop()
    shop.overlay(more=(config("old"),))
    shop.carry()
    shop.overlay(more=(config("new"),))
    once(shop, Killed())
    with pytest.raises(Killed):
        shop.carry()
    assert there(shop, NEW, OLD) == [True, True]
    shop.overlay()
    shop.carry()

    assert there(shop, NEW, OLD) == [False, False]
    assert [one[2] for one in told(shop)] == ["passed", "deploy unfinished", "passed"]


def test_what_another_made_under_a_planned_name_stays() -> None:
    """An object of that name without the stamp of the killed attempt is not ours to remove."""
    shop = Shop()
    shop.overlay(more=(config("new"),))
    once(shop, Killed())
    with pytest.raises(Killed):
        shop.carry()
    live = shop.cluster.objects[NEW.identity]
    del live["metadata"]["annotations"][INTENT]
    shop.overlay()
    shop.carry()

    assert there(shop, NEW) == [True]


def test_far_back_is_far_enough() -> None:
    """However many attempts failed since, what passed last still says what stands."""
    shop = Shop()
    shop.overlay(more=(config("old"),))
    shop.carry()
    shop.overlay()
    for word in ("two", "three", "four", "five"):
        shop.edit(word)
        once(shop, Killed())
        with pytest.raises(Killed):
            shop.carry()
    assert there(shop, OLD) == [True]
    shop.carry()

    assert there(shop, OLD) == [False]


def test_nothing_applied_is_nothing_put_back() -> None:
    """Where the very first object is refused, what ran before was never touched."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.cluster.refusals["apply", "namespace/shop-dev"] = DENIED
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is DENIED
    assert "nothing was applied" in shop.texts()
    assert [one[:3] for one in told(shop)] == [(2, "deploy", "failed"), (1, "deploy", "passed")]


def test_a_first_answer_that_was_cut_may_have_been_applied() -> None:
    """Where no answer came, the old release is put back: nobody knows what the server did."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    cut = refused("kube.unreachable", Kind.TRANSIENT)
    shop.cluster.refusals["apply", "namespace/shop-dev"] = cut
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is cut
    assert told(shop)[0] == (3, "rollback", "passed", "apply failed")


def test_one_cut_answer_among_refusals_may_have_been_applied() -> None:
    """Of two objects sent side by side one is denied and the other's answer cut: it is put back."""
    shop = Shop()
    allowed = 'cluster_objects = ["Namespace/zz"]'
    shop.write("shipway.toml", f"schema = 1\n[environments.dev]\n{allowed}\n")
    shop.carry()
    shop.overlay(more=({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "zz"}},))
    together(
        shop,
        {"namespace/shop-dev": DENIED, "namespace/zz": refused("kube.unreachable", Kind.TRANSIENT)},
    )
    with pytest.raises(Failures) as caught:
        shop.carry()

    assert caught.value.kind is DENIED.kind
    assert told(shop)[0] == (3, "rollback", "passed", "apply failed")
    assert entries(shop)[1].outcome.causes == ("kube.admission", "kube.unreachable")  # type: ignore[union-attr]


def together(shop: Shop, errors: dict[str, BaseException]) -> None:
    """Let these objects, of one rank, be refused once, at the same moment."""
    meet = threading.Barrier(len(errors))

    def hook(name: str, error: BaseException) -> Callable[[], object]:
        def fail() -> object:
            del shop.cluster.hooks["apply", name]
            meet.wait(10)
            raise error

        return fail

    for name, error in errors.items():
        shop.cluster.hooks["apply", name] = hook(name, error)


def test_a_full_block_is_told_beside_what_else_failed() -> None:
    """Two Services without a node port are one cause; a third that is denied is another."""
    shop = Shop()
    shop.carry()
    words = "failed to allocate a nodePort: range is full"
    side, web = "service/shop-dev/side", "service/shop-dev/web"
    more = ("side", "web", "xx")
    shop.overlay(more=tuple(service(name) for name in more))
    full = {one: refused("kube.failed", Kind.TRANSIENT, words) for one in (side, web)}
    together(shop, full)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()
    assert caught.value.id == "kube.no_node_port"
    together(shop, {**full, "service/shop-dev/xx": DENIED})
    with pytest.raises(Failures) as several:
        shop.carry()

    ids = [getattr(one, "id", "") for one in several.value.failures]
    assert ids == ["kube.no_node_port", "kube.admission"]


def service(name: str) -> dict[str, Any]:
    """Return a Service."""
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {}}


def test_a_cluster_that_stays_away_is_left() -> None:
    """Where putting back fails too, both are said, the first one is raised, and a rerun goes on."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.cluster.hooks[APPLY_WEB] = raising(refused("kube.unreachable", Kind.TRANSIENT, "no route"))
    with pytest.raises(ShipwayError, match="no route"):
        shop.carry()

    assert "what ran before could not be put back (asking: no route)" in shop.texts()
    assert "`shipway rollback dev` puts it back" in shop.texts()
    shop.cluster.hooks.clear()
    again = shop.carry()
    assert shop.cluster.image(WEB) == again.images["shop"]
    assert told(shop)[0][:3] == (4, "deploy", "passed")


def test_a_failure_that_cannot_be_signed_is_not_hidden() -> None:
    """The registry goes away meanwhile: the denial is raised, the rest said, a rerun passes."""
    shop = Shop()
    shop.carry()
    shop.edit("two")

    def both() -> object:
        shop.broken["push_manifest"] = refused("registry.unreachable", Kind.TRANSIENT, "it is gone")
        raise DENIED

    shop.cluster.hooks[APPLY_WEB] = both
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is DENIED
    assert "that number 2 was failed is not recorded: asking: it is gone" in shop.texts()
    assert "what ran before could not be put back" in shop.texts()
    assert told(shop)[0][:3] == (2, "deploy", "deploy unfinished")
    shop.broken.clear()
    shop.cluster.hooks.clear()
    shop.carry()
    assert told(shop)[0][:3] == (3, "deploy", "passed")


def test_a_no_that_cannot_be_signed_is_still_the_gates() -> None:
    """The registry goes away before the gate says no: its causes are the error all the same."""
    shop = Shop()
    first = shop.carry()
    shop.edit("two")
    shop.cluster.good = set(first.images.values())

    def gone() -> object:
        shop.broken["push_manifest"] = refused("registry.unreachable", Kind.TRANSIENT, "it is gone")
        return None

    shop.cluster.hooks[APPLY_WEB] = gone
    with pytest.raises(ShipwayError, match="could not be put back") as caught:
        shop.carry()

    assert caught.value.id == "gate.progress_deadline"
    assert "deployment/shop-dev/shop" in caught.value.message


def test_a_pass_that_cannot_be_signed_is_an_error() -> None:
    """Where it serves but nobody could write that down, the registry's error is raised."""
    shop = Shop()
    gone = refused("registry.unreachable", Kind.TRANSIENT, "it is gone")

    def hook() -> object:
        shop.broken["push_manifest"] = gone
        return None

    shop.cluster.hooks[APPLY_WEB] = hook
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is gone
    shop.broken.clear()
    shop.cluster.hooks.clear()
    shop.carry()
    assert [one[:3] for one in told(shop)] == [
        (2, "deploy", "passed"), (1, "deploy", "deploy unfinished"),
    ]  # fmt: skip


def test_a_gate_that_gives_no_answer_puts_nothing_back() -> None:
    """Where the watch breaks off all was applied: it is left, and the next run asks again."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    cut = refused("kube.unreachable", Kind.TRANSIENT)
    shop.broken["watch"] = cut
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is cut
    assert "nobody knows whether it serves" in shop.texts()
    assert [one[:3] for one in told(shop)] == [(2, "deploy", "failed"), (1, "deploy", "passed")]
    assert WEB.name in {one.name for one in entries(shop)[0].outcome.objects}  # type: ignore[union-attr]


def moved(shop: Shop) -> None:
    """Move the head as another deploy would."""
    live = shop.cluster.objects[HEAD.identity]
    data = {"sequence": "9", "intent": f"sha256:{'9' * 64}", "state": "open"}
    shop.cluster.put({**live, "data": data})


def test_what_came_meanwhile_is_not_rolled_back() -> None:
    """Another deploy began while this one failed: nothing is put back over it."""
    shop = Shop()
    shop.carry()
    shop.edit("two")

    def hook() -> object:
        moved(shop)
        raise DENIED

    shop.cluster.hooks[APPLY_WEB] = hook
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is DENIED
    assert "number 9 came meanwhile" in shop.texts()
    assert shop.cluster.objects[HEAD.identity]["data"]["sequence"] == "9"


def test_who_is_overtaken_is_told() -> None:
    """It serves, but another deploy began before it had ended: that is a conflict by name."""
    shop = Shop()
    shop.cluster.hooks[APPLY_WEB] = lambda: moved(shop)
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert (caught.value.id, caught.value.kind) == ("deploy.overtaken", Kind.CONFLICT)


def test_a_head_that_cannot_be_closed_is_an_error() -> None:
    """Where it serves and the head refuses to say so for another reason, that is the error."""
    shop = Shop()
    denied = refused("kube.forbidden", Kind.DENIED)
    shop.cluster.hooks[APPLY_WEB] = lambda: shop.cluster.hooks.update(
        {("replace", str(HEAD)): raising(denied)}
    )
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value is denied


def test_a_lost_swap_that_cannot_be_signed_is_still_lost() -> None:
    """The swap is lost and the registry gone: the conflict is the error, the other is said."""
    shop = Shop()

    def hook() -> object:
        shop.broken["push_manifest"] = refused("registry.unreachable", Kind.TRANSIENT, "it is gone")
        raise refused("kube.conflict", Kind.CONFLICT)

    shop.cluster.hooks["replace", str(HEAD)] = hook
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.id == "deploy.lost_swap"
    assert "that number 1 was abandoned is not recorded: asking: it is gone" in shop.texts()


def test_ctrl_c_while_putting_back_stops() -> None:
    """Stopped on request, the run ends so, and history says what was not finished."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    answers = [DENIED, refused("run.cancelled", Kind.CANCELLED)]

    def hook() -> object:
        raise answers.pop(0)

    shop.cluster.hooks[APPLY_WEB] = hook
    with pytest.raises(ShipwayError) as caught:
        shop.carry()

    assert caught.value.kind is Kind.CANCELLED
    assert "policy p" in shop.texts()
    assert [one[:3] for one in told(shop)][:2] == [
        (3, "rollback", "deploy unfinished"), (2, "deploy", "failed"),
    ]  # fmt: skip


def test_a_rollback_that_breaks_off_says_why() -> None:
    """An asked for rollback that is denied half way raises that, and is recorded as failed."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.carry()
    once(shop, DENIED)
    with pytest.raises(ShipwayError, match="policy p"):
        rollback.rollback(WHERE, reason="", hands=shop, emit=shop.said.append)

    assert told(shop)[0][:3] == (3, "rollback", "failed")


def _half() -> Shop:
    """Return a project that serves, whose next version will be denied half way."""
    shop = Shop()
    shop.overlay(more=(config("old"),))
    shop.carry()
    shop.overlay(more=(config("new"),))
    once(shop, DENIED)
    return shop


def _changes() -> int:
    """Return how many changing calls a run makes that is denied and put back."""
    shop = _half()
    shop.kill_at(0)
    with pytest.raises(ShipwayError):
        shop.carry()
    return len(shop.calls)


@pytest.mark.parametrize("number", range(1, _changes() + 1))
def test_a_kill_at_any_call_loses_nothing(number: int) -> None:
    """Whatever call of breaking off and putting back is the last, a rerun completes and tidies."""
    shop = _half()
    shop.kill_at(number)
    with pytest.raises(BaseException) as caught:  # noqa: PT011  Killed, alone or among others
        shop.carry()
    assert isinstance(caught.value, Killed | ShipwayError | BaseExceptionGroup)
    shop.kill_at(0)
    shop.cluster.hooks.clear()
    shop.clock.time += 60
    shop.overlay()
    said = shop.carry()

    assert shop.cluster.image(WEB) == said.images["shop"]
    assert there(shop, NEW, OLD) == [False, False]
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    assert target.sound
    assert target.deploys[0].result == "passed"
