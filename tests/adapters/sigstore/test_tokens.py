"""Identity tokens come from job, variable or file, and are looked at before they go anywhere."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.clock import FakeClock
from fakes.issuer import BEARER, Issuer
from shipway.adapters.clock import SystemClock
from shipway.adapters.http.network import Network
from shipway.adapters.sigstore import tokens
from shipway.adapters.sigstore.tokens import Tokens
from shipway.core.keyless.identity import MOST
from shipway.errors import ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shipway.core.ports.clock import Clock


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    """Give an issuer."""
    with Issuer() as made:
        yield made


def found(
    said: str = "",
    *,
    held: dict[str, str] | None = None,
    variables: dict[str, str] | None = None,
    projected: str = "/nowhere",
    audience: str = "sigstore",
) -> Callable[[], Secret]:
    """Return the source that a job has."""
    return tokens.source(
        said,
        audience=audience,
        held={name: Secret(value) for name, value in (held or {}).items()},
        variables=variables or {},
        network=Network(),
        projected=projected,
    )


def text(secret: Secret) -> str:
    """Return what a secret holds."""
    return secret.reveal_text()


def refused(call: Callable[[], object]) -> str:
    """Return the id of an error."""
    with pytest.raises(ShipwayError) as caught:
        call()
    return caught.value.id


def test_variables(issuer: Issuer) -> None:
    """A usual variable counts without a line; another one where the configuration names it."""
    token = issuer.token()
    for name in tokens.USUAL:
        assert text(found(held={name: token})()) == token
    assert (
        text(found("env:OURS", held={"OURS": token, tokens.USUAL[0]: "token-of-another-issuer"})())
        == token
    )
    assert refused(found("env:OURS")) == "identity.missing"


def test_files(issuer: Issuer, tmp_path: Path) -> None:
    """A file is read each time, as a projected token is renewed; line breaks do not count."""
    file = tmp_path / "token"
    for subject in ("one", "two"):
        token = issuer.token(sub=subject)
        file.write_text(f"{token}\n")
        assert text(found(f"file:{file}")()) == token
        assert text(found(projected=str(file))()) == token
    assert refused(found(f"file:{tmp_path / 'none'}")) == "identity.missing"


def test_a_file_that_is_too_long(tmp_path: Path) -> None:
    """No more than a token's length is ever read."""
    file = tmp_path / "token"
    file.write_bytes(b"x" * (MOST * 4))
    source = found(f"file:{file}")
    assert len(source().reveal()) == MOST + 1
    asked = Tokens(source, audience="sigstore", clock=SystemClock())
    assert refused(asked.token) == "identity.invalid"


def test_a_job_of_github(issuer: Issuer) -> None:
    """A job asks for a token for our audience, by its own bearer; without that there is none."""
    job = issuer.job
    held = {tokens.GITHUB_BEARER: BEARER}
    for said in ("", "github"):
        issuer.asked.clear()
        source = found(said, held=held, variables=job, audience="our log")
        assert text(source()).count(".") == 2
        assert issuer.asked == ["our log"]
    assert refused(found("github", variables=job)) == "identity.missing"
    assert refused(found("github", held=held)) == "identity.missing"
    wrong = found("github", held={tokens.GITHUB_BEARER: "token-of-another-issuer"}, variables=job)
    assert refused(wrong) == "identity.refused"
    plain = {tokens.GITHUB_URL: "http://pipelines.example.com/job"}
    assert refused(found("github", held=held, variables=plain)) == "keyless.address"


def test_nothing_there() -> None:
    """Without any of these it is said at once; a word that is none of them is a wrong line."""
    assert refused(found) == "identity.missing"
    for said in ("gitlab", "env:", "file:"):
        assert refused(lambda said=said: found(said)) == "keyless.unset"


class Counted:
    """A source that counts."""

    def __init__(self, issuer: Issuer, **claims: Any) -> None:
        self.asked = 0
        self._issuer = issuer
        self._claims = claims

    def __call__(self) -> Secret:
        """Return a new token."""
        self.asked += 1
        return Secret(self._issuer.token(**self._claims))


def test_a_token_is_used_while_it_holds(issuer: Issuer) -> None:
    """One token serves until shortly before its end, then another one is asked for."""
    source = Counted(issuer)
    clock = FakeClock()
    clock.time = time.time()
    kept = Tokens(source, audience="sigstore", clock=clock)
    first = kept.token()
    assert kept.token() is first
    clock.time += 580
    assert kept.token() is not first
    assert source.asked == 2


@pytest.mark.parametrize(
    ("claims", "error"),
    [({"aud": "vault"}, "identity.audience"), ({"exp": 1000}, "identity.expired")],
)
def test_a_token_that_stays_here(issuer: Issuer, claims: dict[str, Any], error: str) -> None:
    """One for others, or an old one, is refused, and never kept."""
    clock: Clock = SystemClock()
    kept = Tokens(Counted(issuer, **claims), audience="sigstore", clock=clock)
    assert [refused(kept.token), refused(kept.token)] == [error, error]
