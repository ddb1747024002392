"""Rollback and what puts back: several targets, failing releases, evidence that is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.git import ROOT
from fakes.hands import ServingKube
from fakes.shop import WEB, WHERE, Shop
from shipway.core.evidence.history import History
from shipway.core.kube.objects import Ref
from shipway.core.oci.digest import of
from shipway.errors import Kind, ShipwayError
from shipway.roads import history, restore, status, where
from shipway.roads.rollback import RolledBack, rollback
from shipway.roads.where import WhereRequest
from shipway.run import Run
from shipway.stages import deploy

if TYPE_CHECKING:
    from shipway.core.evidence.history import Entry
    from shipway.core.kube.objects import Obj

FAR = WhereRequest(directory=ROOT, keys=("key",))
EVIDENCE = "127.0.0.1:5000/shop/evidence"


def back(shop: Shop, asked: WhereRequest = WHERE, reason: str = "") -> RolledBack:
    """Roll back."""
    return rollback(asked, reason=reason, hands=shop, emit=shop.said.append)


def twice(shop: Shop, **asked: Any) -> tuple[str, str]:
    """Carry two versions; return their images."""
    first = shop.carry(**asked)
    shop.edit("two")
    second = shop.carry(**asked)
    return first.images["shop"], second.images["shop"]


def entry(shop: Shop, number: int) -> Entry:
    """Return the history's entry of a number."""
    (place,) = where.destinations(WHERE, hands=shop)
    head = history.head("shop", "dev", "shipway", kube=shop.cluster)
    past = history.read(place.history(), registry=shop.registries, head=head)
    return next(one for one in past.entries if one.intent.sequence == number)


def test_every_target_is_rolled_back() -> None:
    """Each target of the environment gets its release back, and the answer names them."""
    shop = Shop()
    shop.far("east", "west")
    first, _ = twice(shop, keys=("key",))
    said = back(shop, FAR)

    assert said.numbers == {"east": 3, "west": 3}
    assert {one.image(WEB) for one in shop.clusters.values()} == {first}
    lines = list(said.lines())
    assert lines[0].startswith("dev on east: number 3 put release sha256:")
    assert lines[-1].startswith("Jobs")


def test_one_target_alone() -> None:
    """With a target named the other stays as it is."""
    shop = Shop()
    shop.far("east", "west")
    first, second = twice(shop, keys=("key",))
    back(shop, WhereRequest(directory=ROOT, keys=("key",), target="west"))

    assert shop.clusters["east"].image(WEB) == second
    assert shop.clusters["west"].image(WEB) == first


def test_an_old_release_that_does_not_serve_any_more() -> None:
    """The rollback is recorded as failed, and is an error."""
    shop = Shop()
    _, second = twice(shop)
    shop.cluster.good = {second}
    with pytest.raises(ShipwayError) as caught:
        back(shop)

    assert (caught.value.id, caught.value.kind) == ("rollback.failed", Kind.REJECTED)
    assert "deployment/shop-dev/shop" in caught.value.message
    (target,) = status.past(WHERE, limit=1, hands=shop).targets
    assert (target.deploys[0].kind, target.deploys[0].result) == ("rollback", "failed")


@pytest.mark.parametrize("form", ["digest", "short", "reference"])
def test_back_to_a_release_of_ones_choice(form: str) -> None:
    """Any release that passed serves again, however it is named, and the history says which."""
    shop = Shop()
    first = shop.carry()
    for word in ("two", "three"):
        shop.edit(word)
        shop.carry()
    digest = first.release
    to = {"digest": digest, "short": digest[7:19], "reference": f"x.test/a@{digest}"}[form]
    said = rollback(WHERE, reason="", to=to, hands=shop, emit=shop.said.append)

    assert said.releases == {"shipway": digest}
    assert shop.cluster.image(WEB) == first.images["shop"]


