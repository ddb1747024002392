"""Manifests before a build: refused early, printed and judged without a cluster."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from fakes.git import ROOT
from fakes.go import WRONG
from fakes.hands import MAIN
from fakes.shop import OVERLAY, SIDE, Shop
from shipway.core.ports.renderer import Sourced
from shipway.core.run.events import StepStarted
from shipway.errors import Failures, Kind, ShipwayError
from shipway.roads import checking

SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "Yg=="}}
PLAIN = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "c"},
    "data": {"DB_PASSWORD": "hunter2hunter2"},
}
STRAY = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "far"}}
ROLE = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
PLACEHOLDER = {"apiVersion": "a.b/v1", "kind": "X", "metadata": {"name": "x"}, "image": "ko://else"}
WEB_OF_ONE = {"apiVersion": "a.b/v1", "kind": "X", "metadata": {"name": "one"}}
REFUSED = [
    (SECRET, "render.secret"),
    (PLAIN, "render.plaintext"),
    (STRAY, "render.namespace"),
    ({**ROLE, "metadata": {"name": "all"}}, "render.cluster_scoped"),
    (PLACEHOLDER, "render.placeholder"),
    ({"apiVersion": "v1", "kind": "ConfigMap"}, "render.object"),
]


def with_overlay(*more: dict[str, Any]) -> Shop:
    """Return a project whose overlay holds these objects too."""
    shop = Shop()
    shop.overlay(more=more)
    return shop


def failure(call: Any) -> ShipwayError:
    """Return the error that a call ends with."""
    with pytest.raises(ShipwayError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(("obj", "identifier"), REFUSED)
def test_up_refuses_before_anything_is_pushed(obj: dict[str, Any], identifier: str) -> None:
    """What must not be applied ends ``up`` with the registry empty and nothing assembled."""
    shop = with_overlay(obj)

    error = failure(shop.carry)

    assert (error.id, error.kind) == (identifier, Kind.REJECTED)
    assert not shop.registries.manifests
    assert "image" not in {one.step for one in shop.said if isinstance(one, StepStarted)}


@pytest.mark.parametrize(("obj", "identifier"), REFUSED)
def test_check_and_render_refuse_the_same_in_the_same_words(
    obj: dict[str, Any], identifier: str
) -> None:
    """The three commands name one fault alike, and ``check`` and ``render`` build nothing."""
    shop = with_overlay(obj)

    found = {
        str(failure(call))
        for call in (
            shop.carry,
            lambda: checking.check(ROOT, "dev", hands=shop),
            lambda: checking.render(ROOT, "dev", hands=shop),
        )
    }

    assert len(found) == 1
    assert failure(lambda: checking.check(ROOT, "", hands=shop)).id == identifier


def test_several_services_meet_one_refusal() -> None:
    """Services are made side by side, and what ends all of them is told once."""
    shop = with_overlay(SECRET)
    for name in ("one", "two"):
        shop.write(f"cmd/{name}/main.go", MAIN)
    services = "".join(f'[services.{one}]\npackage = "cmd/{one}"\n' for one in ("one", "two"))
    shop.write("shipway.toml", f"schema = 1\n{services}")
    shop.write(f"{OVERLAY}/web.yaml", "image: shipway://one\n")
    web = Sourced({**WEB_OF_ONE, "image": "shipway://one"})
    shop.renderer.folders[OVERLAY] = (web, Sourced(SECRET, "s"))

    assert failure(shop.carry).id == "render.secret"


def test_a_fault_of_the_renderer_comes_as_early() -> None:
    """What kustomize cannot load is no matter of images either."""
    shop = with_overlay()
    shop.renderer.folders.clear()

    assert failure(shop.carry).id == "render.missing"
    assert not shop.registries.manifests


def test_both_faults_are_told() -> None:
    """A program that does not compile hides no refusal's exit, whichever comes first."""
    shop = with_overlay(SECRET)
    shop.write("main.go", f"package main\n\nfunc main() {{ {WRONG} }}\n")

    assert failure(shop.carry).id in {"build.compile", "render.secret"}


def test_files_are_rendered_once() -> None:
    """What was judged early is what is applied, though the files change while it is built."""
    shop = with_overlay()
    asked: list[str] = []
    render = shop.renderer.render

    class Counting:
        name = shop.renderer.name

        def render(self, root: str, directory: str) -> tuple[Sourced, ...]:
            asked.append(directory)
            return render(root, directory)

    shop.renderer = Counting()  # type: ignore[assignment]  the port is all that is asked for
    shop.carry()

    assert asked == [OVERLAY]


def test_render_says_what_is_open() -> None:
    """Before the first build the placeholder stands, and foreign tags too; both are said."""
    shop = Shop()
    shop.overlay({"name": "side", "image": SIDE})

    told = "\n".join(checking.render(ROOT, "dev", hands=shop).lines())

    assert "# shipway://shop stands for an image that this machine has not built for dev" in told
    assert f"# {SIDE} is pinned in shipway.lock by the next `shipway up`" in told
    containers = list(yaml.safe_load_all(told))[-1]["spec"]["template"]["spec"]["containers"]
    assert [one["image"] for one in containers] == ["shipway://shop", SIDE]


def test_render_after_a_build_is_what_was_applied() -> None:
    """With the last built image and the lock's pins nothing is open, and the bytes are those."""
    shop = Shop()
    shop.overlay({"name": "side", "image": SIDE})
    shop.image(SIDE)
    made = shop.carry()

    shown = checking.render(ROOT, "dev", hands=shop)

    images = [
        one["image"]
        for obj in shown.objects
        if obj["kind"] == "Deployment"
        for one in obj["spec"]["template"]["spec"]["containers"]
    ]
    assert shown.notes == ()
    assert images[0] == made.images["shop"]
    assert images[1].startswith("registry.test/side@sha256:")


def test_render_without_files_prints_the_defaults() -> None:
    """What ``up`` would make up is printed, the namespace included."""
    shown = checking.render(ROOT, "dev", hands=Shop())

    assert [one["kind"] for one in shown.objects] == [
        "Namespace", "ServiceAccount", "Service", "Deployment",
    ]  # fmt: skip


def test_render_says_that_an_overlay_is_not_used() -> None:
    """A folder whose manifests name no image of the project is left out, and that is said."""
    shop = with_overlay()
    shop.write(f"{OVERLAY}/web.yaml", "image: nginx\n")

    shown = checking.render(ROOT, "dev", hands=shop)

    assert shown.notes[0].startswith(f"{OVERLAY} is not used")


def test_check_judges_every_environment() -> None:
    """All environments' refusals come together; of those that are fine the objects are counted."""
    shop = with_overlay()
    far = '[environments.far]\noverlay = "far"\n[environments.near]\noverlay = "near"\n'
    shop.write("shipway.toml", f"schema = 1\n[environments.dev]\n{far}")
    web = shop.renderer.folders[OVERLAY]
    shop.renderer.folders |= {"far": web, "near": web}
    fine = checking.check(ROOT, "", hands=shop)

    assert fine.environments == {"dev": 2, "far": 2, "near": 2}
    assert next(iter(fine.lines())) == "dev: 2 objects, none is refused"
    shop.renderer.folders |= {"far": (Sourced(SECRET, "a"),), "near": (Sourced(PLAIN, "b"),)}
    error = failure(lambda: checking.check(ROOT, "", hands=shop))
    assert isinstance(error, Failures)
    assert [one.id for one in error.failures if isinstance(one, ShipwayError)] == [
        "render.secret", "render.plaintext",
    ]  # fmt: skip
