"""Who we are to a registry: Docker's files and helpers, Basic, tokens and their renewal."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from fakes.content import MemoryContent
from fakes.registry_server import Fault, RegistryServer
from shipway.adapters.process import SystemProcesses
from shipway.adapters.registry.client import connect
from shipway.adapters.registry.credentials import Credentials, Login
from shipway.core.oci.descriptor import LAYER_TAR
from shipway.core.ports.process import Completed
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

USER, PASSWORD = RegistryServer.login


def _config(folder: Path, value: Any) -> dict[str, str]:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    (folder / "config.json").write_bytes(raw)
    return {"DOCKER_CONFIG": str(folder), "HOME": "/nonexistent"}


def _auth(user: str = USER, password: str = PASSWORD) -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def _plain(login: Login | None) -> tuple[str, str] | None:
    return None if login is None else (login.user, login.password.reveal_text())


class Helper:
    """A credential helper that answers what it is told, and notes what it was asked."""

    def __init__(self, code: int = 0, out: bytes = b"", error: ShipwayError | None = None) -> None:
        self.answer = Completed(code, out, b"")
        self.error = error
        self.asked: list[tuple[list[str], bytes]] = []

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str], stdin: bytes = b"", **_: Any
    ) -> Completed:
        """Answer; a helper needs the environment to find its keychain."""
        assert "DOCKER_CONFIG" in env
        self.asked.append((list(argv), stdin))
        if self.error:
            raise self.error
        return self.answer


@pytest.mark.parametrize(
    ("config", "domain", "expected"),
    [
        ({"auths": {"r.example": _auth("u", "p")}}, "r.example", ("u", "p")),
        ({"auths": {"https://r.example": _auth("u", "p:q")}}, "r.example", ("u", "p:q")),
        ({"auths": {"https://r.example/v2/": _auth("u", "p")}}, "r.example", ("u", "p")),
        ({"auths": {"r.example:5000": _auth("u", "p")}}, "r.example", None),
        ({"auths": {"r.example/x": _auth("u", "p")}}, "r.example", ("u", "p")),
        ({"auths": {"https://index.docker.io/v1/": _auth("u", "p")}}, "docker.io", ("u", "p")),
        ({"auths": {"r.example": {"username": "u", "password": "p"}}}, "r.example", ("u", "p")),
        ({"auths": {"r.example": {"identitytoken": "t"}}}, "r.example", ("<token>", "t")),
        ({"auths": {"r.example": {}}}, "r.example", None),
        ({"auths": {"r.example": _auth("u", "")}}, "r.example", None),
        ({}, "r.example", None),
        (b"", "r.example", None),
    ],
)
def test_logins_of_the_file(
    tmp_path: Path, config: Any, domain: str, expected: tuple[str, str] | None
) -> None:
    """Keys may be hosts or URLs; Docker Hub has its own; identity tokens are told apart."""
    found = Credentials(_config(tmp_path, config), None).login(domain)

    assert expected == _plain(found)
    assert (found is not None and found.identity) == (expected == ("<token>", "t"))


def test_without_a_file_there_is_no_login(tmp_path: Path) -> None:
    """A missing file or folder is no fault; HOME is where it is looked for."""
    assert Credentials({"DOCKER_CONFIG": str(tmp_path / "no")}, None).login("r") is None
    (tmp_path / ".docker").mkdir()
    _config(tmp_path / ".docker", {"auths": {"r.example": _auth("u", "p")}})
    assert _plain(Credentials({"HOME": str(tmp_path)}, None).login("r.example")) == ("u", "p")


@pytest.mark.parametrize(
    "config",
    [
        b"{",
        b"[]",
        {"auths": {"r.example": {"auth": "***"}}},
        {"auths": {"r.example": {"auth": "eA=="}}},
    ],
)
def test_a_broken_file_is_told(tmp_path: Path, config: Any) -> None:
    """What cannot be read is registry.config, naming the file."""
    with pytest.raises(ShipwayError) as caught:
        Credentials(_config(tmp_path, config), None).login("r.example")

    assert (caught.value.id, caught.value.kind) == ("registry.config", Kind.CONFIG)
    assert str(tmp_path) in caught.value.subject


@pytest.mark.parametrize("config", [{"credHelpers": {"r.example": "pass"}}, {"credsStore": "pass"}])
def test_helpers_are_asked_by_their_protocol(tmp_path: Path, config: Any) -> None:
    """The host goes in, user and secret come out; each registry is asked once."""
    helper = Helper(out=b'{"ServerURL": "x", "Username": "u", "Secret": "p"}')
    credentials = Credentials(_config(tmp_path, config), helper)

    assert _plain(credentials.login("r.example")) == ("u", "p")
    credentials.login("r.example")
    assert helper.asked == [(["docker-credential-pass", "get"], b"r.example")]


def test_a_helper_knows_docker_hub_by_its_url(tmp_path: Path) -> None:
    """Docker Hub's key is its old URL, and a helper's own entry wins over the store."""
    helper = Helper(out=b'{"Username": "<token>", "Secret": "t"}')
    config = {"credHelpers": {"https://index.docker.io/v1/": "one"}, "credsStore": "two"}

    found = Credentials(_config(tmp_path, config), helper).login("docker.io")

    assert found is not None
    assert found.identity
    assert helper.asked == [(["docker-credential-one", "get"], b"https://index.docker.io/v1/")]


def test_the_store_goes_before_the_file(tmp_path: Path) -> None:
    """What the file holds counts where the helper knows nothing, or is turned off for it."""
    config: dict[str, Any] = {"auths": {"r.example": _auth("u", "p")}, "credsStore": "pass"}
    knows = Helper(out=b'{"Username": "v", "Secret": "q"}')
    nothing = Helper(1, b"credentials not found in native keychain\n")
    unasked = Helper(2)

    for helper, login in ((knows, ("v", "q")), (nothing, ("u", "p"))):
        assert _plain(Credentials(_config(tmp_path, config), helper).login("r.example")) == login
    config["credHelpers"] = {"r.example": ""}
    off = Credentials(_config(tmp_path, config), unasked)
    assert _plain(off.login("r.example")) == ("u", "p")
    assert not unasked.asked


def test_a_helper_without_a_login_is_no_fault(tmp_path: Path) -> None:
    """The protocol's own words for nothing found mean no login."""
    helper = Helper(1, b"credentials not found in native keychain\n")

    config = _config(tmp_path, {"credsStore": "pass"})

    assert Credentials(config, helper).login("r.example") is None


