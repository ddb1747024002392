"""Delete: what deploys put there goes, under an intent of its own, and nothing else does."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.git import ROOT
from fakes.shop import WEB, WHERE, Shop
from fakes.signer import MemorySigner
from shipway.core.kube.objects import Ref
from shipway.errors import Kind, ShipwayError
from shipway.roads import status
from shipway.roads.delete import Removed, delete
from shipway.roads.dispatch import DispatchRequest, promote
from shipway.roads.rollback import rollback
from shipway.roads.where import WhereRequest

SERVICE = Ref("v1", "Service", "shop-dev", "shop")
SPACE = Ref("v1", "Namespace", "", "shop-dev")


def gone(shop: Shop, asked: WhereRequest = WHERE, **other: Any) -> Removed:
    """Delete the environment."""
    sure = other.pop("sure", lambda _: True)
    return delete(asked, reason="over", sure=sure, hands=shop, emit=shop.said.append, **other)


def past(shop: Shop) -> list[tuple[int, str, str]]:
    """Return number, kind and result of its deploys, newest first; the history has no fault."""
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    assert target.findings == ()
    return [(one.number, one.kind, one.result) for one in target.deploys]


def test_what_was_deployed_goes_and_its_evidence_stays() -> None:
    """Objects go by uid, namespaces stay and are named, and the history says who did it."""
    shop = Shop()
    image = shop.carry().images["shop"]
    said = gone(shop)

    assert WEB.identity not in shop.cluster.objects
    assert SERVICE.identity not in shop.cluster.objects
    assert SPACE.identity in shop.cluster.objects
    assert past(shop) == [(2, "delete", "passed"), (1, "deploy", "passed")]
    told = list(said.lines())
    assert told[0] == f"dev on shipway: {len(said.deleted['shipway'])} objects are gone"
    assert "  keep namespace/shop-dev (this kind is never pruned)" in told
    repository, _, digest = image.partition("@")
    assert shop.registries.resolve(repository, digest) is not None


def test_nobody_said_yes() -> None:
    """A person is shown every object; a no leaves all of it as it is."""
    shop = Shop()
    shop.carry()
    shown: list[str] = []

    def no(listed: tuple[str, ...]) -> bool:
        shown.extend(listed)
        return False

    with pytest.raises(ShipwayError) as caught:
        gone(shop, sure=no)

    assert (caught.value.id, caught.value.kind) == ("delete.unsure", Kind.USAGE)
    assert f"{WEB} on shipway" in shown
    assert WEB.identity in shop.cluster.objects
    assert past(shop) == [(1, "deploy", "passed")]


def test_what_others_put_there_stays() -> None:
    """An object of the same name that somebody made anew is not ours to delete."""
    shop = Shop()
    shop.carry()
    shop.cluster.drop(SERVICE)
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"namespace": "shop-dev", "name": "shop"},
        }
    )
    said = gone(shop)

    assert SERVICE.identity in shop.cluster.objects
    assert any("another object took its name" in one for one in said.left["shipway"])


def test_nothing_is_there() -> None:
    """Before any deploy, and after a delete, there is nothing to ask for and no number taken."""
    shop = Shop()
    assert list(gone(shop).lines()) == ["nothing of dev was there"]
    shop.carry()
    gone(shop)
    before = past(shop)
    assert gone(shop).numbers == {}
    assert past(shop) == before


def test_up_again_after_a_delete() -> None:
    """The environment comes back under the next number, though its release is the same."""
    shop = Shop()
    first = shop.carry()
    gone(shop)
    again = shop.carry()

    assert (again.changed, again.release) == (True, first.release)
    assert shop.cluster.image(WEB) == first.images["shop"]
    assert past(shop)[0] == (3, "deploy", "passed")


def test_a_rollback_brings_back_what_was_deleted() -> None:
    """On request; the release is the one that was deleted, not the one before it."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    second = shop.carry()
    gone(shop)
    rollback(WHERE, reason="", hands=shop, emit=shop.said.append)

    assert shop.cluster.image(WEB) == second.images["shop"]
    assert past(shop)[0] == (4, "rollback", "passed")


def test_a_release_that_fails_after_a_delete_is_left() -> None:
    """Nothing served after the delete, so nothing is put back over it."""
    shop = Shop()
    shop.carry()
    gone(shop)
    shop.cluster.good = set()
    shop.edit("two")
    with pytest.raises(ShipwayError, match="there is no release before it"):
        shop.carry()


def test_what_a_broken_deploy_left_goes_too() -> None:
    """Objects that a failed attempt made are ours as well."""
    shop = Shop()
    shop.cluster.good = set()
    with pytest.raises(ShipwayError):
        shop.carry()
    assert WEB.identity in shop.cluster.objects
    gone(shop)

    assert WEB.identity not in shop.cluster.objects


def test_every_target_of_an_environment() -> None:
    """Each cluster takes a number of its own; one alone may be named."""
    shop = Shop()
    shop.far("east", "west")
    shop.carry(keys=("key",))
    one = WhereRequest(directory=ROOT, keys=("key",), target="west")
    assert gone(shop, one).numbers == {"west": 2}
    assert WEB.identity in shop.clusters["east"].objects
    both = WhereRequest(directory=ROOT, keys=("key",))

    assert gone(shop, both).numbers == {"east": 2}


def test_what_was_deleted_is_not_promoted() -> None:
    """Nothing serves there any more."""
    shop = Shop()
    shop.far("east")
    shop.carry(keys=("key",))
    asked = WhereRequest(directory=ROOT, keys=("key",))
    gone(shop, asked)
    to = DispatchRequest(directory=ROOT, environment="dev", keys=("key",))
    with pytest.raises(ShipwayError) as caught:
        promote(asked, to, hands=shop, emit=shop.said.append)

    assert caught.value.id == "serving.none"


def test_a_delete_that_breaks_off_is_told_and_continued() -> None:
    """The outcome says failed, the error why, and a second delete takes the rest."""
    shop = Shop()
    shop.carry()
    error = ShipwayError("kube.forbidden", Kind.DENIED, "no")
    shop.cluster.refusals["delete-wait", str(WEB)] = error
    with pytest.raises(ShipwayError) as caught:
        gone(shop)
    assert caught.value.id == "kube.forbidden"
    assert past(shop)[0] == (2, "delete", "failed")
    gone(shop)

    assert WEB.identity not in shop.cluster.objects


def test_an_object_that_does_not_go() -> None:
    """A finalizer that nobody serves keeps it: after two minutes that is an error."""
    shop = Shop()
    shop.carry()
    real = shop.cluster.delete
    shop.cluster.delete = lambda ref, **options: (  # type: ignore[method-assign]
        True if ref == WEB else real(ref, **options)
    )
    with pytest.raises(ShipwayError) as caught:
        gone(shop)

    assert (caught.value.id, caught.value.kind) == ("deploy.stuck", Kind.TRANSIENT)
    assert str(WEB) in caught.value.message


def test_a_history_that_cannot_be_read_deletes_nothing() -> None:
    """Where nobody can tell what stands, it says so, and all of it stays."""
    shop = Shop()
    shop.carry()
    there = dict(shop.cluster.objects)
    shop.trust = [MemorySigner(2)]
    with pytest.raises(ShipwayError) as caught:
        gone(shop)

    assert (caught.value.id, caught.value.kind) == ("delete.history", Kind.INTEGRITY)
    assert dict(shop.cluster.objects) == there
