"""Strangers' repositories, without a config: real git, Go and files, the rest in memory.

Each shape is one that people have and did not make for Shipway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fakes.stranger import TOOL, WEB, Stranger

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Shape = Callable[[dict[str, str]], Stranger]

LIB = "package lib\n\nconst Word = `hello`\n"
USER = WEB.replace('"net/http"', '"net/http"\n\n\t"example.com/lib"').replace('"ok"', "lib.Word")
VENDORED = "# example.com/lib v1.0.0\n## explicit; go 1.24\nexample.com/lib\n"
REPLACES = "require example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n"


def module(path: str, more: str = "") -> str:
    """Return a go.mod."""
    return f"module {path}\n\ngo 1.24\n\n{more}"


@pytest.fixture
def shape(go_path: str, tmp_path: Path) -> Shape:
    """Give a way to make a stranger's repository."""
    return lambda files: Stranger(go_path, tmp_path, files)


def probe(one: Stranger, name: str) -> Any:
    """Return the readiness probe of a Deployment."""
    return one.container("Deployment", name).get("readinessProbe")


def test_several_modules_and_none_at_the_root(shape: Shape) -> None:
    """Every module with a program that serves is a service of one release; others are passed by."""
    one = shape(
        {
            "api/go.mod": module("example.com/store/api", REPLACES),
            "api/main.go": USER,
            "web/go.mod": module("example.com/store/web"),
            "web/cmd/web/main.go": WEB,
            "lib/go.mod": module("example.com/lib"),
            "lib/lib.go": LIB,
            "tools/go.mod": module("example.com/store/tools"),
            "tools/main.go": TOOL,
        }
    )
    said = one.carry()

    assert set(one.objects("Deployment")) == {"api", "web"}
    assert sorted(said.images) == ["api", "web"]


def test_a_workspace(shape: Shape) -> None:
    """go.work chooses the modules, and lets one use another without a replacement."""
    one = shape(
        {
            "go.work": "go 1.24\n\nuse (\n\t./api\n\t./lib\n)\n",
            "api/go.mod": module("example.com/api"),
            "api/main.go": USER,
            "lib/go.mod": module("example.com/lib"),
            "lib/lib.go": LIB,
        }
    )
    one.carry()

    assert set(one.objects("Deployment")) == {"api"}


def test_a_vendor_folder(shape: Shape) -> None:
    """Vendored modules are built as they lie there: nothing is downloaded."""
    one = shape(
        {
            "go.mod": module("example.com/svc", "require example.com/lib v1.0.0\n"),
            "main.go": USER,
            "vendor/modules.txt": VENDORED,
            "vendor/example.com/lib/lib.go": LIB,
        }
    )
    one.carry()

    assert probe(one, "svc") == {
        "httpGet": {"path": "/healthz", "port": "http"},
        "periodSeconds": 1,
    }


def test_a_replacement_outside_of_the_repository(shape: Shape) -> None:
    """A module beside the repository is built, and a change of it alone is a new version."""
    one = shape({"go.mod": module("example.com/svc", REPLACES), "main.go": USER})
    lib = one.folder / "lib"
    lib.mkdir()
    (lib / "go.mod").write_text(module("example.com/lib"))
    (lib / "lib.go").write_text(LIB)
    first = one.carry()
    (lib / "lib.go").write_text(LIB.replace("hello", "again"))

    assert one.carry().images != first.images


def test_embedded_and_generated_files_that_git_ignores(shape: Shape) -> None:
    """What git ignores is built, and a change of it alone is a new version of a clean commit."""
    embedding = WEB.replace("import (", 'import (\n\t_ "embed"').replace('"ok"', "page + made")
    one = shape(
        {
            "go.mod": module("example.com/svc"),
            ".gitignore": "static/\n*_gen.go\n",
            "main.go": embedding.replace(
                "func ans", "//go:embed static/p\nvar page string\n\nfunc ans"
            ),
        }
    )
    one.repository.write("static/p", "1")
    one.repository.write("x_gen.go", "package main\n\nconst made = `1`\n")
    seen = [one.carry().images]
    for path, text in (("static/p", "2"), ("x_gen.go", "package main\n\nconst made = `2`\n")):
        one.repository.write(path, text)
        seen.append(one.carry().images)

    assert len({images["svc"] for images in seen}) == 3
    assert one.repository.git("status", "--porcelain") == ""


def test_a_worker_without_a_port(shape: Shape) -> None:
    """A program that listens on nothing gets neither a Service nor probes."""
    body = "package main\n\nimport `time`\n\nfunc main() { time.Sleep(time.Hour) }\n"
    one = shape({"go.mod": module("example.com/worker"), "main.go": body})
    one.carry()

    assert one.objects("Service") == {}
    assert not [key for key in one.container("Deployment", "worker") if key.endswith("Probe")]


def test_a_cron_job(shape: Shape) -> None:
    """A cron has a schedule in shipway.toml; it is there as soon as it is stored."""
    told = 'schema = 1\n[services.nightly]\npackage = "."\nkind = "cron"\nschedule = "5 3 * * *"\n'
    one = shape({"go.mod": module("example.com/nightly"), "main.go": TOOL, "shipway.toml": told})
    one.carry()

    assert one.objects("CronJob")["nightly"]["spec"]["schedule"] == "5 3 * * *"
