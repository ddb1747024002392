"""One service of several delivered alone: the others stay as they serve, and nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.git import ROOT
from fakes.hands import MAIN
from fakes.shop import OVERLAY, WHERE, Shop
from shipway.core.kube.objects import Ref
from shipway.core.ports.renderer import Sourced
from shipway.errors import ShipwayError
from shipway.roads import rollback, status
from shipway.roads.rehearse import rehearse
from shipway.roads.up import UpRequest


def two(shop: Shop) -> Shop:
    """Give the project two programs."""
    shop.drop("main.go")
    shop.drop("main_test.go")
    config = "schema = 1\n"
    for name in ("back", "front"):
        shop.write(f"cmd/{name}/main.go", MAIN)
        config += f'[services.{name}]\npackage = "./cmd/{name}"\nport = 8080\n'
    shop.write("shipway.toml", config)
    return shop


def alone(shop: Shop, word: str, name: str = "front") -> dict[str, str]:
    """Edit all programs and deliver one of them."""
    for one in ("back", "front"):
        shop.write(f"cmd/{one}/main.go", f"{MAIN}// {word}\n")
    return shop.carry(package=f"./cmd/{name}").images


def ref(name: str) -> Ref:
    """Return a service's Deployment."""
    return Ref("apps/v1", "Deployment", "shop-dev", name)


def stands(shop: Shop) -> set[str]:
    """Return the Deployments that stand."""
    return {name for _, kind, _, name in shop.cluster.objects if kind == "Deployment"}


def test_the_others_stay_as_they_serve() -> None:
    """The release holds every service: the new image of one, the serving image of the other."""
    shop = two(Shop())
    first = shop.carry().images
    second = alone(shop, "two")

    assert set(second) == {"front"}
    assert shop.cluster.image(ref("front")) == second["front"] != first["front"]
    assert shop.cluster.image(ref("back")) == first["back"]
    (target,) = status.now(WHERE, hands=shop).targets
    assert {name.rpartition("/")[2] for name in target.objects} >= {"back", "front"}
    assert not shop.carry(package="./cmd/front").changed


def test_one_of_many_has_an_address_as_all_of_them_have() -> None:
    """Whether Services take node ports is the project's size, not that of the run."""
    shop = Shop()
    shop.drop("main.go")
    shop.drop("main_test.go")
    names = [f"s{number}" for number in range(17)]
    tables = (f'[services.{one}]\npackage = "./cmd/{one}"\nport = 8080\n' for one in names)
    shop.write("shipway.toml", "schema = 1\n" + "".join(tables))
    for one in names:
        shop.write(f"cmd/{one}/main.go", MAIN)
    shop.carry(package="./cmd/s3")

    kinds = {
        key: one["spec"]["type"] for key, one in shop.cluster.objects.items() if key[1] == "Service"
    }
    assert kinds == {("", "Service", "shop-dev", "s3"): "ClusterIP"}


def test_it_is_rehearsed_as_it_is_done() -> None:
    """A dry run of one service sees no change of the others, and prunes nothing of theirs."""
    shop = two(Shop())
    shop.carry()
    for name in ("back", "front"):
        shop.write(f"cmd/{name}/main.go", f"{MAIN}// two\n")
    request = UpRequest(directory=ROOT, architecture="amd64", package="./cmd/front")
    said = rehearse(request, hands=shop, emit=shop.said.append)

    (changes,) = said.changes.values()
    assert [one for one in changes if one[0] != " "] == [f"configure {ref('front')}"]
    assert said.images == shop.carry(package="./cmd/front").images


def test_an_overlay_may_name_all_of_them() -> None:
    """A placeholder of a service that is not made now becomes the image that serves."""
    shop = two(Shop())
    overlay(shop, "back", "front")
    first = shop.carry().images
    second = alone(shop, "two")

    assert shop.cluster.image(ref("back")) == first["back"]
    assert shop.cluster.image(ref("front")) == second["front"]


