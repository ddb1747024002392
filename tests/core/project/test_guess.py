"""What nobody wrote down is guessed from sources, in a fixed order, each with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.golang import discovery
from shipway.core.project import guess, settings
from shipway.core.project.guess import Found
from shipway.core.project.workload import Workload
from shipway.errors import ShipwayError

WEB = """package main
import "net/http"
func main() {
	http.HandleFunc("/healthz", nil)
	http.HandleFunc("/readyz", nil)
	http.ListenAndServe(":9000", nil)
}
"""
BARE = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(addr(), nil) }\n'
GRPC = 'package main\nimport "google.golang.org/grpc"\nfunc main() { grpc.NewServer() }\n'
TOOL = "package main\nfunc main() {}\n"


def found(packages: dict[str, str], **more: Any) -> Found:
    """Return a module with one file in each folder."""
    texts = {folder: {"main.go": text} for folder, text in packages.items()}
    module = more.pop("module", "example.com/shop")
    return Found(module=module, mains=discovery.survey(module, texts).mains, **more)


def guessed(module: Found, package: str = "", written: dict[str, Any] | None = None) -> list[str]:
    """Return the guesses as ``path = value (origin)``."""
    layers = guess.layers(module, package=package, written=written)
    return [f"{g.path} = {g.value} ({g.origin})" for g in settings.resolve(layers).guesses]


def test_one_service_at_the_root() -> None:
    """A single main becomes a service named like the project."""
    assert guessed(found({".": WEB})) == [
        "project.name = shop (go.mod)",
        "services.shop.package = . (source)",
        "services.shop.kind = web (source)",
        "services.shop.port = 9000 (source)",
    ]


def test_tools_are_no_services() -> None:
    """Of several mains only those that serve become services."""
    lines = guessed(found({"cmd/web": WEB, "cmd/tool": TOOL, "cmd/api": GRPC}))

    assert lines == [
        "project.name = shop (go.mod)",
        "services.api.package = ./cmd/api (source)",
        "services.web.package = ./cmd/web (source)",
        "services.api.kind = grpc (source)",
        "services.api.port = 8080 (default guess)",
        "services.web.kind = web (source)",
        "services.web.port = 9000 (source)",
    ]


@pytest.mark.parametrize(
    ("modules", "name", "origin"),
    [
        (("example.com/store/a", "example.com/store/b/v2"), "store", "go.mod files"),
        (("github.com/acme/store/src/a", "github.com/acme/store/src/b"), "store", "go.mod files"),
        (("example.com/a", "example.com/b"), "my-shop", "the folder"),
        (("a", "b"), "my-shop", "the folder"),
    ],
)
def test_several_modules(modules: tuple[str, ...], name: str, origin: str) -> None:
    """Services of several modules are named by their programs, the project by what they share."""
    founds = [
        found({".": WEB}, module=path, module_dir=f"m{number}")
        for number, path in enumerate(modules)
    ]
    layers = guess.layers(*founds, folder="My shop")
    guesses = {one.path: one for one in settings.resolve(layers).guesses}

    assert (guesses["project.name"].value, guesses["project.name"].origin) == (name, origin)
    assert guesses["services.a.package"].value == "./m0"
    assert guesses["services.b.package"].value == "./m1"


def test_a_manifest_without_images_says_no_port() -> None:
    """Of existing YAML only what names an image is read."""
    assert guess.manifest_port({"a.yaml": "kind: ConfigMap\n"}, "web") is None


def test_files_that_a_program_reads() -> None:
    """What lies where a program reads is put into its image, unless the config says otherwise."""
    module = found({".": WEB}, assets={".": {"/templates": "web/templates"}})
    layers = settings.resolve(guess.layers(module))
    (files,) = [one for one in layers.guesses if "files" in one.path]
    told = {"services": {"shop": {"package": ".", "files": {}}}}

    assert files.fix == '[services.shop.files]\n"/templates" = "web/templates"'
    assert layers.config.services["shop"].files == {"/templates": "web/templates"}
    assert not [line for line in guessed(module, written=told) if "files" in line]


def test_files_that_no_guess_takes() -> None:
    """They are told for the program that reads them, wherever its module lies."""
    module = Found(module="x.test/a", module_dir="sub", left={"cmd/a": {"/b.db": "sub/b.db"}})

    assert guess.left(module, "sub/cmd/a") == {"/b.db": "sub/b.db"}
    assert guess.left(module, "sub/cmd/b") == {}


def test_programs_of_one_name() -> None:
    """Two programs of one name are told apart by their folders."""
    lines = guessed(found({"a/server": WEB, "b/server": WEB}))

    assert lines[1:3] == [
        "services.a-server.package = ./a/server (source)",
        "services.b-server.package = ./b/server (source)",
    ]


def test_a_folder_belongs_to_the_nearest_module() -> None:
    """Of nested modules the innermost one counts; a folder beside all of them goes to the first."""
    top, inner = found({}, module_dir="."), found({}, module_dir="api")

    assert guess.home((top, inner), "api/cmd/web").module_dir == "api"
    assert guess.home((top, inner), "apis").module_dir == "."
    assert guess.home((inner,), "web") is inner
    assert guess.import_path(inner, "api/cmd/web") == "example.com/shop/cmd/web"
    assert guess.import_path(top, ".") == "example.com/shop"


def test_a_single_main_that_serves_nothing_is_a_worker() -> None:
    """A lone program without a listener has no port."""
    assert guessed(found({".": TOOL}))[1:] == [
        "services.shop.package = . (source)",
        "services.shop.kind = worker (source)",
    ]


def test_the_package_that_was_asked_for() -> None:
    """PACKAGE chooses one main, a tool too."""
    module = found({"cmd/web": WEB, "cmd/tool": TOOL})

    assert "services.tool.kind = worker (source)" in guessed(module, "./cmd/tool")


def test_a_service_by_its_name() -> None:
    """The name that a service would get will do for its package; a folder goes before it."""
    module = found({"cmd/web": WEB, "cmd/tool": TOOL, "api": WEB, "cmd/api": TOOL})

    assert "services.tool.kind = worker (source)" in guessed(module, "tool")
    assert "services.api.package = ./cmd/api (source)" in guessed(module, "cmd-api")
    assert "services.api.kind = web (source)" in guessed(module, "api")


@pytest.mark.parametrize(
    ("packages", "package", "why"),
    [
        ({"cmd/a": TOOL, "cmd/b": TOOL}, "", "several main packages, and none of them serves"),
        ({"lib": "package lib"}, "", "no main package"),
        ({"cmd/a": WEB}, "./cmd/x", "no main package there"),
    ],
)
def test_where_no_guess_is_sound(packages: dict[str, str], package: str, why: str) -> None:
    """Rather than guess wildly, it says what to name."""
    with pytest.raises(ShipwayError, match=why) as caught:
        guess.layers(found(packages), package=package)

    assert caught.value.id == "config.no-service"
    assert caught.value.hint


def test_the_known_programs_are_named() -> None:
    """Who names a folder without a program reads what there is, as it would be typed."""
    with pytest.raises(ShipwayError) as caught:
        guess.layers(found({"": WEB, "cmd/b": TOOL}), package="./cmd/x")

    assert caught.value.hint == "name the package: shipway up . or ./cmd/b"


MANIFEST = """
kind: Deployment
spec: {template: {spec: {containers: [
  {name: proxy, image: envoy, ports: [{containerPort: 1}]},
  {name: web, image: "IMAGE", ports: [{containerPort: 7000}]}]}}}
