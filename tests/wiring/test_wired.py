"""Every command, wired to its road, in a home of its own and with no cluster."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from shipway import scope, wiring
from shipway.adapters.engines.account import cache_of
from shipway.adapters.process import SystemProcesses
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

MAIN = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
PUBLIC = Path(__file__).parents[1] / "core" / "sigstore" / "public"
NONE = "wired-test-none"
"""A cluster that is not there."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a project, in a process whose home is empty."""
    home = tmp_path / "home"
    home.mkdir()
    compiled = Path(cache_of(os.environ, None)).with_name("go-build")
    monkeypatch.setenv("GOCACHE", os.environ.get("GOCACHE") or str(compiled))
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("KUBECONFIG", str(home / "kubeconfig"))
    monkeypatch.setenv("DOCKER_CONFIG", str(home / "docker"))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "go.mod").write_text("module example.com/shop\n\ngo 1.26\n")
    (folder / "main.go").write_text(MAIN)
    done = SystemProcesses().run(
        ("git", "init", "-q", str(folder)), env={"PATH": os.environ["PATH"], "HOME": str(home)}
    )
    assert done.code == 0
    return folder


def error(command: Callable[..., object], **asked: Any) -> str:
    """Return the id of the error that a command ends with."""
    with pytest.raises(ShipwayError) as caught:
        command(emit=lambda _: None, **asked)
    return caught.value.id


UP: dict[str, Any] = {
    "package": "", "adopt": False, "keys": (), "port": 0, "tests": "", "environment": "nowhere",
}  # fmt: skip


def test_roads_that_need_a_cluster_say_that_there_is_none(project: Path) -> None:
    """Rollback, status, history, trace and verify reach their roads with what was asked."""
    asked: dict[str, Any] = {"directory": str(project), "cluster": NONE, "environment": "dev"}
    live = {"namespace": "", "keys": (), "export": "", "trusted_root": "", "policy": ""}
    found = {
        error(wiring.rollback, **asked, target="", reason=""),
        error(wiring.status, **asked),
        error(wiring.history, **asked, target="", limit=5),
        error(wiring.trace, **asked, subject="deployment/shop", **live),
        error(
            wiring.logs,
            **asked,
            service="",
            target="",
            follow=False,
            since=0,
            tail=None,
            previous=False,
        ),
        error(wiring.visit, **asked, service="shop", show=False),
        error(wiring.verify, **asked, reference="127.0.0.1:1/shop/shop:1", keys=()),
    }
    assert found == {"cluster.stopped"}


def test_verify_bundle_needs_no_project(tmp_path: Path) -> None:
    """A bundle of the public instance is judged by files alone, under the root that comes along."""
    asked = {
        "artifact": "sha256:461317362419124b6012e855423a9078d6de8aed3e74fa78cc74d669b23dc6cf",
        "bundle": str(PUBLIC / "google.sigstore.json"),
        "identity": "919436158236-compute@developer.gserviceaccount.com",
        "issuer": "https://accounts.google.com",
    }
    told: Any = wiring.verify_bundle(cluster=NONE, emit=lambda _: None, **asked)
    assert list(told.lines())[-1].startswith("the bundle holds for sha256:4613")
    asked["bundle"] = str(tmp_path / "nowhere")
    assert error(wiring.verify_bundle, cluster=NONE, **asked) == "bundle.missing"


def test_roads_of_vulnerabilities_reach_what_is_asked(project: Path) -> None:
    """A scan asks for its database, what is deployed for a cluster, a report for its file."""
    asked: dict[str, Any] = {"directory": str(project), "cluster": NONE}
    live: dict[str, Any] = {**asked, "environment": "dev", "database": "", "keys": ()}
    nowhere = "http://127.0.0.1:1"

    assert error(wiring.scan, **asked, program="", database="nothing") == "scan.database"
    assert error(wiring.scan, **asked, program="", database=nowhere) == "scan.unreachable"
    assert error(wiring.affected, **live, id="GO-1") == "cluster.stopped"
    assert error(wiring.rescan, **live) == "cluster.stopped"
    assert error(wiring.scan_image, **live, reference="127.0.0.1:1/x:1") == "registry.unreachable"
    assert error(wiring.report, **asked, reference="r.test/x:1", path="no.json") == "scan.report"


@pytest.mark.usefixtures("project")
def test_gc_needs_no_project_and_no_cluster() -> None:
    """An empty store has nothing to remove, and its room is told."""
    told: Any = wiring.gc(cluster=NONE, emit=lambda _: None, dry_run=False)
    assert list(told.lines())[-1].endswith("of 5.0 GiB")


def test_up_stops_before_anything_is_started(project: Path) -> None:
    """An environment that is not there is an error of ``up`` before any cluster is thought of."""
    assert error(wiring.up, directory=str(project), cluster=NONE, **UP) == "config.environment"


def test_build_and_test_need_no_cluster(project: Path) -> None:
    """A layout and a verdict about real sources, with nothing but Go and the project."""
    asked: dict[str, Any] = {"directory": str(project), "cluster": NONE, "package": ""}
    said: list[object] = []
    built: Any = wiring.build(
        **asked, emit=said.append, environment="dev", push=False, folder="out", archive=""
    )
    (reference,) = built.lines()
    _, _, digest = reference.partition("@sha256:")

    assert (project / "out" / "blobs" / "sha256" / digest).is_file()
    assert error(wiring.test, **asked, cobertura="") == "test.none"


