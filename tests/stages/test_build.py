"""The build stage: metadata, what the commit does not name, and the real thing once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from fakes.content import MemoryContent
from fakes.git import ROOT, MemoryGit
from fakes.go import FakeGo
from fakes.golang import PLATFORM
from fakes.gotools import HOST, real_go
from fakes.repository import Repository
from shipway.adapters.git import GitRepositories
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.golang import delve
from shipway.core.golang.binary import OutsideInput
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError
from shipway.stages import build, source
from shipway.stages.build import BuildRequest
from shipway.stages.source import SourceRequest

if TYPE_CHECKING:
    from shipway.core.project.source import Source

HELLO = Path(__file__).parents[2] / "examples/hello"
FILES = {
    "go.mod": "module example.com/web\n",
    "cmd/web/main.go": "package main\n\nfunc main() {}\n",
    "internal/metadata/m.go": "package metadata\n\nvar gitCommit, version string\n",
    "lib/lib.go": "package lib\n",
}


@pytest.fixture
def git() -> MemoryGit:
    """Give a repository with the sample module committed."""
    made = MemoryGit()
    made.files = dict(FILES)
    made.commit_all(1_700_000_000)
    return made


def request(git: MemoryGit, **fields: object) -> BuildRequest:
    """Return the request for cmd/web."""
    seen = source.resolve(SourceRequest(ROOT), git=git)
    return BuildRequest(source=seen, platform=PLATFORM, **{"package": "./cmd/web", **fields})  # type: ignore[arg-type]


def test_a_binary_and_what_made_it(git: MemoryGit) -> None:
    """The binary is in the store, and its record says package, flags, network and metadata."""
    content, go = MemoryContent(), FakeGo(FILES)
    binary = build.compile(request(git), go=go, git=git, content=content)

    assert content.has(binary.content.digest)
    assert (binary.package, binary.module) == ("example.com/web/cmd/web", "example.com/web")
    assert (binary.platform, binary.network, binary.inputs) == (PLATFORM, "none", ())
    assert binary.metadata == {"gitCommit": git.commit, "version": git.commit[:7]}
    package = "example.com/web/internal/metadata"
    wanted = f"-X {package}.gitCommit={git.commit} -X {package}.version={git.commit[:7]}"
    assert go.ldflags == [f"-s -w -buildid= {wanted}"]


def test_what_was_read_of_modules(git: MemoryGit) -> None:
    """The binary's record has the graph and the licences that the build saw, the sure ones."""
    go = FakeGo(FILES)
    go.needs = {"example.com/web": ("example.com/a",)}
    go.licences = {"example.com/a": "MIT", "example.com/b": ""}
    binary = build.compile(request(git), go=go, git=git, content=MemoryContent())

    assert (binary.needs, binary.licences) == (go.needs, {"example.com/a": "MIT"})


@pytest.mark.parametrize(
    "named", ["internal/metadata", "./internal/metadata", "example.com/web/internal/metadata"]
)
def test_the_metadata_package_is_named_as_folder_or_import_path(git: MemoryGit, named: str) -> None:
    """The config may name the metadata package either way."""
    go = FakeGo(FILES)
    binary = build.compile(
        request(git, metadata_package=named), go=go, git=git, content=MemoryContent()
    )

    assert set(binary.metadata) == {"gitCommit", "version"}


@pytest.mark.parametrize("named", ["lib", "internal/nowhere", "example.com/web"])
def test_a_metadata_package_without_the_variables(git: MemoryGit, named: str) -> None:
    """A named package that is not there, or has no such variable, is refused before the build."""
    go = FakeGo(FILES)
    with pytest.raises(ShipwayError) as failure:
        build.compile(request(git, metadata_package=named), go=go, git=git, content=MemoryContent())

    assert failure.value.id == "build.metadata"
    assert go.ldflags == []


def test_metadata_in_the_main_package(git: MemoryGit) -> None:
    """Variables of the main package are called main's, as the linker wants it."""
    files = {"go.mod": FILES["go.mod"], "main.go": "package main\n\nvar version string\n"}
    go = FakeGo(files)
    build.compile(request(git, package="."), go=go, git=git, content=MemoryContent())

    assert go.ldflags[0].endswith(f"-X main.version={git.commit[:7]}")


def test_files_that_the_commit_does_not_name(git: MemoryGit) -> None:
    """Ignored and outside files that the build read are listed with path and digest."""
    go = FakeGo({**FILES, "cmd/web/made here.go": "package main\n"})
    git.files["cmd/web/made here.go"] = "package main\n"
    git.ignored.add("cmd/web/made here.go")
    go.outside["/src/lib/x.go"] = "package lib\n"
    go.outside[f"{ROOT}/go.sum"] = ""
    binary = build.compile(request(git), go=go, git=git, content=MemoryContent())

    assert binary.inputs == (
        OutsideInput("../lib/x.go", of(b"package lib\n")),
        OutsideInput("cmd/web/made%20here.go", of(b"package main\n")),
    )


