"""The real Go: what a build reads, who may reach the network, and how it fails."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.goproxy import FileProxy
from fakes.gotools import HOST, real_go, target
from fakes.toolchains import FakeToolchains
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.core.golang import discovery, inputs, testevents
from shipway.core.golang.binary import Module
from shipway.core.oci.descriptor import Platform
from shipway.core.ports.process import Completed
from shipway.core.ports.sandbox import Confined
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    from shipway.adapters.go import GoTool

MAIN = "package main\n\nfunc main() {}\n"


class Work:
    """A module on disk, and a Go hand."""

    def __init__(self, go_path: str, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "module"
        self.go_path = go_path
        self.go = self.tool()
        self.write("go.mod", "module example.com/web\n\ngo 1.24\n")
        self.write("main.go", MAIN)

    def tool(self, variables: dict[str, str] | None = None, **ports: Any) -> GoTool:
        """Return a Go hand with other variables or ports."""
        return real_go(self.go_path, self.folder, variables, **ports)

    def write(self, path: str, text: str) -> Path:
        """Write a file, given relative to the module."""
        place = Path(os.path.normpath(self.root / path))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def build(self, *packages: str, **fields: Any) -> Any:
        """Build with no metadata."""
        return self.go.build(target(self.root, *packages, **fields), "-s -w -buildid=")

    def test(self, *, network: bool = False, across: bool = False) -> Any:
        """Test everything."""
        return self.go.test(target(self.root, "./..."), across=across, network=network)


@pytest.fixture
def work(go_path: str, tmp_path: Path) -> Work:
    """Give a module of one main package."""
    return Work(go_path, tmp_path.resolve())


def failing(work: Work, **fields: Any) -> ShipwayError:
    """Return the error of a build that fails."""
    with pytest.raises(ShipwayError) as failure:
        work.build(**fields)
    return failure.value


EMBED = """package main

import "embed"

//go:embed all:static
var files embed.FS

func main() { _ = files }
"""


def embedded(work: Work) -> Callable[[], object]:
    """A file that is embedded, whether git ignores it or not."""
    work.write("main.go", EMBED)
    work.write("static/a.txt", "1")
    return lambda: work.write("static/a.txt", "2")


def newly_embedded(work: Work) -> Callable[[], object]:
    """A new file in a folder below an embedded one."""
    work.write("main.go", EMBED)
    work.write("static/deep/a.txt", "1")
    return lambda: work.write("static/deep/b.bin", "2")


def generated(work: Work) -> Callable[[], object]:
    """A generated source that git ignores."""
    work.write(".gitignore", "*_gen.go\n")
    work.write("x_gen.go", "package main\n\nconst x = 1\n")
    return lambda: work.write("x_gen.go", "package main\n\nconst x = 2\n")


def replaced(work: Work) -> Callable[[], object]:
    """A module outside of the repository that go.mod replaces another with."""
    work.write(
        "go.mod",
        "module example.com/web\n\ngo 1.24\n\nrequire example.com/lib v0.0.0\n\n"
        "replace example.com/lib => ../lib\n",
    )
    work.write("main.go", 'package main\n\nimport _ "example.com/lib"\n\nfunc main() {}\n')
    work.write("../lib/go.mod", "module example.com/lib\n")
    work.write("../lib/lib.go", "package lib\n")
    return lambda: work.write("../lib/lib.go", "package lib\n\nvar X = 1\n")


def replaced_module_file(work: Work) -> Callable[[], object]:
    """The go.mod of such a module."""
    replaced(work)
    return lambda: work.write("../lib/go.mod", "module example.com/lib\n\ngo 1.24\n")


def module_file(work: Work) -> Callable[[], object]:
    """The module's own go.mod."""
    return lambda: work.write("go.mod", "module example.com/web\n\ngo 1.23\n")


def sums(work: Work) -> Callable[[], object]:
    """A go.sum that was not there."""
    return lambda: work.write("go.sum", "\n")


def workspace(work: Work) -> Callable[[], object]:
    """A go.work."""
    work.write("go.work", "go 1.24\n\nuse .\n")
    return lambda: work.write("go.work", "go 1.24.1\n\nuse .\n")


def added(work: Work) -> Callable[[], object]:
    """A new source in a package's folder."""
    return lambda: work.write("more.go", "package main\n\nvar Y = 1\n")


