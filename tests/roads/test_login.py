"""Logging in and out: what is kept was proved, and what is not proved is said."""

from __future__ import annotations

import pytest

from fakes.logins import MemoryLogins
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret
from shipway.roads import login as road

USER, PASSWORD = GOOD = ("ann", "hunter2-hunter2")


@pytest.fixture
def logins() -> MemoryLogins:
    """Give logins of nobody yet, and one registry that asks."""
    return MemoryLogins({"r.example:5000": GOOD})


@pytest.mark.parametrize("name", ["r.example:5000", "https://r.example:5000/v2/"])
def test_a_good_login_is_kept(logins: MemoryLogins, name: str) -> None:
    """By host or URL; who and where is said, the password is not."""
    said = road.login(name, USER, Secret(PASSWORD), logins=logins)

    assert said == "logged in to r.example:5000 as ann; kept by memory"
    assert logins.kept == {"r.example:5000": GOOD}


def test_a_wrong_login_is_not_kept(logins: MemoryLogins) -> None:
    """What the registry refuses is refused."""
    with pytest.raises(ShipwayError) as caught:
        road.login("r.example:5000", USER, Secret("wrong-wrong"), logins=logins)

    assert caught.value.kind is Kind.DENIED
    assert not logins.kept


def test_a_login_that_nobody_asked_for_is_said(logins: MemoryLogins) -> None:
    """It is kept, and not called proved."""
    said = road.login("open.example", USER, Secret(PASSWORD), logins=logins)

    assert "it was not proved" in said
    assert "open.example" in logins.kept


@pytest.mark.parametrize("pair", [("", "p"), ("a", ""), ("a", "two\nlines"), ("a:b", "p")])
def test_what_is_no_login_is_asked_for_again(logins: MemoryLogins, pair: tuple[str, str]) -> None:
    """Nothing is sent; the way to give a password is shown."""
    user, password = pair
    with pytest.raises(ShipwayError) as caught:
        road.login("r.example:5000", user, Secret(password), logins=logins)

    assert (caught.value.id, caught.value.kind) == ("login.password", Kind.USAGE)
    assert "--password-stdin" in caught.value.hint


@pytest.mark.parametrize("name", ["", "-x", "https://", "a b"])
def test_what_is_no_registry_is_told(logins: MemoryLogins, name: str) -> None:
    """A registry is a host."""
    for way in (
        lambda: road.login(name, USER, Secret(PASSWORD), logins=logins),
        lambda: road.logout(name, logins=logins),
    ):
        with pytest.raises(ShipwayError) as caught:
            way()
        assert caught.value.id == "reference.invalid"


def test_logging_out_says_from_where(logins: MemoryLogins) -> None:
    """And where there was nothing, it says so."""
    road.login("r.example:5000", USER, Secret(PASSWORD), logins=logins)

    said = [road.logout("r.example:5000", logins=logins) for _ in range(2)]

    assert said == [
        "logged out of r.example:5000; taken from memory",
        "there was no login for r.example:5000",
    ]
