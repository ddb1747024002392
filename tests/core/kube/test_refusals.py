"""What a rendered set must not hold: a case for each refusal that is refused for that alone."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube import documents, images, refusals
from shipway.core.kube.refusals import Bounds, refuse
from shipway.core.ports.renderer import Sourced
from shipway.errors import ShipwayError

DIGEST = "sha256:" + "a" * 64
BOUNDS = Bounds(namespaces=("shop-dev",), cluster_objects=("ClusterRole/listed", "Thing/listed"))


def obj(
    kind: str, name: str = "web", version: str = "v1", space: str = "shop-dev", **more: Any
) -> Any:
    """Return an object."""
    metadata = {"name": name, **({"namespace": space} if space else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def workload(*env: Any, image: str = f"127.0.0.1:5000/shop/web@{DIGEST}", **more: Any) -> Any:
    """Return a Deployment with these variables."""
    container = {"name": "web", "image": image, "env": list(env), **more}
    return obj("Deployment", version="apps/v1",
               spec={"template": {"spec": {"containers": [container]}}})  # fmt: skip


def crd(scope: str) -> Any:
    """Return the definition of Thing."""
    spec = {"group": "example.com", "names": {"kind": "Thing"}, "scope": scope}
    name = "things.example.com"
    return obj("CustomResourceDefinition", name, "apiextensions.k8s.io/v1", "", spec=spec)


FINE = [
    workload({"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}),
    workload({"name": "PORT", "value": "8080"}),
    obj("Secret", type="kubernetes.io/service-account-token"),
    obj("Secret", version="example.com/v1", data={"a": "b"}),
    obj("Namespace", "shop-dev", space=""),
    obj("ClusterRole", "listed", "rbac.authorization.k8s.io/v1", ""),
    obj("Thing", "listed", "example.com/v1", ""),
    obj("Thing", "mine", "example.com/v1"),
    obj("ConfigMap", data={"LOG_LEVEL": "debug"}),
]


@pytest.mark.parametrize("fine", FINE)
def test_fine(fine: Any) -> None:
    """What is allowed is not refused."""
    assert refuse((Sourced(fine, "a.yaml"),), BOUNDS) == ()


ENV = "spec.template.spec.containers[0].env[0].value"
REFUSED = [
    ("render.secret", obj("Secret", data={"a": "b"}), "data"),
    ("render.secret", obj("Secret", stringData={"a": "b"}), "stringData"),
    ("render.plaintext", workload({"name": "DB_PASSWORD", "value": "hunter2"}), ENV),
    ("render.plaintext", workload({"name": "DSN", "value": "postgres://me:hunter2@db/x"}), ENV),
    ("render.plaintext", obj("ConfigMap", data={"API_TOKEN": "abcdef"}), "data.API_TOKEN"),
    ("render.plaintext", workload(args=["--dsn=postgres://me:hunter2@db/x"]),
     "spec.template.spec.containers[0].args[0]"),
    ("render.placeholder", workload(image="shipway://other"),
     "spec.template.spec.containers[0].image"),
    ("render.placeholder", obj("Thing", "mine", "example.com/v1", spec={"run": "ko://x.y/z"}),
     "spec.run"),
    ("render.namespace", obj("ConfigMap", space="other"), "metadata.namespace"),
    ("render.namespace", obj("ConfigMap", space=""), "metadata.namespace"),
    ("render.cluster_scoped", obj("ClusterRole", version="rbac.authorization.k8s.io/v1", space=""),
     "metadata.name"),
    ("render.cluster_scoped", obj("Namespace", "other", space=""), "metadata.name"),
    ("render.object", {"kind": "ConfigMap", "metadata": {"name": "x"}}, ""),
    ("render.object", obj("ConfigMap", name=""), ""),
]  # fmt: skip


@pytest.mark.parametrize(("name", "refused", "path"), REFUSED)
def test_refused(name: str, refused: Any, path: str) -> None:
    """Each is refused once, for its own reason, with file and path."""
    (found,) = refuse((Sourced(refused, "deploy/base/web.yaml"),), BOUNDS)

    assert (found.id, found.file, found.path) == (name, "deploy/base/web.yaml", path)
    assert str(found).startswith("deploy/base/web.yaml ")
    assert "hunter2" not in str(found)


def test_definition_says_the_scope() -> None:
    """A kind that the same set defines as cluster-scoped is judged as such."""
    thing = obj("Thing", "mine", "example.com/v1", "")
    listed = Bounds(
        namespaces=("shop-dev",),
        cluster_objects=("CustomResourceDefinition/things.example.com",),
    )

    cluster = refuse((Sourced(crd("Cluster")), Sourced(thing)), listed)
    spaced = refuse((Sourced(crd("Namespaced")), Sourced(thing)), listed)

    assert [one.id for one in cluster] == ["render.cluster_scoped"]
    assert [one.id for one in spaced] == ["render.namespace"]


def test_twice() -> None:
    """Two objects of one name would overwrite one another."""
    twice = (Sourced(obj("ConfigMap"), "a.yaml"), Sourced(obj("ConfigMap"), "b.yaml"))

    (found,) = refuse(twice, BOUNDS)

    assert (found.id, found.file) == ("render.object", "b.yaml")
    assert "a.yaml" in found.why


def test_twice_without_files() -> None:
    """The same without files."""
    (found,) = refuse((Sourced(obj("ConfigMap")), Sourced(obj("ConfigMap"))), BOUNDS)

    assert "the same set" in found.why


def test_everything_at_once() -> None:
    """All refusals come together, sorted."""
    both = (Sourced(obj("Secret", data={"a": "b"}), "b"), Sourced(obj("Pod", space="no"), "a"))

    assert [one.id for one in refuse(both, BOUNDS)] == ["render.namespace", "render.secret"]


def test_odd_env_is_no_env() -> None:
    """A field called env that holds no list of variables is searched like any other."""
    odd = obj("Thing", "mine", "example.com/v1", env={"env": [1, {"name": "A"}]})

    assert refuse((Sourced(odd),), BOUNDS) == ()


def test_namespaced_default() -> None:
    """A kind nobody knows counts as namespaced."""
    assert refusals.namespaced({"apiVersion": "a.b/v1", "kind": "X"}, {})


def test_substitute_anywhere() -> None:
    """Placeholders are replaced in any string, and nothing else changes."""
    before = workload(
        image="shipway://web", args=["--image", "shipway://web", "shipway://webby"], stdin=True
    )

    found = images.substitute(before, {"shipway://web": "r@" + DIGEST})

    container = found["spec"]["template"]["spec"]["containers"][0]
    assert container["image"] == "r@" + DIGEST
    assert container["args"] == ["--image", "r@" + DIGEST, "shipway://webby"]
    assert before["spec"]["template"]["spec"]["containers"][0]["image"] == "shipway://web"


def test_pin_only_images() -> None:
    """A foreign tag is replaced where an image stands, not in other strings."""
    before = workload(image="redis:8", args=["redis:8", 1])
    resolved = {"redis:8": "redis@" + DIGEST}

    found = images.pin(before, resolved)

    container = found["spec"]["template"]["spec"]["containers"][0]
    assert images.unpinned(before) == ("redis:8",)
    assert container["image"] == "redis@" + DIGEST
    assert container["args"] == ["redis:8", 1]
    assert images.unpinned(found) == ()
    assert images.pin(found, resolved) is found


def test_images_by_their_own_name() -> None:
    """An image whose repository stands for one of ours is replaced where an image stands."""
    before = workload(image="ghcr.io/acme/web:v1", args=["ghcr.io/acme/web:v1"])
    named = images.named(before, {"ghcr.io/acme/web": "r@" + DIGEST, "web": "s@" + DIGEST})
    container = images.put(before, named)["spec"]["template"]["spec"]["containers"][0]

    assert named == {"ghcr.io/acme/web:v1": "r@" + DIGEST}
    assert container["image"] == "r@" + DIGEST
    assert container["args"] == ["ghcr.io/acme/web:v1"]
    assert images.named(before, {}) == {}


def test_uses() -> None:
    """Every image is listed once: ours by service, foreign ones without."""
    own, foreign = "r/web@" + DIGEST, "redis@" + DIGEST
    custom = obj("Thing", "mine", "example.com/v1", spec={"run": own, "ports": [1]})

    found = images.uses((workload(image=foreign), workload(image=foreign), custom), {own: "web"})

    assert [(one.reference, one.service, one.foreign) for one in found] == [
        (own, "web", False), (foreign, "", True),
    ]  # fmt: skip
    assert found[0].digest == DIGEST
    assert images.Use("redis:8").digest is None


def test_substitute_needs_a_mapping() -> None:
    """Whatever is no object stays none."""
    assert images.substitute("shipway://web", {"shipway://web": "x"}) == {}  # type: ignore[arg-type]


def test_documents() -> None:
    """A stream gives its objects, lists taken apart, empty documents left out."""
    text = b"---\nkind: A\nx: [1, 1.5, true, null, a]\n---\n---\nkind: List\nitems: [{kind: B}]\n"

    assert documents.read(text, "f") == (
        {"kind": "A", "x": [1, 1.5, True, None, "a"]}, {"kind": "B"},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"a: [", "expected"),
        (b"- 1", "no Kubernetes object"),
        (b"kind: 1", "no Kubernetes object"),
        (b"kind: A\n1: x", "a key is not a text"),
        (b"kind: A\nx: 2026-01-01", "not a JSON type"),
        (b"kind: A\nx: !!python/object:os.system {}", "could not determine a constructor"),
    ],
)
def test_no_documents(text: bytes, why: str) -> None:
    """What JSON cannot say, or is no object, is refused with the file's name."""
    with pytest.raises(ShipwayError, match=why) as caught:
        documents.read(text, "deploy/a.yaml")

    assert (caught.value.id, caught.value.subject) == ("render.yaml", "deploy/a.yaml")
