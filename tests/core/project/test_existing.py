"""Manifests that are there are found where people put them, and used where they name an image."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.project import existing
from shipway.core.project.existing import Existing

NAMES = {"web": frozenset({"web", "shop-web", "shop"})}


def deployment(image: str, namespace: str = "") -> str:
    """Return a Deployment of one image."""
    space = f", namespace: {namespace}" if namespace else ""
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web{space}}}\n"
        f"spec: {{template: {{spec: {{containers: [{{name: web, image: '{image}'}}]}}}}}}\n"
    )


OURS = deployment("ghcr.io/acme/shop:1.2")
KUSTOMIZATION = "resources: [web.yaml]\n"


def found(*charts: str, environment: str = "dev", **texts: str) -> Existing:
    """Return what is found; ``__`` in a name stands for ``/``, a suffix is added."""
    named = {f"{name.replace('__', '/')}.yaml": text for name, text in texts.items()}
    return existing.find(named, charts, NAMES, project="shop", environment=environment)


@pytest.mark.parametrize(
    "reference",
    [
        "shop", "shop:dev", "ghcr.io/acme/shop", "localhost:5000/x/shop-web:1", "web",
        f"r.io/web@sha256:{'0' * 64}", f"r.io/web:1@sha256:{'0' * 64}",
    ],
)  # fmt: skip
def test_an_image_of_the_project(reference: str) -> None:
    """An image whose name is the service's or the project's stands for it, whatever its tag."""
    there = found(k8s__web=deployment(reference))

    assert there.folder == "k8s"
    (repository,) = there.images
    assert reference.startswith(repository)
    ((text, fix),) = there.remarks
    assert text == f"k8s: image {repository} is services.web"
    assert fix == "image: shipway://web"


@pytest.mark.parametrize("reference", ["nginx:1", "acme/shopping", "web.example.com/other"])
def test_no_image_of_the_project(reference: str) -> None:
    """Where nothing names an image of the project, that is said with the line that would."""
    there = found(k8s__web=deployment(reference))

    assert (there.folder, there.images) == ("", {})
    assert there.remarks == (
        (
            "k8s is not used: nothing below k8s/ names an image of this project",
            "image: shipway://web",
        ),
    )


def test_placeholders_need_no_guess() -> None:
    """A placeholder anywhere below the folder is the person's own word; no name is guessed then."""
    there = found(deploy__a=deployment("shipway://web"), deploy__b=OURS)

    assert there == Existing(folder="deploy")


@pytest.mark.parametrize(
    ("places", "folder"),
    [
        (("deploy/base", "deploy/overlays/dev", "deploy/overlays/prod"), "deploy/overlays/dev"),
        (("k8s/dev", "k8s/prod"), "k8s/dev"),
        (("k8s/envs/dev", "k8s"), "k8s/envs/dev"),
        (("kustomize/base", "kustomize/overlays/prod"), "kustomize/base"),
        (("manifests",), "manifests"),
        (("manifests/here",), "manifests/here"),
    ],
)
def test_kustomizations(places: tuple[str, ...], folder: str) -> None:
    """The environment's own kustomization comes before a base, and that before the folder."""
    texts = {f"{place}/kustomization.yaml": KUSTOMIZATION for place in places}
    texts |= {f"{place}/web.yaml": OURS for place in places}

    assert found_in(texts).folder == folder


def found_in(texts: dict[str, str]) -> Existing:
    """Return what is found among files."""
    return existing.find(texts, (), NAMES, project="shop", environment="dev")


def test_several_kustomizations() -> None:
    """Where none of several is the environment's, that is said with the line that chooses."""
    texts = {f"k8s/{name}/kustomization.yaml": KUSTOMIZATION for name in ("a", "b")}
    ((text, fix),) = found_in(texts).remarks

    assert text == "k8s is not used: several kustomizations, none of them dev's"
    assert fix == '[environments.dev]\noverlay = "k8s/a"'


