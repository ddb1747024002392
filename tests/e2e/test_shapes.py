"""Strangers' repositories on a real cluster, none with a config that Shipway would have written.

Whatever their shape, what they serve answers, or their pods hold. `tests/roads/test_strangers.py`
has more shapes, on fakes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.world import Repo, served

if TYPE_CHECKING:
    from e2e.world import Ran, World

pytestmark = pytest.mark.cluster

SERVES = """package main

import (
	"fmt"
	"net/http"
IMPORTS)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, ANSWER) })
	http.ListenAndServe(":8080", nil)
}
"""
LIB = "package lib\n\nconst Word = `from the library`\n"


def program(answer: str, *imports: str) -> str:
    """Return a web service that answers with an expression."""
    lines = "".join(f'\t"{one}"\n' for one in imports)
    return SERVES.replace("IMPORTS", lines).replace("ANSWER", answer)


def module(path: str, more: str = "") -> str:
    """Return a go.mod."""
    return f"module {path}\n\ngo 1.24\n\n{more}"


def stranger(world: World, name: str, files: dict[str, str]) -> Repo:
    """Return a repository of these files, committed."""
    repo = Repo(world, world.folder / "repos" / name, name)
    for path, text in files.items():
        repo.write(path, text)
    repo.git("init", "-q", "-b", "main")
    repo.commit("one")
    return repo


def carried(repo: Repo) -> Ran:
    """Carry it; tests are no matter here."""
    ran = repo.up("--tests", "off")
    assert ran.code == 0, ran
    return ran


def test_modules_in_folders_and_a_workspace(world: World) -> None:
    """Two programs of two modules serve side by side, one with a third of the workspace."""
    repo = stranger(
        world,
        "folders",
        {
            "go.work": "go 1.24\n\nuse (\n\t./api\n\t./web\n\t./lib\n)\n",
            "api/go.mod": module("example.com/folders/api"),
            "api/main.go": program("lib.Word", "example.com/folders/lib"),
            "web/go.mod": module("example.com/folders/web"),
            "web/main.go": program("`from the web`"),
            "lib/go.mod": module("example.com/folders/lib"),
            "lib/lib.go": LIB,
        },
    )
    urls = carried(repo).answer["urls"]

    assert served(urls["api"], "from the library") == "from the library"
    assert served(urls["web"], "from the web") == "from the web"


def test_files_at_run_time_and_a_module_beside(world: World) -> None:
    """Templates, kodata and a replaced module beside the repository are there when it serves."""
    beside = world.folder / "repos" / "beside"
    beside.mkdir(parents=True)
    (beside / "go.mod").write_text(module("example.com/lib"))
    (beside / "lib.go").write_text(LIB)
    body = (
        "func() string {\n\t\tpage, _ := os.ReadFile(`pages/a.txt`)\n"
        '\t\tasset, _ := os.ReadFile(os.Getenv("KO_DATA_PATH") + "/b.txt")\n'
        "\t\treturn string(page) + string(asset) + lib.Word\n\t}()"
    ).replace("`pages/a.txt`", '"pages/a.txt"')
    replaced = "require example.com/lib v0.0.0\n\nreplace example.com/lib => ../beside\n"
    repo = stranger(
        world,
        "files",
        {
            "go.mod": module("example.com/files", replaced),
            "main.go": program(body, "os", "example.com/lib"),
            "pages/a.txt": "page ",
            "kodata/b.txt": "asset ",
        },
    )
    carried(repo)

    expected = "page asset from the library"
    assert served(repo.url(), expected) == expected


def test_manifests_that_are_not_hardened(world: World) -> None:
    """A folder of plain YAML runs the image just made, in the namespace that it names."""
    manifests = """apiVersion: apps/v1
kind: Deployment
metadata: {name: front, namespace: plain-team}
spec:
  selector: {matchLabels: {app: front}}
  template:
    metadata: {labels: {app: front}}
    spec:
      containers: [{name: front, image: "ghcr.io/acme/plain:v1", ports: [{containerPort: 8080}]}]
---
apiVersion: v1
kind: Service
metadata: {name: front, namespace: plain-team}
spec: {type: NodePort, selector: {app: front}, ports: [{port: 80, targetPort: 8080}]}
"""
    files = {"go.mod": module("example.com/plain"), "main.go": program("`plain`")}
    repo = stranger(world, "plain", files | {"k8s/front.yaml": manifests})
    image = carried(repo).answer["images"]["plain"]
    found = world.object("deployment", "front", "-n", "plain-team")
    (port,) = world.object("service", "front", "-n", "plain-team")["spec"]["ports"]

    assert found["spec"]["template"]["spec"]["containers"][0]["image"] == image
    assert served(f"http://127.0.0.1:{port['nodePort']}", "plain") == "plain"


def test_grpc_without_health(world: World) -> None:
    """A gRPC server that answers no health requests is probed by TCP, and counts as serving."""
    grpc = (
        "package grpc\n\nimport `net`\n\ntype Server struct{}\n\n"
        "func NewServer() *Server { return &Server{} }\n\n"
        "func (*Server) Serve(l net.Listener) {\n\tfor {\n\t\tl.Accept()\n\t}\n}\n"
    )
    calls = 'l, _ := net.Listen("tcp", ":9000")\n\tgrpc.NewServer().Serve(l)'
    listed = "# google.golang.org/grpc v1.0.0\n## explicit; go 1.24\ngoogle.golang.org/grpc\n"
    repo = stranger(
        world,
        "remote",
        {
            "go.mod": module("example.com/remote", "require google.golang.org/grpc v1.0.0\n"),
            "main.go": 'package main\n\nimport (\n\t"net"\n\n\t"google.golang.org/grpc"\n)\n\n'
            f"func main() {{\n\t{calls}\n}}\n",
            "vendor/modules.txt": listed,
            "vendor/google.golang.org/grpc/grpc.go": grpc,
        },
    )
    carried(repo)
    (pod,) = repo.pods()
    (container,) = pod["spec"]["containers"]

    assert container["readinessProbe"]["tcpSocket"] == {"port": "grpc"}
    assert pod["status"]["containerStatuses"][0]["ready"]


def test_a_worker_and_a_cron(world: World) -> None:
    """A worker holds without a port; a cron is there when it is stored."""
    told = (
        'schema = 1\n[services.work]\npackage = "./work"\nkind = "worker"\n'
        '[services.tick]\npackage = "./tick"\nkind = "cron"\nschedule = "5 3 * * *"\n'
    )
    sleeps = "package main\n\nimport `time`\n\nfunc main() { time.Sleep(time.Hour) }\n"
    repo = stranger(
        world,
        "quiet",
        {
            "go.mod": module("example.com/quiet"),
            "work/main.go": sleeps,
            "tick/main.go": "package main\n\nfunc main() {}\n",
            "shipway.toml": told,
        },
    )
    assert carried(repo).answer["urls"] == {}
    (pod,) = repo.pods()

    assert pod["metadata"]["labels"]["app.kubernetes.io/name"] == "work"
    cron = world.object("cronjob", "tick", "-n", repo.namespace)
    assert cron["spec"]["schedule"] == "5 3 * * *"
