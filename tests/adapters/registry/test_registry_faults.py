"""A registry that misbehaves: each failure under its own id, repeated only where that is safe."""

from __future__ import annotations

import datetime as dt
import email.utils
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes.content import MemoryContent
from fakes.registry_server import Fault, RegistryServer
from shipway import scope
from shipway.adapters.http.network import Network
from shipway.adapters.registry import session, uploads
from shipway.adapters.registry.client import Client, connect
from shipway.adapters.registry.credentials import Login
from shipway.core.oci import manifest, referrers
from shipway.core.oci.descriptor import INDEX, LAYER_TAR, MANIFEST, Descriptor, describe
from shipway.errors import Kind, ShipwayError
from shipway.redaction import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NO_LOGIN = {"DOCKER_CONFIG": "/nonexistent"}


class World:
    """A faulty server, a client of it and a store."""

    def __init__(self, server: RegistryServer) -> None:
        self.server = server
        self.client: Client = connect(NO_LOGIN)
        self.repository = f"{server.domain}/shop/web"
        self.content = MemoryContent()

    def blob(self, data: bytes = b"blob" * 1000) -> Descriptor:
        """Put a blob into the store."""
        return self.content.put(data, LAYER_TAR)

    def push(self, at: Descriptor) -> int:
        """Push a blob."""
        return self.client.push_blob(self.repository, at, self.content)

    def tag(self, name: str = "v1") -> Descriptor:
        """Put a small manifest under a tag."""
        data = manifest.artifact("a/b", ())
        return self.client.push_manifest(self.repository, data, MANIFEST, name)


@pytest.fixture
def world() -> Iterator[World]:
    """Give a server without faults yet."""
    with RegistryServer(api=False) as server:
        made = World(server)
        yield made
        made.client.close()


def _caught(way: Callable[[], Any]) -> ShipwayError:
    with pytest.raises(ShipwayError) as caught:
        way()
    assert caught.value.hint
    assert caught.value.operation
    return caught.value


@pytest.mark.parametrize(
    ("status", "expected", "kind"),
    [
        (401, "registry.unauthorized", Kind.DENIED),
        (403, "registry.denied", Kind.DENIED),
        (404, "registry.not_found", Kind.NOT_FOUND),
        (413, "registry.too_large", Kind.REJECTED),
        (418, "registry.refused", Kind.REJECTED),
        (400, "registry.refused", Kind.REJECTED),
    ],
)
def test_each_status_has_its_error(world: World, status: int, expected: str, kind: Kind) -> None:
    """A refusal is told at once, by its own id, and not repeated."""
    world.server.faults.append(Fault("GET", "manifests", times=99, status=status))

    error = _caught(lambda: world.client.pull_manifest(world.repository, "v1"))

    assert (expected, kind) == (error.id, error.kind)
    assert world.server.count("GET .*manifests") == 1
    assert str(status) in error.message


def test_the_registrys_own_words_are_shown(world: World) -> None:
    """Code and message of the answer are in the error, cut to a line."""
    body = b'{"errors": [{"code": "DENIED", "message": "%s"}]}' % (b"no " * 300)
    world.server.faults.append(Fault("GET", "manifests", status=403, body=body))

    error = _caught(lambda: world.client.pull_manifest(world.repository, "v1"))

    assert "DENIED: no no" in error.message.replace("DENIED no", "DENIED: no")
    assert len(error.message) < 400


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_is_tried_again(world: World, status: int) -> None:
    """A passing server error is not seen."""
    at = world.tag()
    world.server.faults.append(Fault("GET", "manifests/v1", times=2, status=status))

    assert world.client.resolve(world.repository, "v1") == at
    assert world.server.count("GET .*manifests/v1") == 3


def test_a_lasting_server_error_is_told(world: World) -> None:
    """After four tries it is registry.server, transient."""
    world.server.faults.append(Fault("GET", "manifests", times=99, status=500))

    error = _caught(lambda: world.client.pull_manifest(world.repository, "v1"))

    assert (error.id, error.kind) == ("registry.server", Kind.TRANSIENT)
    assert world.server.count("GET") == session.ATTEMPTS


def test_throttling_waits_as_long_as_it_is_told(world: World) -> None:
    """Retry-After is kept, for a tag's write too: the registry did not act upon it."""
    slow = {"Retry-After": "1"}
    world.server.faults.append(Fault("PUT", "manifests/v1", status=429, headers=slow))
    start = time.monotonic()

    world.tag()

    assert 0.9 < time.monotonic() - start < 5
    assert world.server.count("PUT .*manifests/v1") == 2


