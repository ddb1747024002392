"""engine.toml is read whole or refused with its fault."""

from __future__ import annotations

import pytest

from shipway.core.engines.recipe import output_name, parse
from shipway.errors import Kind, ShipwayError

TEXT = """
schema = 1
name = "etcd"
version = "v3.6.16"
toolchain = "go1.27.3"
seconds = 23
tags = ["a", "b"]

[programs]
etcd = "go.etcd.io/etcd/server/v3"

[variables]
"go.etcd.io/etcd/api/v3/version.GitSHA" = "x"
"""
DIGEST = "sha256:" + "a" * 64


def test_a_recipe_says_what_its_file_says() -> None:
    """Every key arrives."""
    recipe = parse(TEXT, "etcd")

    assert (recipe.name, recipe.version, recipe.toolchain) == ("etcd", "v3.6.16", "go1.27.3")
    assert recipe.programs == {"etcd": "go.etcd.io/etcd/server/v3"}
    assert recipe.variables == {"go.etcd.io/etcd/api/v3/version.GitSHA": "x"}
    assert (recipe.seconds, recipe.tags, recipe.prebuilt) == (23, ("a", "b"), {})


def test_digests_for_a_mirror_are_read_by_platform() -> None:
    """Prebuilt digests are kept as digests."""
    recipe = parse(f'{TEXT}[prebuilt.linux-amd64]\netcd = "{DIGEST}"\n', "etcd")

    assert recipe.prebuilt == {"linux-amd64": {"etcd": DIGEST}}


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("schema = 1", "schema = 2", "schema 2 is not 1"),
        ("schema = 1", "", "missing required field `schema`"),
        ("schema = 1", "schema =", "Invalid value"),
        ('name = "etcd"', 'name = "other"', "it names itself 'other'"),
        ("go1.27.3", "go1.27", ""),
        ("go1.27.3", "1.27.3", "'1.27.3' is not a Go version"),
        ("seconds = 23", "second = 23", "unknown field `second`"),
        ('etcd = "go.etcd.io/etcd/server/v3"', "", "it has no programs"),
        ('etcd = "go', '"../etcd" = "go', "a program's file name is not"),
        ("[variables]", 'b = "x.dev/other/server/v2"\n[variables]', "give a file of one name"),
        ("[variables]", '[prebuilt.linux-amd64]\netcd = "ff"\n[variables]', "not a sha256 digest"),
        (
            "[variables]",
            f'[prebuilt.linux-amd64]\nother = "{DIGEST}"\n[variables]',
            "does not list exactly its programs",
        ),
    ],
)
def test_a_wrong_recipe_is_refused_with_its_fault(old: str, new: str, reason: str) -> None:
    """A table of faults, each with what the message says (nothing: it is right)."""
    text = TEXT.replace(old, new, 1)
    if not reason:
        assert parse(text, "etcd")
        return

    with pytest.raises(ShipwayError) as caught:
        parse(text, "etcd")

    assert caught.value.id == "engine.recipe"
    assert caught.value.kind is Kind.CONFIG
    assert reason in caught.value.message


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("k8s.io/kubernetes/cmd/kubelet", "kubelet"),
        ("go.etcd.io/etcd/server/v3", "server"),
        ("github.com/coredns/coredns", "coredns"),
        ("v3", "v3"),
        ("example.com/v2ray", "v2ray"),
    ],
)
def test_go_names_its_output_by_the_import_path(package: str, name: str) -> None:
    """A major version suffix is no name."""
    assert output_name(package) == name