def test_a_release_that_never_served_is_no_way_back() -> None:
    """One that failed, or that nobody knows, is refused by name; nothing is applied."""
    shop = Shop()
    first = shop.carry()
    shop.edit("two")
    shop.cluster.good = set(first.images.values())
    with pytest.raises(ShipwayError):
        shop.carry()
    failed = entry(shop, 2).intent.release
    for to in (failed, "sha256:" + "0" * 64):
        with pytest.raises(ShipwayError, match=f"{to} never served here") as caught:
            rollback(WHERE, reason="", to=to, hands=shop, emit=shop.said.append)
        assert caught.value.id == "rollback.none"


def test_nothing_to_go_back_to() -> None:
    """Without any deploy there is no earlier release."""
    with pytest.raises(ShipwayError) as caught:
        back(Shop())

    assert caught.value.id == "rollback.none"


def test_a_verdict_that_was_altered_puts_nothing_back() -> None:
    """Bytes of the old verdict that its link does not vouch for are refused, nothing is applied."""
    shop = Shop()
    _, second = twice(shop)
    intent = entry(shop, 1).intent
    other = entry(shop, 2).intent
    data = shop.registries.manifests[EVIDENCE, other.verdict.manifest]
    shop.registries.manifests[EVIDENCE, intent.verdict.manifest] = data
    with pytest.raises(ShipwayError) as caught:
        back(shop)

    assert caught.value.kind in {Kind.INTEGRITY, Kind.REJECTED}
    assert shop.cluster.image(WEB) == second


def test_another_releases_verdict_is_unverified() -> None:
    """A verdict that is whole but about another release does not get to the cluster."""
    shop = Shop()
    _, second = twice(shop)
    one, other = entry(shop, 1).intent, entry(shop, 2).intent
    pull = shop.registries.pull_manifest

    class Swapped(type(shop.registries)):  # type: ignore[misc]  # the class of this registry
        """A registry that answers with another verdict."""

        def pull_manifest(self, repository: str, reference: str) -> object:
            if reference == one.verdict.manifest:
                reference = other.verdict.manifest
            return pull(repository, reference)

    shop.registries.__class__ = Swapped
    with pytest.raises(ShipwayError) as caught:
        back(shop)

    assert caught.value.id == "deploy.unverified"
    assert shop.cluster.image(WEB) == second


@pytest.mark.parametrize("gone", [True, False])
def test_a_render_link_that_is_gone(gone: bool) -> None:
    """Without the render link that was judged, nobody knows the old bytes: nothing is applied."""
    shop = Shop()
    _, second = twice(shop)
    render = entry(shop, 1).intent.render
    if gone:
        del shop.registries.manifests[EVIDENCE, render.manifest]
        shop.registries.tagged = {
            key: value for key, value in shop.registries.tagged.items() if value != render.manifest
        }
    else:
        shop.registries.manifests[EVIDENCE, render.manifest] = ("x", b"{}")
    with pytest.raises(ShipwayError) as caught:
        back(shop)

    assert caught.value.kind in {Kind.INTEGRITY, Kind.REJECTED, Kind.NOT_FOUND}
    assert shop.cluster.image(WEB) == second


def test_a_deploy_without_outcome_is_never_put_back() -> None:
    """Asking for one is a defect of the caller."""
    shop = Shop()
    shop.carry()
    (place,) = where.destinations(WHERE, hands=shop)
    open_one = msgspec.structs.replace(entry(shop, 1), outcome=None, outcome_link=None)
    with (
        pytest.raises(ShipwayError) as caught,
        Run("rollback", runs=shop.runs, clock=shop.clock, emit=shop.said.append) as run,
    ):
        restore.put_back(
            open_one,
            place,
            reason="",
            since=None,
            past=History(),
            held=deploy.read_head("shop", "dev", "shipway", kube=shop.cluster),
            hands=shop,
            run=run,
            signer=shop.key,
        )

    assert caught.value.kind is Kind.INTERNAL


def test_what_was_put_back_does_not_serve_either() -> None:
    """The error of the gate says so, and both numbers stand in the history."""
    shop = Shop()
    shop.carry()
    shop.edit("two")
    shop.cluster.good = set()
    with pytest.raises(ShipwayError, match="applied again and does not serve") as caught:
        shop.carry()

    assert caught.value.id == "gate.progress_deadline"
    (target,) = status.past(WHERE, limit=9, hands=shop).targets
    assert [(one.kind, one.result) for one in target.deploys[:2]] == [
        ("rollback", "failed"),
        ("deploy", "failed"),
    ]


