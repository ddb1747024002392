"""Plan and diff: what would change, read for real, and nothing changed by it."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.git import ROOT
from fakes.hands import MAIN, ServingKube
from fakes.shop import SIDE, WEB, Shop, refused
from shipway.core.kube.objects import Ref
from shipway.errors import Kind, ShipwayError
from shipway.roads import foresee, status
from shipway.roads.dispatch import DispatchRequest, deploy
from shipway.roads.rehearse import rehearse
from shipway.roads.release import ReleaseRequest, release
from shipway.roads.up import UpRequest
from shipway.roads.where import WhereRequest

COVERED = b"mode: set\nexample.com/shop/main.go:5.1,7.2 1 1\n"
CONFIG = """schema = 1
[services.shop]
package = "."
port = 8080
[environments.dev]
registry = "one.test"
targets = [{ context = "east" }]
"""
ASKED = DispatchRequest(directory=ROOT, environment="dev", keys=("key",))


def shop_of() -> Shop:
    """Return a project with a release that was not deployed."""
    shop = Shop()
    shop.go.profile = COVERED
    shop.write("shipway.toml", CONFIG)
    shop.clusters = {"east": ServingKube()}
    shop.git.commit_all(1)
    asked = ReleaseRequest(directory=ROOT, architecture="amd64")
    release(asked, hands=shop, emit=shop.said.append)
    return shop


def go(shop: Shop) -> None:
    """Deploy the newest release."""
    deploy(ASKED, "", hands=shop, emit=shop.said.append)


def planned(shop: Shop, named: str = "", **bend: Any) -> foresee.Foreseen:
    """Foresee a deploy."""
    del bend
    return foresee.plan(ASKED, named, hands=shop, emit=shop.said.append)


def compared(shop: Shop, named: str = "") -> foresee.Foreseen:
    """Compare what runs."""
    return foresee.diff(ASKED, named, hands=shop, emit=shop.said.append)


def state(shop: Shop) -> tuple[Any, ...]:
    """Return all that a run may change."""
    kube = shop.clusters["east"]
    written = [one for one in kube.calls if one[0] in {"apply", "create", "replace", "delete"}]
    return (dict(kube.objects), written, len(shop.registries.writes))


def test_a_plan_before_the_first_deploy() -> None:
    """Every object would be made; what needs its namespace first is not judged; nothing changes."""
    shop = shop_of()
    before = state(shop)
    said = planned(shop)

    assert "create deployment/shop-dev/shop" in said.changes["east"]
    assert any("namespace is not there" in one for one in said.open["east"])
    assert state(shop) == before
    told = list(said.lines())
    assert told[0].startswith("dev on east, release ")
    assert any(line.startswith("  not judged yet: ") for line in told)


def test_the_plan_is_what_the_deploy_does() -> None:
    """What was foreseen is exactly what is done; after that nothing is left to do."""
    shop = shop_of()
    said = planned(shop)
    kube = shop.clusters["east"]
    before = set(kube.objects)
    go(shop)
    made = {str(Ref("", kind, space, name)) for _, kind, space, name in set(kube.objects) - before}

    foreseen = {line.removeprefix("create ") for line in said.changes["east"]}
    assert foreseen <= made
    again = planned(shop)
    assert (again.changed, again.open) == (False, {})
    assert list(again.lines()) == [f"dev on east, release {again.version}: nothing would change"]


def test_an_edit_on_the_cluster_is_a_difference() -> None:
    """Somebody scaled it by hand: the field is named, with both values."""
    shop = shop_of()
    go(shop)
    kube = shop.clusters["east"]
    live = kube.objects[WEB.identity]
    kube.put({**live, "spec": {**live["spec"], "replicas": 7}})
    before = state(shop)
    said = compared(shop)

    assert said.changed
    assert any("spec.replicas: 7 -> 1" in line for line in said.changes["east"])
    assert state(shop) == before


def test_nothing_departs() -> None:
    """Right after a deploy what runs is what was asked for."""
    shop = shop_of()
    go(shop)
    assert not compared(shop).changed


def test_a_build_that_up_brought_is_compared_too() -> None:
    """What serves need not be a release of its channel."""
    shop = shop_of()
    shop.carry(keys=("key",))
    assert not compared(shop).changed


def test_what_is_pruned_is_foreseen() -> None:
    """An object that is in the manifests no more is told before it goes."""
    shop = shop_of()
    old = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old"}, "data": {"a": "b"}}
    shop.overlay(more=(old,))
    go(shop)
    shop.overlay()
    said = planned(shop)

    assert "prune configmap/shop-dev/old" in said.changes["east"]
    assert ("", "ConfigMap", "shop-dev", "old") in shop.clusters["east"].objects


def test_nothing_to_compare_with() -> None:
    """Before anything served there is no difference to tell."""
    with pytest.raises(ShipwayError) as caught:
        compared(shop_of())
    assert (caught.value.id, caught.value.kind) == ("serving.none", Kind.NOT_FOUND)


def test_what_the_server_refuses_stops_the_plan() -> None:
    """The API server judges each object without storing it."""
    shop = shop_of()
    go(shop)
    kube = shop.clusters["east"]
    kube.refusals["dry-run", str(WEB)] = refused("kube.invalid", Kind.CONFIG, "spec.x: no")
    with pytest.raises(ShipwayError) as caught:
        planned(shop)
    assert caught.value.id == "kube.invalid"


def test_what_others_made_stops_the_plan() -> None:
    """As for the deploy, unless it would adopt."""
    shop = shop_of()
    kube = shop.clusters["east"]
    kube.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-dev"}})
    with pytest.raises(ShipwayError) as caught:
        planned(shop)
    assert caught.value.id == "kube.not_ours"


def test_looking_takes_no_number() -> None:
    """The history knows nothing of plans and comparisons."""
    shop = shop_of()
    go(shop)
    planned(shop)
    compared(shop)
    where = WhereRequest(directory=ROOT, keys=("key",))
    (target,) = status.past(where, limit=9, hands=shop).targets

    assert [one.number for one in target.deploys] == [1]


def rehearsed(shop: Shop, **asked: Any) -> foresee.Foreseen:
    """Rehearse what `up` would do."""
    request = UpRequest(directory=ROOT, architecture="amd64", keys=("key",), **asked)
    return rehearse(request, hands=shop, emit=shop.said.append)


def test_up_is_rehearsed_by_its_own_digests() -> None:
    """An edit shows as the image that `up` pushes after it; until then nothing was sent."""
    shop = shop_of()
    shop.carry(keys=("key",))
    shop.edit("two")
    before = state(shop)
    said = rehearsed(shop)

    assert state(shop) == before
    assert "configure deployment/shop-dev/shop" in said.changes["east"]
    (line,) = [one for one in said.changes["east"] if ".image: " in one]
    wanted = line.partition(" -> ")[2].removesuffix("...")
    assert len(wanted) > 40
    assert said.images["shop"].startswith(wanted)
    assert f"shop would be {said.images['shop']}" in said.lines()
    assert shop.carry(keys=("key",)).images == said.images
    assert rehearsed(shop).changed is False


def test_a_rehearsal_leaves_the_project_alone() -> None:
    """Pins that `up` would write are not written."""
    shop = shop_of()
    shop.overlay({"name": "side", "image": SIDE})
    shop.image(SIDE)
    before = dict(shop.project.files)
    rehearsed(shop)

    assert shop.project.files == before
    shop.carry(keys=("key",))
    assert shop.project.files != before


def test_an_index_is_rehearsed_too() -> None:
    """Over several platforms the digest is that of the index."""
    shop = shop_of()
    platforms = 'build.platforms = ["linux/amd64", "linux/arm64"]\n'
    shop.write("shipway.toml", CONFIG.replace("port = 8080\n", f"port = 8080\n{platforms}"))
    said = rehearsed(shop)

    assert shop.carry(keys=("key",)).images == said.images
    assert not rehearsed(shop).changed


def test_the_port_of_a_confined_run_is_in_the_plan() -> None:
    """Where only the program itself shows its port, the rehearsal has it as `up` would."""
    shop = Shop()
    shop.write("main.go", MAIN.replace('ListenAndServe(":8080", nil)', "Serve(listen(), nil)"))
    shop.sandbox.opened = (9999,)
    said = rehearsed(shop)

    assert "services.shop.port = 9999 (from a confined run)" in shop.texts()
    assert shop.carry(keys=("key",)).images == said.images
    assert not rehearsed(shop).changed


def test_a_protected_environment_is_rehearsed_from_a_commit() -> None:
    """What stops `up` stops its rehearsal."""
    shop = shop_of()
    shop.write("shipway.toml", CONFIG + "protected = true\n")
    with pytest.raises(ShipwayError) as caught:
        rehearsed(shop)
    assert caught.value.id == "source.dirty"


def test_a_cluster_that_is_down_is_not_started_for_a_rehearsal() -> None:
    """The embedded cluster stays as it is, and that is said."""
    shop = Shop()
    shop.running = False
    with pytest.raises(ShipwayError) as caught:
        rehearsed(shop)

    assert caught.value.id == "cluster.stopped"
    assert not shop.running
