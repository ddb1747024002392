"""The contract of a registry, kept by the fake and by ours over HTTP.

Ours speaks to the server that can misbehave (here it does not), to the real CNCF Distribution
behind a login and behind a token server, to Debian's older one, and to one that lists referrers
itself.
"""

from __future__ import annotations

import base64
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from fakes.content import MemoryContent
from fakes.real_registry import (
    PASSWORD,
    USER,
    RealRegistry,
    ReferringRegistry,
    debian_registry,
    referring_registry,
)
from fakes.registry import MemoryRegistry
from fakes.registry_server import RegistryServer
from fakes.token_server import TokenServer
from shipway.adapters.registry.client import connect
from shipway.core.oci import manifest, referrers
from shipway.core.oci.descriptor import CONFIG, INDEX, LAYER_TAR, MANIFEST, describe
from shipway.core.ports.registry import Blobs, Catalog, Manifests, Referrers, Registry
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from shipway.core.oci.digest import Digest

PORTS = (Blobs, Catalog, Manifests, Referrers, Registry)
ALTERED = [
    "memory", "memory-api", "http", "http-api", "http-basic", "http-bearer",
    "http-ignoring", "http-ending",
    "distribution", "distribution-bearer", "debian",
]  # fmt: skip
KINDS = [*ALTERED, "referring"]


class World:
    """A registry, a repository in it, and a way to alter its bytes."""

    def __init__(self, registry: Any, domain: str, alter: Callable[[Digest], None]) -> None:
        self.registry = registry
        self.repository = f"{domain}/shop/web"
        self.other = f"{domain}/shop/other"
        self.content = MemoryContent()
        self.alter = alter

    def image(self, text: bytes = b"layer") -> tuple[bytes, Any]:
        """Push an image of one layer; return its manifest and descriptor."""
        layer = self.content.put(text, LAYER_TAR)
        config = self.content.put(b'{"of": "%s"}' % text, CONFIG)
        for at in (layer, config):
            self.registry.push_blob(self.repository, at, self.content)
        data = manifest.image(config, (layer,), {})
        return data, self.registry.push_manifest(self.repository, data, MANIFEST)

    def artifact(self, subject: Any, kind: str) -> Any:
        """Push an artifact that refers to ``subject``; return its descriptor."""
        blob = self.content.put(kind.encode(), kind)
        empty = self.content.put(manifest.EMPTY_JSON, manifest.empty().media_type)
        for at in (blob, empty):
            self.registry.push_blob(self.repository, at, self.content)
        data = manifest.artifact(kind, (blob,), subject=subject, annotations={"is": kind})
        return self.registry.push_manifest(self.repository, data, MANIFEST)


def _flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


def _altering(server: Any) -> Callable[[Digest], None]:
    """Return how to flip a bit in what ``server`` keeps in dictionaries."""

    def alter(digest: Digest) -> None:
        for key in [key for key in server.blobs if key[1] == digest]:
            server.blobs[key] = _flip(server.blobs[key])
        for key in [key for key in server.manifests if key[1] == digest]:
            kind, data = server.manifests[key]
            server.manifests[key] = (kind, _flip(data))

    return alter


def _docker(folder: Path, domain: str) -> dict[str, str]:
    auth = base64.b64encode(":".join(RegistryServer.login).encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {domain: {"auth": auth}}}))
    return {"DOCKER_CONFIG": str(folder)}


