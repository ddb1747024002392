"""Each command calls one road with what was asked, and docs/commands.md says the same."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from shipway import cli, wiring
from shipway.cli.app import app
from shipway.cli.boundary import PIPE, run
from shipway.errors import Kind, ShipwayError

DOCS = Path(__file__).parents[2] / "docs" / "commands.md"


class Roads:
    """Takes note of each call; raises or answers what it was given."""

    def __init__(self, answer: object = None) -> None:
        self.answer = answer
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def __getattr__(self, road: str) -> Any:
        def call(**asked: Any) -> object:
            asked.pop("emit")
            self.calls.append((road, asked))
            if isinstance(self.answer, BaseException):
                raise self.answer
            return self.answer

        return call


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Give a folder with files to name."""
    (tmp_path / "k.pub").write_text("key")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "road", "asked"),
    [
        (
            "up",
            "up",
            {
                "package": "",
                "environment": "dev",
                "keys": (),
                "adopt": False,
                "port": 0,
                "tests": "",
                "timeout": 120,
                "dry_run": False,
                "debug": False,
            },
        ),
        (
            (
                "up ./cmd/web --env prod --key {dir}/k.pub --adopt --port 80 --tests off"
                " --timeout 9 --dry-run --debug"
            ),
            "up",
            {
                "package": "./cmd/web",
                "environment": "prod",
                "keys": ("{dir}/k.pub",),
                "adopt": True,
                "port": 80,
                "tests": "off",
                "timeout": 9,
                "dry_run": True,
                "debug": True,
            },
        ),
        (
            "rollback dev --target eu --reason slow",
            "rollback",
            {"environment": "dev", "to": "", "target": "eu", "reason": "slow", "keys": ()},
        ),
        ("release --env prod", "release", {"environment": "prod"}),
        (
            "deploy prod v1 --target eu --key {dir}/k.pub --adopt --timeout 9",
            "deploy",
            {
                "environment": "prod",
                "release": "v1",
                "target": "eu",
                "keys": ("{dir}/k.pub",),
                "adopt": True,
                "timeout": 9,
            },
        ),
        (
            "plan prod v1 --target eu --adopt",
            "plan",
            {"environment": "prod", "release": "v1", "target": "eu", "keys": (), "adopt": True},
        ),
        (
            "delete staging --target eu --reason over --yes",
            "delete",
            {
                "environment": "staging",
                "target": "eu",
                "reason": "over",
                "keys": (),
                "yes": True,
            },
        ),
        (
            "promote staging prod",
            "promote",
            {
                "origin": "staging",
                "environment": "prod",
                "target": "",
                "keys": (),
                "adopt": False,
                "timeout": 120,
            },
        ),
        (
            "trace pod/web-1 -n shop",
            "trace",
            {
                "subject": "pod/web-1",
                "environment": "dev",
                "namespace": "shop",
                "keys": (),
                "export": "",
                "trusted_root": "",
                "policy": "",
            },
        ),
        (
            "verify r/web@sha256:x --env prod",
            "verify",
            {"reference": "r/web@sha256:x", "environment": "prod", "keys": ()},
        ),
        ("status", "status", {"environment": "", "keys": ()}),
        ("status prod", "status", {"environment": "prod", "keys": ()}),
        (
            "history dev --limit 3",
            "history",
            {"environment": "dev", "target": "", "limit": 3, "keys": ()},
        ),
        ("init --dry-run", "init", {"dry_run": True}),
        ("render", "render", {"environment": "dev"}),
        ("render prod", "render", {"environment": "prod"}),
        ("check", "check", {"environment": ""}),
        ("check prod", "check", {"environment": "prod"}),
        (
            "build",
            "build",
            {"package": "", "environment": "dev", "push": True, "folder": "", "archive": ""},
        ),
        (
            "build web --push=false --oci-layout out --tarball a.tar --env prod",
            "build",
            {
                "package": "web",
                "environment": "prod",
                "push": False,
                "folder": "out",
                "archive": "a.tar",
            },
        ),
        (
            "logs",
            "logs",
            {
                "service": "",
                "environment": "dev",
                "target": "",
                "follow": False,
                "since": 0,
                "tail": None,
                "previous": False,
            },
        ),
        (
            "logs web -f --since 1h30m --tail 5 --env prod --target eu",
            "logs",
            {
                "service": "web",
                "environment": "prod",
                "target": "eu",
                "follow": True,
                "since": 5400,
                "tail": 5,
                "previous": False,
            },
        ),
        ("open web", "visit", {"service": "web", "environment": "dev", "show": True}),
        (
            "open web --print --env prod",
            "visit",
            {"service": "web", "environment": "prod", "show": False},
        ),
        (
            "dev",
            "dev",
            {
                "package": "",
                "environment": "dev",
                "keys": (),
                "port": 0,
                "tests": "",
                "logs": True,
                "forward": True,
            },
        ),
        (
            "dev web --env eu --key {dir}/k.pub --port 9 --tests off --no-logs --no-forward",
            "dev",
            {
                "package": "web",
                "environment": "eu",
                "keys": ("{dir}/k.pub",),
                "port": 9,
                "tests": "off",
                "logs": False,
                "forward": False,
            },
        ),
        ("doctor", "doctor", {}),
        ("test . --cobertura c.xml", "test", {"package": ".", "cobertura": "c.xml"}),
        ("scan", "scan", {"program": "", "database": ""}),
        (
            "scan r.test/web:1 --env prod",
            "scan_image",
            {"reference": "r.test/web:1", "environment": "prod", "database": "", "keys": ()},
        ),
        (
            "scan r.test/web:1 --report r.json",
            "report",
            {"reference": "r.test/web:1", "path": "r.json"},
        ),
        (
            "scan --deployed prod",
            "rescan",
            {"environment": "prod", "database": "", "keys": ()},
        ),
        (
            "affected CVE-1",
            "affected",
            {"id": "CVE-1", "environment": "", "database": "", "keys": ()},
        ),
        (
            "affected --all prod --database /db --key {dir}/k.pub",
            "affected",
            {"id": "", "environment": "prod", "database": "/db", "keys": ["{dir}/k.pub"]},
        ),
        ("scan . --database /db", "scan", {"program": "", "database": "/db"}),
        ("scan k.pub", "scan", {"program": "{dir}/k.pub", "database": ""}),
    ],
)
def test_project_commands(project: Path, line: str, road: str, asked: dict[str, Any]) -> None:
    """Commands about a project pass folder and cluster, and each option under its name."""
    roads = Roads()
    words = line.replace("{dir}", str(project)).split()
    code = run(["-C", str(project), "--name", "t1", *words], roads)
    expected = json.loads(json.dumps(asked).replace("{dir}", str(project)))
    ((called, given),) = roads.calls

    assert code == 0
    assert called == road
    assert given.pop("directory") == str(project)
    assert given.pop("cluster") == "t1"
    assert json.loads(json.dumps(given)) == expected