def overlay(shop: Shop, *names: str, label: bool = False) -> None:
    """Give the project an overlay with a Deployment for each name."""
    shop.write(f"{OVERLAY}/kustomization.yaml", "resources: [web.yaml]\n")
    shop.write(f"{OVERLAY}/web.yaml", "image: shipway://back\n")
    shop.renderer.folders[OVERLAY] = tuple(Sourced(one(name, label=label), "f") for name in names)


def one(name: str, *, label: bool) -> dict[str, Any]:
    """Return a Deployment of a service."""
    labels = {"labels": {"app.kubernetes.io/name": name}} if label else {}
    containers = [{"name": name, "image": f"shipway://{name}"}]
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, **labels},
        "spec": {
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": containers},
            },
        },
    }


def test_first_of_all_one_alone() -> None:
    """Where nothing serves yet, only that service is delivered, with or without an overlay."""
    for prepare in (lambda _: None, lambda shop: overlay(shop, "back", "front")):
        shop = two(Shop())
        prepare(shop)
        alone(shop, "one")

        assert stands(shop) == {"front"}


def test_what_stands_of_a_service_that_never_passed_is_left() -> None:
    """Objects of a service that is in no release are not pruned by the delivery of another."""
    shop = two(Shop())
    shop.cluster.good = set()
    with pytest.raises(ShipwayError):
        shop.carry()
    shop.cluster.good = None
    alone(shop, "two")

    assert stands(shop) == {"back", "front"}
    assert "leave deployment/shop-dev/back (it may belong to a service" in shop.texts()
    shop.write("shipway.toml", 'schema = 1\n[services.front]\npackage = "./cmd/front"\n')
    shop.carry()
    assert stands(shop) == {"front"}, "the signed outcome named what was left"


def test_what_is_gone_from_the_delivered_service_is_pruned() -> None:
    """An object of the delivered service that its manifests do not have any more goes."""
    shop = two(Shop())
    shop.cluster.good = set()
    overlay(shop, "back", "front", label=True)
    extra = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "old", "labels": {"app.kubernetes.io/name": "front"}},
        "data": {},
    }
    shop.renderer.folders[OVERLAY] += (Sourced(extra, "f"),)
    with pytest.raises(ShipwayError):
        shop.carry()
    shop.cluster.good = None
    overlay(shop, "back", "front", label=True)
    alone(shop, "two")

    assert ("", "ConfigMap", "shop-dev", "old") not in shop.cluster.objects
    assert stands(shop) == {"back", "front"}


def test_a_rollback_over_it_loses_no_service() -> None:
    """The release before is whole, so putting it back removes nobody's objects."""
    shop = two(Shop())
    first = shop.carry().images
    second = alone(shop, "two")
    shop.carry()
    rollback.rollback(WHERE, reason="", hands=shop, emit=lambda _: None)

    assert stands(shop) == {"back", "front"}
    assert shop.cluster.image(ref("back")) == first["back"]
    assert shop.cluster.image(ref("front")) == second["front"]


def unwritten(shop: Shop) -> Shop:
    """Give the project two programs and no config."""
    two(shop)
    shop.drop("shipway.toml")
    return shop


def test_without_a_config_the_others_are_left_alone() -> None:
    """Nobody has said which services there are, so those of other packages are never pruned."""
    shop = unwritten(Shop())
    first = shop.carry().images
    alone(shop, "two")

    assert stands(shop) == {"back", "front"}
    assert shop.cluster.image(ref("back")) == first["back"]


def test_a_rollback_leaves_what_its_deploy_left() -> None:
    """What stood beside the release that is put back stands after it, too."""
    shop = unwritten(Shop())
    shop.carry()
    second = alone(shop, "two")
    alone(shop, "three")
    rollback.rollback(WHERE, reason="slow", hands=shop, emit=shop.said.append)

    assert stands(shop) == {"back", "front"}
    assert shop.cluster.image(ref("front")) == second["front"]
