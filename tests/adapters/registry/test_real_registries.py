"""Real registries while something goes wrong: tokens that end, cuts, lost uploads, a full disk."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.content import MemoryContent
from fakes.real_registry import PASSWORD, USER, RealRegistry, debian_registry, docker_config
from fakes.relay import Relay
from fakes.token_server import TokenServer
from shipway.adapters.registry import uploads
from shipway.adapters.registry.client import Client, connect
from shipway.core.oci.descriptor import LAYER_TAR, Descriptor
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECES = uploads.PIECE


@pytest.fixture(scope="module")
def tokens() -> Iterator[TokenServer]:
    """Give a token server."""
    with TokenServer((USER, PASSWORD)) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(
    tokens: TokenServer, registry_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealRegistry]:
    """Give the real Distribution behind it."""
    folder = tmp_path_factory.mktemp("guarded")
    with RealRegistry(registry_path, folder, tokens=tokens) as running:
        yield running


@pytest.fixture(scope="module")
def plain(registry_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealRegistry]:
    """Give the real Distribution behind a password."""
    with RealRegistry(registry_path, tmp_path_factory.mktemp("plain")) as running:
        yield running


@pytest.fixture(params=["distribution", "debian"])
def full(
    request: pytest.FixtureRequest, registry_path: Path, tmp_path: Path
) -> Iterator[RealRegistry]:
    """Give a real registry, new or old, on a disk of 12 MiB."""
    (tmp_path / "data").mkdir()
    mount = f'mount -t tmpfs -o size=12m none {tmp_path}/data && exec "$@"'
    within = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"]
    program = debian_registry(tmp_path) if request.param == "debian" else registry_path
    with RealRegistry(program, tmp_path, within=within) as running:
        yield running


@pytest.fixture(autouse=True)
def _everything_is_granted(tokens: TokenServer) -> None:
    """Forget what the test before allowed."""
    tokens.actions, tokens.only, tokens.life = {"pull", "push", "delete", "*"}, "", 3600.0
    tokens.asked.clear()


class Pusher:
    """A client of one registry, and a store with a blob of 20 MiB or what it is given."""

    def __init__(self, folder: Path, domain: str, config: Any = None, *, at_once: int = 0) -> None:
        docker = docker_config(folder / "docker", domain)
        if config is not None:
            (docker / "config.json").write_text(json.dumps(config))
        environment = {"DOCKER_CONFIG": str(docker)}
        self.client: Client = connect(environment, at_once=at_once or uploads.LOOPBACK)
        self.repository = f"{domain}/shop/{folder.name.replace('_', '-').lower().strip('-')}"
        self.content = MemoryContent()

    def blob(self, size: int = 20 << 20) -> Descriptor:
        """Put a blob into the store."""
        self.data = bytes(range(256)) * (size // 256)
        return self.content.put(self.data, LAYER_TAR)

    def push(self, at: Descriptor) -> int:
        """Push it and prove that it is there."""
        sent = self.client.push_blob(self.repository, at, self.content)
        assert self.client.pull_blob(self.repository, at) == self.data
        return sent

    def refused(self, at: Descriptor) -> ShipwayError:
        """Return why it is not taken; it is not there then."""
        with pytest.raises(ShipwayError) as caught:
            self.client.push_blob(self.repository, at, self.content)
        return caught.value


def test_a_token_that_ends_in_mid_push_is_renewed(
    tokens: TokenServer, guarded: RealRegistry, tmp_path: Path
) -> None:
    """The registry refuses the next piece with a token it took before; another is fetched."""
    tokens.life = 2.0
    with Relay(guarded.port, after=PIECES + 1000, act=lambda: time.sleep(3)) as relay:
        pusher = Pusher(tmp_path, relay.domain, at_once=PIECES)
        at = pusher.blob()

        assert pusher.push(at) == at.size
        assert relay.done == 1

    pushing = [scope for scope in tokens.asked if scope.endswith(":pull,push")]
    assert len(pushing) >= 2


def test_a_token_that_is_not_good_for_pushing_is_denied(
    tokens: TokenServer, guarded: RealRegistry, tmp_path: Path
) -> None:
    """Who is known but may only pull is told so, and not to log in."""
    tokens.actions = {"pull"}
    pusher = Pusher(tmp_path, guarded.domain)

    error = pusher.refused(pusher.blob(1024))

    assert (error.id, error.kind) == ("registry.denied", Kind.DENIED)
    assert "ask for the right" in error.hint


def test_a_neighbour_that_may_not_be_read_is_not_mounted_from(
    tokens: TokenServer, guarded: RealRegistry, tmp_path: Path
) -> None:
    """Where the token does not cover the neighbour, the blob is sent."""
    pusher = Pusher(tmp_path, guarded.domain)
    tokens.only = pusher.repository.partition("/")[2]
    at = pusher.blob(1024)

    sent = pusher.client.push_blob(pusher.repository, at, pusher.content, mount="shop/secret")

    assert sent == at.size
    assert "repository:shop/secret:pull" in tokens.asked


def test_an_identity_token_is_exchanged_for_each_scope(
    tokens: TokenServer, guarded: RealRegistry, tmp_path: Path
) -> None:
    """A login that is an identity token opens the real registry, too."""
    login = {"auths": {guarded.domain: {"identitytoken": PASSWORD}}}
    pusher = Pusher(tmp_path, guarded.domain, login)

    assert pusher.push(at := pusher.blob(1024)) == at.size
    assert tokens.asked


def test_a_wrong_password_is_unauthorized(guarded: RealRegistry, tmp_path: Path) -> None:
    """The token server's no is a missing login."""
    docker_config(tmp_path / "docker", guarded.domain, (USER, "wrong"))
    client = connect({"DOCKER_CONFIG": str(tmp_path / "docker")})

    with pytest.raises(ShipwayError) as caught:
        client.tags(f"{guarded.domain}/x")

    assert (caught.value.id, caught.value.kind) == ("registry.unauthorized", Kind.DENIED)


@pytest.mark.parametrize("at_once", [0, PIECES])
def test_a_connection_cut_in_mid_blob_starts_over(
    plain: RealRegistry, tmp_path: Path, at_once: int
) -> None:
    """Twice reset while the real registry reads, whole or in pieces, the blob arrives whole."""
    with Relay(plain.port, after=PIECES + 1000, cuts=2) as relay:
        pusher = Pusher(tmp_path, relay.domain, at_once=at_once)

        assert pusher.push(at := pusher.blob()) == at.size
        assert relay.done == 2


def test_an_upload_that_the_registry_forgot_starts_over(
    plain: RealRegistry, tmp_path: Path
) -> None:
    """What a purge of old uploads does on the disk in mid-push is not seen."""

    def purge() -> None:
        for uploading in (plain.data / "repositories").rglob("_uploads/*"):
            shutil.rmtree(uploading)

    with Relay(plain.port, after=2 * PIECES + 5000, act=purge) as relay:
        pusher = Pusher(tmp_path, relay.domain, at_once=PIECES)

        assert pusher.push(at := pusher.blob()) == at.size
        assert relay.done == 1


def test_a_full_disk_is_told(tmp_path: Path, full: RealRegistry) -> None:
    """Old or new, a registry whose disk is full is named as that; nothing is half there."""
    pusher = Pusher(tmp_path, full.domain)
    at = pusher.blob()

    error = pusher.refused(at)

    assert (error.id, error.kind) == ("registry.disk", Kind.TRANSIENT)
    assert "room" in error.hint
    assert not pusher.client.has_blob(pusher.repository, at.digest)