def constrained(work: Work) -> Callable[[], object]:
    """A file that a build constraint left out, and an edit brings in."""
    work.write("off.go", "//go:build never\n\npackage main\n")
    work.write("on.go", "package main\n")
    return lambda: work.write("on.go", "//go:build never\n\npackage main\n")


def assembly(work: Work) -> Callable[[], object]:
    """A file that is no Go."""
    arch = HOST.architecture
    work.write("lib/lib.go", "package lib\n\nfunc F()\n")
    work.write(f"lib/f_{arch}.s", "// 1\n")
    work.write("main.go", 'package main\n\nimport _ "example.com/web/lib"\n\nfunc main() {}\n')
    return lambda: work.write(f"lib/f_{arch}.s", "// 2\n")


def profile(work: Work) -> Callable[[], object]:
    """A profile that guides the optimiser, as soon as it lies there."""
    return lambda: work.write("default.pgo", "")


def shadowing(work: Work) -> Callable[[], object]:
    """A go.mod that appears between the module and a package of it."""
    work.write("a/b/b.go", "package b\n")
    work.write("main.go", 'package main\n\nimport _ "example.com/web/a/b"\n\nfunc main() {}\n')
    return lambda: work.write("a/go.mod", "module example.com/other\n")


KINDS = [
    embedded, newly_embedded, generated, replaced, replaced_module_file, module_file, sums,
    workspace, added, constrained, assembly, profile, shadowing,
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_input_is_in_the_key(
    work: Work, kind: Callable[[Work], Callable[[], object]]
) -> None:
    """Whatever a build reads, a change of it is a change: nothing is left out of the key."""
    change = kind(work)
    work.build()
    asked = target(work.root)
    before = work.go.key(asked)
    assert before is not None
    assert work.go.key(asked) == before
    change()

    assert work.go.key(asked) != before


def test_what_is_no_input_is_not_in_the_key(work: Work) -> None:
    """Other files, tests and touched stamps change nothing."""
    work.build()
    asked = target(work.root)
    before = work.go.key(asked)
    work.write("README.md", "x")
    work.write("main_test.go", "package main\n")
    os.utime(work.root / "main.go")

    # a new .go file asks for a new listing, which a build makes
    work.build()
    assert work.go.key(asked) is not None
    (work.root / "main_test.go").unlink()
    work.build()
    assert work.go.key(asked) == before


def test_flags_and_environment_are_in_the_key(work: Work) -> None:
    """GOFLAGS, tags, platform and experiments each make another unit."""
    work.build()
    asked = target(work.root)

    assert work.go.key(asked) is not None
    assert work.tool({"GOFLAGS": "-tags=x"}).key(asked) is None
    assert work.tool({"GOAMD64": "v3"}).key(asked) is None
    assert work.go.key(target(work.root, tags=("x",))) is None
    assert work.go.key(target(work.root, "./.")) is None


def test_an_edit_in_a_body_asks_go_nothing(work: Work) -> None:
    """The list of files is asked for again only when it may have changed."""

    class Counting(SystemProcesses):
        listed = 0

        def run(self, argv: Any, **options: Any) -> Any:
            self.listed += "list" in argv
            return super().run(argv, **options)

    processes = Counting()
    go = work.tool(processes=processes)
    asked = target(work.root)
    for text in (MAIN, MAIN.replace("{}", "{ println(1) }")):
        work.write("main.go", text)
        go.build(asked, "-s")
    assert processes.listed == 1
    work.write(
        "main.go", MAIN.replace("func", 'import "os"\n\nfunc').replace("{}", "{ os.Exit(0) }")
    )
    go.build(asked, "-s")

    assert processes.listed == 2


def test_a_damaged_record_is_as_none(work: Work) -> None:
    """A record that cannot be read costs a listing, and nothing else."""
    work.build()
    for file in (path for path in (work.folder / "state").iterdir() if path.is_file()):
        file.write_bytes(b"{broken")

    assert work.go.key(target(work.root)) is None
    work.build()
    assert work.go.key(target(work.root)) is not None


def test_test_data_is_in_the_key_of_tests(work: Work) -> None:
    """Test files, and all that lies in testdata, are in the key of the tests."""
    work.write("main_test.go", "package main\n\nfunc f() int { return 1 }\n")
    work.write("testdata/deep/x", "1")
    work.test()
    asked = target(work.root, "./...")
    keys = [work.go.key(asked, tests=True)]
    for path in ("testdata/deep/x", "main_test.go"):
        work.write(path, "package main\n\nfunc f() int { return 2 }\n")
        keys.append(work.go.key(asked, tests=True))

    assert None not in keys
    assert len(set(keys)) == 3


def test_names_that_are_no_utf8(work: Work) -> None:
    """Test data with names in another encoding is no reason to fail; it is only not remembered."""
    work.write("testdata/x", "1")
    Path(os.fsdecode(os.fsencode(work.root) + b"/testdata/\xff")).write_text("1")

    assert work.test().code == 0
    assert work.go.key(target(work.root, "./..."), tests=True) is None


def test_two_clones_give_one_digest(work: Work) -> None:
    """The same files in another folder give the same bytes and the same key."""
    other = work.folder / "another/place"
    shutil.copytree(work.root, other)
    first = work.build()
    second = work.go.build(target(other), "-s -w -buildid=")

    assert Path(first.path).read_bytes() == Path(second.path).read_bytes()
    assert work.go.key(target(work.root)) == work.go.key(target(other))
    assert str(work.folder).encode() not in Path(first.path).read_bytes()


def test_programs_are_static(work: Work) -> None:
    """By default a program needs no C library, also where it uses the network and users."""
    work.write(
        "main.go",
        'package main\n\nimport (\n\t"net"\n\t"os/user"\n)\n\n'
        "func main() { net.LookupHost(``); user.Current() }\n",
    )
    data = Path(work.build().path).read_bytes()

    assert b"ld-linux" not in data
    assert b"libc.so" not in data


def test_another_platform(work: Work) -> None:
    """A program can be built for another platform; its variant sets the micro-architecture."""
    asked = msgspec.structs.replace(target(work.root), platform=Platform("arm", variant="v7"))
    built = work.go.build(asked, "-s")

    assert built.environment["GOARM"] == "7"
    assert built.info.settings["GOARCH"] == "arm"


def test_files_that_change_meanwhile(work: Work) -> None:
    """A file that changes during a build makes it begin anew; one that never rests is an error."""

    class Meddling(NamespaceSandbox):
        def __init__(self, times: int) -> None:
            super().__init__(SystemProcesses())
            self.times = times
            self.runs = 0

        def run(self, *args: Any, **options: Any) -> Confined:
            self.runs += 1
            done = super().run(*args, **options)
            if self.runs <= self.times:
                work.write("main.go", f"{MAIN}// {self.runs}\n")
            return done

    once = Meddling(1)
    built = work.tool(sandbox=once).build(target(work.root), "-s")
    assert once.runs == 2
    assert Path(built.path).stat().st_size
    with pytest.raises(ShipwayError) as failure:
        work.tool(sandbox=Meddling(9)).build(target(work.root), "-s")

    assert failure.value.id == "build.moving"
    assert len(list((work.folder / "scratch").iterdir())) == 1


def test_tests_of_files_that_change_meanwhile(work: Work) -> None:
    """What was saved while tests ran was not tested, so there is no key; after a rest there is."""
    main_test = work.write("main_test.go", "package main\n\nfunc tested() {}\n")

    class Saving(NamespaceSandbox):
        def run(self, *args: Any, **options: Any) -> Confined:
            done = super().run(*args, **options)
            main_test.write_text("package main\n\nfunc untested() {}\n")
            return done

    asked = target(work.root, "./...")
    work.test()
    assert work.go.key(asked, tests=True) is not None
    work.tool(sandbox=Saving(SystemProcesses())).test(asked, across=False, network=False)
    assert work.go.key(asked, tests=True) is None
    work.test()

    assert work.go.key(asked, tests=True) is not None


# Who may see and reach what


SPY = """package main

import (
	"net"
	"os"
	"testing"
	"time"
)

func TestSpy(t *testing.T) {
	for _, name := range []string{"VAULT_TOKEN", "KUBECONFIG", "SSH_AUTH_SOCK", "GITHUB_TOKEN"} {
		if os.Getenv(name) != "" {
			t.Errorf("%s can be seen", name)
		}
	}
	if c, err := net.DialTimeout("tcp", "ADDRESS", time.Second); err == nil {
		c.Close()
		t.Error("the host's loopback can be reached")
	}
	home, _ := os.UserHomeDir()
	if left, err := os.ReadDir(home); err != nil || len(left) > 0 && left[0].Name() != ".config" {
		t.Error("the user's home can be seen, or what another run left", left, err)
	}
	os.WriteFile(home+"/left", nil, 0o600)
	routes, _ := os.ReadFile("/proc/net/route")
	if len(routes) > 130 {
		t.Error("there is a route out")
	}
	own, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal("no loopback of its own")
	}
	if _, err := net.Dial("tcp", own.Addr().String()); err != nil {
		t.Error("its own loopback does not answer")
	}
}
"""

SECRETS = {
    "VAULT_TOKEN": "hvs.x",
    "KUBECONFIG": "/k",
    "SSH_AUTH_SOCK": "/run/agent",
    "GITHUB_TOKEN": "ghp_x",
}


@pytest.fixture
def address() -> Any:
    """Give the address of a listener on the host's loopback."""
    import socket  # noqa: PLC0415  only here

    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_tests_see_no_secret_and_no_network(work: Work, address: str) -> None:
    """Tests see no token, agent or kubeconfig, and reach nothing but a loopback of their own."""
    work.write("spy_test.go", SPY.replace("ADDRESS", address))
    work.write("../state/home/left", "by an earlier run")
    tested = work.tool(SECRETS).test(target(work.root, "./..."), across=False, network=False)

    assert testevents.fold(tested.events).output == {}
    assert (tested.code, tested.network) == (0, "none")


def test_an_open_network_is_asked_for(work: Work, address: str) -> None:
    """With network = true tests reach the host, still without any secret, and it says so."""
    work.write("spy_test.go", SPY.replace("ADDRESS", address))
    tested = work.tool(SECRETS).test(target(work.root, "./..."), across=False, network=True)
    (wrote,) = testevents.fold(tested.events).output.values()

    assert tested.network == "open"
    assert "the host's loopback can be reached" in wrote
    assert "can be seen" not in wrote


def test_where_it_cannot_be_confined(work: Work) -> None:
    """Without namespaces a build works, and says that the network was open."""

    class Refusing(SystemProcesses):
        def run(self, argv: Any, **options: Any) -> Any:
            if "run" in argv and argv[1] == "-I":
                argv = ["/bin/sh", "-c", "echo 'not confined: no' >&2; exit 97"]
            return super().run(argv, **options)

    go = work.tool(sandbox=NamespaceSandbox(Refusing()))

    assert go.build(target(work.root), "-s").network == "open"


def test_a_listing_that_fails(work: Work) -> None:
    """A build whose inputs cannot be told gives no binary."""

    class Deaf(SystemProcesses):
        def run(self, argv: Any, **options: Any) -> Any:
            if "list" in argv:
                return Completed(1, b"", b"go: boom")
            return super().run(argv, **options)

    with pytest.raises(ShipwayError) as failure:
        work.tool(processes=Deaf()).build(target(work.root), "-s")

    assert "boom" in failure.value.message
    assert list((work.folder / "scratch").iterdir()) == []


def test_a_build_that_writes_nothing(work: Work) -> None:
    """An empty executable is not taken for a program."""

    class Lazy(NamespaceSandbox):
        def run(self, *_args: Any, **_options: Any) -> Confined:
            return Confined(Completed(0, b"", b""), "none")

    with pytest.raises(ShipwayError) as failure:
        work.tool(sandbox=Lazy(SystemProcesses())).build(target(work.root), "-s")

    assert failure.value.id == "buildinfo.unreadable"


def test_what_killed_runs_left_is_removed(work: Work) -> None:
    """An executable of a run that was killed is removed a day later, and no other file."""
    left = [work.write(f"../scratch/{name}", "") for name in ("go-old", "go-new", "other")]
    for path in (left[0], left[2]):
        os.utime(path, (1, 1))
    work.build()

    assert [path.exists() for path in left] == [False, True, True]


def test_sources_that_are_passed_over(work: Work) -> None:
    """Nested modules, vendored code, test data and links to nowhere are no sources of a module."""
    for path in ("tools", "vendor/x", "testdata", "_old", ".hidden"):
        work.write(f"{path}/x.go", "package x\n")
    work.write("tools/go.mod", "module example.com/tools\n")
    (work.root / "gone.go").symlink_to("nowhere.go")

    assert work.go.read(str(work.root), ".").packages == {".": {"gone.go": "", "main.go": MAIN}}


SERVED = 'package main\n\nimport "net/http"\n\nfunc main() { http.ListenAndServe(":80", nil) }\n'


def edited(work: Work) -> None:
    """An edit in place that keeps its size."""
    work.write("main.go", SERVED.replace(":80", ":81"))


def another(work: Work) -> None:
    """Another program."""
    work.write("cmd/two/main.go", MAIN)


def dropped(work: Work) -> None:
    """A program that is gone."""
    (work.root / "main.go").unlink()


def shut(work: Work) -> None:
    """A go.mod that makes a folder another module."""
    work.write("cmd/go.mod", "module example.com/other\n")


def dotted(work: Work) -> None:
    """An edit in a folder that is named like a file."""
    work.write("cmd/nats.go/main.go", SERVED)


def renamed(work: Work) -> None:
    """Another path of the module, by which its programs import nothing of it any more."""
    work.write("go.mod", "module example.com/wob\n\ngo 1.24\n")


CHANGES = [edited, another, dropped, shut, dotted, renamed]


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
def test_a_survey_is_remembered_until_a_source_changes(
    work: Work, change: Callable[[Work], object]
) -> None:
    """The same sources are read once; any change of them is seen at once."""
    work.write("main.go", SERVED)
    work.write("cmd/one/main.go", 'package main\n\nimport _ "example.com/web/lib"\n')
    work.write("lib/lib.go", SERVED.replace("main", "lib", 1))
    work.write("cmd/nats.go/main.go", MAIN)
    time.sleep(4 * inputs.TICK / 1e9)  # what has just been written is never remembered
    first = work.go.survey(str(work.root), ".")
    work.write("README.md", "x")
    work.write("main_test.go", "package main\n")
    assert work.go.survey(str(work.root), ".") == first
    change(work)
    again = work.go.survey(str(work.root), ".")

    assert again != first
    read = work.go.read(str(work.root), ".")
    assert again == discovery.survey(read.module, read.packages)
    for file in (path for path in (work.folder / "state").iterdir() if path.is_file()):
        file.write_bytes(b"{broken")
    assert work.go.survey(str(work.root), ".") == again


def test_a_package_that_is_gone(work: Work) -> None:
    """A folder that a build read and that is gone is a change."""
    work.write("lib/lib.go", "package lib\n")
    work.write("main.go", 'package main\n\nimport _ "example.com/web/lib"\n\nfunc main() {}\n')
    work.build()
    shutil.rmtree(work.root / "lib")

    assert work.go.key(target(work.root)) is None


# Modules


@pytest.fixture
def proxy(work: Work) -> FileProxy:
    """Give a module proxy with one module, which the program imports."""
    served = FileProxy(work.folder / "proxy")
    sums = served.add("example.com/dep", "v1.2.0", {"dep.go": "package dep\n\nconst N = 1\n"})
    work.write("go.mod", "module example.com/web\n\ngo 1.24\n\nrequire example.com/dep v1.2.0\n")
    work.write("go.sum", sums)
    work.write(
        "main.go", 'package main\n\nimport "example.com/dep"\n\nfunc main() { println(dep.N) }\n'
    )
    work.go = work.tool({"GOPROXY": served.url, "GONOSUMDB": "*", "GOFLAGS": "-modcacherw"})
    return served


def test_downloading_is_a_step_of_its_own(work: Work, proxy: FileProxy) -> None:
    """Modules are fetched once, in a step of its own; the build has them without a network."""
    asked = target(work.root)

    assert [work.go.download(asked), work.go.download(asked)] == [True, False]
    shutil.rmtree(proxy.folder)
    built = work.build()
    assert [(m.path, m.version, m.sum[:3]) for m in built.info.modules] == [
        ("example.com/dep", "v1.2.0", "h1:")
    ]
    assert not [file for file in built.inputs.files if "example.com/dep" in file.path]


def test_the_graph_and_licences_of_modules(work: Work, proxy: FileProxy) -> None:
    """The record of a build says who needs whom, and the licence that a module's text is."""
    text = (Path(__file__).parents[1] / "core/supply/licences/ISC.txt").read_text()
    sums = proxy.add("example.com/deep", "v1.0.0", {"LICENSE": text, "d.go": "package deep\n"})
    files = {
        "go.mod": "module example.com/mid\n\ngo 1.24\n\nrequire example.com/deep v1.0.0\n",
        "m.go": 'package mid\n\nimport _ "example.com/deep"\n',
    }
    sums += proxy.add("example.com/mid", "v1.0.0", files)
    work.write("go.sum", sums)
    required = "require (\n\texample.com/mid v1.0.0\n\texample.com/deep v1.0.0\n)\n"
    work.write("go.mod", f"module example.com/web\n\ngo 1.24\n\n{required}")
    work.write("main.go", 'package main\n\nimport _ "example.com/mid"\n\nfunc main() {}\n')
    work.go.download(target(work.root))
    read = work.build().inputs

    assert read.needs == {
        "example.com/deep": (),
        "example.com/mid": ("example.com/deep",),
        "example.com/web": ("example.com/mid",),
    }
    assert read.licences == {
        read.modules["example.com/deep"]: "ISC",
        read.modules["example.com/mid"]: "",
    }
    work.write("more.go", 'package main\n\nimport _ "fmt"\n')
    assert work.build().inputs.licences == read.licences


def test_a_cleaned_module_cache_is_filled_again(work: Work, proxy: FileProxy) -> None:
    """Where the cache was emptied since, a build fetches once more instead of failing."""
    work.go.download(target(work.root))
    shutil.rmtree(work.folder / "go")

    assert work.build().info.modules
    assert proxy.folder.exists()


def test_a_proxy_that_does_not_answer(work: Work, proxy: FileProxy) -> None:
    """A download that fails says what was asked, and that it may go through later."""
    shutil.rmtree(proxy.folder)
    with pytest.raises(ShipwayError) as failure:
        work.go.download(target(work.root))

    assert failure.value.id == "build.download"
    assert "example.com/dep" in failure.value.message


def test_altered_modules_are_refused(work: Work, proxy: FileProxy) -> None:
    """A module that is not what go.sum names is never built."""
    proxy.add("example.com/dep", "v1.2.0", {"dep.go": "package dep\n\nconst N = 2\n"})
    with pytest.raises(ShipwayError) as failure:
        work.go.download(target(work.root))

    assert failure.value.id == "build.checksum"


def test_a_sum_that_is_missing(work: Work, proxy: FileProxy) -> None:
    """A module without its line in go.sum is an error with the command that adds it."""
    work.write("go.sum", "")
    error = failing(work)

    assert (error.id, "go mod tidy" in error.hint) == ("build.go-sum", True)
    assert proxy.folder.exists()


def test_vendored_modules(work: Work, proxy: FileProxy) -> None:
    """A vendor folder is used as it is, without any download; an inconsistent one is refused."""
    shutil.rmtree(proxy.folder)
    work.write("vendor/example.com/dep/dep.go", "package dep\n\nconst N = 1\n")
    work.write(
        "vendor/modules.txt", "# example.com/dep v1.2.0\n## explicit; go 1.24\nexample.com/dep\n"
    )

    assert not work.go.download(target(work.root))
    built = work.build()
    assert "-mod=vendor" in built.flags
    assert str(work.root / "vendor/example.com/dep/dep.go") in {f.path for f in built.inputs.files}
    work.write("vendor/modules.txt", "# example.com/dep v1.1.0\n## explicit\nexample.com/dep\n")
    assert failing(work).id == "build.vendor"


def test_a_local_replacement_has_no_sum(work: Work) -> None:
    """A module replaced by a folder stands in the build information with its replacement."""
    replaced(work)
    (module,) = work.build().info.modules

    assert module == Module(
        path="example.com/lib", version="v0.0.0", replace=Module(path="../lib", version="(devel)")
    )


def test_a_newer_go_is_asked_for(work: Work) -> None:
    """The module's go line chooses the toolchain that is fetched; a lock does it alone."""
    toolchains = FakeToolchains(work.go_path)
    go = work.tool(toolchains=toolchains)
    go.download(target(work.root))
    go.download(target(work.root, go="go1.26.8"))
    work.write("go.mod", "module example.com/web\n\ngo 1.99.1\n")
    with pytest.raises(ShipwayError) as failure:
        go.build(target(work.root), "-s")

    assert toolchains.asked == ["go1.27.3", "go1.26.8", "go1.99.1"]
    assert failure.value.id == "build.go-too-old"


def test_packages_that_are_not_there(work: Work) -> None:
    """A folder without Go files, and one that is missing, are the caller's mistake."""
    work.write("docs/x.md", "")

    with pytest.raises(ShipwayError) as failure:
        work.build("./docs")
    assert failure.value.id == "build.no-package"
    with pytest.raises(ShipwayError) as failure:
        work.build("./nowhere")
    assert failure.value.id == "build.no-package"


def test_a_package_that_is_no_program(work: Work) -> None:
    """Building a library gives no program, and says so."""
    work.write("lib/lib.go", "package lib\n")
    with pytest.raises(ShipwayError) as failure:
        work.build("./lib")

    assert failure.value.id == "buildinfo.unreadable"


def test_tests_that_do_not_build(work: Work) -> None:
    """A package whose tests do not compile has failed, with the compiler's lines."""
    work.write("main_test.go", "package main\n\nvar x int = ``\n")
    tested = work.test()
    outcome = testevents.fold(tested.events)

    assert tested.code
    assert any("main_test.go:3" in text for text in outcome.output.values())


def test_tests_that_cannot_begin(work: Work) -> None:
    """Where go cannot even begin, it is an error and no report."""
    work.write("go.mod", "module example.com/web\n\ngo 1.99\n")
    with pytest.raises(ShipwayError) as failure:
        work.test()

    assert failure.value.id == "build.go-too-old"


def test_only_changed_packages_run_again(work: Work) -> None:
    """A second run takes the results of packages whose inputs are the same from go's own cache."""
    body = 'package {0}\n\nimport "testing"\n\nfunc TestIt(t *testing.T) {{ t.Log(F()) }}\n'
    for name in ("a", "b"):
        work.write(f"{name}/{name}.go", f"package {name}\n\nfunc F() int {{ return 1 }}\n")
        work.write(f"{name}/{name}_test.go", body.format(name))
    work.test()
    work.write("b/b.go", "package b\n\nfunc F() int { return 2 }\n")
    lines = [json.loads(line).get("Output", "") for line in work.test().events]
    cached = {line.split("\t")[1] for line in lines if "(cached)" in line}

    assert cached == {"example.com/web/a"}


def test_coverage_across_packages(work: Work) -> None:
    """Across packages, what one package's tests run in another counts; else only its own."""
    work.write("a/a.go", "package a\n\nfunc F() int { return 1 }\n")
    work.write(
        "b/b_test.go",
        'package b\n\nimport (\n\t"testing"\n\n\t"example.com/web/a"\n)\n\n'
        "func TestIt(t *testing.T) { a.F() }\n",
    )
    work.write("b/b.go", "package b\n")

    assert b"a/a.go:3.16,3.26 1 1" in work.test(across=True).profile.replace(
        b"example.com/web/", b""
    )
    assert b"a.go:3.16,3.26 1 0" in work.test(across=False).profile


# Settings


@pytest.mark.parametrize("flag", ["-toolexec=/bin/x", "-overlay=o.json", "-modfile=x", "--exec=y"])
def test_flags_that_evidence_cannot_describe(work: Work, flag: str) -> None:
    """Flags of GOFLAGS that build something else are refused by name."""
    work.go = work.tool({"GOFLAGS": f"-v {flag}"})
    error = failing(work)

    assert (error.id, error.subject) == ("go.flags", flag)


def test_stored_settings_count(work: Work) -> None:
    """What ``go env -w`` stored counts, below the environment; what is not ours is passed over."""
    stored = work.folder / "config/go/env"
    stored.parent.mkdir(parents=True)
    stored.write_text("# comment\nGOFLAGS=-buildvcs=false -tags=stored\nVAULT_TOKEN=x\nbroken\n")
    base = {"GOENV": "", "XDG_CONFIG_HOME": str(work.folder / "config")}
    work.go = work.tool(base)
    assert work.build().environment["GOFLAGS"] == "-tags=stored"
    work.go = work.tool({**base, "GOFLAGS": "-tags=mine"})
    assert work.build().environment["GOFLAGS"] == "-tags=mine"
    work.go = work.tool({"GOENV": str(stored), "GOMODCACHE": "/m"})
    assert "VAULT_TOKEN" not in work.build().environment
    work.go = work.tool({"GOENV": ""})
    assert "GOFLAGS" not in work.build().environment


def test_cgo_takes_the_users_compiler(work: Work) -> None:
    """With cgo the C settings count and are stated; without, they are left out."""
    work.go = work.tool({"CGO_CFLAGS": "-O1"})

    assert "CGO_CFLAGS" not in work.build().environment
    built = work.build(cgo=True)
    assert built.environment["CGO_CFLAGS"] == "-O1"
    assert built.environment["CGO_ENABLED"] == "1"
