"""The verb that looks for known vulnerabilities in a program: in its source and in its twin.

A road calls :func:`check` with a database that lies here by then; the road's gate judges what is
found. The streams of the scanner stay in the store, since they are the whole of what it said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.descriptor import Descriptor  # noqa: TC001  msgspec reads types
from shipway.core.ports.go import Target  # noqa: TC001  msgspec reads types
from shipway.core.ports.vulns import Database  # noqa: TC001  msgspec reads types
from shipway.core.vulns import finding
from shipway.core.vulns.finding import Finding, Report  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from shipway.core.ports.content import Content
    from shipway.core.ports.go import Go
    from shipway.core.ports.vulns import Scanner

STREAM = "application/vnd.govulncheck.v1+json"


class ScanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One program as its source, or as a file that lies there."""

    target: Target | None = None
    """One main package for one platform."""
    ldflags: str = "-buildid="
    """Of the program that is shipped."""
    program: str = ""
    """Path of a program of which there is no source."""
    database: Database


class Scanned(msgspec.Struct, frozen=True, kw_only=True):
    """What the scanner said, all of its scans joined."""

    scanner: str
    """``govulncheck v1.9.0``."""
    go: str
    source: str
    """Where the database came from."""
    modified: float
    modules: int
    findings: tuple[Finding, ...]
    streams: tuple[Descriptor, ...]


def check(request: ScanRequest, *, go: Go, scanner: Scanner, content: Content) -> Scanned:
    """Scan the source by its call graph, and the program by its symbols.

    Raises:
        ShipwayError: ``scan.failed``, ``scan.report`` (integrity), ``build.*`` where it does not
            build.
    """
    asked = request.target
    if asked is None:
        streams = [scanner.program(request.program, request.database)]
    else:
        go.download(asked)
        streams = [
            scanner.source(asked, request.database),
            scanner.twin(asked, request.ldflags, request.database),
        ]
    reports = [finding.read(one) for one in streams]
    return Scanned(
        scanner=scanner.name(),
        go=reports[0].go,
        source=request.database.source,
        modified=request.database.modified,
        modules=len(_modules(reports)),
        findings=finding.join(*reports),
        streams=tuple(content.put(one, STREAM) for one in streams),
    )


def _modules(reports: list[Report]) -> frozenset[str]:
    return frozenset(path for report in reports for path in report.modules)
