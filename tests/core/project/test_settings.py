"""Layers lie over one another, each value knows who said it, and safety holds by default."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.project import settings
from shipway.core.project.config import Config, Environment, Service, Target
from shipway.core.project.existing import Existing
from shipway.core.project.settings import Layer
from shipway.errors import Kind, ShipwayError

GUESSED = Layer("source", {"services": {"web": {"port": 8080, "kind": "web"}}}, guess=True)
FILE = Layer("shipway.toml", {"schema": 1, "services": {"web": {"package": "./cmd/web"}}})


def port(value: Any) -> dict[str, Any]:
    """Return a layer's values for the port."""
    return {"services": {"web": {"port": value}}}


def test_later_layers_win() -> None:
    """Detected < file < variables < flags, value by value."""
    variables = settings.from_variables({"SHIPWAY__SERVICES__WEB__PORT": "9000", "HOME": "/root"})
    flags = settings.from_flags({"test.dev": ("--tests", "off")})
    effective = settings.resolve((GUESSED, FILE, *variables, *flags))

    assert effective.config.services["web"].port == 9000
    assert effective.config.services["web"].package == "./cmd/web"
    assert effective.config.test.dev == "off"
    assert effective.origin("services.web.port") == "SHIPWAY__SERVICES__WEB__PORT"
    assert effective.origin("services.web.kind") == "source"
    assert effective.origin("services.web.package") == "shipway.toml"
    assert effective.origin("test.dev") == "--tests"
    assert effective.origin("test.coverage") == "default"


def test_a_guess_shows_the_lines_that_would_fix_it() -> None:
    """What stays guessed comes with its TOML; what somebody wrote over is none any more."""
    effective = settings.resolve((GUESSED, Layer("--port", port(1))))
    (guess,) = effective.guesses

    assert (guess.path, guess.value, guess.origin) == ("services.web.kind", "web", "source")
    assert tomllib.loads(guess.fix) == {"services": {"web": {"kind": "web"}}}


def test_faults_of_all_layers_arrive_together() -> None:
    """Each fault outside the file says in which layer it stands."""
    layers = (
        Layer("shipway.toml", {"schema": 1, "servces": {}}),
        Layer("SHIPWAY__TST", {"tst": 1}),
        Layer("--port", port(0)),
    )
    with pytest.raises(ShipwayError) as caught:
        settings.resolve(layers)

    assert "servces: unknown key; did you mean services?" in caught.value.message
    assert "tst: unknown key; did you mean test? [SHIPWAY__TST]" in caught.value.message
    assert "services.web.port: must be a number" in caught.value.message
    assert "[--port]" in caught.value.message


def test_a_list_is_replaced_whole() -> None:
    """A later layer's list takes the place of the earlier one."""
    tags = [{"services": {"web": {"build": {"tags": given}}}} for given in (["a", "b"], ["c"])]
    effective = settings.resolve([Layer(str(n), tree) for n, tree in enumerate(tags)])

    assert effective.config.services["web"].build.tags == ("c",)


def test_an_empty_table_counts() -> None:
    """A service or environment without a key is there."""
    effective = settings.resolve((Layer("shipway.toml", {"schema": 1, "services": {"web": {}}}),))

    assert effective.config.services == {"web": Service()}
    assert settings.resolve((FILE, Layer("x", {"services": {"web": {}}}))).config.services[
        "web"
    ] == Service(package="./cmd/web")


@pytest.mark.parametrize(
    ("name", "value", "tree"),
    [
        ("SHIPWAY__TEST__DEV", "off", {"test": {"dev": "off"}}),
        ("SHIPWAY__TEST__NETWORK", "true", {"test": {"network": True}}),
        ("SHIPWAY__TEST__COVERAGE", "90.5", {"test": {"coverage": 90.5}}),
        (
            "SHIPWAY__ENVIRONMENTS__MY_ENV__CLUSTER_OBJECTS",
            '["ClusterRole/x"]',
            {"environments": {"my-env": {"cluster_objects": ["ClusterRole/x"]}}},
        ),
        ("SHIPWAY__PROJECT__NAME", '"1"', {"project": {"name": "1"}}),
    ],
)
def test_variables(name: str, value: str, tree: dict[str, Any]) -> None:
    """A variable's name is a key path, its text a TOML value or else plain."""
    assert settings.from_variables({name: value}) == (Layer(name, tree),)


