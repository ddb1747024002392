"""The written config reads back as what was guessed, and says what each guess rests on."""

from __future__ import annotations

import tomllib

from shipway.core.project import scaffold, schema, settings
from shipway.core.project.settings import Layer
from shipway.core.project.workload import Workload

GUESSES = (
    Layer("go.mod", {"project": {"name": "shop"}}, guess=True),
    Layer("source", {"services": {"web": {"package": "./cmd/web", "port": 9000}}}, guess=True),
    Layer(
        "shipway.toml",
        {
            "schema": 1,
            "services": {"tick": {"package": ".", "kind": "cron", "schedule": "0 3 * * *"}},
        },
    ),
)


def test_the_text() -> None:
    """Values stand in their tables, guesses with their reason."""
    text = scaffold.text(settings.resolve(GUESSES))

    assert text.startswith(
        "schema = 1\n\n"
        '[project]\nname = "shop"  # guessed: go.mod\n\n'
        '[services.web]\npackage = "./cmd/web"  # guessed: source\n'
        'kind = "web"\nport = 9000  # guessed: source\n\n'
        '[services.tick]\npackage = "."\nkind = "cron"\nschedule = "0 3 * * *"\n'
    )


def test_it_reads_back_the_same() -> None:
    """What init writes gives the settings it was written from, the dev environment spelled out."""
    effective = settings.resolve(GUESSES)
    tree = tomllib.loads(scaffold.text(effective))

    assert schema.faults(tree) == ()
    again = schema.parse(tree)
    assert again.services == effective.config.services
    assert again.project == effective.config.project
    assert again.test == effective.config.test
    place = settings.place(again, "shop", "dev")
    assert place.embedded
    assert place.namespaces == ("shop-dev",)


def test_all_files() -> None:
    """Beside the config lie base and overlays; the same settings give the same bytes."""
    effective = settings.resolve(GUESSES)
    services = (Workload(name="web", port=9000),)
    files = scaffold.files(effective, services)

    assert files == scaffold.files(effective, services)
    assert {"shipway.toml", "deploy/base/web.yaml"} < set(files)
    assert {path.split("/")[2] for path in files if path.startswith("deploy/overlays/")} == {
        "dev",
        "staging",
        "prod",
    }
