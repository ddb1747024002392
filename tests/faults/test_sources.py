"""Sources that something is wrong with: each is told by its own name, or carried all the same.

The rows of docs/faults.md, section Source. Real git, Go and files; nothing is deployed anywhere.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fakes.goproxy import FileProxy
from fakes.gotools import real_go
from fakes.stranger import WEB, Stranger
from shipway.adapters.process import SystemProcesses
from shipway.adapters.toolchain import GoToolchains
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    Make = Callable[[dict[str, str]], Stranger]

MODULE = {"go.mod": "module example.com/svc\n\ngo 1.24\n"}
SMALL = {**MODULE, "main.go": "package main\n\nfunc main() {}\n"}
EMBED = """package main

import "embed"

//go:embed all:static
var files embed.FS

func main() { _ = files }
"""


@pytest.fixture
def make(go_path: str, tmp_path: Path) -> Make:
    """Give a way to make a repository."""
    return lambda files: Stranger(go_path, tmp_path, files)


def refused(one: Stranger) -> ShipwayError:
    """Return what stops it; nothing was pushed or applied, and there is a next step."""
    with pytest.raises(ShipwayError) as caught:
        one.carry()
    assert not one.registries.manifests
    assert one.objects("Deployment") == {}
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    ("files", "identifier", "words", "step"),
    [
        ({"main.go": WEB}, "config.no-module", "no go.mod in this folder or below", "go mod init"),
        (
            {**MODULE, "lib.go": "package lib\n"},
            "config.no-service",
            "no main package",
            "package main",
        ),
        (
            {**SMALL, "go.mod": "modul x\n"},
            "build.no-module",
            "no go.mod with a module line",
            "go mod init",
        ),
        (
            {**SMALL, "main.go": "package main\n\nfunc main() { x }\n"},
            "build.compile",
            "./main.go:3:15: undefined: x",
            "go build",
        ),
        (
            {**SMALL, "-dash.go": "package main\n"},
            "build.file-name",
            'invalid input file name "-dash.go"',
            "rename the file",
        ),
    ],
    ids=["no-module", "no-main", "broken-go-mod", "compile-error", "hostile-name"],
)
def test_sources_that_no_program_can_be_made_of(
    make: Make, files: dict[str, str], identifier: str, words: str, step: str
) -> None:
    """Each is a config error (exit code 4) with an id, words and a next step of its own."""
    error = refused(make(files))

    assert (error.id, error.kind) == (identifier, Kind.CONFIG)
    assert words in error.message
    assert step in error.hint


def test_a_missing_line_of_go_sum(make: Make, go_path: str, tmp_path: Path) -> None:
    """A module without its sum is never fetched on trust; the command that adds it is named."""
    proxy = FileProxy(tmp_path / "proxy")
    proxy.add("example.com/dep", "v1.0.0", {"dep.go": "package dep\n"})
    one = make(
        {
            "go.mod": f"{MODULE['go.mod']}\nrequire example.com/dep v1.0.0\n",
            "main.go": 'package main\n\nimport _ "example.com/dep"\n\nfunc main() {}\n',
        }
    )
    variables = {"GOPROXY": proxy.url, "GONOSUMDB": "*", "GOFLAGS": "-modcacherw"}
    one.go = real_go(go_path, tmp_path / "state", variables)
    error = refused(one)

    assert (error.id, error.kind) == ("build.go-sum", Kind.CONFIG)
    assert "go mod tidy" in error.hint


def test_a_newer_go_that_cannot_be_had(make: Make, go_path: str, tmp_path: Path) -> None:
    """A Go that go.mod asks for is fetched; where it cannot be, each way says what it answered."""
    one = make({**SMALL, "go.mod": "module example.com/svc\n\ngo 1.99.1\n"})
    here = {"PATH": f"{Path(go_path).parent}:{os.environ['PATH']}", "GOPROXY": "off"}
    environ = {**here, "HOME": str(tmp_path)}
    toolchains = GoToolchains(SystemProcesses(), environ, str(tmp_path / "cache"))
    one.go = real_go(go_path, tmp_path / "state", toolchains=toolchains)
    error = refused(one)

    assert (error.id, error.kind, error.subject) == ("toolchain.missing", Kind.MISSING, "go1.99.1")
    assert "no Python package is locked for go1.99.1" in error.message
    assert "download go1.99.1" in error.message


HOSTILE = (b"new\nline", b"-dash", b"\xc3\xbcn\xc3\xafcode", b"\xff\xfe", b"a" * 250, b"\x1b[31m")


@pytest.mark.parametrize("committed", [True, False])
def test_hostile_names(make: Make, committed: bool) -> None:
    """Files that are no sources may be called anything, in a commit and in a dirty tree."""
    one = make(SMALL)
    for name in HOSTILE:
        Path(os.fsdecode(os.fsencode(one.root) + b"/" + name + b".txt")).write_text("x")
    if committed:
        one.repository.commit()

    assert one.carry().images


def test_an_embedded_name_that_is_not_utf8(make: Make) -> None:
    """Go embeds no such file; it is named, and what to do."""
    one = make({**MODULE, "main.go": EMBED, "static/a.txt": "a"})
    Path(os.fsdecode(os.fsencode(one.root) + b"/static/\xff")).write_text("x")
    error = refused(one)

    assert (error.id, error.kind) == ("build.file-name", Kind.CONFIG)


def test_a_source_that_is_not_utf8(make: Make) -> None:
    """The compiler's line says where."""
    one = make(SMALL)
    (one.root / "x.go").write_bytes(b'package main\n\nvar s = "\xff"\n')
    error = refused(one)

    assert (error.id, error.kind) == ("build.compile", Kind.CONFIG)
    assert "x.go:3:10: invalid UTF-8 encoding" in error.message


