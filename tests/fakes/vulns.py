"""Vulnerabilities in memory: databases by their source, and a scanner that is told what is near.

What it writes has the form of govulncheck's JSON stream.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fakes.vulnerable import LEAKY, MODIFIED, SERVICE, entry
from shipway.core.ports.vulns import Database
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Collection

    from shipway.core.ports.go import Target

FAR = ("called", "imported", "required")


class MemoryDatabases:
    """Entries by source; anything else is no database."""

    def __init__(self) -> None:
        self.known: dict[str, list[dict[str, Any]]] = {}
        self.modified = MODIFIED
        self.asked: list[frozenset[str]] = []

    def open(self, source: str, modules: Collection[str]) -> Database:
        """Return it."""
        self.asked.append(frozenset(modules))
        if source not in self.known:
            raise ShipwayError("scan.database", Kind.NOT_FOUND, "there is none", subject=source)
        place = source if source.startswith("http") else "folder"
        modified = datetime.fromisoformat(self.modified).timestamp()
        return Database(folder=source, source=place, modified=modified)

    def entries(self, database: Database, modules: Collection[str]) -> tuple[bytes, ...]:
        """Return those about the modules."""
        return tuple(
            json.dumps(one).encode()
            for one in sorted(self.known[database.folder], key=lambda at: str(at["id"]))
            if any(at["package"]["name"] in modules for at in one["affected"])
        )


class FakeScanner:
    """Finds every entry about ``leaky`` in packages and programs that it was told of."""

    def __init__(self, databases: MemoryDatabases) -> None:
        self._databases = databases
        self.near: dict[str, str] = {}
        """Package or path to a grade."""
        self.linked_in: dict[str, str] = {}
        """The same for twins, where it is another."""
        self.stripped: set[str] = set()
        self.twins: list[str] = []

    def name(self) -> str:
        """Return a name."""
        return "govulncheck v1.9.0"

    def modules(self, target: Target) -> tuple[str, ...]:
        """Return the modules."""
        if target.module_dir == "nowhere":
            raise ShipwayError("build.no-module", Kind.CONFIG, "no go.mod")
        return (LEAKY, SERVICE)

    def source(self, target: Target, database: Database) -> bytes:
        """Return what is said of the source."""
        return self._stream("source", target.packages[0], self.near, database)

    def twin(self, target: Target, ldflags: str, database: Database) -> bytes:
        """Return what is said of the program."""
        self.twins.append(ldflags)
        return self._stream("binary", target.packages[0], self.near | self.linked_in, database)

    def has_symbols(self, path: str) -> bool:
        """Return whether it has."""
        self._known(path)
        return path not in self.stripped

    def linked(self, path: str) -> tuple[str, ...]:
        """Return the modules."""
        self._known(path)
        return (LEAKY, SERVICE)

    def program(self, path: str, database: Database) -> bytes:
        """Return what is said of a program."""
        self._known(path)
        near = {path: "called"} if path in self.stripped else self.near
        return self._stream("binary", path, near, database)

    def _known(self, path: str) -> None:
        if path not in self.near:
            raise ShipwayError("scan.failed", Kind.CONFIG, "no such file", subject=path)

    def _stream(self, mode: str, at: str, near: dict[str, str], database: Database) -> bytes:
        entries = self._databases.known[database.folder]
        bill = {"modules": [{"path": LEAKY, "version": "v1.0.0"}, {"path": SERVICE}]}
        messages: list[dict[str, Any]] = [
            {"config": {"scan_mode": mode, "go_version": "go1.27.3"}},
            {"SBOM": bill},
        ]
        grade = near.get(at)
        for one in entries if grade else ():
            messages.append({"osv": one})
            messages += [
                {"finding": {"osv": one["id"], "fixed_version": "v1.2.0", "trace": trace}}
                for trace in _traces(mode, grade or "")
            ]
        return "\n".join(json.dumps(one, indent=2) for one in messages).encode()


def _traces(mode: str, grade: str) -> list[list[dict[str, str]]]:
    """Return what is said of one vulnerability, the farthest first."""
    module = {"module": LEAKY, "version": "v1.0.0"}
    package = {**module, "package": LEAKY}
    main = {"module": SERVICE, "package": f"{SERVICE}/cmd/calls", "function": "main"}
    spill = [{**package, "function": "Spill"}, *([main] if mode == "source" else [])]
    return [[module], [package], spill][: 3 - FAR.index(grade)]


def known(*entries: dict[str, Any]) -> list[dict[str, Any]]:
    """Return entries; by default the one about ``leaky``."""
    return list(entries) or [entry()]
