"""Sealing by an identity: whole or not at all, and nothing sent before it was looked at."""

from __future__ import annotations

import base64
import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from fakes.sigstore import IDENTITY, ISSUER, statement
from fakes.sigstore_server import ServedSigstore
from shipway import scope
from shipway.adapters.http.network import Network
from shipway.adapters.process import SystemProcesses
from shipway.adapters.sigstore.asking import Server
from shipway.adapters.sigstore.sealer import KeylessSealer
from shipway.adapters.sigstore.tokens import Tokens
from shipway.core.keyless import instance
from shipway.core.sigstore import artifact, bundle
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.policy import Policy, Wanted
from shipway.errors import ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.gate import Play

PAYLOAD = statement()


@pytest.fixture(scope="module")
def served() -> Iterator[ServedSigstore]:
    """Give an instance."""
    with ServedSigstore() as made:
        yield made


@pytest.fixture(autouse=True)
def _calm(served: ServedSigstore) -> None:
    served.calm()


def sealer(
    served: ServedSigstore, *, token: bytes | None = None, patience: float = 20.0, **more: Any
) -> KeylessSealer:
    """Return who seals there, quick to give up."""
    secret = Secret(token or served.token())
    said = instance.Said(**served.said())
    return KeylessSealer(
        instance.choose(said),
        served.root,
        Tokens(lambda: secret, audience=said.audience, clock=served.clock),
        network=Network(),
        processes=SystemProcesses(),
        clock=served.clock,
        server=lambda name, network: Server(name, network, patience=patience, pauses=(0.01,)),
        **more,
    )


def test_a_bundle(served: ServedSigstore) -> None:
    """What comes back is a bundle of our identity, each with a key, certificate, entry and time."""
    who = sealer(served)
    with scope.open():
        made = scope.each(who.seal, [PAYLOAD] * 2)
    policy = Policy(identity=Wanted(IDENTITY), issuer=Wanted(ISSUER))
    about = artifact.of(b"an artifact\n")
    for data in made:
        found = judge(bundle.parse(data), policy=policy, root=served.root, artifact=about)
        assert found.ok, found.rows
    assert made[0] != made[1]
    for gate in (served.fulcio, served.rekor, served.timestamp):
        assert len(gate.requests) == 2
    certificates = {
        json.loads(data)["verificationMaterial"]["certificate"]["rawBytes"] for data in made
    }
    assert len(certificates) == 2


def test_the_token_goes_to_one_server(served: ServedSigstore) -> None:
    """Only the certificate authority sees the token; what is signed, none of them."""
    token = served.token()
    sealer(served, token=token).seal(PAYLOAD)
    (_, headers, body), *_ = served.fulcio.requests
    assert headers["Authorization"].encode() == b"Bearer " + token
    assert token not in body
    for gate in (served.rekor, served.timestamp):
        for _, sent, data in gate.requests:
            assert token.decode() not in str(sent)
            assert token not in data
            assert base64.b64encode(PAYLOAD) not in data
            assert PAYLOAD not in data


@pytest.mark.parametrize(
    "token", [b"x", ServedSigstore.token(aud="vault"), ServedSigstore.token(exp=9)]
)
def test_a_token_that_stays_here(served: ServedSigstore, token: bytes) -> None:
    """With a token that is none, for others, or old, no server is asked anything."""
    refused(sealer(served, token=token), "identity.")
    for gate in (served.fulcio, served.rekor, served.timestamp):
        assert not gate.requests


def test_who_looks_first_may_refuse(served: ServedSigstore) -> None:
    """What is called before the first upload can end it there."""

    def before(_: object) -> None:
        instance.refuse_unsaid()

    refused(sealer(served, before=before), "keyless.public")
    assert not served.fulcio.requests


def refused(who: KeylessSealer, error: str) -> ShipwayError:
    """Return how sealing failed."""
    with pytest.raises(ShipwayError) as caught:
        who.seal(PAYLOAD)
    assert caught.value.id.startswith(error)
    return caught.value


@pytest.mark.parametrize("name", ["fulcio", "rekor", "timestamp"])
@pytest.mark.parametrize(
    ("play", "error"),
    [
        (400, "refused"),
        (500, "server"),
        (429, "server"),
        ("cut", "cut"),
        ("mute", "slow"),
        (b"x" * (2 << 20), "oversized"),
    ],
)
def test_faults(served: ServedSigstore, name: str, play: Play, error: str) -> None:
    """Each fault of each server has its own id, and no bundle comes of it."""
    getattr(served, name).play = play
    refused(sealer(served, patience=0.3 if play == "mute" else 20), f"{name}.{error}")


@pytest.mark.parametrize(
    ("name", "error"),
    [("fulcio", "certificate"), ("rekor", "entry"), ("timestamp", "token")],
)
@pytest.mark.parametrize("play", [b"{}", b"nothing of that kind"])
def test_wrong_answers(served: ServedSigstore, name: str, error: str, play: Play) -> None:
    """An answer that is none is the fault of who gave it."""
    getattr(served, name).play = play
    refused(sealer(served), f"{name}.{error}")


def test_answers_to_somebody_else(served: ServedSigstore) -> None:
    """The true answers to an earlier question are refused, each as the fault of who gave it."""
    kept: dict[str, bytes] = {}
    for name in ("fulcio", "rekor", "timestamp"):

        def keep(data: bytes, name: str = name) -> bytes:
            kept[name] = data
            return data

        getattr(served, name).play = keep
    sealer(served).seal(PAYLOAD)
    for name, error in (("fulcio", "certificate"), ("rekor", "entry"), ("timestamp", "token")):
        served.calm()
        getattr(served, name).play = kept[name]
        refused(sealer(served), f"{name}.{error}")


def test_nothing_is_logged_for_a_certificate_of_others(served: ServedSigstore) -> None:
    """A certificate that is not ours is found before anything goes into the log."""
    other = base64.b64encode(b"-----BEGIN").decode()
    served.fulcio.play = json.dumps({"a": other}).encode()
    refused(sealer(served), "fulcio.certificate")
    assert not served.rekor.requests
    assert not served.timestamp.requests


@pytest.mark.parametrize(
    "script",
    [
        "raise SystemExit('no library')",
        "print('only one')",
        "print('!!! ???')",
        "print('aGk= aGk=')",
    ],
)
def test_a_signing_process_that_fails(served: ServedSigstore, script: str) -> None:
    """One that ends badly, or writes something else, is told, and no server is asked."""
    who = sealer(served, program=(sys.executable, "-c", script))
    refused(who, "keyless.process")
    assert not served.fulcio.requests


def test_a_signature_that_does_not_verify(served: ServedSigstore, tmp_path: Any) -> None:
    """A process that signs something else is found before anything is sent."""
    from shipway.adapters.sigstore import ephemeral  # noqa: PLC0415  only its path

    other = tmp_path / "other.py"
    other.write_text(
        f"import runpy, io, sys\n"
        f"sys.stdin = io.TextIOWrapper(io.BytesIO(b'something else'))\n"
        f"runpy.run_path({ephemeral.__file__!r}, run_name='__main__')\n"
    )
    found = refused(sealer(served, program=(sys.executable, str(other))), "keyless.process")
    assert found.message == "its signature does not verify"
    assert not served.fulcio.requests