@pytest.fixture(scope="session")
def real(
    registry_path: Path, go_path: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], RealRegistry]]:
    """Give each kind of real registry, one for all tests, started on its first use."""
    running: dict[str, RealRegistry] = {}
    with contextlib.ExitStack() as stack:

        def start(kind: str) -> RealRegistry:
            if kind not in running:
                folder = tmp_path_factory.mktemp(kind)
                running[kind] = stack.enter_context(make(kind, folder))
            return running[kind]

        def make(kind: str, folder: Path) -> RealRegistry:
            if kind == "referring":
                return ReferringRegistry(referring_registry(go_path, folder), folder)
            if kind == "debian":
                return RealRegistry(debian_registry(folder), folder)
            bearer = kind == "distribution-bearer"
            tokens = stack.enter_context(TokenServer((USER, PASSWORD))) if bearer else None
            return RealRegistry(registry_path, folder, tokens=tokens)

        yield start


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """Give each registry in turn."""
    kind = request.param
    if kind.startswith("memory"):
        memory = MemoryRegistry(api=kind.endswith("api"))
        yield World(memory, "127.0.0.1:5000", _altering(memory))
        return
    if not kind.startswith("http"):
        running = request.getfixturevalue("real")(kind)
        client = connect({"DOCKER_CONFIG": str(running.docker_config())})
        made = World(client, running.domain, _altering_files(running))
        made.repository += f"-{tmp_path.name.lower().replace('_', '-').strip('-')}"
        made.other = f"{made.repository}/other"
        yield made
        client.close()
        return
    auth = {"http-basic": "basic", "http-bearer": "bearer"}.get(kind, "")
    with RegistryServer(api=kind != "http", auth=auth) as server:
        if kind in {"http-ignoring", "http-ending"}:
            server.page, server.unsorted = 2, kind.removeprefix("http-")
        client = connect(_docker(tmp_path, server.domain))
        yield World(client, server.domain, _altering(server))
        client.close()


def _altering_files(running: RealRegistry) -> Callable[[Digest], None]:
    def alter(digest: Digest) -> None:
        path = running.data / "blobs" / "sha256" / digest[7:9] / digest[7:] / "data"
        path.write_bytes(_flip(path.read_bytes()))

    return alter


def test_a_blob_is_pushed_once(world: World) -> None:
    """It is there afterwards, the same bytes, and is not sent a second time."""
    at = world.content.put(b"blob of this test", LAYER_TAR)

    assert not world.registry.has_blob(world.repository, at.digest)
    assert world.registry.push_blob(world.repository, at, world.content) == at.size
    assert world.registry.has_blob(world.repository, at.digest)
    assert world.registry.push_blob(world.repository, at, world.content) == 0
    assert world.registry.pull_blob(world.repository, at) == b"blob of this test"


