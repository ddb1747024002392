"""A project is read and guessed the same way by all roads; init writes that down, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.files import MemoryFiles
from fakes.git import MemoryGit
from shipway.core.golang import discovery
from shipway.core.ports.go import Sources
from shipway.errors import ShipwayError
from shipway.roads import scaffold
from shipway.roads.scaffold import InitRequest, LoadedProject, ProjectRequest

if TYPE_CHECKING:
    from shipway.core.golang.discovery import Survey

WEB = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(":9000", nil) }\n'
TOOL = "package main\nfunc main() {}\n"


class ReadingGo:
    """Go that can only read, from the files that the fake folder holds."""

    def __init__(self, files: MemoryFiles) -> None:
        self.files = files

    def survey(self, root: str, module_dir: str) -> Survey:
        """Return the programs."""
        found = self.read(root, module_dir)
        return discovery.survey(found.module, found.packages)

    def read(self, root: str, module_dir: str, named: object = ()) -> Sources:
        """Return every folder's sources below a module."""
        del root, named
        prefix = "" if module_dir == "." else f"{module_dir}/"
        packages: dict[str, dict[str, str]] = {}
        mods = (
            f"{path.rpartition('/')[0]}/" for path in self.files.under(".", suffixes=("go.mod",))
        )
        nested = tuple(at for at in mods if at != "/" and at.startswith(prefix) and at != prefix)
        for path in self.files.under(module_dir, suffixes=(".go",)):
            if path.startswith(nested):
                continue
            folder, _, name = path.removeprefix(prefix).rpartition("/")
            packages.setdefault(folder or ".", {})[name] = self.files.files[path].decode()
        module = self.files.files[f"{prefix}go.mod"].decode().split()[1]
        return Sources(module, packages)


def project(**files: str) -> MemoryFiles:
    """Return a folder; ``__`` in a name stands for ``/``, ``_dot_`` for a dot."""
    return MemoryFiles(
        {
            name.replace("__", "/").replace("_dot_", "."): text.encode()
            for name, text in files.items()
        }
    )


MODULE = {"go_dot_mod": "module example.com/shop\n"}


def ignoring(*paths: str) -> MemoryGit:
    """Return a repository that ignores these paths."""
    git = MemoryGit("/src/shop")
    git.ignored = set(paths)
    return git


def load(files: MemoryFiles, *ignored: str, **asked: object) -> LoadedProject:
    """Return the project in ``files``, of which git ignores some."""
    request = ProjectRequest(directory="/src/shop", **asked)  # type: ignore[arg-type]
    go: Any = ReadingGo(files)
    return scaffold.load(request, files=files, go=go, git=ignoring(*ignored))


def init(files: MemoryFiles, *, dry_run: bool = False) -> scaffold.Scaffolded:
    """Run init."""
    request = InitRequest(project=ProjectRequest(directory="/src/shop"), dry_run=dry_run)
    go: Any = ReadingGo(files)
    return scaffold.init(request, files=files, go=go, git=ignoring(), emit=lambda _: None)


def test_without_a_config() -> None:
    """A bare Go module is a project."""
    loaded = load(project(**MODULE, main_dot_go=WEB))

    assert loaded.name == "shop"
    assert [(service.name, service.port) for service in loaded.services] == [("shop", 9000)]
    assert loaded.modules == {"shop": "."}
    assert not loaded.written
    assert len(loaded.settings.guesses) == 4


def test_layers_above_the_guesses() -> None:
    """File, variables and flags lie over what is guessed."""
    files = project(
        **MODULE,
        cmd__web__main_dot_go=WEB,
        shipway_dot_toml='schema = 1\n[services.front]\npackage = "./cmd/web"\n',
    )
    loaded = load(
        files,
        variables={"SHIPWAY__PROJECT__NAME": "store", "PATH": "/bin"},
        flags={"services.front.port": ("--port", 7000)},
    )

    assert loaded.written
    assert loaded.name == "store"
    assert [(service.name, service.port) for service in loaded.services] == [("front", 7000)]