"""


@pytest.mark.parametrize(
    ("more", "port", "origin"),
    [
        ({}, 8080, "default guess"),
        ({"ran": {"web": (7100, 7200)}}, 7100, "run"),
        ({"dockerfiles": {"Dockerfile": "EXPOSE 7300"}}, 7300, "Dockerfile"),
        (
            {"dockerfiles": {"Dockerfile": "EXPOSE 1", "cmd/web/Dockerfile": "EXPOSE 7400"}},
            7400,
            "Dockerfile",
        ),
        ({"manifests": {"d.yaml": MANIFEST.replace("IMAGE", "shipway://web")}}, 7000, "manifests"),
        ({"manifests": {"d.yaml": MANIFEST.replace("IMAGE", "ko://a/b")}}, 7000, "manifests"),
        (
            {
                "manifests": {
                    "bad.yaml": "image: shipway://web: [",
                    "d.yaml": MANIFEST.replace("IMAGE", "shipway://web"),
                },
                "dockerfiles": {"Dockerfile": "EXPOSE 1"},
                "ran": {"web": (2,)},
            },
            7000,
            "manifests",
        ),
    ],
)
def test_the_order_of_ports(more: dict[str, Any], port: int, origin: str) -> None:
    """Manifests, then Dockerfile, then source, then a run, then 8080."""
    assert f"services.web.port = {port} ({origin})" in guessed(found({"cmd/web": BARE}, **more))


@pytest.mark.parametrize(
    "text",
    [
        MANIFEST.replace("IMAGE", "shipway://other"),
        MANIFEST.replace("IMAGE", "nginx"),
        "- {name: web, image: 'shipway://web'}",
        "- {name: web, image: 'shipway://web', ports: [8]}",
        "- {name: web, image: 'shipway://web', ports: [{containerPort: http}]}",
    ],
)
def test_manifests_that_say_no_port(text: str) -> None:
    """Other containers, and containers without a number, say nothing."""
    assert guess.manifest_port({"d.yaml": text}, "web") is None


def test_what_is_written_is_not_guessed() -> None:
    """A config's services are taken as they are; only their gaps are filled."""
    written = {
        "project": {"name": "store"},
        "services": {
            "front": {"package": "./cmd/web"},
            "job": {"package": "./cmd/tool", "kind": "job"},
            "told": {"package": "./cmd/tool", "port": 1},
        },
    }

    assert guessed(found({"cmd/web": WEB, "cmd/tool": TOOL}), written=written) == [
        "project.name = store (go.mod)",
        "services.front.kind = web (source)",
        "services.front.port = 9000 (source)",
        "services.told.kind = web (source)",
    ]