@pytest.mark.parametrize("size", [0, 1, 5 << 20, (20 << 20) + 1])
def test_blobs_of_any_size(world: World, size: int) -> None:
    """Empty, tiny and large blobs travel there and back."""
    data = bytes(range(256)) * (size // 256) + bytes(size % 256)
    at = world.content.put(data, LAYER_TAR)
    target = MemoryContent()

    world.registry.push_blob(world.repository, at, world.content)
    world.registry.fetch_blob(world.repository, at, target)

    assert target.read(at.digest) == data


def test_a_blob_of_a_neighbour_is_mounted(world: World) -> None:
    """A blob that another repository of the registry holds is not sent again."""
    at = world.content.put(b"shared layer", LAYER_TAR)
    world.registry.push_blob(world.other, at, world.content)
    name = world.other.partition("/")[2]

    sent = world.registry.push_blob(world.repository, at, world.content, mount=name)

    assert sent == 0
    assert world.registry.pull_blob(world.repository, at) == b"shared layer"


def test_mounting_falls_back_to_sending(world: World) -> None:
    """Where the neighbour does not hold it, it is sent."""
    at = world.content.put(b"not there", LAYER_TAR)

    sent = world.registry.push_blob(world.repository, at, world.content, mount="shop/nowhere")

    assert sent == at.size
    assert world.registry.has_blob(world.repository, at.digest)


def test_a_manifest_is_known_by_digest_and_tag(world: World) -> None:
    """What was put by digest comes back byte for byte; a tag stands for it once it is set."""
    data, at = world.image()

    assert at == describe(data, MANIFEST)
    assert world.registry.pull_manifest(world.repository, at.digest) == (at, data)
    assert world.registry.resolve(world.repository, "v1") is None
    world.registry.push_manifest(world.repository, data, MANIFEST, "v1")
    assert world.registry.resolve(world.repository, "v1") == at
    assert world.registry.pull_manifest(world.repository, "v1") == (at, data)
    assert world.registry.tags(world.repository) == ("v1",)


def test_tags_after_one_and_of_a_kind(world: World) -> None:
    """Only tags behind the one named, and that begin as asked, in the order of bytes."""
    data, _ = world.image()
    for tag in ("a-2", "b-1", "b-2", "b-3", "b.1", "c-1"):
        world.registry.push_manifest(world.repository, data, MANIFEST, tag)

    assert world.registry.tags(world.repository, prefix="b-") == ("b-1", "b-2", "b-3")
    assert world.registry.tags(world.repository, after="b-1z", prefix="b-") == ("b-2", "b-3")
    assert world.registry.tags(world.repository, after="b-3") == ("b.1", "c-1")
    assert world.registry.tags(world.repository, after="b-3", prefix="b-") == ()


def test_tags_in_whatever_order_they_were_pushed(world: World) -> None:
    """None is missed where a registry lists by time, and one far beyond comes first."""
    data, _ = world.image()
    for tag in ("z-1", "b-3", "a-1", "c-1", "b-1", "a-9", "b-2"):
        world.registry.push_manifest(world.repository, data, MANIFEST, tag)

    assert world.registry.tags(world.repository, prefix="b-") == ("b-1", "b-2", "b-3")
    assert world.registry.tags(world.repository, after="b-1z", prefix="b-") == ("b-2", "b-3")
    assert world.registry.tags(world.repository, after="b-3") == ("c-1", "z-1")
    assert world.registry.tags(world.repository, prefix="d-") == ()


def test_a_tag_moves(world: World) -> None:
    """The last write wins, the first manifest stays."""
    first, one = world.image(b"one")
    second, two = world.image(b"two")

    world.registry.push_manifest(world.repository, first, MANIFEST, "v1")
    world.registry.push_manifest(world.repository, second, MANIFEST, "v1")

    assert world.registry.resolve(world.repository, "v1") == two
    assert world.registry.resolve(world.repository, one.digest) == one


def test_what_is_not_there(world: World) -> None:
    """Absence is none where it is asked about, and not_found where bytes are wanted."""
    absent = describe(b"absent", LAYER_TAR)
    nowhere = f"{world.repository}/nowhere"

    assert world.registry.resolve(nowhere, "v1") is None
    assert world.registry.resolve(nowhere, absent.digest) is None
    assert world.registry.tags(nowhere) == ()
    assert world.registry.referrers(nowhere, absent.digest) == ()
    assert not world.registry.has_blob(nowhere, absent.digest)
    ways: tuple[Callable[[], object], ...] = (
        lambda: world.registry.pull_blob(nowhere, absent),
        lambda: world.registry.fetch_blob(nowhere, absent, MemoryContent()),
        lambda: world.registry.pull_manifest(nowhere, "v1"),
        lambda: world.registry.pull_manifest(nowhere, absent.digest),
        lambda: world.registry.delete(nowhere, absent.digest),
    )
    for way in ways:
        with pytest.raises(ShipwayError) as caught:
            way()
        assert (caught.value.id, caught.value.kind) == ("registry.not_found", Kind.NOT_FOUND)


def test_what_is_missing_in_the_store_is_not_pushed(world: World) -> None:
    """A blob that the store does not hold is missing there, not in the registry."""
    with pytest.raises(ShipwayError) as caught:
        world.registry.push_blob(world.repository, describe(b"?", ""), world.content)

    assert caught.value.id == "content.missing"


def test_referrers_are_listed_once_attached(world: World) -> None:
    """Each artifact is listed once, with its type or (a registry's own quirk) its config's."""
    _, subject = world.image()
    one, two = world.artifact(subject, "a/one"), world.artifact(subject, "a/two")

    assert len(world.registry.referrers(world.repository, subject.digest)) in {0, 2}
    world.registry.attach(world.repository, subject.digest, [one])
    world.registry.attach(world.repository, subject.digest, [two, one])
    world.registry.attach(world.repository, subject.digest, [])

    found = world.registry.referrers(world.repository, subject.digest)
    empty = manifest.empty().media_type
    types = {at.digest: at.artifact_type for at in found}
    assert types[one.digest] in {"a/one", empty}
    assert types[two.digest] in {"a/two", empty}
    assert len(found) == 2
    assert {at.size for at in found} == {one.size, two.size}
    assert world.registry.referrers(world.repository, one.digest) == ()


def test_many_referrers_need_one_write(world: World) -> None:
    """All at once or one by one, the fallback index holds them all."""
    _, subject = world.image()
    made = [world.artifact(subject, f"a/{at}") for at in range(5)]

    world.registry.attach(world.repository, subject.digest, made)

    found = world.registry.referrers(world.repository, subject.digest)
    assert {at.digest for at in made} == {at.digest for at in found}


def test_an_odd_fallback_index_is_kept_and_read(world: World) -> None:
    """Entries of other tools survive ours, wrong types and all."""
    _, subject = world.image()
    ours = world.artifact(subject, "a/ours")
    foreign = world.artifact(subject, "a/foreign")
    raw = {
        "mediaType": foreign.media_type,
        "digest": foreign.digest,
        "size": foreign.size,
        "artifactType": "wrong/type",
    }
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [raw]}
    name = referrers.tag(subject.digest)
    world.registry.push_manifest(world.repository, json.dumps(index).encode(), INDEX, name)

    world.registry.attach(world.repository, subject.digest, [ours])

    found = world.registry.referrers(world.repository, subject.digest)
    assert {ours.digest, foreign.digest} == {at.digest for at in found}


