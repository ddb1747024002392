"""Challenges: what registries really send."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.oci.challenge import Challenge, Token, lacks_scope, parse, scope_of


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="a b"', [("basic", {"realm": "a b"})]),
        (
            'Bearer realm="https://a/t",service="r",scope="repository:x:pull,push"',
            [
                (
                    "bearer",
                    {"realm": "https://a/t", "service": "r", "scope": "repository:x:pull,push"},
                )
            ],
        ),
        (
            'BEARER Realm=https://a/t , service="q\\"uote", Basic realm="x"',
            [("bearer", {"realm": "https://a/t", "service": 'q"uote'}), ("basic", {"realm": "x"})],
        ),
        ('Negotiate, Basic realm="x"', [("negotiate", {}), ("basic", {"realm": "x"})]),
    ],
)
def test_parse(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    """Schemes in any case, quoted and bare values, several challenges in one header."""
    assert tuple(Challenge(*at) for at in expected) == parse(header)


@given(st.text())
def test_any_header_is_read_over(header: str) -> None:
    """What no one can read makes no one fail."""
    parse(header)


def test_scope() -> None:
    """A scope names the repository and the actions."""
    assert scope_of("a/b", "pull", "push") == "repository:a/b:pull,push"


def test_token_names_and_life() -> None:
    """Either name carries the token; its life is a little shorter than said, 60 s unsaid."""
    assert Token("t", "u").value == "t"
    assert Token("", "u", 100).value == "u"
    assert Token("t", expires_in=100).life == pytest.approx(90)
    assert Token("t").life == pytest.approx(54)
    assert Token("t", expires_in=-5).life == 0


def test_a_token_may_be_good_for_less() -> None:
    """Only insufficient_scope says that the login was right."""
    assert lacks_scope('Bearer realm="https://t",error="insufficient_scope"')
    assert not lacks_scope('Bearer realm="https://t",error="invalid_token"')
    assert not lacks_scope("")
