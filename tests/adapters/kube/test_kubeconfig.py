"""Kubeconfig files: those that are named, or the usual one; broken ones by name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from shipway.adapters.kube.kubeconfig import read
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path


def test_named_files_in_order(tmp_path: Path) -> None:
    """Files of KUBECONFIG that are not there are left out, an empty one is an empty one."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text("current-context: a\n")
    second.write_text("")
    named = os.pathsep.join((str(first), "", str(tmp_path / "none"), str(second)))
    found = read({"KUBECONFIG": named})

    assert [one.path for one in found] == [str(first), str(second)]
    assert [one.content for one in found] == [{"current-context": "a"}, {}]


def test_the_usual_file(tmp_path: Path) -> None:
    """Without KUBECONFIG it is that of the home, if there is one."""
    assert read({"HOME": str(tmp_path)}) == ()
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube" / "config").write_text("clusters: []\n")

    (found,) = read({"HOME": str(tmp_path)})
    assert found.path.endswith("/.kube/config")


@pytest.mark.parametrize("text", ["a: [", "- a\n", "just text", "a: !!python/object:os.system {}"])
def test_a_broken_file_is_named(tmp_path: Path, text: str) -> None:
    """What is no YAML mapping of plain values is an error of configuration with its path."""
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(ShipwayError) as caught:
        read({"KUBECONFIG": str(path)})

    assert (caught.value.id, caught.value.kind) == ("kube.kubeconfig", Kind.CONFIG)
    assert caught.value.subject == str(path)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A path that cannot be read is said too."""
    with pytest.raises(ShipwayError):
        read({"KUBECONFIG": str(tmp_path)})
