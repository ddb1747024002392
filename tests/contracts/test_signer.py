"""What every signer promises: the fake, and a key on disk with and without passphrase."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from fakes.signer import MemorySigner
from shipway.adapters.keys import KeyFolder
from shipway.core.evidence.envelope import pae
from shipway.core.ports.signer import Signer

if TYPE_CHECKING:
    from pathlib import Path

PORTS = (Signer,)


MESSAGE = pae("application/vnd.in-toto+json", b"{}")


@pytest.fixture(params=["memory", "disk", "disk with passphrase"], scope="module")
def signer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Give each signer in turn."""
    if request.param == "memory":
        return MemorySigner()
    folder = tmp_path_factory.mktemp("keys")
    passphrase = "secret" if "passphrase" in request.param else ""
    return KeyFolder(str(folder), passphrase=passphrase).signer()


def test_signs(signer: Signer) -> None:
    """What it signs verifies under its public key, and under no other message or key."""
    signature = signer.sign(MESSAGE)
    assert signer.public_key.verifies(signature.sig, MESSAGE)
    assert not signer.public_key.verifies(signature.sig, MESSAGE + b" ")
    assert not MemorySigner(99).public_key.verifies(signature.sig, MESSAGE)


def test_names(signer: Signer) -> None:
    """Its fingerprint is its public key's."""
    assert signer.fingerprint == signer.public_key.fingerprint
    assert signer.has_passphrase in {True, False}


def test_threads(signer: Signer) -> None:
    """Several threads may sign at once."""
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(signer.sign(MESSAGE).sig)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(signer.public_key.verifies(one, MESSAGE) for one in found)
    assert len(found) == 8


def test_kept(tmp_path: Path) -> None:
    """The same folder gives the same key."""
    first = KeyFolder(str(tmp_path)).signer()
    assert KeyFolder(str(tmp_path)).signer().public_key == first.public_key