def test_the_embedded_cluster_is_the_only_default() -> None:
    """Without an environments table there is dev on the embedded cluster, and nothing else."""
    place = settings.place(Config(), "shop", "dev")

    assert place.embedded
    assert place.contexts == ()
    assert place.registry == ""
    assert place.namespaces == ("shop-dev",)
    assert not place.protected
    with pytest.raises(ShipwayError) as caught:
        settings.place(Config(), "shop", "prod")
    assert (caught.value.id, caught.value.kind) == ("config.environment", Kind.NOT_FOUND)


def test_a_configured_environment() -> None:
    """An environment is where its table says; dev is then no longer there by itself."""
    prod = Environment(
        protected=True,
        registry="r",
        namespaces=("a", "b"),
        targets=(Target("eu"), Target("us")),
        cluster_objects=("ClusterRole/x",),
    )
    config = Config(environments={"prod": prod})
    place = settings.place(config, "shop", "prod")

    assert place.contexts == ("eu", "us")
    assert place.rollout == "stop-at-first"
    assert not place.embedded
    assert place.namespaces == ("a", "b")
    assert place.protected
    with pytest.raises(ShipwayError, match="known are prod"):
        settings.place(config, "shop", "dev")


def test_a_way_that_is_not_there_yet() -> None:
    """An environment that wants git is refused; it is never applied to instead."""
    config = Config(environments={"prod": Environment(via="git")})
    with pytest.raises(ShipwayError) as caught:
        settings.place(config, "shop", "prod")

    assert (caught.value.id, caught.value.kind) == ("config.via", Kind.CONFIG)


def test_the_usual_overlay() -> None:
    """Without a configured one, the folder that was found is taken."""
    there = Existing(folder="deploy/overlays/dev")
    config = Config(environments={"dev": Environment(), "x": Environment(overlay="k8s")})

    assert settings.place(Config(), "p", "dev").overlay == ""
    assert settings.place(Config(), "p", "dev", existing=there).overlay == there.folder
    assert settings.place(config, "p", "x", existing=there).overlay == "k8s"


def test_namespaces_that_manifests_name() -> None:
    """They are those of an environment that names none and is not protected."""
    there = Existing(folder="k8s", images={"r/p": "p"}, namespaces=("team",))
    config = Config(
        environments={
            "dev": Environment(),
            "told": Environment(namespaces=("mine",)),
            "prod": Environment(protected=True),
        }
    )
    places = {
        name: settings.place(config, "p", name, existing=there) for name in config.environments
    }

    assert [one.namespaces for one in places.values()] == [("team",), ("mine",), ("p-prod",)]
    assert [one.hardened for one in places.values()] == [False, False, True]


def test_a_configured_overlay_says_nothing_of_what_was_found() -> None:
    """Where the config names an overlay, only what is said of that one is told."""
    there = Existing(folder="k8s", images={"r/p": "p"}, remarks=(("k8s is used", ""),))
    config = Config(environments={"a": Environment(overlay="x"), "b": Environment(overlay="k8s")})
    places = [settings.place(config, "p", name, existing=there) for name in config.environments]

    assert [one.existing.remarks for one in places] == [(), there.remarks]
    assert [one.existing.images for one in places] == [there.images, there.images]


CONFIG = Config(services={"web": Service(package="./cmd/web"), "root": Service(package=".")})


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ("", {"web", "root"}),
        ("web", {"web"}),
        ("./cmd/web", {"web"}),
        ("cmd/web/", {"web"}),
        (".", {"root"}),
        ("./", {"root"}),
    ],
)
def test_choosing_services(asked: str, names: set[str]) -> None:
    """A service is chosen by name or package; without either, all are."""
    assert set(settings.chosen(CONFIG, asked)) == names


def test_choosing_an_unknown_service() -> None:
    """An unknown package is told with the nearest name."""
    with pytest.raises(ShipwayError, match="did you mean web") as caught:
        settings.chosen(CONFIG, "wep")

    assert caught.value.id == "config.service"


KEYS = st.text("abc-_. é\"'", min_size=1, max_size=4)
SCALARS = st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=8) | st.just(1.5)


@given(st.recursive(SCALARS, lambda x: st.lists(x) | st.dictionaries(KEYS, x), max_leaves=8))
def test_toml_values_round_trip(value: Any) -> None:
    """What is written as TOML reads as the same value."""
    assert tomllib.loads(f"value = {settings.as_toml(value)}")["value"] == value


def test_folders() -> None:
    """Packages name folders in one way."""
    assert [settings.folder_of(p) for p in ("./cmd/web/", ".", "", "./", "a")] == [
        "cmd/web",
        ".",
        ".",
        ".",
        "a",
    ]