def test_throttling_may_name_a_time(world: World) -> None:
    """Retry-After as a date is kept, too; what is neither number nor date is none."""
    until = email.utils.format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=2), True)
    world.server.faults += [
        Fault("GET", "manifests/v1", status=429, headers={"Retry-After": until}),
        Fault("GET", "manifests/v1", nth=1, status=429, headers={"Retry-After": "soon"}),
    ]
    at = world.tag()
    start = time.monotonic()

    assert world.client.resolve(world.repository, "v1") == at
    assert 0.9 < time.monotonic() - start < 5
    assert world.server.count("GET .*manifests/v1") == 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (507, b""),
        (500, b'{"errors": [{"code": "UNKNOWN", "detail": "write x: no space left on device"}]}'),
        (500, b'{"errors": [{"code": "UNKNOWN", "detail": {"Enclosed": {"Err": 122}}}]}'),
    ],
)
def test_a_full_disk_is_not_tried_again(world: World, status: int, body: bytes) -> None:
    """However it is said, it is registry.disk, and the blob is not sent four times for nothing."""
    world.server.faults.append(Fault("PUT", "blobs/uploads", times=99, status=status, body=body))

    error = _caught(lambda: world.push(world.blob()))

    assert (error.id, error.kind) == ("registry.disk", Kind.TRANSIENT)
    assert world.server.count("PUT") == 1


def test_throttling_beyond_patience_is_told(world: World) -> None:
    """A wait longer than the scope has left is not begun."""
    slow = {"Retry-After": "100"}
    world.server.faults.append(Fault("GET", "manifests", times=9, status=429, headers=slow))

    def pull() -> None:
        with scope.open(seconds=5):
            world.client.pull_manifest(world.repository, "v1")

    error = _caught(pull)

    assert (error.id, error.kind) == ("registry.throttled", Kind.TRANSIENT)
    assert error.delay == 100.0
    assert world.server.count("GET") == 1


def test_moving_a_tag_is_not_repeated_blindly(world: World) -> None:
    """A tag's write that may have happened is left to the caller."""
    world.server.faults.append(Fault("PUT", "manifests/v1", status=500))

    assert _caught(world.tag).id == "registry.server"
    assert world.server.count("PUT") == 1


def test_a_registry_that_is_not_there() -> None:
    """No listener is registry.unreachable, naming the address."""
    with RegistryServer() as server:
        domain = server.domain
    client = connect(NO_LOGIN)

    error = _caught(lambda: client.tags(f"{domain}/x"))

    assert ("registry.unreachable", Kind.TRANSIENT, domain) == (error.id, error.kind, error.subject)


def test_a_name_that_does_not_resolve() -> None:
    """An unknown host is registry.unreachable, too."""
    error = _caught(lambda: connect(NO_LOGIN).tags("registry.invalid/x"))

    assert error.id == "registry.unreachable"


def test_an_answer_cut_in_the_middle_is_fetched_again(world: World) -> None:
    """Half a blob is never taken for the whole."""
    at = world.blob(b"x" * 500_000)
    world.push(at)
    world.server.faults.append(Fault("GET", "blobs", times=2, cut=True))
    target = MemoryContent()

    assert world.client.pull_blob(world.repository, at) == b"x" * 500_000
    world.client.fetch_blob(world.repository, at, target)
    assert target.has(at.digest)


def test_an_answer_that_is_always_cut_is_told(world: World) -> None:
    """It is registry.cut, and nothing is kept."""
    at = world.blob(b"x" * 500_000)
    world.push(at)
    world.server.faults.append(Fault("GET", "blobs", times=99, cut=True))
    target = MemoryContent()

    error = _caught(lambda: world.client.fetch_blob(world.repository, at, target))

    assert (error.id, error.kind) == ("registry.cut", Kind.TRANSIENT)
    assert not target.blobs


def test_a_push_cut_in_the_middle_starts_over(world: World) -> None:
    """The blob is sent again as an upload of its own."""
    at = world.blob(b"x" * 3_000_000)
    world.server.faults.append(Fault("PUT", "blobs/uploads", cut=True))

    assert world.push(at) == at.size
    assert world.server.blobs["shop/web", at.digest] == b"x" * 3_000_000
    assert world.server.count("POST") == 2


