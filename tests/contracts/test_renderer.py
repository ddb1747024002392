"""The contract of a renderer, kept by the fake, by plain YAML and by the real kustomize."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.apiserver import program
from fakes.renderer import MemoryRenderer
from shipway.adapters.kustomize import Kustomize
from shipway.adapters.manifests import ByFolder, PlainYaml
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.ports.renderer import Renderer, Sourced
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Renderer,)


OBJECT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"k": "v"}}
TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n"


def kustomize() -> Kustomize:
    """Return the real one."""
    sandbox = NamespaceSandbox(SystemProcesses())
    return Kustomize(program("kustomize", "kustomize"), "v5.8.1", sandbox=sandbox)


@pytest.fixture(params=["memory", "plain", "kustomize", "by folder"])
def renderer(request: pytest.FixtureRequest, tmp_path: Path) -> Renderer:
    """Return each of the three over a folder ``deploy`` with one ConfigMap."""
    folder = tmp_path / "deploy"
    folder.mkdir()
    (folder / "a.yaml").write_text(TEXT)
    if request.param == "memory":
        return MemoryRenderer({"deploy": (Sourced(OBJECT, "deploy/a.yaml"),)})
    if request.param == "plain":
        return PlainYaml()
    (folder / "kustomization.yaml").write_text("resources: [a.yaml]\n")
    return kustomize() if request.param == "kustomize" else ByFolder(kustomize)


def test_objects_with_their_files(renderer: Renderer, tmp_path: Path) -> None:
    """Each object comes with the file it was written in, relative to the repository."""
    assert renderer.render(str(tmp_path), "deploy") == (Sourced(OBJECT, "deploy/a.yaml"),)


def test_same_twice(renderer: Renderer, tmp_path: Path) -> None:
    """The same files give the same objects."""
    first = renderer.render(str(tmp_path), "deploy")

    assert renderer.render(str(tmp_path), "deploy") == first


def test_missing_folder(renderer: Renderer, tmp_path: Path) -> None:
    """A folder that is not there is said to be missing."""
    with pytest.raises(ShipwayError) as caught:
        renderer.render(str(tmp_path), "nowhere")

    assert (caught.value.id, caught.value.kind) == ("render.missing", Kind.NOT_FOUND)


def test_name(renderer: Renderer, tmp_path: Path) -> None:
    """It has a name for the evidence."""
    assert renderer.name(str(tmp_path), "deploy")