@pytest.mark.parametrize(
    ("line", "road", "asked"),
    [
        (
            (
                "verify --bundle b.json --identity me --issuer-pattern https://.* --trusted-root"
                " r.json --predicate-type u --require-timestamp it"
            ),
            "verify_bundle",
            {
                "bundle": "b.json",
                "artifact": "it",
                "keys": (),
                "identity": "me",
                "identity_pattern": "",
                "issuer": "",
                "issuer_pattern": "https://.*",
                "trusted_root": "r.json",
                "predicate_type": "u",
                "timestamp": True,
            },
        ),
        (
            (
                "verify --bundle b.json --certificate-identity-regexp m.* --certificate-oidc-issuer"
                " i sha256:00"
            ),
            "verify_bundle",
            {
                "bundle": "b.json",
                "artifact": "sha256:00",
                "keys": (),
                "identity": "",
                "identity_pattern": "m.*",
                "issuer": "i",
                "issuer_pattern": "",
                "trusted_root": "",
                "predicate_type": "",
                "timestamp": False,
            },
        ),
        ("gc", "gc", {"dry_run": False}),
        ("gc --dry-run", "gc", {"dry_run": True}),
        ("demo --no-keep", "demo", {"keep": False}),
        ("sbom web", "sbom", {"subject": "web", "form": "spdx-json", "file": "", "platform": ""}),
        (
            "sbom r/web:1 --format cyclonedx-json --file web.json --platform linux/arm/v7",
            "sbom",
            {
                "subject": "r/web:1",
                "form": "cyclonedx-json",
                "file": "web.json",
                "platform": "linux/arm/v7",
            },
        ),
        ("sign r/web:v1", "sign", {"reference": "r/web:v1"}),
        ("key show", "key_show", {}),
        ("key export out.pub", "key_export", {"path": "out.pub"}),
        ("cluster up", "cluster_up", {}),
        ("cluster status", "cluster_status", {}),
        ("cluster down", "cluster_down", {}),
        ("cluster delete --all", "cluster_delete", {"everything": True}),
        ("cluster kubeconfig", "cluster_kubeconfig", {}),
    ],
)
def test_other_commands(line: str, road: str, asked: dict[str, Any]) -> None:
    """Commands about the machine or the user need no project."""
    roads = Roads()

    assert run(line.split(), roads) == 0
    assert roads.calls == [(road, {"cluster": "", **asked})]


