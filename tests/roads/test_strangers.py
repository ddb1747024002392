"""Strangers' repositories, without a config: real git, Go and files, the rest in memory.

Each shape is one that people have and did not make for Shipway.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fakes import elf
from fakes.stranger import TOOL, WEB, Stranger
from shipway.adapters.kustomize import Kustomize
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sandbox import NamespaceSandbox
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable

    Shape = Callable[[dict[str, str]], Stranger]

LIB = "package lib\n\nconst Word = `hello`\n"
USER = WEB.replace('"net/http"', '"net/http"\n\n\t"example.com/lib"').replace('"ok"', "lib.Word")
VENDORED = "# example.com/lib v1.0.0\n## explicit; go 1.24\nexample.com/lib\n"
REPLACES = "require example.com/lib v0.0.0\n\nreplace example.com/lib => ../lib\n"


def module(path: str, more: str = "") -> str:
    """Return a go.mod."""
    return f"module {path}\n\ngo 1.24\n\n{more}"


@pytest.fixture
def shape(go_path: str, tmp_path: Path) -> Shape:
    """Give a way to make a stranger's repository."""
    return lambda files: Stranger(go_path, tmp_path, files)


def probe(one: Stranger, name: str) -> Any:
    """Return the readiness probe of a Deployment."""
    return one.container("Deployment", name).get("readinessProbe")


def test_several_modules_and_none_at_the_root(shape: Shape) -> None:
    """Every module with a program that serves is a service of one release; others are passed by."""
    one = shape(
        {
            "api/go.mod": module("example.com/store/api", REPLACES),
            "api/main.go": USER,
            "web/go.mod": module("example.com/store/web"),
            "web/cmd/web/main.go": WEB,
            "lib/go.mod": module("example.com/lib"),
            "lib/lib.go": LIB,
            "tools/go.mod": module("example.com/store/tools"),
            "tools/main.go": TOOL,
        }
    )
    said = one.carry()

    assert set(one.objects("Deployment")) == {"api", "web"}
    assert sorted(said.images) == ["api", "web"]


def test_a_workspace(shape: Shape) -> None:
    """go.work chooses the modules, and lets one use another without a replacement."""
    one = shape(
        {
            "go.work": "go 1.24\n\nuse (\n\t./api\n\t./lib\n)\n",
            "api/go.mod": module("example.com/api"),
            "api/main.go": USER,
            "lib/go.mod": module("example.com/lib"),
            "lib/lib.go": LIB,
        }
    )
    one.carry()

    assert set(one.objects("Deployment")) == {"api"}


def test_a_vendor_folder(shape: Shape) -> None:
    """Vendored modules are built as they lie there: nothing is downloaded."""
    one = shape(
        {
            "go.mod": module("example.com/svc", "require example.com/lib v1.0.0\n"),
            "main.go": USER,
            "vendor/modules.txt": VENDORED,
            "vendor/example.com/lib/lib.go": LIB,
        }
    )
    one.carry()

    assert probe(one, "svc") == {
        "httpGet": {"path": "/healthz", "port": "http"},
        "periodSeconds": 1,
    }


def test_a_replacement_outside_of_the_repository(shape: Shape) -> None:
    """A module beside the repository is built, and a change of it alone is a new version."""
    one = shape({"go.mod": module("example.com/svc", REPLACES), "main.go": USER})
    lib = one.folder / "lib"
    lib.mkdir()
    (lib / "go.mod").write_text(module("example.com/lib"))
    (lib / "lib.go").write_text(LIB)
    first = one.carry()
    (lib / "lib.go").write_text(LIB.replace("hello", "again"))

    assert one.carry().images != first.images


def test_embedded_and_generated_files_that_git_ignores(shape: Shape) -> None:
    """What git ignores is built, and a change of it alone is a new version of a clean commit."""
    embedding = WEB.replace("import (", 'import (\n\t_ "embed"').replace('"ok"', "page + made")
    one = shape(
        {
            "go.mod": module("example.com/svc"),
            ".gitignore": "static/\n*_gen.go\n",
            "main.go": embedding.replace(
                "func ans", "//go:embed static/p\nvar page string\n\nfunc ans"
            ),
        }
    )
    one.repository.write("static/p", "1")
    one.repository.write("x_gen.go", "package main\n\nconst made = `1`\n")
    seen = [one.carry().images]
    for path, text in (("static/p", "2"), ("x_gen.go", "package main\n\nconst made = `2`\n")):
        one.repository.write(path, text)
        seen.append(one.carry().images)

    assert len({images["svc"] for images in seen}) == 3
    assert one.repository.git("status", "--porcelain") == ""


