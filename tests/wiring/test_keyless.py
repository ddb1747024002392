"""From a person's own ``[trust]`` to who signs: tokens taken away, the public only on purpose."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from fakes.issuer import Issuer
from fakes.person import Person
from shipway.adapters.sigstore.tokens import Token
from shipway.core.keyless import identity, instance
from shipway.errors import ShipwayError
from shipway.redaction import Secret
from shipway.wiring.keyless import Word

if TYPE_CHECKING:
    from pathlib import Path

OWN = """
[trust]
fulcio = "https://fulcio.example.com"
rekor = "https://rekor.example.com"
timestamp = "https://tsa.example.com"
"""
SECRETS = ("SHIPWAY_ID_TOKEN", "SIGSTORE_ID_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "OUR_TOKEN")


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Give a person with an empty home."""
    return Person(tmp_path)


def refused(person: Person, config: str, **variables: str) -> ShipwayError:
    """Return why nobody can sign."""
    person.configure(config)
    with pytest.raises(ShipwayError) as caught:
        person.tools(**variables).sealer()
    return caught.value


def test_tokens_leave_the_environment(person: Person) -> None:
    """No program that is started later sees a token, or what could ask for one."""
    person.configure('[trust]\ntoken = "env:OUR_TOKEN"\n')
    told = {name: f"token-of-{name.lower()}" for name in SECRETS}
    os.environ |= told
    tools = person.tools(**told)
    assert set(tools.held) == set(SECRETS)
    assert not set(SECRETS) & (set(os.environ) | set(tools.variables))
    assert tools.held["OUR_TOKEN"].reveal_text() == told["OUR_TOKEN"]


def test_nobody_said_where(person: Person) -> None:
    """Without a word, without a root, with a wrong one, or without a token: each by its name."""
    token = {"SIGSTORE_ID_TOKEN": "a.b.c"}
    assert refused(person, "", **token).id == "keyless.unset"
    assert "says no root" in refused(person, OWN, **token).message
    assert refused(person, f'{OWN}root = "none.json"\n', **token).id == "trust.invalid"
    (person.home / "config" / "shipway" / "root.json").write_text("{}")
    assert refused(person, f'{OWN}root = "root.json"\n', **token).id == "trust.invalid"
    assert refused(person, f'{OWN}root = "root.json"\n').id == "identity.missing"
    assert refused(person, '[trust]\nfulcoi = ""\n').id == "config.syntax"


def test_a_token_file_counts_from_the_configuration(person: Person) -> None:
    """A relative path is one in the folder of the configuration."""
    person.configure('[trust]\npublic = true\ntoken = "file:token"\n')
    with pytest.raises(ShipwayError) as caught:
        person.tools().sealer().seal(b"{}")
    assert caught.value.id == "identity.missing"
    assert str(person.home / "config" / "shipway" / "token") in caught.value.message


def test_the_public_instance_needs_a_word(person: Person) -> None:
    """Named by its address alone, and nobody to ask: refused before a token is looked at."""
    lines = [f'{part} = "{url}"' for part, url in instance.PUBLIC.items()]
    found = refused(person, "\n".join(["[trust]", *lines, ""]))
    assert found.id == "keyless.public"
    assert "public = true" in found.hint


@pytest.mark.parametrize(
    ("answer", "goes"), [(None, True), ("y", True), ("n", False), ("", False), ("yes", False)]
)
def test_what_stays_public_is_said(person: Person, answer: str | None, *, goes: bool) -> None:
    """It is said before the first upload, once; a person who is asked must say y."""
    with Issuer() as issuer:
        secret = issuer.token()
    token = Token(Secret(secret), identity.read(secret.encode()))
    chosen = instance.choose(instance.Said(public=True))
    asked: list[str] = []

    def ask(prompt: str) -> str:
        asked.append(prompt)
        return answer or ""

    word = Word(chosen, person.tools().clock, person.said.append, None if answer is None else ask)
    if goes:
        word(token)
        word(token)
        assert len(person.said) == 2
    else:
        for _ in range(2):
            with pytest.raises(ShipwayError) as caught:
                word(token)
            assert caught.value.id == "keyless.public"
    assert "dev@example.com" in person.said[1].value  # type: ignore[attr-defined]
    assert bool(asked) == (answer is not None)