def test_a_push_that_is_always_cut_is_told(world: World) -> None:
    """After four uploads it is registry.cut."""
    at = world.blob(b"x" * 3_000_000)
    world.server.faults.append(Fault("PUT", "blobs/uploads", times=99, cut=True))

    assert _caught(lambda: world.push(at)).id == "registry.cut"
    assert world.server.count("POST") == session.ATTEMPTS


@pytest.mark.parametrize("status", [404, 400])
def test_an_upload_that_expired_starts_over(world: World, status: int) -> None:
    """The registry forgot the upload: a new one is begun."""
    body = b'{"errors": [{"code": "BLOB_UPLOAD_UNKNOWN", "message": "expired"}]}'
    fault = Fault("PUT", "blobs/uploads", status=status, body=body)
    world.server.faults.append(fault)
    at = world.blob()

    assert world.push(at) == at.size
    assert world.server.count("POST") == 2


def test_an_upload_that_always_expires_is_told(world: World) -> None:
    """A plain 404 on the upload is registry.upload_expired."""
    world.server.faults.append(Fault("PUT", "blobs/uploads", times=99, status=404))

    assert _caught(lambda: world.push(world.blob())).id == "registry.upload_expired"


def test_a_registry_that_says_wrong_digest(world: World) -> None:
    """DIGEST_INVALID is registry.wrong_digest, an integrity fault that is not repeated."""
    body = b'{"errors": [{"code": "DIGEST_INVALID", "message": "?"}]}'
    world.server.faults.append(Fault("PUT", "blobs/uploads", times=99, status=400, body=body))

    error = _caught(lambda: world.push(world.blob()))

    assert (error.id, error.kind) == ("registry.wrong_digest", Kind.INTEGRITY)
    assert world.server.count("POST") == 1


@pytest.mark.parametrize("path", ["blobs/uploads", "manifests"])
def test_a_registry_that_stored_something_else(world: World, path: str) -> None:
    """A write that is answered with another digest is refused."""
    lie = {"Docker-Content-Digest": "sha256:" + "0" * 64}
    world.server.faults.append(Fault("PUT", path, times=99, status=201, headers=lie))

    way = world.tag if path == "manifests" else lambda: world.push(world.blob())
    assert _caught(way).id == "registry.wrong_digest"


@pytest.mark.parametrize("way", ["blob", "fetch", "digest", "tag"])
def test_a_bit_flipped_on_the_way(world: World, way: str) -> None:
    """Every read is proved: by the digest asked for, or the one the registry names for a tag."""
    at = world.blob()
    world.push(at)
    made = world.tag()
    world.server.faults.append(Fault("GET", ".", times=99, flip=True))
    target = MemoryContent()
    ways: dict[str, Callable[[], Any]] = {
        "blob": lambda: world.client.pull_blob(world.repository, at),
        "fetch": lambda: world.client.fetch_blob(world.repository, at, target),
        "digest": lambda: world.client.pull_manifest(world.repository, made.digest),
        "tag": lambda: world.client.pull_manifest(world.repository, "v1"),
    }

    error = _caught(ways[way])

    assert (error.id, error.kind) == ("registry.wrong_digest", Kind.INTEGRITY)
    assert not target.blobs


def test_more_bytes_than_there_may_be(world: World) -> None:
    """A blob longer than its descriptor and a manifest over 4 MiB are given up early."""
    at = world.blob()
    big = b" " * (manifest.LIMIT + 1)
    world.server.faults += [
        Fault("GET", "blobs", times=9, status=200, body=b"z" * 99_999),
        Fault("GET", "manifests", times=9, status=200, body=big),
        Fault("GET", "tags", times=9, status=200, body=big),
    ]

    for way in (
        lambda: world.client.pull_blob(world.repository, at),
        lambda: world.client.pull_manifest(world.repository, "v1"),
        lambda: world.client.tags(world.repository),
    ):
        assert _caught(way).id == "registry.oversized"
    with pytest.raises(ShipwayError) as caught:
        world.client.fetch_blob(world.repository, at, world.content.__class__())
    assert caught.value.kind is Kind.INTEGRITY
    with pytest.raises(ShipwayError) as caught:
        world.client.push_manifest(world.repository, big, MANIFEST)
    assert caught.value.id == "registry.oversized"


