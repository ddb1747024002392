"""Identity tokens: whom they name, and that one for others or out of its time is refused."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.keyless import identity
from shipway.core.keyless.identity import Identity
from shipway.errors import ShipwayError

NOW = 1_800_000_000.0
CLAIMS = {"iss": "https://issuer", "sub": "me", "aud": "sigstore", "exp": NOW + 60}


def encoded(value: Any) -> str:
    """Return JSON as a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def token(**claims: Any) -> bytes:
    """Return a token with claims added or replaced."""
    return f"{encoded({'alg': 'RS256'})}.{encoded(CLAIMS | claims)}.c2ln\n".encode()


def test_a_person() -> None:
    """A token names its issuer, its subject, its audience and its end; mail goes before subject."""
    found = identity.read(token(email="me@example.com", nbf=NOW))
    assert found == Identity(
        issuer="https://issuer",
        subject="me",
        audiences=("sigstore",),
        expires=NOW + 60,
        begins=NOW,
        names=("me@example.com", "me"),
    )
    identity.check(found, audience="sigstore", now=NOW)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        (
            {
                "iss": identity.GITHUB,
                "job_workflow_ref": "o/r/.github/workflows/w.yml@refs/heads/m",
            },
            "https://github.com/o/r/.github/workflows/w.yml@refs/heads/m",
        ),
        (
            {"iss": f"{identity.GITHUB}/company", "job_workflow_ref": "o/r/w.yml@main"},
            "https://github.com/o/r/w.yml@main",
        ),
        (
            {"iss": "https://git.example.com/_services/token", "job_workflow_ref": "o/r/w.yml@m"},
            "https://git.example.com/o/r/w.yml@m",
        ),
        (
            {"ci_config_ref_uri": "gitlab.com/o/r//.gitlab-ci.yml@refs/heads/main"},
            "https://gitlab.com/o/r//.gitlab-ci.yml@refs/heads/main",
        ),
        (
            {"kubernetes.io": {"namespace": "ci", "serviceaccount": {"name": "robot"}}},
            "https://kubernetes.io/namespaces/ci/serviceaccounts/robot",
        ),
        ({"kubernetes.io": {"namespace": "ci", "serviceaccount": "robot"}}, "me"),
        ({"kubernetes.io": {"serviceaccount": {"name": "robot"}}}, "me"),
        ({}, "me"),
    ],
)
def test_names(claims: dict[str, Any], name: str) -> None:
    """Workflows go by their file, workloads by their account, everything else by the subject."""
    assert identity.read(token(**claims)).names[0] == name


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "https://vault"}, "identity.audience"),
        ({"aud": ["sigstore", "https://vault"]}, "identity.audience"),
        ({"aud": []}, "identity.audience"),
        ({"exp": NOW}, "identity.expired"),
        ({"nbf": NOW + 61}, "identity.expired"),
    ],
)
def test_tokens_that_stay_here(claims: dict[str, Any], error: str) -> None:
    """One for another service, for several, or out of its time is refused by name."""
    with pytest.raises(ShipwayError) as caught:
        identity.check(identity.read(token(**claims)), audience="sigstore", now=NOW)
    assert caught.value.id == error


@pytest.mark.parametrize("claims", [{"aud": ["sigstore"]}, {"nbf": NOW + 60}, {"exp": NOW + 1}])
def test_tokens_that_may_go(claims: dict[str, Any]) -> None:
    """A list of one audience is one; the issuer's clock may be a minute ahead."""
    identity.check(identity.read(token(**claims)), audience="sigstore", now=NOW)


@pytest.mark.parametrize(
    "data",
    [b"", b"a.b", b"a.!.c", b"a." + encoded([]).encode() + b".c", b"x." * 40_000 + b"y"],
)
def test_no_token(data: bytes) -> None:
    """What is no token is told, and never quoted."""
    with pytest.raises(ShipwayError) as caught:
        identity.read(data)
    assert caught.value.id == "identity.invalid"


def test_claims_of_another_shape() -> None:
    """A claim of another type, or one that is missing, makes it no token."""
    for claims in ({"exp": "soon"}, {"aud": 3}, {"iss": None}):
        with pytest.raises(ShipwayError) as caught:
            identity.read(token(**claims))
        assert caught.value.id == "identity.invalid"


@given(st.binary(max_size=200))
def test_anything(data: bytes) -> None:
    """Any bytes that are no token are a named error."""
    with pytest.raises(ShipwayError) as caught:
        identity.read(data)
    assert caught.value.id == "identity.invalid"
