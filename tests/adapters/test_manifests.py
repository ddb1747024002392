"""Plain YAML folders: what is read, in which order, and what is left alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.renderer import MemoryRenderer
from shipway.adapters.manifests import ByFolder, PlainYaml
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {}}}\n"


def test_reads_below_in_order(tmp_path: Path) -> None:
    """YAML files in the folder and below are read by name; others, and hidden folders, are not."""
    for name in ("deploy/b.yml", "deploy/a/z.yaml", "deploy/.git/x.yaml", "deploy/read.me"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(CONFIG.format("x"))

    found = PlainYaml().render(str(tmp_path), "deploy")

    assert [one.file for one in found] == ["deploy/a/z.yaml", "deploy/b.yml"]


def test_links_out_of_the_repository(tmp_path: Path) -> None:
    """A link that leads out of the repository is not followed."""
    (tmp_path / "outside.yaml").write_text(CONFIG.format("x"))
    (tmp_path / "repo" / "deploy").mkdir(parents=True)
    (tmp_path / "repo" / "deploy" / "a.yaml").symlink_to(tmp_path / "outside.yaml")

    assert PlainYaml().render(str(tmp_path / "repo"), "deploy") == ()


def test_unreadable(tmp_path: Path) -> None:
    """A file that cannot be read is named."""
    (tmp_path / "deploy" / "a.yaml").mkdir(parents=True)
    (tmp_path / "deploy" / "b.yaml").symlink_to("a.yaml")
    (tmp_path / "deploy" / "c.yaml").symlink_to("nowhere")

    with pytest.raises(ShipwayError) as caught:
        PlainYaml().render(str(tmp_path), "deploy")

    assert (caught.value.id, caught.value.subject) == ("render.yaml", "deploy/c.yaml")


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization", ""])
def test_by_folder(tmp_path: Path, name: str) -> None:
    """A folder with a kustomization is kustomize's; any other is plain, and kustomize not made."""
    (tmp_path / "deploy").mkdir()
    if name:
        (tmp_path / "deploy" / name).write_text("resources: []")
    made: list[MemoryRenderer] = []

    def kustomize() -> MemoryRenderer:
        made.append(MemoryRenderer({"deploy": ()}))
        return made[-1]

    renderer = ByFolder(kustomize)

    expected = "memory v1" if name else "plain yaml"
    assert renderer.name(str(tmp_path), "deploy") == expected
    assert renderer.render(str(tmp_path), "deploy") == ()
    assert bool(made) is bool(name)
