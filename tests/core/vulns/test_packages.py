"""Reports of Trivy and Grype: what they say of a distribution, and of which image."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.reports import grype, trivy
from shipway.core.oci.digest import of
from shipway.core.vulns import packages
from shipway.core.vulns.packages import Package
from shipway.errors import Kind, ShipwayError

IMAGE = of(b"image")
HIGH = Package(
    id="CVE-2026-7001",
    package="libssl3",
    version="3.0.14-1~deb12u1",
    fixed="3.0.15-1~deb12u1",
    severity="high",
)


def read(said: dict[str, Any]) -> packages.Report:
    """Return what a report says."""
    return packages.read(json.dumps(said).encode())


def test_a_report_of_trivy() -> None:
    """Packages of the distribution, sorted; the version only where it is said."""
    found = read(trivy(IMAGE))

    assert (found.scanner, found.version, found.system) == ("trivy", "0.69.1", "debian 12.7")
    assert found.digests == {IMAGE}
    assert found.database == ""
    assert found.findings[0] == HIGH
    assert [one.id for one in found.findings] == ["CVE-2026-7001", "CVE-2026-7002"]
    assert found.findings[1].fixed == ""
    assert read(trivy(IMAGE, version="")).version == ""


@pytest.mark.parametrize("old", [True, False])
def test_a_report_of_grype(*, old: bool) -> None:
    """The same packages; the date of its database, where old and new versions have it."""
    found = read(grype(IMAGE, old=old))

    assert (found.scanner, found.version, found.system) == ("grype", "0.104.0", "debian 12")
    assert found.digests == {IMAGE}
    assert found.database == "2026-11-24T01:31:08Z"
    assert found.findings == (HIGH,)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"SchemaVersion": 2, "ArtifactType": "filesystem"},
        {"matches": [], "descriptor": {"name": "other"}},
    ],
)
def test_another_report_is_refused(said: dict[str, Any]) -> None:
    """Of another tool, or about something that is no image."""
    with pytest.raises(ShipwayError) as caught:
        read(said)

    assert (caught.value.id, caught.value.kind) == ("scan.report", Kind.INTEGRITY)


def test_a_report_of_nonsense_is_read() -> None:
    """Whatever its fields hold: nothing comes of it, and it is about no image."""
    wrong: dict[str, Any] = {"SchemaVersion": 2, "ArtifactType": "container_image"}
    assert read({**wrong, "Results": 3, "Metadata": []}).digests == frozenset()
    names = {"RepoDigests": [1, "web@sha256:12", "x"]}
    assert read({**wrong, "Results": [1, {"Class": "os-pkgs"}], "Metadata": names}).findings == ()


@given(st.binary(max_size=60))
def test_other_bytes_are_refused(data: bytes) -> None:
    """No bytes end in another exception."""
    with pytest.raises(ShipwayError):
        packages.read(data)