def test_dev_watches_what_is_there(project: Path) -> None:
    """The kernel watches the real folders; what cannot be is said, and a save tries again."""
    said: list[str] = []
    asked: dict[str, Any] = {"package": "", "keys": (), "port": 0, "tests": "off"}
    asked |= {"environment": "dev", "logs": True, "forward": True}

    def work(outer: scope.Scope) -> None:
        def hear(event: Any) -> None:
            if not getattr(event, "text", ""):
                return
            said.append(event.text)
            if said.count(said[-1]) == 2:
                outer.cancel()
            elif said[-1].startswith("watching"):
                (project / "main.go").write_text(f"{MAIN}// again\n")

        wiring.dev(directory=str(project), cluster="No Name", emit=hear, **asked)

    with pytest.raises(ShipwayError) as caught, scope.open() as outer:
        work(outer)

    assert caught.value.id == "run.cancelled"
    assert [("No Name" in one, one[:8]) for one in said[1:3]] == [
        (False, "watching"),
        (True, said[0][:8]),
    ]


def files(folder: Path) -> set[str]:
    """Return the files below a folder, git's own left out."""
    found = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts)
    return {str(path) for path in found}


def test_doctor_looks_and_changes_nothing(project: Path) -> None:
    """On a new person's machine nothing is made but notes of sources; what is missing is said."""
    before = files(project.parent)
    examined: Any = wiring.doctor(directory=str(project), cluster=NONE, emit=lambda _: None)
    found = {one.name: one.state.value for one in examined.findings}

    assert (found["python"], found["git"], found["config"]) == ("ok", "ok", "ok")
    assert {found[name] for name in ("go", "engines", "key", "lock", "cluster")} == {"note"}
    made = files(project.parent) - before
    assert not [path for path in made if "/state/shipway/go/" not in path]


def test_a_word_is_traced_as_a_file(project: Path) -> None:
    """An export is read from the path that was given."""
    export = project / "trace.json"
    export.write_text("{}")
    asked: dict[str, Any] = {"namespace": "", "keys": (), "export": "", "trusted_root": ""}
    found = error(
        wiring.trace,
        directory=str(project),
        cluster=NONE,
        environment="dev",
        subject=str(export),
        policy="",
        **asked,
    )
    assert found == "trace.export"


def test_manifests_are_judged_and_printed_without_a_cluster(project: Path) -> None:
    """``check`` and ``render`` reach their road, which reads the project and starts nothing."""
    asked: dict[str, Any] = {"directory": str(project), "cluster": NONE, "emit": lambda _: None}
    judged: Any = wiring.check(**asked, environment="")
    shown: Any = wiring.render(**asked, environment="dev")

    assert judged.environments == {"dev": 4}
    assert "image: shipway://shop" in "\n".join(shown.lines())


def test_init_writes_the_guesses(project: Path) -> None:
    """A dry run writes nothing; without it the files are there."""
    for dry_run in (True, False):
        told: Any = wiring.init(
            directory=str(project), cluster="", emit=lambda _: None, dry_run=dry_run
        )
        assert "shipway.toml" in told.written
        assert (project / "shipway.toml").exists() is not dry_run


def test_the_key_is_shown_and_exported(project: Path) -> None:
    """Fingerprint, path and how it is guarded; the public half to the screen or into a file."""
    said: list[object] = []
    shown = str(wiring.key_show(cluster="", emit=said.append))
    text = str(wiring.key_export(cluster="", emit=said.append, path=""))
    path = project / "shipway.pub"
    told = wiring.key_export(cluster="", emit=said.append, path=str(path))

    assert shown.startswith("SHA256:")
    assert shown.endswith("no passphrase")
    assert text.startswith("-----BEGIN PUBLIC KEY-----")
    assert path.read_text() == f"{text}\n"
    assert told == f"wrote {path}"
    assert len(said) == 1


def test_a_key_with_a_passphrase_is_said_to_be_guarded(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What guards the key is said."""
    assert project.exists()
    monkeypatch.setenv("SHIPWAY_KEY_PASSWORD", "a very long passphrase of wiring")
    assert str(wiring.key_show(cluster="", emit=lambda _: None)).endswith("by a passphrase")


def test_cluster_commands_name_what_is_not_there(project: Path) -> None:
    """Status, delete and kubeconfig of a cluster that never was; no name is no cluster."""
    assert project.exists()
    assert error(wiring.cluster_status, cluster=NONE) == "cluster.unknown"
    assert error(wiring.cluster_delete, cluster=NONE, everything=False) == "cluster.unknown"
    assert error(wiring.cluster_kubeconfig, cluster=NONE) == "cluster.no_entry"
    bad = error(wiring.cluster_up, cluster="No Name")
    assert error(wiring.cluster_down, cluster="No Name") == bad
    assert error(wiring.demo, cluster="No Name", keep=True) == bad