@pytest.mark.parametrize(
    "helper",
    [
        None,
        Helper(2, b"keychain is locked"),
        Helper(0, b"not json"),
        Helper(error=ShipwayError("process.missing", Kind.MISSING, "no such program")),
    ],
)
def test_a_helper_that_fails_is_told(tmp_path: Path, helper: Any) -> None:
    """It is registry.helper, naming the program."""
    config = _config(tmp_path, {"credsStore": "pass"})

    with pytest.raises(ShipwayError) as caught:
        Credentials(config, helper).login("r.example")

    assert (caught.value.id, caught.value.subject) == ("registry.helper", "docker-credential-pass")


def test_a_real_helper_is_run(tmp_path: Path) -> None:
    """A program on the PATH speaks the protocol over its pipes, and its login opens the door."""
    program = tmp_path / "docker-credential-test"
    program.write_text(
        f"#!/bin/sh\nread host\n"
        f'printf \'{{"ServerURL":"%s","Username":"{USER}","Secret":"{PASSWORD}"}}\' "$host"\n'
    )
    program.chmod(0o755)
    with RegistryServer(auth="basic") as server:
        environment = _config(tmp_path, {"credHelpers": {server.domain: "test"}})
        environment["PATH"] = f"{tmp_path}:/usr/bin:/bin"
        client = connect(environment, SystemProcesses())

        assert client.tags(f"{server.domain}/x") == ()


def _push(server: RegistryServer, environment: dict[str, str], data: bytes = b"data") -> None:
    content = MemoryContent()
    at = content.put(data, LAYER_TAR)
    client = connect(environment)
    client.push_blob(f"{server.domain}/shop/web", at, content)
    assert client.pull_blob(f"{server.domain}/shop/web", at) == data
    client.close()


def test_basic_is_sent_once_it_was_asked_for(tmp_path: Path) -> None:
    """One 401 for a process, then every request carries the login."""
    with RegistryServer(auth="basic") as server:
        _push(server, _config(tmp_path, {"auths": {server.domain: _auth()}}))

        assert server.authorizations[0] == ""
        assert all(sent.startswith("Basic ") for sent in server.authorizations[1:])


