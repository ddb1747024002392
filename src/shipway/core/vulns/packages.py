"""What a scanner of distributions said of an image: reports of Trivy and Grype, as both write JSON.

``shipway scan --report`` reads one and attaches it. Trivy: schema version 2 (aquasecurity/trivy,
pkg/types/report.go); Grype: anchore/grype, grype/presenter/models. Only packages of the
distribution count: Go modules have a scan of their own, which knows the code.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.oci.digest import Digest
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 64 << 20
"""Bytes that one report may have."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
_SYSTEMS = frozenset({"apk", "deb", "rpm", "alpm", "portage"})
"""Types of packages that Grype calls those of a distribution."""


class Package(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One vulnerability in one package of a distribution."""

    id: str
    package: str
    version: str
    fixed: str = ""
    severity: str = ""
    """In the scanner's words."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One report."""

    scanner: str
    """``trivy`` or ``grype``."""
    version: str
    system: str
    """Name and version of the distribution; empty where the image has none."""
    database: str = ""
    """The date of its database in its own words; empty where the report does not say."""
    digests: frozenset[Digest]
    """Of the image that it is about, by every name that it gives."""
    findings: tuple[Package, ...]


def read(data: bytes) -> Report:
    """Return what a report says.

    Raises:
        ShipwayError: ``scan.report`` (integrity) for anything but a report of Trivy or Grype.
    """
    said = decode(
        data, dict[str, Any], error="scan.report", subject="a scanner's report", limit=LIMIT
    )
    if said.get("SchemaVersion") == 2 and said.get("ArtifactType") == "container_image":  # noqa: PLR2004
        return _trivy(said)
    if isinstance(said.get("matches"), list) and _map(said, "descriptor").get("name") == "grype":
        return _grype(said)
    raise ShipwayError(
        "scan.report",
        Kind.INTEGRITY,
        "it is no report about an image by Trivy or Grype in their JSON",
        operation="reading",
        subject="a scanner's report",
        hint="trivy image --format json IMAGE, or grype --output json IMAGE",
    )


def _trivy(said: dict[str, Any]) -> Report:
    metadata = _map(said, "Metadata")
    system = _map(metadata, "OS")
    found = [
        Package(
            id=_text(one, "VulnerabilityID"),
            package=_text(one, "PkgName"),
            version=_text(one, "InstalledVersion"),
            fixed=_text(one, "FixedVersion"),
            severity=_text(one, "Severity").lower(),
        )
        for result in _maps(said, "Results")
        if result.get("Class") == "os-pkgs"
        for one in _maps(result, "Vulnerabilities")
    ]
    return Report(
        scanner="trivy",
        version=_text(_map(said, "Trivy"), "Version"),
        system=" ".join(filter(None, (_text(system, "Family"), _text(system, "Name")))),
        digests=_digests(_list(metadata, "RepoDigests")),
        findings=_sorted(found),
    )


def _grype(said: dict[str, Any]) -> Report:
    target = _map(_map(said, "source"), "target")
    distro, descriptor = _map(said, "distro"), _map(said, "descriptor")
    database = _map(descriptor, "db")
    found = [
        Package(
            id=_text(vulnerability, "id"),
            package=_text(artifact, "name"),
            version=_text(artifact, "version"),
            fixed=next(iter(_texts(_map(vulnerability, "fix"), "versions")), ""),
            severity=_text(vulnerability, "severity").lower(),
        )
        for match in _maps(said, "matches")
        if (artifact := _map(match, "artifact")).get("type") in _SYSTEMS
        for vulnerability in (_map(match, "vulnerability"),)
    ]
    return Report(
        scanner="grype",
        version=_text(descriptor, "version"),
        system=" ".join(filter(None, (_text(distro, "name"), _text(distro, "version")))),
        database=_text(database, "built") or _text(_map(database, "status"), "built"),
        digests=_digests([target.get("manifestDigest"), *_list(target, "repoDigests")]),
        findings=_sorted(found),
    )


def _sorted(found: list[Package]) -> tuple[Package, ...]:
    return tuple(sorted(found, key=lambda one: (one.id, one.package, one.version)))


def _digests(named: list[Any]) -> frozenset[Digest]:
    """Return the digests in ``sha256:...`` or ``REPOSITORY@sha256:...``."""
    words = (one.rpartition("@")[2] for one in named if isinstance(one, str))
    return frozenset(Digest(word) for word in words if _DIGEST.match(word))


def _map(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def _list(value: dict[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _maps(value: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    return (one for one in _list(value, name) if isinstance(one, dict))


def _text(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _texts(value: dict[str, Any], name: str) -> Iterator[str]:
    return (one for one in _list(value, name) if isinstance(one, str))
