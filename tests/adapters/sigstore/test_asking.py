"""One question to one server: each fault has a name; what passes over is asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fakes.gate import Gate, Play
from fakes.issuer import Issuer
from shipway import scope
from shipway.adapters.http.network import Network
from shipway.adapters.sigstore.asking import MOST, Server
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/.well-known/openid-configuration"


@pytest.fixture(scope="module")
def gate() -> Iterator[Gate]:
    """Give a server behind a gate."""
    with Issuer() as issuer, Gate(int(issuer.url.rpartition(":")[2])) as made:
        yield made


def asked(gate: Gate, play: Play, *, patience: float = 20.0) -> bytes:
    """Return the answer while the gate plays."""
    gate.play = play
    gate.requests.clear()
    server = Server("rekor", Network(), patience=patience, pauses=(0.01, 0.01))
    return server.ask("GET", f"{gate.url}{PATH}", headers={"Authorization": "Bearer x"})


@pytest.mark.parametrize(
    ("play", "error", "tries"),
    [
        (400, "rekor.refused", 1),
        (401, "rekor.refused", 1),
        (302, "rekor.refused", 1),
        (204, "rekor.refused", 1),
        (429, "rekor.server", 3),
        (500, "rekor.server", 3),
        (503, "rekor.server", 3),
        ("cut", "rekor.cut", 3),
        ("mute", "rekor.slow", 3),
        ("trickle", "rekor.slow", 3),
        (b"x" * (MOST + 1), "rekor.oversized", 1),
    ],
)
def test_faults(gate: Gate, play: Play, error: str, tries: int) -> None:
    """Each fault has its own id; only what may pass over is tried again, a redirect never taken."""
    with pytest.raises(ShipwayError) as caught:
        asked(gate, play, patience=0.3 if play in {"mute", "trickle"} else 20)
    assert caught.value.id == error
    assert len(gate.requests) == tries
    assert caught.value.kind is {1: caught.value.kind, 3: Kind.TRANSIENT}[tries]


def test_an_answer(gate: Gate) -> None:
    """An answer comes whole."""
    assert b"jwks_uri" in asked(gate, "pass")
    assert len(asked(gate, b"x" * MOST)) == MOST


def test_it_passes_over(gate: Gate) -> None:
    """What fails once and then serves is an answer."""

    class Once:
        """Breaks the first answer off."""

        def __init__(self) -> None:
            self.left = 1

        def __call__(self, data: bytes) -> bytes:
            """Return the answer, the second time."""
            if self.left:
                self.left -= 1
                raise ConnectionError
            return data

    assert b"jwks_uri" in asked(gate, Once())
    assert len(gate.requests) == 2


def test_nobody_there() -> None:
    """A server that does not run is told as that."""
    with Gate() as gone:
        url = gone.url
    with pytest.raises(ShipwayError) as caught:
        Server("fulcio", Network(), pauses=(0.01,)).ask("GET", url, headers={})
    assert caught.value.id == "fulcio.unreachable"


def test_a_run_that_is_over(gate: Gate) -> None:
    """The end of the whole run is no fault of a server."""
    with pytest.raises(ShipwayError) as caught, scope.open(seconds=0.2):
        asked(gate, "mute")
    assert caught.value.id == "run.deadline"


def test_words_of_a_server(gate: Gate) -> None:
    """Its words are quoted in one line, cut short, without a secret that it throws back."""
    Secret("sesame-open-please")
    with pytest.raises(ShipwayError) as caught:
        asked(gate, 400)
    assert caught.value.message == 'status 400: {"message": "no, said the gate"}'
    with Loud(b"token sesame-open-please\n\x1b[31m" + b"y" * 900) as loud:
        with pytest.raises(ShipwayError) as caught:
            asked(loud, "pass")
        assert caught.value.message.startswith("status 400: token *** [31myyy")
        assert len(caught.value.message) < 330


class Loud(Gate):
    """A gate that refuses everything in its own words."""

    def __init__(self, words: bytes) -> None:
        super().__init__()
        self._words = words

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        """Refuse."""
        del method, path, headers, body
        return 400, {}, self._words
