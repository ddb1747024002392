"""What everything promises that a person has: their files, the way to root, and a Go."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from fakes.ground import MemoryTree, ScriptedInit
from fakes.privilege import MemoryPrivilege
from fakes.toolchains import FakeToolchains
from fakes.userfiles import MemoryUserFiles
from shipway import rootpart
from shipway.adapters.engines.account import cache_of
from shipway.adapters.privilege import SudoPrivilege
from shipway.adapters.process import SystemProcesses
from shipway.adapters.toolchain import GoToolchains
from shipway.adapters.userfiles import Account, AccountFiles
from shipway.core.ports.privilege import DownOrder, Privilege
from shipway.core.ports.toolchains import Toolchains
from shipway.core.ports.userfiles import UserFiles
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Privilege, Toolchains, UserFiles)


@pytest.fixture(params=["memory", "real"])
def kind(request: pytest.FixtureRequest) -> str:
    """Give the name of an implementation."""
    return str(request.param)


@pytest.fixture
def files(kind: str, tmp_path: Path) -> UserFiles:
    """Give a person's files."""
    if kind == "memory":
        return MemoryUserFiles()
    return AccountFiles(Account("me", os.getuid(), os.getgid(), str(tmp_path)), {})


def test_a_file_is_changed_whole_or_not_at_all(files: UserFiles) -> None:
    """What a change returns is the text; nothing removes it, and the same text is no change."""
    for path in (files.kubeconfig(), files.docker_config()):
        assert files.read(path) is None
        assert files.change(path, lambda text: f"{text} then")
        assert files.read(path) == "None then"
        assert not files.change(path, lambda text: text)
        assert files.change(path, lambda _: None)
        assert files.read(path) is None
        assert not files.change(path, lambda _: None)


def test_a_change_that_fails_changes_nothing(files: UserFiles) -> None:
    """What the change raises comes out, and the file is as it was, free to be changed again."""
    path = files.kubeconfig()
    files.change(path, lambda _: "before")

    def fail(_: str | None) -> str | None:
        raise ShipwayError("a.b", Kind.CONFIG, "no")

    with pytest.raises(ShipwayError, match="no"):
        files.change(path, fail)
    assert files.read(path) == "before"
    assert files.change(path, lambda _: "after")


def test_an_order_about_no_cluster_is_refused(kind: str) -> None:
    """The root part's own error comes back, whichever way the order went."""
    tree = MemoryTree()
    privilege: Privilege = MemoryPrivilege(tree, ScriptedInit(tree))
    if kind == "real":
        privilege = SudoPrivilege(
            Account("ann", os.getuid(), os.getgid(), "/"),
            lambda order, on_moment: rootpart.carry_out(order, rootpart.hands(), on_moment),
            environ=dict(os.environ),
        )
    assert privilege.user() == "ann"
    with pytest.raises(ShipwayError) as caught:
        privilege.order(DownOrder("no-such-cluster"), on_moment=lambda _: None)
    assert (caught.value.id, caught.value.kind) == ("cluster.unknown", Kind.NOT_FOUND)


def test_a_toolchain_is_the_version_asked_for(kind: str, go_path: str) -> None:
    """Its go is there, says that version, and is the same the next time."""
    toolchains: Toolchains = FakeToolchains(go_path)
    if kind == "real":
        toolchains = GoToolchains(SystemProcesses(), os.environ, cache_of(os.environ, None))
    go = toolchains.ensure("go1.27.3")
    said = subprocess.run([go, "env", "GOVERSION"], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "go1.27.3"
    assert toolchains.ensure("go1.27.3") == go
