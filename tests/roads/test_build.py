"""Build: the image of ``up`` and nothing else, pushed or kept."""

from __future__ import annotations

import json

import pytest

from fakes.git import ROOT
from fakes.go import WRONG
from fakes.hands import MAIN
from fakes.shop import FAR, Shop
from shipway.core.oci.digest import of
from shipway.core.run.events import Fact, Remark, StepFinished
from shipway.errors import ShipwayError
from shipway.roads import build as road


def build(shop: Shop, **asked: object) -> road.Images:
    """Build the project."""
    request = road.BuildRequest(directory=ROOT, architecture="amd64", **asked)  # type: ignore[arg-type]
    return road.build(request, hands=shop, emit=shop.said.append)


def steps(shop: Shop) -> list[str]:
    """Return the steps that ended, in order."""
    return [one.step for one in shop.said if isinstance(one, StepFinished)]


def test_a_push_is_the_image_of_up() -> None:
    """The pushed image has its links, its tag, and the digest that ``up`` deploys; nothing runs."""
    shop = Shop()
    built = build(shop)
    (reference,) = built.lines()
    deployments = [one for one in shop.cluster.objects if one[1] == "Deployment"]
    repository, _, digest = reference.partition("@")

    assert deployments == []
    assert "test" not in steps(shop)
    assert len(shop.registries.referrers(repository, digest)) == 3  # type: ignore[arg-type]
    assert [name for name in shop.registries.tags(repository) if not name.startswith("sha256-")]
    assert shop.carry(tests="off").images == {"shop": reference}
    assert next(
        one.value for one in shop.said if isinstance(one, Fact) and one.name == "image"
    ) == (reference)


@pytest.mark.parametrize("push", [True, False])
def test_what_is_saved_meanwhile_is_in_no_image(push: bool) -> None:
    """A build whose source changes under it makes neither a push nor a file; the next one does."""
    shop = Shop()
    shop.go.before_build = lambda: shop.edit("saved in mid-run")
    with pytest.raises(ShipwayError) as caught:
        build(shop, push=push)
    assert caught.value.id == "build.moving"
    assert shop.registries.writes == []
    assert not {"publish", "export"} & set(steps(shop))
    shop.go.before_build = lambda: None

    assert list(build(shop, push=push).lines())


def test_without_a_push_nothing_is_asked_for() -> None:
    """With --push=false there is a digest, and neither a cluster, a registry nor a signature."""
    shop = Shop()
    shop.running = False
    built = build(shop, push=False)
    (reference,) = built.lines()
    repository, _, digest = reference.partition("@")

    assert repository == "shipway.local/shop/shop"
    assert of(shop.memory.read(digest)) == digest  # type: ignore[arg-type]
    assert (built.pushed, built.path, shop.running) == (False, "", False)
    assert shop.registries.writes == []
    assert steps(shop) == ["source", "build", "image", "export"]
    assert build(shop, push=False).images == built.images


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_files_hold_the_image(form: str) -> None:
    """A layout or a tar lies where it was asked for, relative to the project; nothing is pushed."""
    shop = Shop()
    built = build(shop, **{form: "out"})
    index = shop.layouts.files.get(f"{ROOT}/out/index.json", b'{"manifests": []}')

    assert built.path == f"{ROOT}/out"
    assert shop.registries.writes == []
    if form == "folder":
        (one,) = json.loads(index)["manifests"]
        assert built.images == {"shop": f"shipway.local/shop/shop@{one['digest']}"}
    else:
        assert b"shipway.local/shop/shop:" in shop.layouts.files[f"{ROOT}/out"]


def test_the_environments_registry_names_the_image() -> None:
    """An image that is kept is named as the one that would be pushed."""
    shop = Shop()
    shop.write("shipway.toml", FAR.format('{context = "far"}'))

    assert next(iter(build(shop, push=False).images.values())).startswith(
        "registry.test/shop/shop@"
    )


def test_one_service_of_several() -> None:
    """Without a name all are built, a line each; with one, that one."""
    shop = Shop()
    shop.drop("main.go")
    shop.drop("main_test.go")
    config = "schema = 1\n"
    for name in ("front", "back"):
        shop.write(f"cmd/{name}/main.go", MAIN)
        config += f'[services.{name}]\npackage = "./cmd/{name}"\n'
    shop.write("shipway.toml", config)

    assert len(list(build(shop, push=False).lines())) == 2
    assert list(build(shop, push=False, package="./cmd/back").images) == ["back"]


def test_several_platforms_are_an_index() -> None:
    """A service for two platforms is one reference to an index, whose images are all there."""
    shop = Shop()
    named = '["linux/arm64", "linux/amd64"]'
    shop.write("shipway.toml", f"schema = 1\n[services.shop]\nbuild.platforms = {named}\n")
    (reference,) = build(shop, folder="out").lines()
    digest = reference.partition("@")[2]
    index = json.loads(shop.memory.read(digest))  # type: ignore[arg-type]

    assert [one["platform"]["architecture"] for one in index["manifests"]] == ["amd64", "arm64"]
    for one in index["manifests"]:
        assert f"{ROOT}/out/blobs/sha256/{one['digest'][7:]}" in shop.layouts.files


def test_what_does_not_compile_is_told() -> None:
    """A compile error is the error of the build."""
    shop = Shop()
    shop.edit(WRONG)
    with pytest.raises(ShipwayError) as caught:
        build(shop, push=False)

    assert caught.value.id == "build.compile"


def test_what_is_peculiar_about_the_source_is_said() -> None:
    """As in ``up``: here a commit that is on no branch."""
    shop = Shop()
    shop.git.branch = ""
    build(shop)

    assert [one.text for one in shop.said if isinstance(one, Remark) and "detached" in one.text]
