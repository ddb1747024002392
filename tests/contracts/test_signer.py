"""What all who sign promise: in memory, by a key on disk, and by an identity."""

from __future__ import annotations

import base64
import json
import threading
from typing import TYPE_CHECKING

import pytest

from fakes.signer import MemorySigner
from fakes.sigstore_server import ServedSigstore
from shipway import scope
from shipway.adapters.keys import KeyFolder
from shipway.core.evidence import bundle
from shipway.core.evidence.envelope import pae
from shipway.core.evidence.statement import MEDIA_TYPE
from shipway.core.ports.signer import Sealer, Signer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORTS = (Sealer, Signer)


MESSAGE = pae("application/vnd.in-toto+json", b"{}")


@pytest.fixture(params=["memory", "disk", "disk with passphrase"], scope="module")
def signer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Signer:
    """Give each signer in turn."""
    if request.param == "memory":
        return MemorySigner()
    folder = tmp_path_factory.mktemp("keys")
    passphrase = "secret" if "passphrase" in request.param else ""
    return KeyFolder(str(folder), passphrase=passphrase).signer()


@pytest.fixture(params=["memory", "disk", "identity"], scope="module")
def sealer(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sealer]:
    """Give each who seals in turn."""
    folder = tmp_path_factory.mktemp("sealing")
    if request.param == "memory":
        yield MemorySigner()
    elif request.param == "disk":
        yield KeyFolder(str(folder), passphrase="").signer()
    else:
        with ServedSigstore() as served:
            yield served.sealer()


def test_seals(sealer: Sealer) -> None:
    """A statement comes back in a bundle v0.3, byte for byte, signed once; several at a time."""
    payloads = [b'{"a": %d}' % one for one in range(3)]
    with scope.open():
        made = scope.each(sealer.seal, payloads)
    for payload, data in zip(payloads, made, strict=True):
        found = json.loads(data)
        assert found["mediaType"] == bundle.MEDIA_TYPE
        assert base64.b64decode(found["dsseEnvelope"]["payload"]) == payload
        assert found["dsseEnvelope"]["payloadType"] == MEDIA_TYPE
        assert len(found["dsseEnvelope"]["signatures"]) == 1
        assert found["verificationMaterial"]


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
