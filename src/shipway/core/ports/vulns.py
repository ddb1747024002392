"""Vulnerabilities: a database of them, and the scanner that looks for them in Go code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Collection

    from shipway.core.ports.go import Target


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """A database that lies on this machine."""

    folder: str
    """Absolute path, in the layout of go.dev/doc/security/vuln/database."""
    source: str
    """Where it came from: its address, or ``folder``."""
    modified: float
    """When it was last changed, in seconds since the epoch, by its own word."""


class Databases(Protocol):
    """Where vulnerabilities are known."""

    def open(self, source: str, modules: Collection[str]) -> Database:
        """Return the database at ``source``, an http(s) address or a folder.

        From an address, the index and the entries about ``modules`` and about Go itself are
        fetched; this is the only step that needs a network.

        Raises:
            ShipwayError: ``scan.database`` (not found) where there is none, or none that can be
                read; ``scan.unreachable``, ``scan.cut`` (transient), ``scan.untrusted``.
        """
        ...

    def entries(self, database: Database, modules: Collection[str]) -> tuple[bytes, ...]:
        """Return the entries about any of ``modules``, each as OSV JSON, in order of their ids.

        Raises:
            ShipwayError: ``scan.database`` (not found) for one that cannot be read.
        """
        ...


class Scanner(Protocol):
    """govulncheck, run without a network."""

    def name(self) -> str:
        """Return the scanner and its version, as in ``govulncheck v1.9.0``."""
        ...

    def modules(self, target: Target) -> tuple[str, ...]:
        """Return the paths of all modules that the target may be made of, or more.

        Raises:
            ShipwayError: ``build.no-module``.
        """
        ...

    def source(self, target: Target, database: Database) -> bytes:
        """Scan packages by their call graph; return govulncheck's JSON stream.

        The modules must have been downloaded.

        Raises:
            ShipwayError: ``scan.failed`` with the scanner's words; ``build.no-module``.
        """
        ...

    def twin(self, target: Target, ldflags: str, database: Database) -> bytes:
        """Build the one main package with its symbol table, scan that; return the JSON stream.

        ``ldflags`` are those of the program that is shipped: what strips it is left out.

        Raises:
            ShipwayError: ``scan.failed``; one of ``build.*``.
        """
        ...

    def has_symbols(self, path: str) -> bool:
        """Return whether a program has a symbol table; of one without, all counts as called.

        Raises:
            ShipwayError: ``scan.failed`` where it cannot be read; ``elf.invalid``.
        """
        ...

    def linked(self, path: str) -> tuple[str, ...]:
        """Return the paths of all modules that a program is made of.

        Raises:
            ShipwayError: ``scan.failed``; ``buildinfo.unreadable`` where it is no Go program.
        """
        ...

    def program(self, path: str, database: Database) -> bytes:
        """Scan a Go program by its symbols; return the JSON stream.

        Raises:
            ShipwayError: ``scan.failed``.
        """
        ...