def test_a_flag_makes_a_program_serve() -> None:
    """Who is told a port on the command line is no worker."""
    loaded = load(
        project(**MODULE, main_dot_go=TOOL), flags={"services.shop.port": ("--port", 7000)}
    )

    assert loaded.settings.config.services["shop"].port == 7000


def test_faults_come_before_guesses() -> None:
    """A wrong config is told even where there is nothing to guess from."""
    with pytest.raises(ShipwayError) as caught:
        load(project(shipway_dot_toml="schema = 1\n[servces]\n"))

    assert caught.value.id == "config.invalid"


def test_a_module_below() -> None:
    """The only module below the project is found; a package chooses among several."""
    files = project(back__go_dot_mod="module example.com/back\n", back__cmd__web__main_dot_go=WEB)

    assert load(files).modules == {"web": "back"}
    files.create("front/go.mod", b"module example.com/front\n")
    files.create("front/main.go", WEB.encode())
    assert load(files, package="./front").modules == {"front": "front"}


SEVERAL = {
    "back__go_dot_mod": "module example.com/store/back\n",
    "back__cmd__server__main_dot_go": WEB,
    "front__go_dot_mod": "module example.com/store/front\n",
    "front__main_dot_go": WEB.replace("9000", "9001"),
    "lib__go_dot_mod": "module example.com/store/lib\n",
    "lib__lib_dot_go": "package lib\n",
    "testdata__x__go_dot_mod": "module example.com/x\n",
    "testdata__x__main_dot_go": WEB,
}


def test_several_modules_below() -> None:
    """Without a module at the top, every program that serves below it is a service."""
    loaded = load(project(**SEVERAL))

    assert loaded.modules == {"server": "back", "front": "front"}
    assert {one.name: one.port for one in loaded.services} == {"server": 9000, "front": 9001}
    assert loaded.name == "store"
    (named, *_) = loaded.settings.guesses
    assert (named.path, named.origin) == ("project.name", "go.mod files")


def test_modules_that_have_nothing_in_common() -> None:
    """Where the modules' paths share no name, the project is called like its folder."""
    files = project(
        a__go_dot_mod="module example.com/a\n",
        a__main_dot_go=WEB,
        b__go_dot_mod="module example.com/b\n",
        b__main_dot_go=WEB,
    )

    assert load(files).name == "shop"


def test_a_workspace() -> None:
    """The modules that go.work uses are the project's; one outside of it is no concern."""
    work = "go 1.24\nuse (\n\t./front\n\t./lib\n\t../elsewhere\n\t./gone\n)\n"

    assert load(project(**SEVERAL, go_dot_work=work)).modules == {"front": "front"}


def test_a_library_with_programs_in_modules_below() -> None:
    """Where the top's own module has no program, those of the modules below count."""
    files = project(**SEVERAL, **MODULE, shop_dot_go="package shop\n")

    assert load(files).modules == {"server": "back", "front": "front"}
    only = project(**MODULE, shop_dot_go="package shop\n")
    with pytest.raises(ShipwayError) as caught:
        load(only)
    assert caught.value.id == "config.no-service"


def test_programs_of_one_name() -> None:
    """Two programs of one name are told apart by their folders."""
    files = project(**MODULE, a__server__main_dot_go=WEB, b__server__main_dot_go=WEB)

    assert set(load(files).modules) == {"a-server", "b-server"}


def test_a_folder_of_several_modules_is_no_package() -> None:
    """A package that stands for several modules is told, with one of them."""
    files = project(
        **{f"all__{name}": text for name, text in SEVERAL.items() if "testdata" not in name}
    )
    with pytest.raises(ShipwayError, match="several Go modules: all/back, all/front") as caught:
        load(files, package="./all")

    assert caught.value.id == "config.no-module"
    assert "shipway up ./all/back" in caught.value.hint


