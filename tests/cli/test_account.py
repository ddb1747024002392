"""Whose rights a command has."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys

import pytest

from shipway.cli.account import needs_root, step_down


@pytest.mark.parametrize(
    ("line", "root"),
    [
        ("cluster up", True),
        ("cluster down --name x", True),
        ("--output json cluster delete --all", True),
        ("cluster status", False),
        ("cluster kubeconfig", False),
        ("up", False),
        ("trace pod/cluster", False),
    ],
)
def test_only_changes_of_the_cluster_need_root(line: str, root: bool) -> None:
    """Of all commands, cluster up, down and delete alone stay root."""
    assert needs_root(line.split()) is root


def test_nobody_steps_down_without_sudo() -> None:
    """Root all along, and an ordinary account, stay what they are."""
    environ = {"HOME": "/somewhere"}

    step_down(["up"], environ)

    assert environ == {"HOME": "/somewhere"}


def test_sudo_for_nobody_known_changes_nothing() -> None:
    """An account that this machine does not know is not become."""
    environ = {"SUDO_UID": "4123456789"}

    step_down(["up"], environ)

    assert environ == {"SUDO_UID": "4123456789"}


@pytest.mark.root
def test_under_sudo_a_command_runs_as_the_person() -> None:
    """Under sudo the process has the person's ids and home for good, and asks for root anew."""
    person = pwd.getpwnam("nobody")
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]);"
        "from shipway.cli.account import step_down; step_down(['up'], os.environ);"
        "print(os.getresuid(), os.getresgid(), os.environ['HOME'], 'SUDO_UID' in os.environ)"
    )
    source = os.path.join(os.path.dirname(__file__), "..", "..", "src")  # noqa: PTH118, PTH120
    environ = {**os.environ, "SUDO_UID": str(person.pw_uid), "SUDO_USER": "nobody"}
    done = subprocess.run(
        [sys.executable, "-c", code, source],
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    ids = (person.pw_uid,) * 3
    groups = (person.pw_gid,) * 3

    assert done.stdout.strip() == f"{ids} {groups} {person.pw_dir} False"