def test_deleting_takes_a_manifest_away(world: World) -> None:
    """What was deleted by digest is not there any more."""
    _, at = world.image()

    world.registry.delete(world.repository, at.digest)

    assert world.registry.resolve(world.repository, at.digest) is None


def test_repositories_are_those_that_hold_something(world: World) -> None:
    """A registry that tells names every repository once something was pushed."""
    domain = world.repository.partition("/")[0]
    assert world.repository not in world.registry.repositories(domain)

    world.image()

    found = world.registry.repositories(domain)
    assert world.repository in found
    assert list(found) == sorted(found)


@pytest.mark.parametrize("world", ALTERED, indirect=True)
def test_one_flipped_bit_is_found_by_every_way_to_read(world: World) -> None:
    """Altered blobs and manifests are refused by their digest, whoever altered them."""
    _, at = world.image(b"to be altered")
    layer = describe(b"to be altered", LAYER_TAR)
    world.alter(layer.digest)
    world.alter(at.digest)
    target = MemoryContent()

    ways: tuple[Callable[[], object], ...] = (
        lambda: world.registry.pull_blob(world.repository, layer),
        lambda: world.registry.fetch_blob(world.repository, layer, target),
        lambda: world.registry.pull_manifest(world.repository, at.digest),
        lambda: world.registry.resolve(world.repository, at.digest),
    )
    for way in ways:
        with pytest.raises(ShipwayError) as caught:
            way()
        assert caught.value.id in {
            "registry.wrong_digest",
            "content.altered",
            "registry.server",
            "registry.not_found",
        }
        assert not target.has(layer.digest)


def test_a_repository_is_named_in_full(world: World) -> None:
    """Something else than HOST/NAME is refused before anything is sent."""
    with pytest.raises(ShipwayError) as caught:
        world.registry.tags(f"{world.repository}:v1")

    assert caught.value.id == "reference.invalid"