def test_a_worker_without_a_port(shape: Shape) -> None:
    """A program that listens on nothing gets neither a Service nor probes."""
    body = "package main\n\nimport `time`\n\nfunc main() { time.Sleep(time.Hour) }\n"
    one = shape({"go.mod": module("example.com/worker"), "main.go": body})
    one.carry()

    assert one.objects("Service") == {}
    assert not [key for key in one.container("Deployment", "worker") if key.endswith("Probe")]


def test_a_cron_job(shape: Shape) -> None:
    """A cron has a schedule in shipway.toml; it is there as soon as it is stored."""
    told = 'schema = 1\n[services.nightly]\npackage = "."\nkind = "cron"\nschedule = "5 3 * * *"\n'
    one = shape({"go.mod": module("example.com/nightly"), "main.go": TOOL, "shipway.toml": told})
    one.carry()

    assert one.objects("CronJob")["nightly"]["spec"]["schedule"] == "5 3 * * *"


DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: front}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec: {containers: [{name: front, image: "ghcr.io/acme/svc:v1"}]}
"""
MODULE = {"go.mod": module("example.com/svc"), "main.go": WEB}


def test_a_folder_of_plain_manifests(shape: Shape) -> None:
    """What others call the image is the one just made, and their pods need not be hardened."""
    one = shape({**MODULE, "k8s/front.yaml": DEPLOYMENT})
    said = one.carry()

    assert one.container("Deployment", "front")["image"] == said.images["svc"]
    assert "k8s: image ghcr.io/acme/svc is services.svc" in one.remarks()
    labels = one.objects("Namespace")["svc-dev"]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"


def test_kustomizations_that_are_there(shape: Shape, kustomize_path: Path) -> None:
    """The environment's own overlay is rendered, in the namespace that it sets."""
    one = shape(
        {
            **MODULE,
            "k8s/base/kustomization.yaml": "resources: [front.yaml]\n",
            "k8s/base/front.yaml": DEPLOYMENT,
            "k8s/overlays/dev/kustomization.yaml": "resources: [../../base]\nnamespace: team\n"
            "images: [{name: ghcr.io/acme/svc, newTag: v7}]\n",
        }
    )
    sandbox = NamespaceSandbox(SystemProcesses())
    one.with_kustomize(lambda: Kustomize(str(kustomize_path), "v5", sandbox=sandbox))
    said = one.carry()

    assert one.container("Deployment", "front")["image"] == said.images["svc"]
    assert one.objects("Deployment")["front"]["metadata"]["namespace"] == "team"


def test_manifests_for_ko(shape: Shape) -> None:
    """``ko://IMPORTPATH`` is the image of the service whose package that is."""
    text = DEPLOYMENT.replace("ghcr.io/acme/svc:v1", "ko://example.com/svc/cmd/front")
    one = shape({"go.mod": MODULE["go.mod"], "cmd/front/main.go": WEB, "deploy/a.yaml": text})
    said = one.carry()

    assert one.container("Deployment", "front")["image"] == said.images["front"]


def test_a_helm_chart(shape: Shape) -> None:
    """A chart is not rendered: generated manifests are used, and it is said how to change that."""
    one = shape({**MODULE, "charts/svc/Chart.yaml": "name: svc\n"})
    one.carry()

    (told,) = [text for text in one.remarks() if "Helm" in text]
    assert told.startswith("charts/svc is a Helm chart, which Shipway does not render")
    assert set(one.objects("Deployment")) == {"svc"}