@pytest.mark.parametrize("package", ["lib", "./nowhere", "."])
def test_a_folder_without_a_main_package(git: MemoryGit, package: str) -> None:
    """Only a main package can be built."""
    with pytest.raises(ShipwayError) as failure:
        build.compile(
            request(git, package=package), go=FakeGo(FILES), git=git, content=MemoryContent()
        )

    assert failure.value.id == "build.no-main"


def test_the_key_follows_inputs_and_metadata(git: MemoryGit) -> None:
    """There is a key after a build; a new commit changes it, since the metadata would change."""
    go = FakeGo(FILES)
    asked = request(git)
    assert build.key(asked, go=go) is None
    build.compile(asked, go=go, git=git, content=MemoryContent())
    before = build.key(asked, go=go)
    git.files["README.md"] = "x"
    git.commit_all(1_700_000_001)

    assert before == build.key(asked, go=go)
    assert build.key(request(git), go=go) not in {None, before}
    go.files["lib/lib.go"] = "package lib // 2\n"
    assert build.key(asked, go=go) != before


def test_downloading_is_a_step_of_its_own(git: MemoryGit) -> None:
    """The download says whether anything was asked for."""
    go = FakeGo(FILES)

    assert build.download(request(git), go=go)
    assert not build.download(request(git), go=go)


@pytest.fixture
def hello(tmp_path: Path) -> Repository:
    """Give the example service as a repository with one tagged commit."""
    made = Repository(tmp_path.resolve() / "hello")
    shutil.copytree(HELLO, made.root, dirs_exist_ok=True)
    made.commit()
    made.git("tag", "v1.2.3")
    return made


def seen_in(root: Path, git: GitRepositories) -> Source:
    """Return the source of a real repository."""
    return source.resolve(SourceRequest(str(root)), git=git)


def test_the_example_in_two_clones(hello: Repository, go_path: str, tmp_path: Path) -> None:
    """The same commit in two clones gives one digest, and the program says where it is from."""
    clone = tmp_path.resolve() / "elsewhere/clone"
    hello.git("clone", "--quiet", f"file://{hello.root}", str(clone))
    git = GitRepositories(SystemProcesses(), os.environ)
    content = MemoryContent()
    binaries = [
        build.compile(
            BuildRequest(source=seen_in(root, git), platform=HOST),
            go=real_go(go_path, tmp_path / name), git=git, content=content,
        )
        for name, root in (("one", hello.root), ("two", clone))
    ]  # fmt: skip
    digests = {binary.content.digest for binary in binaries}
    program = Path(content.path(binaries[0].content.digest))

    assert len(digests) == 1
    assert binaries[0].metadata["version"] == "v1.2.3"
    assert binaries[0].metadata["buildTime"] == "2023-11-14T22:13:20Z"
    assert b"v1.2.3" in program.read_bytes()


def test_an_ignored_source_is_an_outside_input(
    hello: Repository, go_path: str, tmp_path: Path
) -> None:
    """A source that git ignores is built, and stated as what the commit does not name."""
    hello.write(".gitignore", "*_gen.go\n")
    hello.commit()
    hello.write("x_gen.go", "package main\n\nvar X = 1\n")
    git = GitRepositories(SystemProcesses(), os.environ)
    seen = seen_in(hello.root, git)
    binary = build.compile(
        BuildRequest(source=seen, platform=HOST),
        go=real_go(go_path, tmp_path), git=git, content=MemoryContent(),
    )  # fmt: skip

    assert not seen.dirty
    assert binary.inputs == (OutsideInput("x_gen.go", of(b"package main\n\nvar X = 1\n")),)


def test_the_example_serves_what_it_was_built_with(
    hello: Repository, go_path: str, tmp_path: Path
) -> None:
    """The running program answers with the metadata that its record states."""
    git = GitRepositories(SystemProcesses(), os.environ)
    content = MemoryContent()
    hello.write("probe_test.go", "package main\n")
    binary = build.compile(
        BuildRequest(source=seen_in(hello.root, git), platform=HOST),
        go=real_go(go_path, tmp_path), git=git, content=content,
    )  # fmt: skip
    program = Path(content.path(binary.content.digest))
    seen = NamespaceSandbox(SystemProcesses()).ports(
        (str(program),), env={}, seconds=5, memory=256 << 20
    )
    assert seen == (8080,)  # although the store's file is not executable
    program.chmod(0o700)
    with subprocess.Popen(
        [str(program)], env={"PORT": "0", "DRAIN": "1ms"}, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        line = msgspec.json.decode(child.stdout.readline())
        child.terminate()
        child.communicate()

    assert line["version"] == binary.metadata["version"] == "v1.2.3-dirty"
    assert child.returncode == 0


def test_a_build_for_debugging(git: MemoryGit) -> None:
    """Nothing is optimized and symbols stay; it is another program than the usual one."""
    content, go = MemoryContent(), FakeGo(FILES)
    usual = build.compile(request(git), go=go, git=git, content=content)
    asked = request(git, debug=True)
    binary = build.compile(asked, go=go, git=git, content=content)

    assert delve.COMPILER in binary.flags
    assert go.ldflags[-1] == go.ldflags[0].removeprefix("-s -w ")
    assert binary.content != usual.content
    assert build.key(asked, go=go) != build.key(request(git), go=go)