def test_services_in_two_modules() -> None:
    """Each service belongs to the nearest module above it."""
    files = project(
        **MODULE,
        cmd__web__main_dot_go=WEB,
        api__go_dot_mod="module example.com/api\n",
        api__main_dot_go=WEB.replace("9000", "9100"),
        shipway_dot_toml='schema = 1\n[services]\napi = { package = "./api" }\n'
        'web = { package = "./cmd/web" }\n',
    )
    loaded = load(files)

    assert loaded.modules == {"web": ".", "api": "api"}
    assert {service.name: service.port for service in loaded.services} == {"web": 9000, "api": 9100}


def test_no_module_at_all() -> None:
    """A folder without a Go module is told, with what to do."""
    with pytest.raises(ShipwayError, match=r"no go\.mod in this folder or below"):
        load(project())


def test_ports_from_files_beside() -> None:
    """A Dockerfile and existing manifests are looked at; overlays are found."""
    files = project(**MODULE, main_dot_go=WEB, Dockerfile="FROM x\nEXPOSE 9300\n")

    assert load(files).services[0].port == 9300
    files.create("deploy/overlays/dev/kustomization.yaml", b"resources: []\n")
    files.create(
        "deploy/x.yaml", b"- {name: c, image: 'shipway://shop', ports: [{containerPort: 5}]}"
    )
    assert load(files).services[0].port == 5
    assert load(files).at("dev").overlay == "deploy/overlays/dev"


def test_manifests_that_others_wrote() -> None:
    """Their port counts, and what they call the image stands for the service."""
    files = project(**MODULE, main_dot_go=WEB)
    chart = "charts/shop/charts/db/Chart.yaml"
    for path in ("charts/shop/Chart.yaml", "charts/shop/templates/a.yaml", chart):
        files.create(path, b"name: x\n")
    assert load(files).charts == ("charts/shop/Chart.yaml",)
    container = "{name: c, image: 'ghcr.io/acme/shop:v1', ports: [{containerPort: 5}]}"
    text = f"kind: Pod\nmetadata: {{name: a}}\nspec: {{containers: [{container}]}}\n"
    files.create("k8s/pod.yaml", text.encode())
    loaded = load(files)

    assert loaded.services[0].port == 5
    assert loaded.at("dev").existing.images == {"ghcr.io/acme/shop": "shop"}


READING = WEB.replace("func main() {", 'func main() { template.ParseGlob("pages/*"); ')


@pytest.mark.parametrize("place", ["pages", "cmd/web/pages"])
def test_files_read_at_run_time(place: str) -> None:
    """What a program reads by a relative path is looked for in its module, then beside it."""
    files = project(**MODULE, cmd__web__main_dot_go=READING)
    assert load(files).settings.config.services["web"].files == {}
    files.create(f"{place}/a.html", b"<a>")
    loaded = load(files)

    assert loaded.settings.config.services["web"].files == {"/pages": place}
    init(files)
    assert load(files).settings.config.services["web"].files == {"/pages": place}
    assert load(files).settings.guesses == ()


def test_a_folder_of_secrets_alone_is_no_guess() -> None:
    """Where all that lies there is hidden or a key, nothing is guessed."""
    files = project(**MODULE, cmd__web__main_dot_go=READING)
    for name in (".env", "tls.key", ".git/config"):
        files.create(f"pages/{name}", b"secret")

    assert load(files).settings.config.services["web"].files == {}