def test_kodata_beside_the_main_package(shape: Shape) -> None:
    """Its files are served as ko does, links within the repository followed."""
    reading = '_, err := os.Stat(os.Getenv("KO_DATA_PATH"))\n\tpanic(err)'
    body = f'package main\n\nimport "os"\n\nfunc main() {{\n\t{reading}\n}}\n'
    one = shape(
        {
            "go.mod": MODULE["go.mod"],
            "cmd/job/main.go": body,
            "cmd/job/kodata/index.html": "<html>",
            "LICENCE": "mine",
        }
    )
    (one.root / "cmd/job/kodata/LICENCE").symlink_to("../../../LICENCE")
    said = one.carry()

    config = one.config(said, "job").config
    assert config is not None
    assert "KO_DATA_PATH=/var/run/ko" in (config.env or ())
    files = one.contents(said, "job")
    assert {path: files[path] for path in files if path.startswith("var")} == {
        "var/run/ko/LICENCE": b"mine",
        "var/run/ko/index.html": b"<html>",
    }


def test_templates_and_assets_that_are_read_at_run_time(shape: Shape) -> None:
    """What a program reads by a relative path lies in the image where it looks, and is said."""
    read = 'template.Must(template.ParseGlob("templates/*.html"))\n\t'
    body = WEB.replace('"fmt"', '"fmt"\n\t"html/template"').replace(
        "http.HandleFunc", read + "http.HandleFunc"
    )
    one = shape({**MODULE, "main.go": body, "templates/a.html": "<a>", "private.key": "k"})
    said = one.carry()

    assert one.contents(said, "svc")["templates/a.html"] == b"<a>"
    fix = '[services.svc.files]\n"/templates" = "templates"'
    assert fix in [getattr(event, "fix", "") for event in one.said]


def test_no_hidden_file_or_key_goes_in_by_a_guess(shape: Shape) -> None:
    """A guessed folder with hidden files, keys or links goes in without them, file by file."""
    serves = 'http.Handle("/s/", http.FileServer(http.Dir("static")))\n\thttp.HandleFunc'
    body = WEB.replace("http.HandleFunc", serves)
    kept = {"static/a.css": "a", "static/deep/b.js": "b"}
    left = {"static/.env": "e", "static/tls.key": "k", "static/deep/B.PEM": "p", "static/.x/y": "y"}
    one = shape({**MODULE, "main.go": body, **kept, **left})
    (one.root / "static/link.txt").symlink_to(".env")
    said = one.carry()

    found = one.contents(said, "svc")
    assert {path: data.decode() for path, data in found.items() if "static" in path} == kept
    fixes = [event.fix for event in one.said if getattr(event, "fix", "").count(".files]")]
    assert fixes == [f'[services.svc.files]\n"/{path}" = "{path}"' for path in kept]


def test_what_git_ignores_goes_in_only_if_it_is_made_to_be_shown(shape: Shape) -> None:
    """A bundle that a build made is served; a database beside it stays here, and that is said."""
    serves = 'http.Handle("/s/", http.FileServer(http.Dir("static")))\n\thttp.HandleFunc'
    body = WEB.replace("http.HandleFunc", serves)
    ignored = {"static/app.js": "a", "static/users.db": "u"}
    listed = {".gitignore": "static/app.js\n*.db\n", "static/words.txt": "w"}
    one = shape({**MODULE, "main.go": body, **ignored, **listed})
    said = one.carry()

    found = [path for path in one.contents(said, "svc") if path.startswith("static/")]
    assert found == ["static/app.js", "static/words.txt"]
    (told,) = [event for event in one.said if "git ignores it" in getattr(event, "text", "")]
    assert told.text == "svc reads static/users.db: not in its image, since git ignores it"
    one.repository.write("shipway.toml", f"schema = 1\n[services.svc]\npackage = '.'\n{told.fix}\n")
    said = one.carry()
    assert "static/users.db" in one.contents(said, "svc")


@pytest.mark.parametrize("target", ["../elsewhere", "data", "nowhere"])
def test_what_cannot_be_used_is_no_guess(shape: Shape, target: str) -> None:
    """A link out of the project, to itself or to nothing where a program reads stops no command."""
    body = WEB.replace('"fmt"', '"fmt"\n\t"os"').replace(
        "http.HandleFunc", 'os.Open("data")\n\thttp.HandleFunc'
    )
    one = shape({**MODULE, "main.go": body})
    (one.folder / "elsewhere").mkdir()
    (one.folder / "elsewhere" / "x").write_text("x")
    (one.root / "data").symlink_to(target)
    said = one.carry()

    assert not [path for path in one.contents(said, "svc") if path.startswith("data")]


