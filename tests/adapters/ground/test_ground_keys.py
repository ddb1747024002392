"""Keys and certificates of a cluster."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import stat
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from fakes.clock import FakeClock
from shipway.adapters.ground.keys import GroundKeys
from shipway.adapters.ground.tree import RootTree
from shipway.core.ports.ground import File, Leaf

if TYPE_CHECKING:
    from pathlib import Path


class Pki:
    """A folder with an authority, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.tree = RootTree(owner=os.getuid())
        self.keys().authority(self.path("ca"), "test ca")

    def keys(self) -> GroundKeys:
        """Return a hand that has nothing loaded."""
        return GroundKeys(self.tree, self.clock.now)

    def path(self, name: str) -> str:
        """Return a path without suffix."""
        return str(self.folder / name)

    def read(self, name: str) -> x509.Certificate:
        """Return a certificate."""
        return x509.load_pem_x509_certificate((self.folder / f"{name}.crt").read_bytes())

    def leaf(self, **other: str) -> Leaf:
        """Return what is wanted of a server."""
        return Leaf(
            path=self.path("server"),
            issuer=self.path("ca"),
            common_name=other.get("common_name", "server"),
            organizations=("one",),
            names=("localhost",),
            addresses=(other.get("address", "127.0.0.1"),),
            server=True,
        )


@pytest.fixture
def pki(tmp_path: Path) -> Pki:
    """Give a new authority."""
    return Pki(tmp_path)


def test_an_authority_signs_leaves_only(pki: Pki) -> None:
    """It may sign certificates but no further authority, for ten years, and is made once."""
    before = pki.read("ca")
    constraints = before.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    pki.keys().authority(pki.path("ca"), "test ca")
    assert pki.read("ca") == before


def test_a_leaf_is_what_was_wanted(pki: Pki) -> None:
    """Subject, names, addresses and purpose are as asked; the key is root's alone."""
    pki.keys().have([pki.leaf()])
    found = pki.read("server")
    found.verify_directly_issued_by(pki.read("ca"))
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    purposes = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert stat.S_IMODE((pki.folder / "server.key").stat().st_mode) == 0o600


def test_a_good_leaf_stays(pki: Pki) -> None:
    """One that says what is wanted and lasts is kept."""
    pki.keys().have([pki.leaf()])
    before = pki.read("server")
    pki.keys().have([pki.leaf()])
    assert pki.read("server") == before


def test_a_leaf_is_renewed_in_time(pki: Pki) -> None:
    """Thirty days before its end there is a new one."""
    pki.keys().have([pki.leaf()])
    before = pki.read("server")
    pki.clock.time += dt.timedelta(days=340).total_seconds()
    pki.keys().have([pki.leaf()])
    assert pki.read("server") != before


@pytest.mark.parametrize("change", [{"common_name": "other"}, {"address": "10.0.0.1"}])
def test_a_leaf_that_differs_is_replaced(pki: Pki, change: dict[str, str]) -> None:
    """A new name or address needs a new certificate."""
    pki.keys().have([pki.leaf()])
    before = pki.read("server")
    pki.keys().have([pki.leaf(**change)])
    assert pki.read("server") != before


def test_a_leaf_of_another_authority_is_replaced(pki: Pki) -> None:
    """One that the authority of now did not sign is of no use."""
    pki.keys().have([pki.leaf()])
    (pki.folder / "ca.crt").unlink()
    pki.keys().authority(pki.path("ca"), "test ca")
    pki.keys().have([pki.leaf()])
    pki.read("server").verify_directly_issued_by(pki.read("ca"))


def test_an_issued_pair_is_written_nowhere(pki: Pki) -> None:
    """A person's certificate is returned, with its authority and its end, and not kept."""
    before = sorted(path.name for path in pki.folder.iterdir())
    leaf = Leaf(
        path="",
        issuer=pki.path("ca"),
        common_name="ann",
        organizations=("admins",),
        client=True,
        days=14,
    )
    issued = pki.keys().issue(leaf)
    found = x509.load_pem_x509_certificate(issued.certificate.encode())
    assert issued.ends == pki.clock.now() + 14 * 24 * 3600
    assert found.subject.rfc4514_string() == "CN=ann,O=admins"
    assert issued.authority == (pki.folder / "ca.crt").read_text()
    assert sorted(path.name for path in pki.folder.iterdir()) == before


def test_the_token_signer_is_made_once(pki: Pki) -> None:
    """Restarting a cluster must not make its tokens void."""
    pki.keys().signer(pki.path("sa"))
    before = (pki.folder / "sa.key").read_text()
    pki.keys().signer(pki.path("sa"))
    assert (pki.folder / "sa.key").read_text() == before
    assert "PUBLIC KEY" in (pki.folder / "sa.pub").read_text()


def test_a_secret_is_made_once(pki: Pki) -> None:
    """The same path gives the same text, another path another."""
    one = pki.keys().secret(pki.path("one"))
    assert pki.keys().secret(pki.path("one")) == one
    assert pki.keys().secret(pki.path("two")) != one
    assert len(one) == 43


def test_a_password_hash_is_bcrypt(pki: Pki) -> None:
    """The hash is in bcrypt's form, salted, and the C library finds the password right."""
    hashed = pki.keys().password_hash("word")
    assert hashed.startswith("$2b$04$")
    assert hashed != pki.keys().password_hash("word")
    library = ctypes.CDLL("libcrypt.so.1")
    library.crypt.restype = ctypes.c_char_p
    assert library.crypt(b"word", hashed.encode()) == hashed.encode()


def test_a_missing_half_is_made_anew(pki: Pki) -> None:
    """A certificate without its key is worth nothing."""
    pki.keys().have([pki.leaf()])
    (pki.folder / "server.key").unlink()
    pki.keys().have([pki.leaf()])
    assert (pki.folder / "server.key").exists()
    pki.tree.write(File(pki.path("x"), ""))
