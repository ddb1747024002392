"""The service that is measured: a web server of some 30 MB, made when the benchmark runs.

It links the Kubernetes client, whose modules the engines' lock pins and the machine has already.
Every edit changes the one line that it serves, and no two tools ever see the same edit, so that
none finds in Go's build cache what another one compiled.
"""

from __future__ import annotations

from pathlib import Path

LOCK = Path(__file__).parents[1] / "src" / "shipway" / "engines" / "kubernetes"
MAIN = """package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const greeting = "{greeting}"

func greet(w http.ResponseWriter, r *http.Request) {{
	if r.URL.Path == "/cluster" {{
		client, err := kubernetes.NewForConfig(&rest.Config{{Host: "127.0.0.1"}})
		fmt.Fprintln(w, client, err)
		return
	}}
	fmt.Fprint(w, greeting)
}}

func main() {{
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() {{ <-stop; os.Exit(0) }}()
	http.HandleFunc("/healthz", greet)
	http.HandleFunc("/readyz", greet)
	http.HandleFunc("/", greet)
	fmt.Println(http.ListenAndServe(":8080", nil))
}}
"""
KO = """defaultBaseImage: {base}
builds:
- id: big
  flags: ["-trimpath"]
  ldflags: ["-s", "-w"]
"""


def write(folder: Path, greeting: str) -> None:
    """Write the module, or change its one line."""
    (folder / "main.go").write_text(MAIN.format(greeting=greeting))
    module(folder, "x.test/big")


def module(folder: Path, name: str) -> None:
    """Write what the module needs, once."""
    if not (folder / "go.mod").exists():
        lock = (LOCK / "go.mod").read_text()
        (folder / "go.mod").write_text(lock.replace("shipway.dev/engine/kubernetes", name))
        (folder / "go.sum").write_bytes((LOCK / "go.sum").read_bytes())


def first(folder: Path) -> None:
    """Write the module as it is before any edit."""
    write(folder, "one")


def configure_ko(folder: Path, base: str) -> None:
    """Have ko build with the same flags, on a base that the same registry holds."""
    (folder / ".ko.yaml").write_text(KO.format(base=base))
