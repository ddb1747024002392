"""A module with a hole, a database that knows of it, and programs that come more or less near.

``calls`` runs the vulnerable function, ``imports`` uses another one of its package, ``requires``
only another package of its module. Layout and fields as go.dev/doc/security/vuln/database has them.
"""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from fakes.goproxy import FileProxy

if TYPE_CHECKING:
    from pathlib import Path

LEAKY = "example.com/leaky"
ID, CVE = "GO-2026-9001", "CVE-2026-9001"
STDLIB = "GO-2026-9002"
MODIFIED = "2026-11-20T12:00:00Z"
SERVICE = "example.com/shop"
FILES = {
    "leaky.go": "package leaky\n\n"
    "//go:noinline\nfunc Spill(n int) int {\n\treturn n + len(name)\n}\n\n"
    '//go:noinline\nfunc Safe(n int) int {\n\treturn n * 2\n}\n\nvar name = "leaky"\n',
    "dry/dry.go": "package dry\n\n//go:noinline\nfunc Wipe(n int) int {\n\treturn n + 1\n}\n",
}
USES = {
    "calls": ("leaky", "Spill"),
    "imports": ("leaky", "Safe"),
    "requires": ("leaky/dry", "Wipe"),
}
"""Program to the package and function that it uses."""


def main(name: str) -> str:
    """Return the source of one of the programs."""
    package, function = USES[name]
    called = f"{package.rpartition('/')[2]}.{function}(3)"
    return (
        f'package main\n\nimport "example.com/{package}"\n\n'
        f"func main() {{\n\tanswer()\n}}\n\nfunc answer() {{\n\tprintln({called})\n}}\n"
    )


def write_project(folder: Path, proxy: FileProxy, *names: str) -> Path:
    """Write a module with programs, and what it needs into the proxy; return its folder."""
    sums = proxy.add(LEAKY, "v1.0.0", FILES)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "go.mod").write_text(f"module {SERVICE}\n\ngo 1.24\n\nrequire {LEAKY} v1.0.0\n")
    (folder / "go.sum").write_text(sums)
    for name in names or USES:
        (folder / "cmd" / name).mkdir(parents=True)
        (folder / "cmd" / name / "main.go").write_text(main(name))
    return folder


def entry(identifier: str = ID, module: str = LEAKY, **said: Any) -> dict[str, Any]:
    """Return an OSV entry: ``Spill`` of ``module`` is vulnerable before v1.2.0."""
    symbols = said.get("symbols", ["Spill"])
    return {
        "schema_version": "1.3.1",
        "id": identifier,
        "modified": said.get("modified", MODIFIED),
        "published": MODIFIED,
        "aliases": said.get("aliases", [CVE] if identifier == ID else []),
        "summary": said.get("summary", f"Leak in {module}"),
        "details": "It leaks.",
        "affected": [
            {
                "package": {"name": module, "ecosystem": "Go"},
                "ranges": [
                    {
                        "type": "SEMVER",
                        "events": [{"introduced": "0"}, {"fixed": said.get("fixed", "1.2.0")}],
                    }
                ],
                "ecosystem_specific": {
                    "imports": [{"path": said.get("package", module), "symbols": symbols}]
                },
            }
        ],
    }


def write_database(
    folder: Path, *entries: dict[str, Any], modified: str = MODIFIED, packed: bool = False
) -> Path:
    """Write a database; ``packed`` adds the files that a client of an address asks for."""
    known = entries or (entry(),)
    modules: dict[str, list[dict[str, str]]] = {}
    for one in known:
        for affected in one["affected"]:
            (fixed,) = [at["fixed"] for at in affected["ranges"][0]["events"] if "fixed" in at]
            row = {"id": one["id"], "modified": one["modified"], "fixed": fixed}
            modules.setdefault(affected["package"]["name"], []).append(row)
    files: dict[str, Any] = {
        "index/db.json": {"modified": modified},
        "index/modules.json": [{"path": path, "vulns": rows} for path, rows in modules.items()],
        "index/vulns.json": [{"id": one["id"], "modified": one["modified"]} for one in known],
        **{f"ID/{one['id']}.json": one for one in known},
    }
    for path, value in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        data = json.dumps(value).encode()
        (folder / path).write_bytes(data)
        if packed:
            (folder / f"{path}.gz").write_bytes(gzip.compress(data))
    return folder


def proxy(folder: Path) -> FileProxy:
    """Return a module proxy in ``folder``."""
    return FileProxy(folder)
