"""The contract of logins, kept by the fake and by Docker's files and helpers."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from fakes.logins import MemoryLogins
from fakes.registry_server import RegistryServer
from shipway.adapters.http.network import Network
from shipway.adapters.process import SystemProcesses
from shipway.adapters.registry.logins import DockerLogins
from shipway.adapters.userfiles import Account, AccountFiles
from shipway.core.ports.logins import Logins
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORTS = (Logins,)


USER, PASSWORD = RegistryServer.login


@pytest.fixture(params=["memory", "basic", "bearer"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Logins, str]]:
    """Give each kind in turn with a registry that takes one login."""
    if request.param == "memory":
        yield MemoryLogins({"r.example": (USER, PASSWORD)}), "r.example"
        return
    found = pwd.getpwuid(os.geteuid())
    account = Account(found.pw_name, found.pw_uid, found.pw_gid, str(tmp_path))
    with RegistryServer(auth=request.param) as server:
        files = AccountFiles(account, {})
        yield DockerLogins(files, SystemProcesses(), {}, Network()), server.domain


@pytest.fixture
def open_registry() -> Iterator[str]:
    """Give a registry that asks nobody."""
    with RegistryServer() as server:
        yield server.domain


def test_the_right_login_is_proved(world: tuple[Logins, str]) -> None:
    """A registry that asks says yes to the right one."""
    logins, registry = world

    assert logins.prove(registry, USER, Secret(PASSWORD))


@pytest.mark.parametrize("pair", [(USER, "wrong"), ("nobody", PASSWORD)])
def test_a_wrong_login_is_denied(world: tuple[Logins, str], pair: tuple[str, str]) -> None:
    """Neither another password nor another user will do."""
    logins, registry = world
    user, password = pair

    with pytest.raises(ShipwayError) as caught:
        logins.prove(registry, user, Secret(password))

    assert (caught.value.id, caught.value.kind) == ("registry.unauthorized", Kind.DENIED)


def test_a_registry_that_asks_nobody(world: tuple[Logins, str], open_registry: str) -> None:
    """Nothing is proved where nothing was asked."""
    logins, _ = world

    assert not logins.prove(open_registry, USER, Secret(PASSWORD))


def test_what_is_kept_is_forgotten_once(world: tuple[Logins, str]) -> None:
    """Where it was kept is where it is taken from; a second time there is nothing."""
    logins, registry = world
    logins.keep("other.example", "you", Secret("yours-to-keep"))

    place = logins.keep(registry, USER, Secret(PASSWORD))

    assert logins.forget(registry) == (place,)
    assert logins.forget(registry) == ()
    assert logins.forget("other.example") == (place,)