def test_what_git_ignores_is_no_guess_unless_it_is_made_to_be_shown() -> None:
    """Generated pages, scripts and pictures go in; what else git ignores may be a secret."""
    files = project(**MODULE, cmd__web__main_dot_go=READING)
    shown = ["pages/app.js.gz", "pages/deep/logo.svg", "pages/index.html"]
    for name in (*shown, "pages/words.txt", "pages/users.db", "pages/deep/token.json"):
        files.create(name, b"x")
    ignored = (*shown, "pages/users.db", "pages/deep/token.json")
    loaded = load(files, *ignored)
    taken = (*shown, "pages/words.txt")

    assert loaded.settings.config.services["web"].files == {f"/{one}": one for one in taken}
    assert loaded.left == {"web": {f"/{one}": one for one in ignored[3:][::-1]}}
    assert load(files).left == {}
    written = 'schema = 1\n[services.web]\npackage = "./cmd/web"\nfiles = {"/pages" = "pages"}\n'
    files.create("shipway.toml", written.encode())
    told = load(files, *ignored)
    assert (told.left, told.settings.config.services["web"].files) == ({}, {"/pages": "pages"})


def test_a_file_that_git_ignores_is_no_guess() -> None:
    """A single file that is read by its name may be a secret, too."""
    reading = WEB.replace("func main() {", 'func main() { os.ReadFile("local.yaml"); ')
    files = project(**MODULE, cmd__web__main_dot_go=reading, local_dot_yaml="password: x")
    assert load(files).settings.config.services["web"].files == {"/local.yaml": "local.yaml"}
    loaded = load(files, "local.yaml")

    assert loaded.settings.config.services["web"].files == {}
    assert loaded.left == {"web": {"/local.yaml": "local.yaml"}}


def test_init_writes_what_up_would_do() -> None:
    """After init the project is the same, with nothing left to guess."""
    files = project(**MODULE, main_dot_go=WEB)
    before = load(files)
    answer = init(files)
    after = load(files)

    assert "shipway.toml" in answer.written
    assert answer.kept == ()
    assert after.written
    assert after.services == before.services
    assert [guess.path for guess in after.settings.guesses] == []
    assert after.at("dev").overlay == "deploy/overlays/dev"


def test_init_is_idempotent_and_never_overwrites() -> None:
    """A second init writes nothing; a file that a person changed stays as it is."""
    files = project(**MODULE, main_dot_go=WEB, deploy__base__shop_dot_yaml="mine: true\n")
    first = init(files)
    there = dict(files.files)
    second = init(files)

    assert first.kept == ("deploy/base/shop.yaml",)
    assert files.files == there
    assert second.written == ()
    assert set(second.kept) == {*first.written, *first.kept}
    assert files.files["deploy/base/shop.yaml"] == b"mine: true\n"


@pytest.mark.parametrize(
    ("line", "pinned"), [("go 1.24", "go1.27.3"), ("go 1.28.1", "go1.28.1"), ("", "go1.27.3")]
)
def test_init_pins_the_go_that_up_takes(line: str, pinned: str) -> None:
    """The lock names the toolchain: ours, or the newer one that go.mod asks for; once."""
    files = project(go_dot_mod=f"module example.com/shop\n{line}\n", main_dot_go=WEB)
    asked = InitRequest(project=ProjectRequest(directory="/src/shop"), toolchain="go1.27.3")
    go: Any = ReadingGo(files)
    first = scaffold.init(asked, files=files, go=go, git=ignoring(), emit=lambda _: None)
    newer = msgspec.structs.replace(asked, toolchain="go1.99.0")
    second = scaffold.init(newer, files=files, go=go, git=ignoring(), emit=lambda _: None)

    assert "shipway.lock" in first.written
    assert "shipway.lock" in second.kept
    lock = load(files).lock
    assert lock.go is not None
    assert lock.go.version == pinned


def test_a_dry_run_writes_nothing_and_shows_all() -> None:
    """The dry run shows exactly what a real one then writes."""
    files = project(**MODULE, main_dot_go=WEB)
    there = dict(files.files)
    shown = init(files, dry_run=True)

    assert files.files == there
    written = init(files)
    assert shown.written == written.written
    assert {path: files.files[path].decode() for path in written.written} == shown.contents
    assert "would write shipway.toml" in list(shown.lines())
    assert "    schema = 1" in list(shown.lines())
    assert "kept  shipway.toml" in list(init(files).lines())