def test_a_config_that_is_not_utf8(make: Make) -> None:
    """The file is named."""
    one = make(SMALL)
    (one.root / "shipway.toml").write_bytes(b"schema = 1 # \xff\n")
    error = refused(one)

    assert (error.id, error.subject) == ("config.syntax", "shipway.toml")


@pytest.mark.parametrize("name", ["go.mod", "deploy", "shipway.toml"])
def test_a_link_out_of_the_repository(make: Make, name: str) -> None:
    """What the project is said to be is never read from outside: the link is named."""
    one = make({"main.go": WEB} if name == "go.mod" else SMALL)
    outside = one.folder / "outside"
    outside.mkdir() if name == "deploy" else outside.write_text("module example.com/x\n")
    (one.root / name).symlink_to(outside)
    error = refused(one)

    assert (error.id, error.subject) == ("files.outside", name)
    assert "a symbolic link leads out of the project's folder" in error.message


def test_a_link_out_in_files(make: Make) -> None:
    """``files`` puts nothing into an image that lies outside of the repository."""
    told = 'schema = 1\n[services.svc]\npackage = "."\nfiles = { "/x" = "link" }\n'
    one = make({**SMALL, "shipway.toml": told})
    (one.root / "link").symlink_to("/etc/passwd")
    error = refused(one)

    assert (error.id, error.kind) == ("image.files", Kind.CONFIG)
    assert "outside of the repository" in error.message


def test_an_embedded_link(make: Make) -> None:
    """Go embeds no links, and so nothing from outside."""
    one = make({**MODULE, "main.go": EMBED})
    (one.root / "static").mkdir()
    (one.root / "static/x").symlink_to("/etc/passwd")

    assert refused(one).id == "build.compile"


def test_sources_behind_links_are_stated(make: Make) -> None:
    """A source that a link of the commit leads to is built, and the build link names its digest."""
    body = 'package main\n\nimport "example.com/svc/pkg"\n\nfunc main() { println(pkg.N, out) }\n'
    one = make({**MODULE, "main.go": body, "here/p.go": "package pkg\n\nconst M = 1\n"})
    outside = one.folder / "outside"
    outside.mkdir()
    (outside / "p.go").write_text("package pkg\n\nconst N = 1\n")
    (one.folder / "out.go").write_text("package main\n\nconst out = 1\n")
    (one.root / "pkg").symlink_to(outside)
    (one.root / "out.go").symlink_to(one.folder / "out.go")
    one.repository.commit()
    one.carry()
    (out, behind) = one.outside()

    assert (out.path, behind.path) == ("out.go", "pkg/p.go")


def test_huge_files(make: Make) -> None:
    """A big source compiles, and a big file beside it is no part of anything."""
    one = make({**SMALL, "data.go": f"package main\n\nconst data = `{'x' * (8 << 20)}`\n"})
    with (one.root / "huge.bin").open("wb") as file:
        file.truncate(40 << 20)

    assert one.carry().images


SAVING = """package main

import (
	"os"
	"testing"
)

func TestIt(t *testing.T) {
	one()
	if err := os.WriteFile("NAME", []byte(`CONTENT`), 0o600); err != nil {
		t.Fatal(err)
	}
}
"""


@pytest.mark.parametrize("name", ["main.go", "new.go", "static/a.txt"])
def test_a_source_that_moves(make: Make, name: str) -> None:
    """What is written while the tests run is not pushed as the commit; committed, it is carried."""
    main = "package main\n\nfunc one() int { return 1 }\n\nfunc main() { one() }\n"
    text = f"{main}\nvar saved int\n" if name == "main.go" else "package main\n"
    config = 'schema = 1\n[services.svc]\npackage = "."\nfiles = {"/static" = "static"}\n'
    config += "[test]\ncoverage = 10\n"
    saving = SAVING.replace("NAME", name).replace("CONTENT", text)
    files = {"main.go": main, "shipway.toml": config, "static/a.txt": "a", "main_test.go": saving}
    one = make({**MODULE, **files})
    with pytest.raises(ShipwayError) as caught:
        one.carry(tests="block")
    assert (caught.value.id, caught.value.kind) == ("build.moving", Kind.CONFLICT)
    assert name in caught.value.message
    assert not one.registries.manifests
    one.repository.commit()

    assert one.carry().changed
