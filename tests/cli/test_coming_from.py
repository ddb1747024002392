"""docs/coming-from.md names only commands and options that there are, and misses none of theirs."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from shipway.cli.app import app

TEXT = (Path(__file__).parents[2] / "docs" / "coming-from.md").read_text()
SKAFFOLD = (
    *("run", "dev", "debug", "build", "test", "deploy", "delete", "render", "apply", "verify"),
    *("init", "fix", "help", "version", "completion", "config", "credits", "diagnose", "schema"),
    *("exec", "inspect", "lint", "options", "survey"),
)
KO = (
    "apply",
    "build",
    "completion",
    "create",
    "delete",
    "help",
    "login",
    "resolve",
    "run",
    "version",
)
TILT = (
    *("alpha", "analytics", "api-resources", "apply", "args", "ci", "completion", "create"),
    *("delete", "demo", "describe", "disable", "docker", "docker-prune", "doctor", "down", "dump"),
    *("edit", "enable", "explain", "get", "logs", "lsp", "patch", "snapshot", "trigger", "up"),
    *("verify-install", "version", "wait"),
)
"""Their commands, from the references that the page names."""


def test_ours_are_there() -> None:
    """Each `shipway ...` is a command with such options."""
    for line in re.findall(r"`shipway ([^`]*)`", TEXT):
        words = line.partition("&&")[0].split()
        if words[0].startswith("-"):
            continue
        command = app.commands[words[0]]
        options = {
            name for param in command.params for name in (*param.opts, *param.secondary_opts)
        }
        for word in words[1:]:
            if word.startswith("-"):
                assert word.partition("=")[0].strip("[]") in options, line
    assert isinstance(app, click.Group)


@pytest.mark.parametrize(("tool", "commands"), [("Skaffold", SKAFFOLD), ("ko", KO), ("Tilt", TILT)])
def test_theirs_are_all_there(tool: str, commands: tuple[str, ...]) -> None:
    """Each command of theirs stands in the first column of their table."""
    (section,) = re.findall(rf"^## {tool}\n(.*?)(?=^## |\Z)", TEXT, re.DOTALL | re.MULTILINE)
    named = {
        word
        for cell in re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
        for code in re.findall(r"`([^`]*)`", cell)
        for word in code.split()[:2]
    }

    assert [one for one in commands if one not in named] == []
