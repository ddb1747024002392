"""Reports of scanners about an image, small, by hand after the real forms.

Trivy: aquasecurity/trivy, pkg/types/report.go and pkg/types/vulnerability.go. Grype: anchore/grype,
grype/presenter/models (document.go, match.go, vulnerability.go, source.go, descriptor.go).
"""

from __future__ import annotations

from typing import Any

LIBSSL = {
    "VulnerabilityID": "CVE-2026-7001",
    "PkgID": "libssl3@3.0.14-1~deb12u1",
    "PkgName": "libssl3",
    "PkgIdentifier": {"PURL": "pkg:deb/debian/libssl3@3.0.14-1~deb12u1?distro=debian-12.7"},
    "InstalledVersion": "3.0.14-1~deb12u1",
    "FixedVersion": "3.0.15-1~deb12u1",
    "Status": "fixed",
    "Layer": {"Digest": "sha256:" + "1" * 64, "DiffID": "sha256:" + "2" * 64},
    "SeveritySource": "debian",
    "Title": "openssl: something",
    "Severity": "HIGH",
}
GOMODULE = {
    "VulnerabilityID": "CVE-2026-9001",
    "PkgName": "example.com/leaky",
    "InstalledVersion": "v1.0.0",
    "Severity": "UNKNOWN",
}


def trivy(digest: str, *, version: str = "0.69.1") -> dict[str, Any]:
    """Return what ``trivy image --format json`` writes of a Debian image with a Go program."""
    return {
        "SchemaVersion": 2,
        **({"Trivy": {"Version": version}} if version else {}),
        "CreatedAt": "2026-11-25T08:00:00Z",
        "ArtifactName": f"r.test/shop/web@{digest}",
        "ArtifactType": "container_image",
        "Metadata": {
            "OS": {"Family": "debian", "Name": "12.7"},
            "ImageID": "sha256:" + "3" * 64,
            "DiffIDs": ["sha256:" + "2" * 64],
            "RepoDigests": [f"r.test/shop/web@{digest}"],
            "ImageConfig": {"architecture": "amd64", "os": "linux"},
        },
        "Results": [
            {
                "Target": "r.test/shop/web (debian 12.7)",
                "Class": "os-pkgs",
                "Type": "debian",
                "Vulnerabilities": [
                    {**LIBSSL, "VulnerabilityID": "CVE-2026-7002", "FixedVersion": ""},
                    LIBSSL,
                ],
            },
            {
                "Target": "app/web",
                "Class": "lang-pkgs",
                "Type": "gobinary",
                "Vulnerabilities": [GOMODULE],
            },
            {"Target": "empty", "Class": "os-pkgs", "Type": "debian"},
        ],
    }


def grype(digest: str, *, old: bool = False) -> dict[str, Any]:
    """Return what ``grype --output json`` writes of it; ``old``: before version 0.88."""
    built = {"built": "2026-11-24T01:31:08Z"}
    return {
        "matches": [
            {
                "vulnerability": {
                    "id": "CVE-2026-7001",
                    "dataSource": "https://security-tracker.debian.org/tracker/CVE-2026-7001",
                    "namespace": "debian:distro:debian:12",
                    "severity": "High",
                    "urls": [],
                    "fix": {"versions": ["3.0.15-1~deb12u1"], "state": "fixed"},
                    "advisories": [],
                },
                "relatedVulnerabilities": [],
                "matchDetails": [{"type": "exact-indirect-match", "matcher": "dpkg-matcher"}],
                "artifact": {
                    "id": "a1",
                    "name": "libssl3",
                    "version": "3.0.14-1~deb12u1",
                    "type": "deb",
                    "purl": "pkg:deb/debian/libssl3@3.0.14-1~deb12u1?arch=amd64&distro=debian-12",
                },
            },
            {
                "vulnerability": {"id": "GHSA-x", "severity": "Medium", "fix": {"versions": []}},
                "artifact": {"name": "example.com/leaky", "version": "v1.0.0", "type": "go-module"},
            },
        ],
        "source": {
            "type": "image",
            "target": {
                "userInput": f"r.test/shop/web@{digest}",
                "imageID": "sha256:" + "3" * 64,
                "manifestDigest": digest,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "tags": [],
                "repoDigests": [f"r.test/shop/web@{digest}"],
            },
        },
        "distro": {"name": "debian", "version": "12", "idLike": []},
        "descriptor": {
            "name": "grype",
            "version": "0.104.0",
            "db": built if old else {"status": {"schemaVersion": "v6.1.3", **built}},
            "timestamp": "2026-11-25T08:00:00Z",
        },
    }