@pytest.mark.parametrize("at_once", [0, uploads.PIECE, 1 << 40])
def test_a_blob_too_large_at_once_goes_in_pieces(at_once: int) -> None:
    """By policy or because the whole got 413, it is sent in pieces that fit, in order."""
    with RegistryServer(most=uploads.PIECE) as server:
        world = World(server)
        world.client = connect(NO_LOGIN, at_once=at_once)
        data = bytes(range(256)) * (2 * uploads.PIECE // 256) + b"rest"

        assert world.push(world.blob(data)) == len(data)
        assert server.blobs["shop/web", describe(data, "").digest] == data
        assert server.count("PATCH") == 2
        assert server.count("POST") == (2 if at_once > len(data) else 1)


def test_large_blobs_go_to_this_machine_at_once(world: World) -> None:
    """A registry of this machine gets any blob in one request."""
    world.push(world.blob(bytes(uploads.PIECE * 2)))

    assert world.server.count("PATCH") == 0
    assert world.server.count("PUT") == 1


def test_a_piece_too_large_is_told() -> None:
    """Where pieces get 413, too, it is registry.too_large."""
    with RegistryServer(most=1000) as server:
        world = World(server)
        whole = connect(NO_LOGIN, at_once=1 << 40)
        large = world.blob(bytes(uploads.PIECE + 1))

        assert _caught(lambda: world.push(world.blob(b"x" * 2000))).id == "registry.too_large"
        assert _caught(lambda: world.push(large)).id == "registry.too_large"
        error = _caught(lambda: whole.push_blob(world.repository, large, world.content))
        assert error.id == "registry.too_large"


def test_pieces_are_as_large_as_the_registry_wants(world: World) -> None:
    """OCI-Chunk-Min-Length is kept."""
    world.client = connect(NO_LOGIN, at_once=uploads.PIECE)
    least = {
        "OCI-Chunk-Min-Length": str(uploads.PIECE * 2),
        "Location": f"/v2/shop/web/blobs/uploads/{world.server.new_upload()}",
    }
    world.server.faults.append(Fault("POST", "blobs/uploads", status=202, headers=least))

    world.push(world.blob(bytes(uploads.PIECE * 5)))

    assert world.server.count("PATCH") == 2
    assert world.server.count("PUT") == 1


def test_an_upload_without_a_place_is_refused(world: World) -> None:
    """A 202 without Location breaks the specification, and says so."""
    world.server.faults.append(Fault("POST", "blobs/uploads", times=9, status=202))

    assert _caught(lambda: world.push(world.blob())).id == "registry.refused"


def test_redirected_blobs_are_followed_without_the_login() -> None:
    """The bytes come from elsewhere, and elsewhere never sees who we are."""
    with RegistryServer() as storage, RegistryServer(auth="basic") as server:
        server.elsewhere = f"http://{storage.domain.replace('127.0.0.1', 'localhost')}"
        content = MemoryContent()
        at = content.put(b"kept elsewhere", LAYER_TAR)
        server.blobs["x", at.digest] = storage.blobs["x", at.digest] = b"kept elsewhere"
        client = _logged_in(server)

        assert client.pull_blob(f"{server.domain}/x", at) == b"kept elsewhere"
        assert storage.authorizations == [""]
        assert any(sent.startswith("Basic") for sent in server.authorizations)


def _logged_in(server: RegistryServer) -> Client:
    class Fixed:
        def login(self, domain: str) -> Login | None:
            return Login(server.login[0], Secret(server.login[1])) if domain else None

    return Client(session.Session(Network(), Fixed()))  # type: ignore[arg-type]  # stands for Credentials


def test_redirects_end(world: World) -> None:
    """A circle of redirects is a refusal, not a hang."""
    world.server.elsewhere = f"http://{world.server.domain}"
    at = world.blob()
    world.server.blobs["shop/web", at.digest] = b"x"

    assert _caught(lambda: world.client.pull_blob(world.repository, at)).id == "registry.refused"
    assert world.server.count("GET") == 6


def test_lists_are_followed_page_by_page() -> None:
    """Tags and referrers over several pages arrive whole."""
    with RegistryServer(api=True) as server:
        server.page = 2
        world = World(server)
        subject = world.tag()
        for at in range(5):
            world.tag(f"t{at}")
            data = manifest.artifact(f"a/{at}", (), subject=subject)
            world.client.push_manifest(world.repository, data, MANIFEST)

        assert world.client.tags(world.repository) == ("t0", "t1", "t2", "t3", "t4", "v1")
        found = world.client.referrers(world.repository, subject.digest)
        assert {f"a/{at}" for at in range(5)} == {at.artifact_type for at in found}


def test_no_more_pages_than_are_wanted() -> None:
    """A list ends where no further tag can begin as asked."""
    with RegistryServer(api=True) as server:
        server.page = 2
        world = World(server)
        for at in range(9):
            world.tag(f"t{at}")
        server.requests.clear()

        assert world.client.tags(world.repository, prefix="t1") == ("t1",)
        assert len(server.requests) == 2


def test_a_page_of_another_kind_is_no_list_of_referrers(world: World) -> None:
    """A registry that answers 200 with HTML has no referrers API: the fallback is used."""
    subject = world.tag()
    world.server.faults.append(Fault("GET", "/referrers/", times=99, status=200, body=b"<html>"))
    data = manifest.artifact("a/b", (), subject=subject)
    made = world.client.push_manifest(world.repository, data, MANIFEST)

    world.client.attach(world.repository, subject.digest, [made])

    found = world.client.referrers(world.repository, subject.digest)
    assert [made.digest] == [at.digest for at in found]
    assert world.server.count("GET .*/referrers/") == 1


def test_nothing_is_written_where_the_registry_lists_by_itself() -> None:
    """With the API, attaching costs no write, and no question once OCI-Subject was seen."""
    with RegistryServer(api=True) as server:
        world = World(server)
        subject = world.tag()
        data = manifest.artifact("a/c", (), subject=subject)
        made = world.client.push_manifest(world.repository, data, MANIFEST)
        before = len(server.requests)

        world.client.attach(world.repository, subject.digest, [made])

        assert len(server.requests) == before


def test_a_tag_moved_meanwhile_loses_nothing(world: World) -> None:
    """Another writer's index, put while ours was on its way, is merged and written again."""
    subject = world.tag()
    ours, theirs = (
        world.client.push_manifest(
            world.repository, manifest.artifact(kind, (), subject=subject), MANIFEST
        )
        for kind in ("a/ours", "a/theirs")
    )
    name = referrers.tag(subject.digest)
    index = referrers.merge(None, (theirs,)) or b""

    def overwrite() -> None:
        world.server.manifests["shop/web", describe(index, INDEX).digest] = (INDEX, index)
        world.server.tags["shop/web", name] = describe(index, INDEX).digest

    world.server.faults.append(Fault("GET", f"manifests/{name}", nth=2, hook=overwrite))
    world.client.attach(world.repository, subject.digest, [ours])

    found = world.client.referrers(world.repository, subject.digest)
    assert {ours.digest, theirs.digest} == {at.digest for at in found}


def test_an_index_that_others_keep_writing_is_contested(world: World) -> None:
    """After three writes that did not last it is a conflict."""
    subject = world.tag()
    made = world.client.push_manifest(
        world.repository, manifest.artifact("a/b", (), subject=subject), MANIFEST
    )
    name = referrers.tag(subject.digest)
    index = manifest.index(())

    def overwrite() -> None:
        world.server.manifests["shop/web", describe(index, INDEX).digest] = (INDEX, index)
        world.server.tags["shop/web", name] = describe(index, INDEX).digest

    world.server.faults.append(Fault("GET", f"manifests/{name}", times=99, hook=overwrite))

    error = _caught(lambda: world.client.attach(world.repository, subject.digest, [made]))

    assert (error.id, error.kind) == ("registry.contested", Kind.CONFLICT)


def test_deleting_may_be_off(world: World) -> None:
    """A registry that does not delete refuses."""
    world.server.delete_allowed = False

    error = _caught(lambda: world.client.delete(world.repository, world.tag().digest))

    assert error.id == "registry.refused"


def test_cancelling_ends_a_request_at_once(world: World) -> None:
    """A blocked read is over within a moment of the scope's end."""
    hanging = Fault("GET", "manifests", times=99, hook=lambda: time.sleep(3))
    world.server.faults.append(hanging)
    start = time.monotonic()

    with pytest.raises(ShipwayError) as caught, scope.open(seconds=0.3):
        world.client.pull_manifest(world.repository, "v1")

    assert caught.value.id == "run.deadline"
    assert time.monotonic() - start < 1.5


def test_connections_are_kept(world: World) -> None:
    """Many requests in a row go through one connection."""
    for _ in range(20):
        world.client.tags(world.repository)
    (pool,) = world.client._session.http._pools.values()

    assert len(pool.pools) == 1