@pytest.mark.parametrize(
    "line",
    [
        "--name a cluster status",
        "cluster --name a status",
        "cluster status --name a",
        "--name b cluster status --name a",
    ],
)
def test_shared_options_stand_anywhere(line: str) -> None:
    """An option of all commands may stand before or after them; the last one counts."""
    roads = Roads()

    assert run(line.split(), roads) == 0
    assert roads.calls == [("cluster_status", {"cluster": "a"})]


@pytest.mark.parametrize(
    "words", [["trace", "x"], ["doctor"], ["verify", "x"], ["verify", "x", "--bundle", "b"]]
)
def test_json_is_output_json(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """``--json`` prints what ``--output json`` prints."""
    run([*words, "--json"], Roads("ok"))
    first = capsys.readouterr().out
    run([*words, "--output", "json"], Roads("ok"))

    assert capsys.readouterr().out == first
    assert json.loads(first) == {"event": "result", "exit": 0, "value": "ok"}


@pytest.mark.parametrize(("span", "seconds"), [("90", 90), ("45s", 45), ("2d", 172_800)])
def test_time_spans(span: str, seconds: int) -> None:
    """Plain seconds, and numbers with units."""
    roads = Roads()

    assert run(["logs", "--since", span], roads) == 0
    assert roads.calls[0][1]["since"] == seconds


@pytest.mark.parametrize(
    "line",
    [
        "logs -f --previous",
        "verify it --issuer x",
        "verify it --bundle b --env prod",
        "logs --since 1y",
        "logs --since 0",
        "sbom web --platform arm64",
        "upp",
        "up --prot 1",
        "trace",
        "up --port x",
        "rollback",
        "",
        *("--output xml up", "--nope up", "--name", "--output xml nope"),
    ],
)
def test_usage_errors(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What makes no sense exits 2 with a word of help, and calls nothing."""
    roads = Roads()

    assert run(line.split(), roads) == Kind.USAGE.value
    assert roads.calls == []
    assert "Usage:" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "line",
    [
        *("diff --nope", "diff", "diff dev v1 more", "diff dev --key"),
        *("--output xml diff dev", "--nope diff dev", "-C /nowhere diff dev"),
    ],
)
def test_a_misused_diff_does_not_say_that_something_departs(
    line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 of ``diff`` means a difference, so what makes no sense exits 1 there."""
    roads = Roads()

    assert run(line.split(), roads) == 1
    assert roads.calls == []
    assert "Usage:" in "".join(capsys.readouterr())


@pytest.mark.parametrize("kind", Kind)
def test_exit_codes(kind: Kind, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind of error is an exit code, in text and in JSON."""
    error = ShipwayError("a.b", kind, "no", operation="pushing", subject="web", hint="log in")

    assert run(["status"], Roads(error)) == kind.value
    assert run(["status", "--output", "json"], Roads(error)) == kind.value
    last = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (last["event"], last["exit"], last["fault"]["id"]) == ("result", kind.value, "a.b")


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """Help lists the commands, each with a sentence."""
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out

    for name, command in app.commands.items():
        assert re.search(rf"^  {name} +\S", shown, re.MULTILINE)
        assert command.help


def leaves(command: click.Command, path: str = "") -> dict[str, click.Command]:
    """Return every command that does something, by its full name."""
    if not isinstance(command, click.Group):
        return {path: command}
    found: dict[str, click.Command] = {}
    for name, below in command.commands.items():
        found |= leaves(below, f"{path} {name}".strip())
    return found


def test_the_table_of_commands_is_complete() -> None:
    """docs/commands.md names exactly the commands and options that there are."""
    text = DOCS.read_text()
    pattern = r"^\| `shipway ([a-z ]+?)(?: [A-Z\[][^`]*)?` \| ([^|]*)\|"
    rows = dict(re.findall(pattern, text, re.MULTILINE))
    there = leaves(app)
    shared = {name for param in app.params for name in param.opts} | {"--help", "-h"}

    assert set(rows) == set(there)
    for name, command in there.items():
        options = {param.opts[-1] for param in command.params if isinstance(param, click.Option)}
        told = set(re.findall(r"`(--?[a-z-]+)", rows[name]))
        assert told == {option for option in options if option not in shared}, name


def test_the_table_of_shared_options() -> None:
    """Options of all commands stand in the docs once."""
    text = DOCS.read_text()

    for param in app.params:
        assert f"`{param.opts[-1]}" in text


def test_the_table_of_exit_codes() -> None:
    """docs/commands.md gives the meaning of every exit code, and of no other."""
    codes = {int(code) for code in re.findall(r"^\| (\d+) \|", DOCS.read_text(), re.MULTILINE)}

    assert codes == {0, PIPE, *(kind.value for kind in Kind)}


class Compared:
    """What a comparison answers."""

    def __init__(self, *, changed: bool) -> None:
        self.changed = changed

    def lines(self) -> list[str]:
        """Return a line."""
        return ["web"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Compared(changed=False), 0),
        (Compared(changed=True), 2),
        (ShipwayError("config.invalid", Kind.CONFIG, "no"), 1),
        (ShipwayError("run.cancelled", Kind.CANCELLED, "stopped"), 130),
    ],
)
def test_diff_exits_as_diff_does(answer: object, code: int) -> None:
    """0 same, 2 changes, 1 error: as other programs of that name, and no other command here."""
    roads = Roads(answer)
    assert run(["diff", "prod", "--target", "eu"], roads) == code
    ((road, asked),) = roads.calls
    assert (road, asked["environment"], asked["release"]) == ("diff", "prod", "")
    assert run(["plan", "prod"], Roads(answer)) in {0, 4, 130}


def test_the_table_of_roads_is_wirings() -> None:
    """Every function that commands call is in it, with all that it takes."""
    roads = {
        name: set(inspect.signature(found).parameters) - {"cluster", "emit", "asked"}
        for name, found in inspect.getmembers(wiring, inspect.isfunction)
        if "emit" in inspect.signature(found).parameters
    }
    project, machine = (cli.__doc__ or "").split("Those about this machine")
    found = {}
    for text, taken in ((project, {"directory"}), (machine, set[str]())):
        for name, said in re.findall(r"^``(\w+)`` +((?:.*\n)(?: {8,}.*\n)*)", text, re.MULTILINE):
            words = set(re.findall(r"\w+", said))
            found[name] = taken | (roads.get(name, set()) & words)

    assert found == roads


def completed(line: str, folder: Path) -> list[str]:
    """Return what the shell offers at the end of a line, asked as bash asks."""
    words = line.split(" ")
    asked = {"_SHIPWAY_COMPLETE": "bash_complete", "COMP_WORDS": line}
    asked |= {"COMP_CWORD": str(len(words) - 1)}
    ended = subprocess.run(
        [sys.executable, "-m", "shipway"],
        env=os.environ | asked,
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stderr == ""
    return [one.partition(",")[2] for one in ended.stdout.splitlines() if one]


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("shipway pro", ["promote"]),
        ("shipway promote ", ["prod", "staging"]),
        ("shipway up --env st", ["staging"]),
        ("shipway logs w", ["web"]),
        ("shipway up ./cm", ["./cm"]),
        ("shipway -C sub deploy ", ["dev"]),
        ("shipway -C broken build ", []),
        ("shipway explain run.can", ["run.cancelled"]),
        ("shipway up --tests b", ["block", "beside"]),
    ],
)
def test_the_shell_completes(tmp_path: Path, line: str, offered: list[str]) -> None:
    """Commands, environments, services and error ids; what cannot be read offers nothing."""
    for name in ("sub", "broken"):
        (tmp_path / name).mkdir()
    (tmp_path / "broken" / "shipway.toml").write_text("[services")
    (tmp_path / "shipway.toml").write_text(
        "[services.web]\n[services.api]\n[environments.staging]\n[environments.prod]\n"
    )

    assert completed(line, tmp_path) == offered


@pytest.mark.parametrize("command", ["", "cluster", "key"])
def test_the_help_of_all_is_whole(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """In eighty columns every command has its line, none cut short, and each option a word."""
    assert run([*command.split(), "--help"], Roads()) == 0
    said = capsys.readouterr().out
    group = app.commands[command] if command else app

    assert "..." not in said.partition("Options:")[2]
    assert isinstance(group, click.Group)
    for name, one in group.commands.items():
        assert re.search(rf"^  {name} +\S", said, re.MULTILINE), name
        assert one.get_short_help_str(200).endswith("."), name
        assert [param.name for param in one.params if param.param_type_name == "option"
                and not getattr(param, "help", "")] == []  # fmt: skip