def test_an_environments_plain_folder() -> None:
    """Of plain files, those in a folder called like the environment count alone."""
    texts = {"k8s/dev/web.yaml": OURS, "k8s/prod/web.yaml": OURS}

    assert found_in(texts).folder == "k8s/dev"


def test_files_that_are_no_manifests() -> None:
    """A folder that holds other YAML too cannot be applied as it is: the odd file is named."""
    texts = {"deploy/web.yaml": OURS, "deploy/compose.yaml": "services: {web: {image: shop}}\n"}
    ((text, _),) = found_in(texts).remarks

    assert text == (
        "deploy is not used: deploy/compose.yaml holds something else than Kubernetes objects"
    )


@pytest.mark.parametrize("text", ["a: [", "- 1\n", "services: {}\n", "", "---\n---\n", "a: 1\n"])
def test_folders_without_manifests(text: str) -> None:
    """A folder that only happens to be called so is none of our business."""
    assert found_in({"deploy/x.yaml": text}) == Existing()


def test_the_first_folder_that_fits() -> None:
    """A folder that cannot be used does not hide the next one, and is said all the same."""
    there = found(deploy__a=deployment("nginx"), k8s__web=OURS)

    assert there.folder == "k8s"
    assert len(there.remarks) == 2


def test_images_that_a_kustomization_renames() -> None:
    """The new name counts, since that is what is rendered."""
    renamed = KUSTOMIZATION + "images: [{name: app, newName: ghcr.io/acme/shop, newTag: v1}, 3]\n"
    texts = {"k8s/kustomization.yaml": renamed, "k8s/web.yaml": deployment("app")}

    assert found_in(texts).images == {"ghcr.io/acme/shop": "web"}
    texts["k8s/kustomization.yaml"] = KUSTOMIZATION + "images: [{name: shop, newTag: v1}, {}]\n"
    assert found_in(texts).images == {"shop": "web"}


@pytest.mark.parametrize(
    ("texts", "namespaces"),
    [
        ({"web": OURS}, ()),
        ({"web": deployment("shop", "team")}, ("team",)),
        ({"web": deployment("shop", "default")}, ()),
        ({"web": deployment("shop", "kube-system")}, ()),
        (
            {"web": OURS, "ns": "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n"},
            ("shop",),
        ),
        ({"web": OURS, "odd": "kind: X\nmetadata: 3\n"}, ()),
        (
            {"web": deployment("shop", "a"), "kustomization": f"{KUSTOMIZATION}namespace: b\n"},
            ("b",),
        ),
        ({"web": deployment("shop", "a"), "kustomization": KUSTOMIZATION}, ("a",)),
    ],
)
def test_namespaces(texts: dict[str, str], namespaces: tuple[str, ...]) -> None:
    """The namespace that a kustomization sets counts, else those that objects name."""
    there = found_in({f"k8s/{name}.yaml": text for name, text in texts.items()})

    assert there.namespaces == namespaces


def test_a_helm_chart() -> None:
    """A chart is named as unsupported, with the command that makes manifests of it."""
    texts: dict[str, Any] = {"templates": "{{ .Values }}", "Chart": "name: x\n"}
    files = {f"deploy/chart/{name}.yaml": text for name, text in texts.items()}
    charts = ("deploy/chart/Chart.yaml",)
    there = existing.find(files, charts, NAMES, project="shop", environment="dev")
    ((text, fix),) = there.remarks

    assert there.folder == ""
    assert text.startswith("deploy/chart is a Helm chart, which Shipway does not render")
    assert fix == (
        "mkdir -p k8s/dev && helm template shop deploy/chart --namespace shop-dev "
        "--skip-tests --no-hooks > k8s/dev/shop.yaml"
    )
    ((same, _),) = found("Chart.yaml").remarks
    assert same.startswith(". is a Helm chart")


def test_names() -> None:
    """An image may be called like service, program, both with the project, or a lone project."""
    assert existing.names("web", "cmd/server", "shop", lone=False) == {"web", "shop-web", "server"}
    assert existing.names("web", ".", "shop", lone=True) == {"web", "shop-web", "shop"}
