"""Main packages, ports and routes, guessed from sources."""

from __future__ import annotations

import pytest

from shipway.core.golang import discovery
from shipway.core.golang.discovery import Main, Port, Probes

WEB = {
    "cmd/web": {
        "main.go": 'package main\nimport (\n\t"net/http"\n\tsrv "example.com/m/internal/server"\n)'
        "\nfunc main() { srv.Run() }\n"
    },
    "cmd/tool/v2": {"main.go": "package main\nfunc main() { println(1) }\n"},
    "internal/server": {
        "server.go": 'package server\nimport "net/http"\nimport "example.com/m/cmd/web"\n'
        'func Run() { http.HandleFunc("/healthz", h); http.Handle("GET /readyz", r)\n'
        'http.ListenAndServe(":9000", nil) }\n'
    },
    "gen": {"gen.go": "//go:build ignore\n\npackage main\n"},
    "lib": {"lib.go": "package lib\n"},
}


def main(module: str, packages: discovery.Packages, folder: str) -> Main:
    """Return one program of a module."""
    found = discovery.survey(module, packages)
    return next(one for one in found.mains if one.folder == folder)


def mains(module: str, packages: discovery.Packages) -> list[tuple[str, str, bool]]:
    """Return folder and name of every program, and whether it serves."""
    found = discovery.survey(module, packages)
    assert found.module == module
    return [(one.folder, one.name, one.serves) for one in found.mains]


def test_mains_that_serve_come_first() -> None:
    """Among several mains those that listen, also through packages they import, come first."""
    assert mains("example.com/m", WEB) == [
        ("cmd/web", "web", True),
        ("cmd/tool/v2", "tool", False),
    ]


@pytest.mark.parametrize(
    ("imported", "call", "serves"),
    [
        ("github.com/gin-gonic/gin", "r.Run()", True),
        ("github.com/gofiber/fiber/v2", "app.Listen(address)", True),
        ("github.com/labstack/echo/v4", "e.GET(path, f)", False),
        ("github.com/spf13/cobra", "cmd.Run()", False),
    ],
)
def test_frameworks_that_say_no_port(imported: str, call: str, *, serves: bool) -> None:
    """A web framework that is started serves, whatever its address; what else runs does not."""
    code = f'package main\n\nimport "{imported}"\n\nfunc main() {{ {call} }}\n'

    assert main("m", {".": {"main.go": code}}, ".").serves is serves


def test_a_module_may_be_one_main() -> None:
    """The module's own folder is a main package with the module's name."""
    assert mains("example.com/hello", {".": {"a.go": "package main"}}) == [(".", "hello", False)]
    assert discovery.reachable("m", {".": {"a.go": 'package main\nimport "m"'}}, ".") == (".",)


def test_port_and_probes_are_found_through_imports() -> None:
    """Port and routes of packages that the main imports are its own."""
    assert main("example.com/m", WEB, "cmd/web").port == 9000
    assert main("example.com/m", WEB, "cmd/web").probes == Probes(
        startup="/healthz", readiness="/readyz", liveness="/healthz"
    )
    assert main("example.com/m", WEB, "cmd/tool/v2").probes == Probes()


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('http.ListenAndServe(":8081", mux)', 8081),
        ('http.ListenAndServeTLS("0.0.0.0:8443", c, k, nil)', 8443),
        ('s := &http.Server{Addr: "127.0.0.1:8082", Handler: h}', 8082),
        ('net.Listen("tcp", ":50051")', 50051),
        ('r.Run(":3000")', 3000),
        ('e.Start(":1323")', 1323),
        ('addr := flag.String("listen-address", ":9090", "where")', 9090),
        ('flag.IntVar(&p, "port", 8085, "port")', 8085),
        ('port := getenv("PORT")\nif port == "" {\n\tport = "8086"\n}', 8086),
        ('p := envOr("PORT", "8087")', 8087),
        ('a := env("LISTEN", ":8088")', 8088),
        ("const defaultPort = 8089", 8089),
        ('listenAddr = ":8090"', 8090),
        ('Port int `env:"PORT" default:"8091"`', 8091),
        ('// http.ListenAndServe(":8081", mux)', None),
        ("timeout := 8080", None),
        ('http.ListenAndServe(":99999", nil)', None),
    ],
)
def test_ways_to_write_a_port(code: str, port: int | None) -> None:
    """A port is found in calls, fields, flags, environment defaults and constants, not comments."""
    packages = {".": {"main.go": f"package main\n{code}\n"}}

    assert main("m", packages, ".").port == port


