"""Render: files and images become exactly what will be applied, or nothing does."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.content import MemoryContent
from fakes.renderer import MemoryRenderer
from shipway.core.kube.objects import RESTRICTED, read_set
from shipway.core.ports.renderer import Sourced
from shipway.core.project import manifests
from shipway.core.project.workload import Workload
from shipway.errors import Kind, ShipwayError
from shipway.stages.render import MEMORY, Rendered, RenderRequest, draft, render

WEB = "127.0.0.1:5000/shop/web@sha256:" + "a" * 64
REDIS = "redis@sha256:" + "b" * 64


def deployment(image: str = "shipway://web", **spec: Any) -> dict[str, Any]:
    """Return a Deployment that names no namespace."""
    pod = {"containers": [{"name": "web", "image": image}]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"replicas": 2, "template": {"spec": pod}, **spec},
    }


def rendered(
    *objects: dict[str, Any],
    content: MemoryContent | None = None,
    resolve: Any = None,
    **other: Any,
) -> Rendered:
    """Render these objects for environment dev."""
    request = RenderRequest(
        project="shop",
        environment="dev",
        namespaces=("shop-dev", "shop-extra"),
        images={"web": WEB},
        objects=objects,
        **other,
    )
    renderer = MemoryRenderer({"deploy/overlays/dev": tuple(Sourced(one, "f") for one in objects)})
    return render(request, renderer=renderer, content=content or MemoryContent(), resolve=resolve)


def objects(*given: dict[str, Any], **other: Any) -> tuple[dict[str, Any], ...]:
    """Return the objects of the stored set."""
    content = MemoryContent()
    found = rendered(*given, content=content, **other)
    return read_set(content.read(found.set.digest))


def test_own_image() -> None:
    """The placeholder becomes the digest reference, and the namespace is said."""
    (found,) = objects(deployment())

    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == WEB
    assert found["metadata"]["namespace"] == "shop-dev"


def test_ko_placeholder() -> None:
    """Import paths (ko's way) stand for the service that is built from them."""
    (found,) = objects(
        deployment("ko://example.com/shop/web"),
        packages={"example.com/shop/web": "web", "example.com/shop/other": "other"},
    )

    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == WEB


def test_result() -> None:
    """The result names every object with its digest, every image with whose it is."""
    found = rendered(deployment(), deployment(REDIS) | {"metadata": {"name": "cache"}})

    assert [str(one.ref) for one in found.entries] == [
        "deployment/shop-dev/cache",
        "deployment/shop-dev/web",
    ]
    assert [(one.reference, one.service) for one in found.uses] == [(WEB, "web"), (REDIS, "")]
    assert (found.overlay, found.renderer, found.resolved) == ("", MEMORY, {})


def test_same_bytes() -> None:
    """The same request gives the same bytes, in whatever order the objects came."""
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}

    assert rendered(deployment(), other).set == rendered(other, deployment()).set


def test_folder() -> None:
    """With an overlay the renderer reads it, and is named."""
    found = rendered(deployment(), overlay="deploy/overlays/dev", commit="c" * 40)

    assert (found.overlay, found.renderer, found.commit) == (
        "deploy/overlays/dev", "memory v1", "c" * 40,
    )  # fmt: skip


def test_foreign_tag_from_the_lock() -> None:
    """A foreign tag is replaced by what the lock says."""
    found = rendered(deployment("redis:8"), foreign={"redis:8": REDIS})

    assert [one.reference for one in found.uses] == [REDIS]
    assert found.resolved == {}


def test_foreign_tag_is_resolved_once() -> None:
    """A tag that is not locked is looked up once, and handed back for the lock."""
    asked: list[str] = []

    def resolve(tag: str) -> str:
        asked.append(tag)
        return REDIS

    cache = deployment("redis:8") | {"metadata": {"name": "cache"}}
    found = rendered(deployment("redis:8"), cache, resolve=resolve)

    assert asked == ["redis:8"]
    assert found.resolved == {"redis:8": REDIS}