def test_a_module_below_the_project() -> None:
    """Packages are named from the project's folder, wherever go.mod lies."""
    module = found({"cmd/web": WEB}, module_dir="backend")

    assert "services.web.package = ./backend/cmd/web (source)" in guessed(module)
    assert "services.web.package = ./backend/cmd/web (source)" in guessed(
        module, "./backend/cmd/web"
    )


def test_workloads() -> None:
    """Services reach the manifests with their routes; only web has HTTP probes."""
    module = found({"cmd/web": WEB, "cmd/api": GRPC, "cmd/tool": TOOL})
    tree = {
        "services": {"tool": {"package": "./cmd/tool", "kind": "cron", "schedule": "1 2 * * *"}}
    }
    layers = (*guess.layers(module), settings.Layer("shipway.toml", {"schema": 1, **tree}))
    effective = settings.resolve(layers)

    assert guess.workloads((module,), effective.config) == (
        Workload(name="api", kind="grpc", port=8080),
        Workload(
            name="web", port=9000, startup="/healthz", readiness="/readyz", liveness="/healthz"
        ),
        Workload(name="tool", kind="cron", schedule="1 2 * * *"),
    )


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("example.com/shop", "shop"),
        ("example.com/shop/v2", "shop"),
        ("example.com/My_Shop.io", "my-shop-io"),
        ("v2", "v2"),
        ("___", "app"),
        ("", "app"),
    ],
)
def test_project_names(module: str, name: str) -> None:
    """A project is named by the last part of its module path, as a DNS label."""
    assert guess.project_name(module) == name