def test_grpc_is_recognised() -> None:
    """A gRPC server, and its health service, are seen."""
    code = (
        "package main\nfunc main() { s := grpc.NewServer(); healthpb.RegisterHealthServer(s, h) }"
    )
    packages = {".": {"main.go": code}}

    assert main("m", packages, ".").grpc
    assert main("m", packages, ".").probes.grpc
    assert not main("example.com/m", WEB, "cmd/web").grpc


@pytest.mark.parametrize(
    ("dockerfile", "port"),
    [
        ("FROM x\nEXPOSE 8080/tcp\n", 8080),
        ("expose 53/udp 9000\n", 9000),
        ("EXPOSE $PORT 70000\n", None),
        ("# EXPOSE 1\n", None),
    ],
)
def test_exposed_ports(dockerfile: str, port: int | None) -> None:
    """The first TCP port that a Dockerfile exposes is its port."""
    assert discovery.exposed(dockerfile) == port


def test_the_order_of_guesses() -> None:
    """Dockerfile before source, source before a run, a run before 8080, each with its origin."""
    assert discovery.decide("EXPOSE 1", 2, (3,)) == Port(1, "Dockerfile")
    assert discovery.decide("", 2, (3,)) == Port(2, "source")
    assert discovery.decide("", None, (3000, 8080)) == Port(8080, "run")
    assert discovery.decide("", None, (3000,)) == Port(3000, "run")
    assert discovery.decide("", None, ()) == Port(8080, "default")
    assert discovery.decide("", None, None) == Port(8080, "default")


@pytest.mark.parametrize(
    ("call", "paths"),
    [
        ('template.ParseGlob("templates/*.html")', ("templates",)),
        ('r.LoadHTMLGlob("./web/templates/**/*")', ("web/templates",)),
        ('template.ParseFiles("t/a.html", "t/b.html")', ("t/a.html", "t/b.html")),
        ('http.FileServer(http.Dir("static"))', ("static",)),
        ('os.DirFS("public/")', ("public",)),
        ('r.Static("/assets", "./assets")', ("assets",)),
        ('http.ServeFile(w, r, "static/index.html")', ("static/index.html",)),
        ('os.ReadFile("data/words.txt")', ("data/words.txt",)),
        ('os.ReadFile("/etc/passwd")', ()),
        ('os.ReadFile("../secret")', ()),
        ('os.ReadFile(".env")', ()),
        ('os.ReadFile("certs/.hidden/x")', ()),
        ('os.ReadFile("certs/server.key")', ()),
        ('os.ReadFile("certs/SERVER.KEY")', ()),
        ('template.ParseGlob("*.html")', ()),
        ('http.Dir(".")', ()),
        ("os.ReadFile(name)", ()),
    ],
)
def test_what_a_program_reads_when_it_runs(call: str, paths: tuple[str, ...]) -> None:
    """Relative paths in calls that read, also of imported packages; keys and hidden files never."""
    packages = {
        ".": {"main.go": 'package main\n\nimport "example.com/x/lib"\n\nfunc main() {}\n'},
        "lib": {"lib.go": f"package lib\n\nfunc f() {{ {call} }}\n"},
        "other": {"o.go": 'package other\n\nfunc f() { os.ReadFile("other.txt") }\n'},
    }

    assert main("example.com/x", packages, ".").reads == paths


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("static/index.html", True),
        ("static/APP.JS", True),
        ("static/app.js.gz", True),
        ("static/app.css.br", True),
        ("fonts/a.woff2", True),
        ("pages/a.gohtml", True),
        ("data/users.db", False),
        ("token.json", False),
        ("config.yaml", False),
        ("backup.sql.gz", False),
        ("words.txt", False),
    ],
)
def test_what_is_made_to_be_shown(path: str, *, shown: bool) -> None:
    """Kinds that nobody keeps a secret in are told apart, packed ones too."""
    assert discovery.is_shown(path) == shown