def test_a_token_is_fetched_per_scope(tmp_path: Path) -> None:
    """Pull and push have a token each, fetched once, with the login shown to its server."""
    with RegistryServer(auth="bearer") as server:
        _push(server, _config(tmp_path, {"auths": {server.domain: _auth()}}))

        scopes = [line for line in server.requests if "/token" in line]
        assert len(scopes) == 2
        assert "scope=repository%3Ashop%2Fweb%3Apull&" not in scopes[1]
        assert "pull%2Cpush" in scopes[1]


def test_an_identity_token_is_exchanged(tmp_path: Path) -> None:
    """A refresh token goes by POST, in the body."""
    with RegistryServer(auth="bearer") as server:
        _push(server, _config(tmp_path, {"auths": {server.domain: {"identitytoken": PASSWORD}}}))

        assert server.count("POST /token") == 2
        assert not server.count(PASSWORD)


def test_a_token_that_ended_is_renewed(tmp_path: Path) -> None:
    """A life of no length means one for each request; nothing fails in between."""
    with RegistryServer(auth="bearer") as server:
        server.token_life = 0
        _push(server, _config(tmp_path, {"auths": {server.domain: _auth()}}))

        assert server.count("/token") > 2


def test_a_token_that_the_registry_forgot_is_renewed(tmp_path: Path) -> None:
    """A 401 with a token that still lives fetches another."""
    with RegistryServer(auth="bearer") as server:
        client = connect(_config(tmp_path, {"auths": {server.domain: _auth()}}))
        client.tags(f"{server.domain}/x")
        server.tokens.clear()

        assert client.tags(f"{server.domain}/x") == ()
        assert server.count("/token") == 2


@pytest.mark.parametrize("auth", ["basic", "bearer"])
@pytest.mark.parametrize("config", [{}, {"auths": {"DOMAIN": _auth(password="wrong")}}])
def test_without_the_right_login_it_is_unauthorized(
    tmp_path: Path, auth: str, config: dict[str, Any]
) -> None:
    """No login or a wrong one is told after one more try, with the way to log in."""
    with RegistryServer(auth=auth) as server:
        raw = json.loads(json.dumps(config).replace("DOMAIN", server.domain))
        client = connect(_config(tmp_path, raw))

        with pytest.raises(ShipwayError) as caught:
            client.tags(f"{server.domain}/x")

        assert (caught.value.id, caught.value.kind) == ("registry.unauthorized", Kind.DENIED)
        assert "log in" in caught.value.hint
        assert len(server.requests) <= 3


@pytest.mark.parametrize(
    ("realm", "body"),
    [
        ("http://token.example/t", b"{}"),
        ("ftp://127.0.0.1/t", b"{}"),
        ("", b"{}"),
        ("OWN", b"{}"),
        ("OWN", b"<html>"),
    ],
)
def test_a_token_server_must_be_usable(tmp_path: Path, realm: str, body: bytes) -> None:
    """No credentials go to plain HTTP elsewhere; an answer without token is told."""
    with RegistryServer() as server:
        asked = f'Bearer realm="{realm.replace("OWN", f"http://{server.domain}/token")}"'
        server.faults += [
            Fault("GET", "/v2/", times=9, status=401, headers={"WWW-Authenticate": asked}),
            Fault("GET", "/token", times=9, status=200, body=body),
        ]
        client = connect(_config(tmp_path, {"auths": {server.domain: _auth()}}))

        with pytest.raises(ShipwayError) as caught:
            client.tags(f"{server.domain}/x")

        assert caught.value.id == "registry.token"


def test_the_login_is_in_no_error(tmp_path: Path) -> None:
    """What fails never shows the password."""
    with RegistryServer(auth="basic") as server:
        server.faults.append(Fault("GET", "tags", times=9, status=403))
        client = connect(_config(tmp_path, {"auths": {server.domain: _auth()}}))

        with pytest.raises(ShipwayError) as caught:
            client.tags(f"{server.domain}/x")

        shown = f"{caught.value}{caught.value.hint}{caught.value.subject}"
        assert PASSWORD not in shown
        assert _auth()["auth"] not in shown