def test_foreign_tag_unknown() -> None:
    """Without lock and resolver a tag is refused, with file and object."""
    with pytest.raises(ShipwayError, match="redis:8 is a tag") as caught:
        rendered(deployment("redis:8"), overlay="deploy/overlays/dev")

    assert (caught.value.id, caught.value.kind) == ("render.image", Kind.REJECTED)
    assert caught.value.message.startswith("f deployment/shop-dev/web ")


def test_namespaces_that_shipway_makes() -> None:
    """A namespace that the set lacks is added, restricted; one that it has is left as it is."""
    mine = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-extra"}}

    found = objects(deployment(), mine, make_namespaces=("shop-dev", "shop-extra"))

    assert [one["metadata"] for one in found if one["kind"] == "Namespace"] == [
        {"name": "shop-dev", "labels": RESTRICTED},
        {"name": "shop-extra"},
    ]


def test_scaled_replicas_are_left_out() -> None:
    """Where an autoscaler of the set decides, replicas are not rendered."""
    scaler = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}},
    }

    found = objects(deployment(), scaler)

    assert "replicas" not in found[0]["spec"]


def test_listed_cluster_object() -> None:
    """A cluster-scoped object that is listed passes, and gets no namespace."""
    (found,) = objects(
        {"apiVersion": "a.b/v1", "kind": "Thing", "metadata": {"name": "one"}},
        cluster_objects=("Thing/one",),
    )

    assert found["metadata"] == {"name": "one"}


def test_one_kind_of_refusal_keeps_its_id() -> None:
    """A refusal keeps its own id when it is the only kind."""
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "b"}}

    with pytest.raises(ShipwayError) as caught:
        rendered(secret, overlay="deploy/overlays/dev")

    assert caught.value.id == "render.secret"
    assert caught.value.message.startswith("f secret/shop-dev/s data: ")


def test_refusals_come_together() -> None:
    """Several kinds of refusals come as one error, a line each, and nothing is stored."""
    content = MemoryContent()
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "b"}}

    with pytest.raises(ShipwayError) as caught:
        rendered(deployment("shipway://other"), secret, content=content)

    assert caught.value.id == "render.refused"
    assert len(caught.value.message.splitlines()) == 2
    assert content.blobs == {}


@pytest.mark.parametrize("overlay", manifests.overlays("shop"), ids=lambda one: one.environment)
def test_default_manifests_pass(overlay: manifests.Overlay) -> None:
    """What init would write is refused by none of the rules."""
    services = (Workload(name="web"), Workload(name="web2", image="shipway://web", kind="cron"))
    request = RenderRequest(
        project="shop",
        environment=overlay.environment,
        namespaces=(overlay.namespace,),
        images={"web": WEB},
        objects=manifests.in_memory("shop", services, overlay),
    )

    found = render(request, renderer=MemoryRenderer(), content=MemoryContent())

    assert {one.service for one in found.uses} == {"web"}


def test_draft_keeps_what_is_not_built() -> None:
    """A draft fills in known images and locked tags, and names what is still open."""
    request = RenderRequest(
        project="shop",
        environment="dev",
        namespaces=("shop-dev",),
        images={"web": WEB},
        objects=(
            deployment(),
            deployment("shipway://api") | {"metadata": {"name": "api"}},
            deployment("redis:8") | {"metadata": {"name": "cache"}},
            deployment("mail:1") | {"metadata": {"name": "mail"}},
        ),
        foreign={"redis:8": REDIS},
    )

    found = draft(request, services=("web", "api"), renderer=MemoryRenderer())

    containers = [one["spec"]["template"]["spec"]["containers"][0] for one in found.objects]
    assert {one["image"] for one in containers} == {WEB, "shipway://api", REDIS, "mail:1"}
    assert (found.open, found.unpinned) == (("shipway://api",), ("mail:1",))


def test_draft_refuses_a_placeholder_of_nobody() -> None:
    """A service that is not named is refused before anything is built."""
    request = RenderRequest(
        project="shop", environment="dev", namespaces=("shop-dev",), images={},
        objects=(deployment("shipway://wbe"),),
    )  # fmt: skip

    with pytest.raises(ShipwayError, match="shipway://wbe is no service") as caught:
        draft(request, services=("web",), renderer=MemoryRenderer())

    assert caught.value.id == "render.placeholder"
