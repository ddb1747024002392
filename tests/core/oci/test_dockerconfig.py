"""One entry in a person's Docker config."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from shipway.core.oci import dockerconfig
from shipway.errors import ShipwayError

REGISTRY = "127.0.0.1:20001"


def test_a_login_is_put_into_a_new_file() -> None:
    """Without a file, one with our login alone is made."""
    value = json.loads(dockerconfig.merge(None, REGISTRY, "shipway", "word"))
    login = base64.b64encode(b"shipway:word").decode()
    assert value == {"auths": {REGISTRY: {"auth": login}}}


def test_entries_of_others_stay() -> None:
    """Logins, settings and their order survive putting ours in and taking it out."""
    before = json.dumps({"auths": {"ghcr.io": {"auth": "eA=="}}, "detachKeys": "ctrl-x"})
    with_ours = dockerconfig.merge(before, REGISTRY, "shipway", "word")
    assert json.loads(with_ours)["auths"]["ghcr.io"] == {"auth": "eA=="}
    after = dockerconfig.remove(with_ours, REGISTRY)
    assert after is not None
    assert json.loads(after) == json.loads(before)


def test_a_credential_store_is_kept_out() -> None:
    """Where a store holds all logins, ours is read from the file, and that goes with it."""
    before = json.dumps({"credsStore": "desktop"})
    with_ours = dockerconfig.merge(before, REGISTRY, "shipway", "word")
    assert json.loads(with_ours)["credHelpers"] == {REGISTRY: ""}
    after = dockerconfig.remove(with_ours, REGISTRY)
    assert after is not None
    assert json.loads(after) == {"credsStore": "desktop"}


def test_a_file_with_ours_alone_goes() -> None:
    """Removing the only entry leaves no file; where there is none, none is made."""
    assert dockerconfig.remove(dockerconfig.merge(" ", REGISTRY, "a", "b"), REGISTRY) is None
    assert dockerconfig.remove(None, REGISTRY) is None


def test_a_file_without_ours_is_left_alone() -> None:
    """Its very bytes stay."""
    text = '{"auths":   {}}'
    assert dockerconfig.remove(text, REGISTRY) == text


@pytest.mark.parametrize(
    ("config", "registry", "name"),
    [
        ({}, "r.example", ""),
        ({"credsStore": "s"}, "r.example", "s"),
        ({"credHelpers": {"r.example": "h"}, "credsStore": "s"}, "r.example", "h"),
        ({"credHelpers": {"r.example": ""}, "credsStore": "s"}, "r.example", ""),
        ({"credHelpers": {"r.example:5000": "h"}}, "r.example", ""),
        ({"credHelpers": {"https://index.docker.io/v1/": "h"}}, "docker.io", "h"),
        ({"credHelpers": {"docker.io": "h"}}, "docker.io", "h"),
    ],
)
def test_which_helper_keeps_a_login(config: dict[str, Any], registry: str, name: str) -> None:
    """Its own helper, else the store of all, else none; an empty name is the file."""
    assert dockerconfig.helper(json.dumps(config), registry) == name


def test_a_helpers_login_is_noted() -> None:
    """The file names the registry and holds nothing; an older login, by URL too, is gone."""
    before = json.dumps({"auths": {"https://r.example/v2/": {"auth": "eA=="}, "o": {}}})

    after = dockerconfig.note(before, "r.example")

    assert json.loads(after) == {"auths": {"o": {}, "r.example": {}}}
    assert not dockerconfig.holds(after, "r.example")
    assert dockerconfig.holds(before, "r.example")
    assert json.loads(dockerconfig.remove(after, "r.example") or "") == {"auths": {"o": {}}}


def test_a_chosen_helper_stays_chosen() -> None:
    """Logging out takes the login, not the person's choice of a helper."""
    config = {"auths": {"r.example": {}}, "credHelpers": {"r.example": "pass"}}

    after = dockerconfig.remove(json.dumps(config), "r.example")

    assert json.loads(after or "") == {"credHelpers": {"r.example": "pass"}}


def test_docker_hub_and_identity_tokens() -> None:
    """Docker Hub is kept under its old URL, an identity token as one."""
    value = json.loads(dockerconfig.merge(None, "docker.io", dockerconfig.TOKEN_USER, "t"))

    assert value == {"auths": {"https://index.docker.io/v1/": {"identitytoken": "t"}}}
    assert dockerconfig.holds(json.dumps(value), "docker.io")


@pytest.mark.parametrize("text", ["{", "[]", '{"auths": []}', '{"credHelpers": 1}'])
def test_a_broken_file_is_not_overwritten(text: str) -> None:
    """What cannot be read is said, never replaced."""
    with pytest.raises(ShipwayError) as caught:
        dockerconfig.merge(text, REGISTRY, "a", "b")
    assert caught.value.id == "dockerconfig.invalid"