def test_grpc_without_the_health_service(shape: Shape) -> None:
    """A gRPC server that answers no health requests is probed by TCP; one that does is asked."""
    served = {
        "google.golang.org/grpc/grpc.go": "package grpc\n\nimport `net`\n\ntype Server struct{}\n\n"
        "func NewServer() *Server { return nil }\n\nfunc (*Server) Serve(net.Listener) {}\n",
        "google.golang.org/grpc/health/health.go": "package health\n",
    }
    listed = "\n".join(path.rpartition("/")[0] for path in served)
    vendored = f"# google.golang.org/grpc v1.0.0\n## explicit; go 1.24\n{listed}\n"
    imports = 'import (\n\t"net"\n\n\t"google.golang.org/grpc"\n)'
    calls = 'l, _ := net.Listen("tcp", ":9000")\n\tgrpc.NewServer().Serve(l)'
    body = f"package main\n\n{imports}\n\nfunc main() {{\n\t{calls}\n}}\n"
    one = shape(
        {
            "go.mod": module("example.com/svc", "require google.golang.org/grpc v1.0.0\n"),
            "main.go": body,
            "vendor/modules.txt": vendored,
            **{f"vendor/{path}": text for path, text in served.items()},
        }
    )
    one.carry()
    assert probe(one, "svc") == {"tcpSocket": {"port": "grpc"}, "periodSeconds": 1}
    health = 'import (\n\t_ "google.golang.org/grpc/health"\n'
    one.repository.write("main.go", body.replace("import (\n", health))
    one.carry()

    assert probe(one, "svc") == {"grpc": {"port": 9000}, "periodSeconds": 1}
    (port,) = one.objects("Service")["svc"]["spec"]["ports"]
    assert (port["port"], port["appProtocol"]) == (9000, "kubernetes.io/h2c")


C = 'package main\n\n// int f(void) { return 1; }\nimport "C"\n\nfunc main() { println(C.f()) }\n'
BASE = "registry.test/debian"
WITH_C = f"""schema = 1
[services.svc]
package = "."
kind = "worker"
build = {{ cgo = true }}
image = {{ base = "{BASE}@DIGEST" }}
"""


def refused(one: Stranger) -> ShipwayError:
    """Return what stops it; nothing was pushed."""
    before = len(one.registries.manifests)
    with pytest.raises(ShipwayError) as caught:
        one.carry()
    assert len(one.registries.manifests) == before
    return caught.value


def test_a_program_that_needs_c(shape: Shape) -> None:
    """Without a config it is told what to write; with cgo alone, that the base has no C library."""
    one = shape({"go.mod": MODULE["go.mod"], "main.go": C})
    error = refused(one)
    assert error.id == "build.needs-cgo"
    assert "cgo = true" in error.hint
    written = [line for line in WITH_C.splitlines() if not line.startswith("image")]
    one.repository.write("shipway.toml", "\n".join(written))
    error = refused(one)

    assert error.id == "image.libc"
    assert "ld-linux" in error.message
    assert "shipway/static does not have" in error.message


@pytest.mark.parametrize("provides", [("GLIBC_2.2.5",), None])
def test_a_base_with_a_c_library(shape: Shape, provides: tuple[str, ...] | None) -> None:
    """A program with C runs on a base whose C library is as new as it asks for, not on an older."""
    one = shape({"go.mod": MODULE["go.mod"], "main.go": C})
    one.pulls = True
    loader = next(Path("/lib64").glob("ld-linux*"), Path("/lib/ld-linux-aarch64.so.1"))
    known = elf.linked("", (), provides=provides) if provides else _libc()
    digest = one.base(BASE, {f"lib/{loader.name}": b"", "usr/lib/libc.so.6": known})
    one.repository.write("shipway.toml", WITH_C.replace("DIGEST", digest))
    if provides is None:
        assert one.carry().images
        return
    error = refused(one)

    assert error.id == "image.libc-old"
    assert "has GLIBC_2.2.5" in error.message


def _libc() -> bytes:
    """Return this machine's C library, which programs are linked against here."""
    paths = [*Path("/lib").glob("*/libc.so.6"), *Path("/lib64").glob("libc.so.6")]
    return paths[0].read_bytes()
