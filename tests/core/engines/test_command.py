"""The commands that make an engine depend on its lock, and on the user only for the network."""

from __future__ import annotations

import pytest

from shipway.core.engines import command
from shipway.core.engines.recipe import Recipe

RECIPE = Recipe(
    1,
    "pair",
    "v1.0.0",
    "go1.27.3",
    {"two": "x.dev/pair/cmd/b", "one": "x.dev/pair/cmd/a"},
    variables={"z.v": "1", "a.v": ""},
    tags=("p", "q"),
)


def test_the_compilation_strips_paths_and_ids() -> None:
    """Programs and variables stand in a fixed order."""
    argv = command.compilation("/go", RECIPE, "/out")

    assert argv == [
        "/go", "build", "-v", "-trimpath", "-buildvcs=false", "-tags", "p,q",
        "-ldflags", "-s -w -buildid= -X a.v= -X z.v=1", "-o", "/out/",
        "x.dev/pair/cmd/a", "x.dev/pair/cmd/b",
    ]  # fmt: skip


def test_the_listing_names_every_package() -> None:
    """Without tags none are given."""
    plain = Recipe(1, "one", "v1", "go1.27.3", {"one": "x.dev/one"})

    assert command.listing("/go", plain) == [
        "/go", "list", "-deps", "-f", "{{.ImportPath}}", "x.dev/one",
    ]  # fmt: skip


def test_the_users_settings_are_asked_for_by_name() -> None:
    """Only what concerns the network is asked."""
    assert command.settings("/go") == ["/go", "env", "-json", *command.NETWORK]


def test_a_build_sees_no_secret_of_the_caller() -> None:
    """Tokens, agents and kubeconfig stay outside, proxies pass."""
    env = command.inherited({
        "HOME": "/home/u", "GITHUB_TOKEN": "t", "SSH_AUTH_SOCK": "s", "KUBECONFIG": "k",
        "HTTPS_PROXY": "p", "PATH": "/evil", "GOFLAGS": "-toolexec=x",
    })  # fmt: skip

    assert env == {
        "HOME": "/home/u",
        "HTTPS_PROXY": "p",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LC_ALL": "C.UTF-8",
    }


def test_a_build_is_the_same_whatever_the_user_set() -> None:
    """Architecture levels, experiments and workspaces of the user do not reach it."""
    env = command.variables(
        {"GOPROXY": "here", "GOAMD64": "v3", "GOEXPERIMENT": "x"},
        platform="linux-arm64",
        build_cache="/c",
        module_cache="/m",
    )

    assert (env["GOPROXY"], env["GOCACHE"], env["GOMODCACHE"]) == ("here", "/c", "/m")
    assert (env["GOOS"], env["GOARCH"], env["GOAMD64"]) == ("linux", "arm64", "v1")
    assert (env["CGO_ENABLED"], env["GOTOOLCHAIN"], env["GOENV"]) == ("0", "local", "off")
    assert (env["GOFLAGS"], env["GOWORK"]) == ("-mod=readonly -modcacherw", "off")
    assert "GOEXPERIMENT" not in env


@pytest.mark.parametrize(
    ("system", "machine", "platform"),
    [
        ("Linux", "x86_64", "linux-amd64"),
        ("Linux", "aarch64", "linux-arm64"),
        ("Darwin", "arm64", "darwin-arm64"),
        ("Linux", "riscv64", "linux-riscv64"),
    ],
)
def test_a_platform_is_spelled_as_go_does(system: str, machine: str, platform: str) -> None:
    """What uname says becomes what Go says."""
    assert command.platform_of(system, machine) == platform