def test_a_release_far_back_is_found() -> None:
    """Where the newest numbers all failed, what served last is still put back."""
    shop = Shop()
    first = shop.carry()
    shop.cluster.good = set()
    for word in ("two", "three", "four"):
        shop.edit(word)
        with pytest.raises(ShipwayError):
            shop.carry()
    shop.cluster.good = set(first.images.values())
    shop.edit("five")
    with pytest.raises(ShipwayError, match="the release of number 1 serves again"):
        shop.carry()

    assert shop.cluster.image(WEB) == first.images["shop"]


class Ordered(ServingKube):
    """A cluster whose StatefulSets have a pod, and wait for it as OrderedReady does."""

    pinned = ""
    """The image that does not work, by digest."""

    def apply(self, obj: Obj, **options: Any) -> Obj:
        """Apply; an image that does not work makes a pod that never gets ready."""
        live = super().apply(obj, **options)
        if obj["kind"] == "StatefulSet" and not options.get("dry_run"):
            self._answer_set(live)
        return live

    def delete(self, ref: Ref, **options: Any) -> bool:
        """Delete; the controller makes a pod anew from the template that stands."""
        done = super().delete(ref, **options)
        if ref.kind == "Pod":
            self._answer_set(self.objects[DB.identity])
        return done

    def _answer_set(self, live: Obj) -> None:
        image = live["spec"]["template"]["spec"]["containers"][0]["image"]
        revision = f"db-{image.rpartition(':')[2]}"[:12]
        bad = image == self.pinned
        pod = Ref("v1", "Pod", "shop-dev", "db-0")
        there = self.objects.get(pod.identity)
        if there is None or there["status"]["conditions"][0]["status"] == "True":
            owners = [{"uid": live["metadata"]["uid"], "controller": True}]
            labels = {"controller-revision-hash": revision}
            metadata = {"name": "db-0", "namespace": "shop-dev", "ownerReferences": owners}
            ready = {"type": "Ready", "status": "False" if bad else "True"}
            self.put(
                {
                    "apiVersion": "v1",
                    "kind": "Pod",
                    "metadata": {**metadata, "labels": labels},
                    "status": {"conditions": [ready]},
                }
            )
        now = self.objects[pod.identity]
        ready_one = now["status"]["conditions"][0]["status"] == "True"
        status = {
            "observedGeneration": live["metadata"]["generation"],
            "updateRevision": revision,
            "currentRevision": revision,
            "readyReplicas": int(ready_one),
            "updatedReplicas": 1,
        }
        self.put({**live, "status": status})


DB = Ref("apps/v1", "StatefulSet", "shop-dev", "db")


def test_a_stateful_set_that_waits_for_a_broken_pod_is_unstuck() -> None:
    """Putting the template back is not enough: the pod of the broken revision is deleted."""
    shop = Shop()
    shop.cluster = cluster = Ordered()
    good, bad = (f"registry.test/db@{of(word)}" for word in (b"good", b"bad"))
    cluster.pinned = bad

    def database(image: str) -> dict[str, Any]:
        template = {"spec": {"containers": [{"name": "db", "image": image}]}}
        metadata = {"name": "db"}
        spec = {"replicas": 1, "template": template}
        return {
            "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec,
        }  # fmt: skip

    shop.overlay(more=(database(good),))
    listed = f'"registry.test/db:1" = "{of(b"good")}"\n"registry.test/db:2" = "{of(b"bad")}"\n'
    shop.write("shipway.lock", f"schema = 1\n[images]\n{listed}")
    shop.carry()
    shop.overlay(more=(database(bad),))
    shop.edit("two")
    with pytest.raises(ShipwayError, match="the release of number 1 serves again"):
        shop.carry(seconds=0.3)

    assert "pod/shop-dev/db-0 was deleted: it was stuck" in shop.texts()
    pod = cluster.objects["", "Pod", "shop-dev", "db-0"]
    assert pod["status"]["conditions"][0]["status"] == "True"
