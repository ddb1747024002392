"""Modules that only who logs in may have: the login is the download's alone."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from fakes.company import Company
from fakes.forge import LOGIN, Forge
from fakes.goproxy import FileProxy
from fakes.gotools import real_go, target
from shipway.core.golang import testevents
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from shipway.adapters.go import GoTool

PROXY, HOST = "modules.company.test", "git.company.test"
SPY = """package main

import (
	"os"
	"strings"
	"testing"
)

func TestSpy(t *testing.T) {
	for _, set := range os.Environ() {
		name, value, _ := strings.Cut(set, "=")
		if strings.Contains(value, "hunter2") || strings.Contains(value, "/agent") {
			t.Errorf("%s can be seen", name)
		}
		for _, private := range []string{"NETRC", "SSH", "HTTPS_PROXY", "GOAUTH", "GIT_"} {
			if strings.HasPrefix(name, private) {
				t.Errorf("%s can be seen", name)
			}
		}
	}
	home, _ := os.UserHomeDir()
	for _, name := range []string{".netrc", ".gitconfig", ".ssh"} {
		if _, err := os.Lstat(home + "/" + name); err == nil {
			t.Errorf("%s can be seen", name)
		}
	}
}
"""
SSH = """#!/bin/sh
test "$SSH_AUTH_SOCK" = "FOLDER/person/agent" || exit 255
echo "$@" >> "FOLDER/ssh.log"
exec git -c safe.directory='*' upload-pack "FOLDER/forge/lib"
"""


class Person:
    """Somebody with a login, and a module that needs one."""

    def __init__(self, go_path: str, folder: Path) -> None:
        self.folder, self._go = folder, go_path
        self.home = folder / "person"
        self.home.mkdir()
        self.root = folder / "repo"
        self.root.mkdir()
        self.variables: dict[str, str] = {"HOME": str(self.home), "GOFLAGS": "-modcacherw"}

    def needs(self, module: str, sums: str = "") -> None:
        """Let the module import another, and spy when it is tested."""
        required = f"require {module} v1.2.0\n"
        self.write("go.mod", f"module example.com/web\n\ngo 1.24\n\n{required}")
        self.write("go.sum", sums)
        text = f'package main\n\nimport "{module}"\n\nfunc main() {{ println(lib.N) }}\n'
        self.write("main.go", text)
        self.write("main_test.go", SPY)

    def write(self, path: str, text: str) -> None:
        """Write a file of the module."""
        (self.root / path).write_text(text)

    def logs_in(self, host: str, password: str = LOGIN[1]) -> None:
        """Write a line of .netrc, which go and git read."""
        place = self.home / ".netrc"
        place.write_text(f"machine {host} login {LOGIN[0]} password {password}\n")
        place.chmod(stat.S_IRUSR | stat.S_IWUSR)

    @property
    def go(self) -> GoTool:
        """Return the Go hand of this person."""
        return real_go(self._go, self.folder, self.variables)

    def carries(self) -> None:
        """Download, build and test; neither of the last two sees what the first needed."""
        go = self.go
        assert go.download(target(self.root))
        assert go.build(target(self.root), "-s").info.modules
        tested = go.test(target(self.root, "./..."), across=False, network=False)
        assert testevents.fold(tested.events).output == {}
        assert tested.code == 0


@pytest.fixture
def person(go_path: str, tmp_path: Path) -> Person:
    """Give a person."""
    return Person(go_path, tmp_path.resolve())


@pytest.fixture
def forge(person: Person) -> Iterator[Forge]:
    """Give the company's forge, with TLS and names before it."""
    served = person.folder / "forge"
    served.mkdir()
    with Company(person.folder) as company, Forge(served) as made:
        for name in (PROXY, HOST):
            company.serve(name, made.port)
        person.variables |= company.variables() | {"GIT_SSL_CAINFO": str(company.ca)}
        yield made


LIB = {"go.mod": f"module {HOST}/lib.git\n\ngo 1.24\n", "lib.go": "package lib\n\nconst N = 1\n"}


def private(person: Person, forge: Forge) -> None:
    """Let the person's module need one of a proxy that asks for a login."""
    module = f"{HOST}/lib"
    files = {"go.mod": f"module {module}\n\ngo 1.24\n", "lib.go": LIB["lib.go"]}
    person.needs(module, FileProxy(forge.folder).add(module, "v1.2.0", files))
    person.variables |= {"GOPROXY": f"https://{PROXY}", "GONOSUMDB": HOST}


def test_a_proxy_with_a_login(person: Person, forge: Forge) -> None:
    """The login of .netrc opens a module proxy, and build and test see nothing of it."""
    private(person, forge)
    person.logs_in(PROXY)
    person.carries()

    assert {status for _, status in forge.seen} == {200}


@pytest.mark.parametrize("password", ["", "wrong"])
def test_without_a_login(person: Person, forge: Forge, password: str) -> None:
    """Who is not let in is told so, with what to do; no login is in the message."""
    private(person, forge)
    if password:
        person.logs_in(PROXY, password)
    with pytest.raises(ShipwayError) as caught:
        person.go.download(target(person.root))

    assert (caught.value.id, caught.value.kind) == ("build.private", Kind.DENIED)
    assert "401 Unauthorized" in caught.value.message
    assert ".netrc" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def from_git(person: Person, forge: Forge) -> None:
    """Let the person's module need one of a git repository; go.sum is written from it."""
    forge.repository("lib", LIB, "v1.2.0")
    sums = FileProxy(person.folder / "unused").add(f"{HOST}/lib.git", "v1.2.0", LIB)
    person.needs(f"{HOST}/lib.git", sums)
    person.variables |= {"GOPRIVATE": HOST, "GOPROXY": "off"}


def test_a_git_server_with_a_login(person: Person, forge: Forge) -> None:
    """GOPRIVATE sends go to the repository itself, where git takes the login of .netrc."""
    from_git(person, forge)
    person.logs_in(HOST)
    person.carries()

    assert [path for path, status in forge.seen if "git-upload-pack" in path and status == 200]


def test_a_git_server_by_ssh(person: Person, forge: Forge) -> None:
    """The agent's socket and the person's ssh are the download's alone."""
    from_git(person, forge)
    program = person.folder / "ssh"
    program.write_text(SSH.replace("FOLDER", str(person.folder)))
    program.chmod(stat.S_IRWXU)
    rewritten = f'[url "ssh://git@{HOST}/"]\n\tinsteadOf = https://{HOST}/\n'
    (person.home / ".gitconfig").write_text(rewritten)
    person.variables["GIT_SSH_COMMAND"] = str(program)
    with pytest.raises(ShipwayError) as caught:
        person.go.download(target(person.root))
    assert caught.value.id == "build.private"
    person.variables["SSH_AUTH_SOCK"] = str(person.home / "agent")
    person.carries()

    assert f"git@{HOST}" in (person.folder / "ssh.log").read_text()
    assert forge.seen == []
