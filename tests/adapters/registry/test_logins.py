"""Logins where Docker's programs find them: a real helper first, else a file of mode 0600."""

from __future__ import annotations

import json
import os
import pwd
import stat
from typing import TYPE_CHECKING, Any

import pytest

from fakes.registry_server import RegistryServer
from shipway.adapters.http.network import Network
from shipway.adapters.process import SystemProcesses
from shipway.adapters.registry.credentials import Credentials
from shipway.adapters.registry.logins import DockerLogins
from shipway.adapters.userfiles import Account, AccountFiles
from shipway.core.oci.dockerconfig import TOKEN_USER
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "hunter2-in-the-keychain"
HELPER = """#!/bin/sh
# docker-credential-test: one file a registry, named by its host; notes its arguments.
echo "$0 $*" >> "$KEPT/argv"
case "$1" in
  store) in=$(cat); url=$(printf %s "$in" | sed 's/.*"ServerURL":"\\([^"]*\\)".*/\\1/')
    printf %s "$in" > "$KEPT/$(printf %s "$url" | tr '/:' '__')" ;;
  get) url=$(cat); f="$KEPT/$(printf %s "$url" | tr '/:' '__')"
    [ -f "$f" ] || { echo "credentials not found in native keychain"; exit 1; }; cat "$f" ;;
  erase) url=$(cat); rm -f "$KEPT/$(printf %s "$url" | tr '/:' '__')" ;;
esac
"""


class World:
    """A person with a home, a PATH with a helper that works, and one that does not."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.kept = home / "kept"
        self.kept.mkdir()
        for name, text in (("test", HELPER), ("locked", "#!/bin/sh\necho locked up; exit 2\n")):
            program = home / f"docker-credential-{name}"
            program.write_text(text)
            program.chmod(0o755)
        self.environment = {
            "PATH": f"{home}:/usr/bin:/bin",
            "KEPT": str(self.kept),
            "HOME": str(home),
        }
        found = pwd.getpwuid(os.geteuid())
        account = Account(found.pw_name, found.pw_uid, found.pw_gid, str(home))
        self.logins = DockerLogins(
            AccountFiles(account, self.environment), SystemProcesses(), self.environment, Network()
        )

    @property
    def file(self) -> Path:
        """Return Docker's config."""
        return self.home / ".docker" / "config.json"

    def configure(self, value: Any) -> None:
        """Write it."""
        self.file.parent.mkdir()
        self.file.write_text(json.dumps(value))

    def found(self, registry: str) -> tuple[str, str] | None:
        """Return the login that a push would use."""
        login = Credentials(self.environment, SystemProcesses()).login(registry)
        return login and (login.user, login.password.reveal_text())


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Give a person."""
    return World(tmp_path)


def test_the_file_is_for_its_owner_alone(world: World) -> None:
    """Without a helper it is a file of mode 0600 in a folder of mode 0700."""
    assert world.logins.keep("r.example", "ann", Secret(SECRET)) == str(world.file)

    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
    assert stat.S_IMODE(world.file.parent.stat().st_mode) == 0o700
    assert world.found("r.example") == ("ann", SECRET)


def test_a_file_that_others_could_read_is_closed(world: World) -> None:
    """A login added to an open file closes it; what others put there stays as it was."""
    others = {"auths": {"o.example": {"auth": "eDp5"}}, "HttpHeaders": {"a": "b"}}
    world.configure(others)
    world.file.chmod(0o644)

    world.logins.keep("r.example", "ann", Secret(SECRET))

    assert stat.S_IMODE(world.file.stat().st_mode) == 0o600
    found = json.loads(world.file.read_text())
    assert found["HttpHeaders"] == {"a": "b"}
    assert found["auths"]["o.example"] == {"auth": "eDp5"}


@pytest.mark.parametrize("config", [{"credsStore": "test"}, {"credHelpers": {"r.example": "test"}}])
def test_a_helper_goes_before_the_file(world: World, config: Any) -> None:
    """It keeps the login; the file notes that there is one, and an old copy in it is gone."""
    world.configure({**config, "auths": {"https://r.example/v2/": {"auth": "eDp5"}}})

    assert world.logins.keep("r.example", "ann", Secret(SECRET)) == "docker-credential-test"

    assert json.loads(world.file.read_text()) == {**config, "auths": {"r.example": {}}}
    assert world.found("r.example") == ("ann", SECRET)
    assert SECRET not in (world.kept / "argv").read_text()
    assert world.logins.forget("r.example") == ("docker-credential-test",)
    assert world.found("r.example") is None
    assert json.loads(world.file.read_text()) == config


def test_docker_hub_has_its_old_name(world: World) -> None:
    """A login for docker.io is found by docker, too."""
    world.configure({"credsStore": "test"})

    world.logins.keep("docker.io", "ann", Secret(SECRET))

    assert (world.kept / "https___index.docker.io_v1_").exists()
    assert world.found("docker.io") == ("ann", SECRET)


def test_an_identity_token_is_kept_as_one(world: World) -> None:
    """The protocol's marker in place of a user."""
    world.logins.keep("r.example", TOKEN_USER, Secret(SECRET))

    assert json.loads(world.file.read_text())["auths"] == {"r.example": {"identitytoken": SECRET}}
    assert world.found("r.example") == (TOKEN_USER, SECRET)


@pytest.mark.parametrize(("name", "why"), [("locked", "locked up"), ("absent", "No such file")])
def test_a_helper_that_fails_is_named(world: World, name: str, why: str) -> None:
    """Nothing is kept in the file in its place, and nothing of the login is shown."""
    world.configure({"credsStore": name})

    for way in (
        lambda: world.logins.keep("r.example", "ann", Secret(SECRET)),
        lambda: world.logins.forget("r.example"),
        lambda: world.found("r.example"),
    ):
        with pytest.raises(ShipwayError, match=why) as caught:
            way()
        assert (caught.value.id, caught.value.kind) == ("registry.helper", Kind.MISSING)
        assert caught.value.subject == f"docker-credential-{name}"
    assert json.loads(world.file.read_text()) == {"credsStore": name}


def test_a_helper_that_repeats_what_it_was_told(world: World) -> None:
    """A helper's complaint with the login in it is masked."""
    program = world.home / "docker-credential-loud"
    program.write_text("#!/bin/sh\ncat; exit 3\n")
    program.chmod(0o755)
    world.configure({"credsStore": "loud"})
    with RegistryServer(auth="basic") as server, pytest.raises(ShipwayError):
        world.logins.prove(server.domain, "ann", Secret(SECRET))

    with pytest.raises(ShipwayError) as caught:
        world.logins.keep("r.example", "ann", Secret(SECRET))

    assert SECRET not in str(caught.value)


def test_a_login_that_no_helper_keeps_is_told(world: World) -> None:
    """A helper that says "not found" when it is to store keeps nothing."""
    program = world.home / "docker-credential-none"
    program.write_text("#!/bin/sh\necho credentials not found; exit 1\n")
    program.chmod(0o755)
    world.configure({"credsStore": "none"})

    with pytest.raises(ShipwayError, match="does not keep logins"):
        world.logins.keep("r.example", "ann", Secret(SECRET))


def test_a_registry_that_is_broken_proves_nothing(world: World) -> None:
    """What is not about the login is told as what it is."""
    with RegistryServer() as server:
        domain = server.domain
    with pytest.raises(ShipwayError) as caught:
        world.logins.prove(domain, "ann", Secret(SECRET))

    assert caught.value.id == "registry.unreachable"
