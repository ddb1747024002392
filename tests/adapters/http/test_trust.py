"""Authorities that count: the system's, a file's, or all of a folder whatever they are called."""

from __future__ import annotations

import os
import ssl
from typing import TYPE_CHECKING

import pytest

from fakes.company import Company
from shipway.adapters.http.network import Network
from shipway.adapters.http.trust import context
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Give a company's authority."""
    (tmp_path / "company").mkdir()
    with Company(tmp_path / "company") as found:
        return found


def _known(found: ssl.SSLContext) -> set[str]:
    subjects = (dict(part[0] for part in one["subject"]) for one in found.get_ca_certs())  # type: ignore[misc,union-attr]
    return {subject.get("commonName", "") for subject in subjects}


def test_without_settings_it_is_the_system() -> None:
    """Certificates and names are checked, and the company is not known."""
    found = context(Network())

    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert "company" not in _known(found)


def test_a_file_counts_alone(company: Company) -> None:
    """SSL_CERT_FILE replaces the system's authorities."""
    found = context(Network(ca_file=str(company.ca)))

    assert (found.verify_mode, found.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert _known(found) == {"company"}


def test_a_folder_counts_whole(company: Company, tmp_path: Path) -> None:
    """Every certificate in SSL_CERT_DIR's folders counts; what is none, or not there, does not."""
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "README").write_text("no certificate")
    (tmp_path / "certs" / "ours").write_bytes(company.ca.read_bytes())
    folders = os.pathsep.join((str(tmp_path / "none"), str(tmp_path / "certs")))

    assert _known(context(Network(ca_folder=folders))) == {"company"}


@pytest.mark.parametrize("text", [None, "", "no certificate"])
def test_a_file_without_certificates_is_told(tmp_path: Path, text: str | None) -> None:
    """It is named, and nothing is trusted instead."""
    path = tmp_path / "roots.pem"
    if text is not None:
        path.write_text(text)

    with pytest.raises(ShipwayError) as caught:
        context(Network(ca_file=str(path)))

    assert (caught.value.id, caught.value.kind) == ("network.roots", Kind.CONFIG)
    assert caught.value.subject == str(path)
