"""The client on servers that misbehave: what is repeated, what is not, and how fast it lets go."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from fakes.apiserver import ADMIN, NOBODY
from shipway import scope
from shipway.adapters.kube import dialling
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.contexts import Access
from shipway.core.kube.objects import Ref
from shipway.core.ports.kube import ChangeType, Selection
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Misbehaving
    from fakes.apiserver import ApiServer

CONFIGS = Selection("v1", "ConfigMap", "ns")
POD = Ref("v1", "Pod", "ns", "x")


@pytest.fixture
def cluster(misbehaving: Misbehaving) -> Iterator[Cluster]:
    """Return a client of the server that misbehaves."""
    found = Cluster(Access(context="test", namespace="default", server=misbehaving.url))
    yield found
    found.close()


def config(name: str, version: str) -> dict[str, Any]:
    """Return a ConfigMap as the server has it."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "ns", "resourceVersion": version},
    }


def listed(version: str, *items: dict[str, Any], more: str = "") -> dict[str, Any]:
    """Return a list as the server answers."""
    return {"metadata": {"resourceVersion": version, "continue": more}, "items": list(items)}


GONE = {"kind": "Status", "code": 410, "message": "too old resource version"}


def test_pages(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A list is read page by page."""
    misbehaving.say(200, listed("5", config("a", "1"), more="next page"))
    misbehaving.say(200, listed("5", config("b", "2")))

    found = cluster.list(CONFIGS)

    assert [one["metadata"]["name"] for one in found] == ["a", "b"]
    assert "continue=next+page" in misbehaving.requests[1][1]


def test_list_begins_again_once(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A page that has run out means listing from the start, once."""
    misbehaving.say(200, listed("5", config("a", "1"), more="x"))
    misbehaving.say(410, GONE)
    misbehaving.say(200, listed("6", config("a", "1")))
    assert len(cluster.list(CONFIGS)) == 1

    misbehaving.answers.clear()
    misbehaving.say(410, GONE)
    with pytest.raises(ShipwayError) as caught:
        cluster.list(CONFIGS)
    assert caught.value.id == "kube.gone"


def test_reading_is_repeated(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A dead connection, and a busy server, are tried again when only reading."""
    misbehaving.hang_up()
    misbehaving.say(429, {"kind": "Status", "details": {"retryAfterSeconds": 0.05}})
    misbehaving.say(200, {"gitVersion": "v1.36.3"})

    assert cluster.version() == "v1.36.3"
    assert len(misbehaving.requests) == 3


def test_reading_gives_up(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Three times, then the last failure is told."""
    misbehaving.say(503, {"kind": "Status", "message": "down",
                          "details": {"retryAfterSeconds": 0.01}})  # fmt: skip

    with pytest.raises(ShipwayError, match="down") as caught:
        cluster.version()

    assert (caught.value.id, len(misbehaving.requests)) == ("kube.failed", 3)


def test_creating_is_not_repeated(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """What may have been done is not done again."""
    misbehaving.hang_up()

    with pytest.raises(ShipwayError) as caught:
        cluster.create(config("a", ""))

    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)
    assert len(misbehaving.requests) == 1


def test_delete_without_uid_is_not_repeated(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Only a delete that names the uid is safe to repeat."""
    misbehaving.hang_up()

    with pytest.raises(ShipwayError):
        cluster.delete(POD)

    assert len(misbehaving.requests) == 1


def test_delete_foreground(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Waiting means that dependents go first; an unknown kind is not there."""
    misbehaving.say(200, {})
    assert cluster.delete(POD, wait=True)

    misbehaving.answers.clear()
    misbehaving.say(404, {})
    assert not cluster.delete(Ref("a.b/v1", "Thing", "ns", "x"))


def test_refused_delete(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A delete that the server refuses is told."""
    misbehaving.say(403, {"kind": "Status", "message": "no"})

    with pytest.raises(ShipwayError) as caught:
        cluster.delete(POD)

    assert caught.value.id == "kube.forbidden"


def test_apply_says_who_and_how(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """An apply names its manager, forces or not, and wants unknown fields refused."""
    misbehaving.say(200, config("a", "1"))

    cluster.apply(config("a", ""), force=True, dry_run=True)

    method, path, headers = misbehaving.requests[0]
    assert method == "PATCH"
    assert headers["Content-Type"] == "application/apply-patch+yaml"
    assert path == (
        "/api/v1/namespaces/ns/configmaps/a"
        "?fieldManager=shipway&force=true&fieldValidation=Strict&dryRun=All"
    )


def test_discovery_fails_loudly(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A discovery that is forbidden is no absence."""
    misbehaving.say(403, {})

    for call in (cluster.resource, lambda *_: cluster.preferred("a.b", "Thing")):
        with pytest.raises(ShipwayError) as caught:
            call("a.b/v1", "Thing")
        assert caught.value.id == "kube.forbidden"


def test_discovery_is_kept(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A kind that was found is not asked for again; core groups and subresources are told apart."""
    misbehaving.say(
        200,
        {"resources": [{"name": "things/status", "kind": "Thing", "namespaced": True},
                       {"name": "things", "kind": "Thing", "namespaced": True, "verbs": ["get"]}]},
    )  # fmt: skip

    first = cluster.resource("v2", "Thing")

    assert first is not None
    assert (first.plural, first.verbs) == ("things", ("get",))
    assert cluster.resource("v2", "Thing") is first
    assert [path for _, path, _ in misbehaving.requests] == ["/api/v2"]


def test_unreachable() -> None:
    """A server that is not there is named at once, with what to do about the embedded one."""
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
    cluster = Cluster(Access(context="t", namespace="n", server=f"http://127.0.0.1:{port}"))
    started = time.monotonic()

    with pytest.raises(ShipwayError) as caught:
        cluster.version()

    cluster.close()
    assert caught.value.id == "kube.unreachable"
    assert caught.value.hint == "shipway cluster status"
    assert time.monotonic() - started < 2


def test_unreachable_elsewhere() -> None:
    """Of a cluster that is not this machine's own the way to it is asked for."""
    cluster = Cluster(Access(context="t", namespace="n", server="http://cluster.invalid"))
    with closing(cluster), pytest.raises(ShipwayError) as caught:
        cluster.version()

    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)
    assert "http://cluster.invalid" in caught.value.message
    assert "VPN" in caught.value.hint


def test_proxy(misbehaving: Misbehaving) -> None:
    """A proxy is asked instead of the server."""
    misbehaving.say(200, {"gitVersion": "v1"})
    cluster = Cluster(
        Access(context="t", namespace="n", server="http://cluster.test", proxy_url=misbehaving.url)
    )

    assert cluster.version() == "v1"
    assert misbehaving.requests[0][1] == "http://cluster.test/version"
    cluster.close()


def test_https_proxy_of_nothing(apiserver: ApiServer) -> None:
    """A proxy for an encrypted server that is not there is named as the server's failure."""
    found = msgspec.structs.replace(apiserver.access(), proxy_url="http://127.0.0.1:1")
    cluster = Cluster(found)

    with pytest.raises(ShipwayError) as caught:
        cluster.version()

    cluster.close()
    assert caught.value.id == "kube.unreachable"


def test_cancel_ends_a_blocked_call(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A call that waits for an answer is given up as soon as the scope is cancelled."""
    over = threading.Event()
    misbehaving.hang(over)
    started = time.monotonic()

    with scope.Scope(parent=scope.current()) as inner:
        timer = threading.Timer(0.2, inner.cancel)
        timer.start()
        with pytest.raises(ShipwayError) as caught:
            cluster.version()

    over.set()
    timer.join()
    assert caught.value.id == "run.cancelled"
    assert time.monotonic() - started < 2


def test_logs(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Last lines are text; a container that is gone, or never began, has said nothing."""

    def text(data: bytes) -> None:
        misbehaving.answers.clear()

        def answer(handler: Any) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(data)))
            handler.end_headers()
            handler.wfile.write(data)

        misbehaving.answers.append(answer)

    text(b"one\ntwo\xff\n")
    assert cluster.logs("ns", "x", "app", tail=2, previous=True) == "one\ntwo\ufffd\n"
    assert misbehaving.requests[0][1] == (
        "/api/v1/namespaces/ns/pods/x/log?container=app&tailLines=2&limitBytes=65536&previous=true"
    )
    text(b"unable to retrieve container logs for containerd://x")
    assert cluster.logs("ns", "x", "app") == ""
    misbehaving.answers.clear()
    misbehaving.say(400, {"kind": "Status", "message": "container is waiting to start"})
    assert cluster.logs("ns", "x", "app") == ""
    misbehaving.answers.clear()
    misbehaving.say(403, {})
    with pytest.raises(ShipwayError):
        cluster.logs("ns", "x", "app")


def test_the_servers_time(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """It stands in every answer; a server that says none, or nothing, is told apart."""
    misbehaving.say(200, {}, Date="Wed, 25 Nov 2026 03:04:05 GMT")
    first = cluster.date()
    misbehaving.answers.clear()
    misbehaving.say(200, {}, Date="soon")

    assert first is not None
    assert abs(first - 1795575845.0) < 1 or first == cluster.date()
    misbehaving.answers.clear()
    misbehaving.hang_up()
    with pytest.raises(ShipwayError) as caught:
        cluster.date()
    assert caught.value.id == "kube.unreachable"


def test_rights_of_nobody(apiserver: ApiServer) -> None:
    """The real server says no to who has no rights, and nothing is stored."""
    with closing(Cluster(apiserver.access(token=NOBODY))) as found:
        assert not found.may("create", "apps", "deployments", "default")
        said = found.date()

    assert said is not None
    assert abs(said - time.time()) < 60


def test_a_log_stream(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Whole lines come as they are written; a connection that breaks off ends them quietly."""
    misbehaving.stream("one", "two")
    found = list(
        cluster.log_stream(
            "ns", "x", "app", follow=True, since="2026-01-01T00:00:00Z", seconds=9, tail=0
        )
    )

    assert found == ['"one"', '"two"']
    assert misbehaving.requests[0][1] == (
        "/api/v1/namespaces/ns/pods/x/log?container=app&timestamps=true&follow=true&previous=false"
        "&sinceTime=2026-01-01T00%3A00%3A00Z&sinceSeconds=9&tailLines=0"
    )
    misbehaving.answers.clear()
    misbehaving.say(200, {"last": "words"})  # without a line break
    assert list(cluster.log_stream("ns", "x", "app")) == ['{"last": "words"}']
    misbehaving.answers.clear()
    misbehaving.say(400, {"kind": "Status", "message": "container is waiting to start"})
    assert list(cluster.log_stream("ns", "x", "app")) == []
    misbehaving.answers.clear()
    misbehaving.say(403, {})
    with pytest.raises(ShipwayError):
        list(cluster.log_stream("ns", "x", "app"))


def test_a_log_cut_in_the_middle(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Without follow a connection that breaks is an error: what came is not all there is."""
    misbehaving.stream("one")
    lines = cluster.log_stream("ns", "x", "app")
    assert next(lines) == '"one"'
    with pytest.raises(ShipwayError) as caught:
        next(lines)

    assert (caught.value.id, caught.value.kind) == ("kube.unreachable", Kind.TRANSIENT)
    assert caught.value.subject == "pod/ns/x"


def test_a_cancelled_log_is_cancelled(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Who cancels a log that is read to its end is told that, not that the server is away."""
    over = threading.Event()
    misbehaving.stream("one", wait=over)
    with pytest.raises(ShipwayError) as caught, scope.open() as inside:  # noqa: PT012  one promise
        threading.Timer(0.1, inside.cancel).start()
        list(cluster.log_stream("ns", "x", "app"))
    over.set()
    assert caught.value.id == "run.cancelled"


def test_a_followed_log_is_let_go_at_once(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A silent log holds nobody up who is cancelled."""
    over = threading.Event()
    misbehaving.stream("one", wait=over)
    with pytest.raises(ShipwayError) as caught, scope.open() as inside:  # noqa: PT012  one promise
        lines = cluster.log_stream("ns", "x", "app", follow=True)
        assert next(lines) == '"one"'
        timer = threading.Timer(0.1, inside.cancel)
        timer.start()
        began = time.monotonic()
        assert list(lines) == []
        assert time.monotonic() - began < 5
        inside.check()
    over.set()
    assert caught.value.id == "run.cancelled"


def changes(cluster: Cluster, count: int, seconds: float = 10) -> list[tuple[ChangeType, str]]:
    """Return the first changes of a watch."""
    found = []
    with closing(cluster.watch([CONFIGS], seconds=seconds)) as watch:
        for change in watch:
            name = (change.object.get("metadata") or {}).get("name", "")
            found.append((change.type, name))
            if len(found) == count:
                break
    return found


def event(kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    """Return a line of a watch."""
    return {"type": kind, "object": obj}


def test_watch_goes_on_after_a_break(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A stream that breaks is taken up from the last version seen, bookmarks included."""
    over = threading.Event()
    misbehaving.say(200, listed("5", config("a", "1")))
    misbehaving.stream(event("MODIFIED", config("a", "6")), event("BOOKMARK", config("", "9")))
    misbehaving.stream(event("DELETED", config("a", "10")), wait=over)

    found = changes(cluster, 4)

    over.set()
    assert found == [
        (ChangeType.ADDED, "a"),
        (ChangeType.SYNCED, ""),
        (ChangeType.MODIFIED, "a"),
        (ChangeType.DELETED, "a"),
    ]
    versions = [path.partition("resourceVersion=")[2].partition("&")[0]
                for _, path, _ in misbehaving.requests]  # fmt: skip
    assert versions == ["", "5", "9"]


def test_watch_lists_again_when_too_old(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A version that is too old means listing and comparing: nothing is lost or told twice."""
    over = threading.Event()
    misbehaving.say(200, listed("5", config("a", "1"), config("b", "2"), config("c", "3")))
    misbehaving.stream(event("ERROR", GONE))
    misbehaving.say(200, listed("20", config("b", "2"), config("c", "12"), config("d", "13")))
    misbehaving.stream(wait=over)

    found = changes(cluster, 7)

    over.set()
    assert found[4:] == [
        (ChangeType.DELETED, "a"),
        (ChangeType.MODIFIED, "c"),
        (ChangeType.ADDED, "d"),
    ]


def test_watch_refused_with_gone(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """The same when the request itself is answered so."""
    over = threading.Event()
    misbehaving.say(200, listed("5"))
    misbehaving.say(410, GONE)
    misbehaving.say(200, listed("20", config("d", "13")))
    misbehaving.stream(wait=over)

    found = changes(cluster, 2)

    over.set()
    assert found == [(ChangeType.SYNCED, ""), (ChangeType.ADDED, "d")]


def test_watch_waits_for_the_server(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """While the server is away the watch waits and goes on."""
    over = threading.Event()
    misbehaving.say(200, listed("5"))
    misbehaving.hang_up()
    misbehaving.stream(event("ADDED", config("a", "6")), wait=over)

    found = changes(cluster, 2)

    over.set()
    assert found == [(ChangeType.SYNCED, ""), (ChangeType.ADDED, "a")]


def test_watch_raises_what_the_list_raises(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """A collection that may not be listed fails the watch."""
    misbehaving.say(403, {})

    with pytest.raises(ShipwayError) as caught:
        changes(cluster, 1)

    assert caught.value.id == "kube.forbidden"


def test_watch_raises_what_the_stream_raises(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """So does one that may not be watched, whatever the server calls it."""
    misbehaving.say(200, listed("5"))
    misbehaving.stream(event("ERROR", {"code": 403, "message": "no"}))

    with pytest.raises(ShipwayError) as caught:
        changes(cluster, 5)

    assert caught.value.id == "kube.forbidden"


def test_who_needs_the_lists_only_opens_no_stream(
    cluster: Cluster, misbehaving: Misbehaving
) -> None:
    """A watch that is closed once it is in step has sent no more than the lists."""
    misbehaving.say(200, listed("5"))
    with closing(cluster.watch([CONFIGS, CONFIGS], seconds=30)) as watch:
        assert next(watch).type is ChangeType.SYNCED
    assert all("watch=true" not in path for _, path, _ in misbehaving.requests)


def test_closing_a_watch_ends_its_threads(cluster: Cluster, misbehaving: Misbehaving) -> None:
    """Nothing is left running when a watch is closed while its stream is silent."""
    over = threading.Event()
    before = {thread.ident for thread in threading.enumerate()}
    misbehaving.say(200, listed("5"))
    misbehaving.stream(event("MODIFIED", config("a", "6")), wait=over)

    watch = cluster.watch([CONFIGS], seconds=30)
    assert next(watch).type is ChangeType.SYNCED
    assert next(watch).type is ChangeType.MODIFIED
    watch.close()

    until = time.monotonic() + 2
    mine = "_run"
    while time.monotonic() < until and any(
        thread.ident not in before and mine in thread.name for thread in threading.enumerate()
    ):
        time.sleep(0.01)
    over.set()
    assert time.monotonic() < until


def test_a_connection_that_died_silently_is_noticed(apiserver: ApiServer) -> None:
    """The kernel asks whether the server is still there, and lets go after half a minute."""
    with closing(Cluster(apiserver.access())) as found:
        found.version()
        pool = found._transport._connections().connection_from_url(apiserver.server)
        with closing(pool.pool.get(block=False)) as kept:
            asked = {
                name: kept.sock.getsockopt(level, getattr(socket, name))
                for level, name, _ in dialling.ALIVE
            }

    assert asked == {name: value for _, name, value in dialling.ALIVE}
    assert asked["TCP_USER_TIMEOUT"] <= 30_000


def test_keeps_connections(apiserver: ApiServer) -> None:
    """Calls after the first are fast, because the connection is kept."""
    cluster = Cluster(apiserver.access(token=ADMIN))
    cluster.version()
    started = time.monotonic()
    for _ in range(20):
        cluster.get(POD)
    seconds = time.monotonic() - started
    cluster.close()

    assert seconds < 2
