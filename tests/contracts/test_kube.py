"""The contract of a Kubernetes API server, kept by the fake and by the real client and server."""

from __future__ import annotations

import itertools
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from fakes.kube import MemoryKube
from shipway import scope
from shipway.core.kube.objects import Ref
from shipway.core.ports.kube import MANAGER, ChangeType, Kube, Reader, Selection, Watcher, Writer
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

PORTS = (Kube, Reader, Watcher, Writer)


_numbers = itertools.count(1)


@pytest.fixture(params=["memory", "real"])
def kube(request: pytest.FixtureRequest) -> Iterator[Kube]:
    """Return each of the two."""
    if request.param == "memory":
        yield MemoryKube()
        return
    from shipway.adapters.kube.client import Cluster  # noqa: PLC0415  fakes need no urllib3

    cluster = Cluster(apiserver.shared().access())
    yield cluster
    cluster.close()


@pytest.fixture
def space(kube: Kube) -> str:
    """Return a namespace of its own."""
    name = f"space-{next(_numbers)}"
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


def config(space: str, name: str = "one", **data: str) -> dict[str, Any]:
    """Return a ConfigMap."""
    metadata = {"name": name, "namespace": space}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def ref(space: str, name: str = "one") -> Ref:
    """Return its name."""
    return Ref("v1", "ConfigMap", space, name)


def deployment(space: str, replicas: int | None) -> dict[str, Any]:
    """Return a Deployment with so many replicas, or none said."""
    labels = {"app": "web"}
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {
            "metadata": {"labels": labels},
            "spec": {"containers": [{"name": "web", "image": "web"}]},
        },
    }
    if replicas is not None:
        spec["replicas"] = replicas
    metadata = {"name": "web", "namespace": space}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def test_apply_creates_and_get_returns(kube: Kube, space: str) -> None:
    """What was applied is there, with a uid, a version and our manager."""
    applied = kube.apply(config(space, a="1"))

    found = kube.get(ref(space))

    assert found is not None
    assert found["data"] == {"a": "1"}
    assert found["metadata"]["uid"] == applied["metadata"]["uid"]
    assert found["metadata"]["resourceVersion"]
    assert [one["manager"] for one in found["metadata"]["managedFields"]] == ["shipway"]


def test_get_of_nothing(kube: Kube, space: str) -> None:
    """No object, no namespace and no such kind are all nothing."""
    assert kube.get(ref(space, "none")) is None
    assert kube.get(ref("no-such-space")) is None
    assert kube.get(Ref("example.com/v1", "Nothing", space, "one")) is None


def test_apply_drops_what_is_not_said_any_more(kube: Kube, space: str) -> None:
    """A field that we applied and leave out is removed."""
    kube.apply(config(space, a="1", b="2"))

    assert kube.apply(config(space, b="3"))["data"] == {"b": "3"}


def test_apply_twice_changes_nothing(kube: Kube, space: str) -> None:
    """The same object applied again keeps its version."""
    first = kube.apply(config(space, a="1"))

    second = kube.apply(config(space, a="1"))

    assert second["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


def test_dry_run_stores_nothing(kube: Kube, space: str) -> None:
    """A dry run answers as an apply would, and nothing is there afterwards."""
    assert kube.apply(config(space, a="1"), dry_run=True)["data"] == {"a": "1"}
    assert kube.get(ref(space)) is None


def test_conflict_names_the_other_manager(kube: Kube, space: str) -> None:
    """A field of another manager is not taken without force, and is with it."""
    kube.apply(config(space, a="1"), manager="other")

    with pytest.raises(ShipwayError, match="other") as caught:
        kube.apply(config(space, a="2"))

    assert caught.value.id == "kube.conflict"
    assert kube.apply(config(space, a="2"), force=True)["data"] == {"a": "2"}


def test_shared_field_survives_one_owner(kube: Kube, space: str) -> None:
    """A field that two managers applied stays when one lets go of it."""
    kube.apply(deployment(space, 3))
    heir = deployment(space, 3)
    heir["spec"] = {"replicas": 3}
    kube.apply(heir, manager="heir")

    assert kube.apply(deployment(space, None))["spec"]["replicas"] == 3


def test_generation_moves_with_the_spec(kube: Kube, space: str) -> None:
    """A change of spec raises the generation, one of metadata does not."""
    first = kube.apply(deployment(space, 1))
    labelled = deployment(space, 1)
    labelled["metadata"]["labels"] = {"a": "b"}

    second = kube.apply(labelled)
    third = kube.apply(deployment(space, 2))

    generations = [one["metadata"]["generation"] for one in (first, second, third)]
    assert generations == [1, 1, 2]


def test_apply_into_no_namespace(kube: Kube) -> None:
    """An object needs its namespace."""
    with pytest.raises(ShipwayError) as caught:
        kube.apply(config("no-such-space"))

    assert caught.value.id == "kube.not_found"


def test_apply_of_unknown_kind(kube: Kube, space: str) -> None:
    """A kind that is not served is named so."""
    obj = {**config(space), "apiVersion": "example.com/v1", "kind": "Nothing"}

    with pytest.raises(ShipwayError) as caught:
        kube.apply(obj)

    assert caught.value.id == "kube.unknown_kind"


def test_create_once(kube: Kube, space: str) -> None:
    """What exists is not created again."""
    kube.create(config(space))

    with pytest.raises(ShipwayError) as caught:
        kube.create(config(space))

    assert caught.value.id == "kube.exists"


def test_replace_needs_the_version_read(kube: Kube, space: str) -> None:
    """Of two who read the same version, the second to write loses."""
    first = kube.create(config(space, a="1"))
    kube.replace({**first, "data": {"a": "2"}})

    with pytest.raises(ShipwayError) as caught:
        kube.replace({**first, "data": {"a": "3"}})

    assert caught.value.id == "kube.conflict"
    assert (kube.get(ref(space)) or {})["data"] == {"a": "2"}


def test_replace_moves_ownership(kube: Kube, space: str) -> None:
    """Who owns which field may be written back, and the next apply goes by it."""
    kube.apply(config(space, theirs="1", ours="1"), manager="them")
    live = kube.get(ref(space)) or {}
    (entry,) = live["metadata"]["managedFields"]
    live["metadata"]["managedFields"] = [{**entry, "manager": MANAGER}]
    kube.replace(live)

    kube.apply(config(space, ours="2"))

    live = kube.get(ref(space)) or {}
    assert live["data"] == {"ours": "2"}
    assert [one["manager"] for one in live["metadata"]["managedFields"]] == [MANAGER]


def test_replace_of_nothing(kube: Kube, space: str) -> None:
    """What is gone cannot be replaced."""
    first = kube.create(config(space))
    kube.delete(ref(space))

    with pytest.raises(ShipwayError) as caught:
        kube.replace(first)

    assert caught.value.id in {"kube.not_found", "kube.conflict"}


def test_delete_asks_for_the_uid(kube: Kube, space: str) -> None:
    """An object of another uid is left alone; the right one goes; then there is none."""
    uid = kube.apply(config(space))["metadata"]["uid"]

    with pytest.raises(ShipwayError) as caught:
        kube.delete(ref(space), uid="other")

    assert caught.value.id == "kube.conflict"
    assert kube.delete(ref(space), uid=uid)
    assert not kube.delete(ref(space), uid=uid)


def test_list_selects(kube: Kube, space: str) -> None:
    """Lists are narrowed by namespace, label and field, and say the kind of each item."""
    labelled = config(space, "two")
    labelled["metadata"]["labels"] = {"a": "b"}
    kube.apply(config(space, "one"))
    kube.apply(labelled)

    def names(**other: str) -> list[str]:
        found = kube.list(Selection("v1", "ConfigMap", space, **other))
        assert all(one["kind"] == "ConfigMap" for one in found)
        return sorted(one["metadata"]["name"] for one in found)

    assert names() == ["one", "two"]
    assert names(labels="a=b") == ["two"]
    assert names(fields="metadata.name=one") == ["one"]
    assert kube.list(Selection("example.com/v1", "Nothing", space)) == ()


def test_definition_makes_a_kind(kube: Kube) -> None:
    """After a definition is applied its kind is served, and in which version is known."""
    number = next(_numbers)
    group = f"g{number}.example.com"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {
            "openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        },
    }
    spec = {
        "group": group,
        "scope": "Cluster",
        "names": {"kind": "Thing", "plural": "things", "singular": "thing"},
        "versions": [version],
    }
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": spec,
    }
    assert kube.resource(f"{group}/v1", "Thing") is None
    assert kube.preferred(group, "Thing") is None

    kube.apply(crd)

    until = time.monotonic() + 10
    while (found := kube.resource(f"{group}/v1", "Thing")) is None and time.monotonic() < until:
        time.sleep(0.05)
    assert found is not None
    assert (found.plural, found.namespaced) == ("things", False)
    preferred = kube.preferred(group, "Thing")
    assert preferred is not None
    assert preferred.api_version == f"{group}/v1"


def test_preferred_of_builtin(kube: Kube) -> None:
    """Kinds of Kubernetes itself are known."""
    found = kube.preferred("apps", "Deployment")

    assert found is not None
    assert (found.api_version, found.plural) == ("apps/v1", "deployments")


def test_watch_shows_state_then_changes(kube: Kube, space: str) -> None:
    """First what is there, then one SYNCED, then each change in order."""
    kube.apply(config(space, "one"))
    seen = []

    with closing(kube.watch([Selection("v1", "ConfigMap", space)], seconds=20)) as changes:
        for change in changes:
            name = (change.object.get("metadata") or {}).get("name", "")
            seen.append((change.type, name))
            if change.type is ChangeType.SYNCED:
                kube.apply(config(space, "two"))
                kube.apply(config(space, "two", a="1"))
                kube.delete(ref(space, "two"))
            if change.type is ChangeType.DELETED:
                break

    assert seen == [
        (ChangeType.ADDED, "one"),
        (ChangeType.SYNCED, ""),
        (ChangeType.ADDED, "two"),
        (ChangeType.MODIFIED, "two"),
        (ChangeType.DELETED, "two"),
    ]


def test_watch_merges_collections(kube: Kube, space: str) -> None:
    """Several collections are one stream with one SYNCED; unknown kinds are empty."""
    kube.apply(config(space))
    kube.apply(deployment(space, 1))
    selections = [
        Selection("v1", "ConfigMap", space, fields="metadata.name=one"),
        Selection("apps/v1", "Deployment", space),
        Selection("example.com/v1", "Nothing", space),
    ]

    with closing(kube.watch(selections, seconds=20)) as changes:
        first = list(itertools.islice(changes, 3))

    assert {one.object.get("kind") for one in first[:2]} == {"ConfigMap", "Deployment"}
    assert first[2].type is ChangeType.SYNCED


def test_watch_ends_with_its_time(kube: Kube, space: str) -> None:
    """Without changes a watch ends after the seconds asked for."""
    started = time.monotonic()

    changes = list(kube.watch([Selection("v1", "ConfigMap", space)], seconds=0.3))

    assert [one.type for one in changes if not one.object] == [ChangeType.SYNCED]
    assert 0.2 < time.monotonic() - started < 3


def test_watch_of_nothing_is_synced(kube: Kube) -> None:
    """No collections: the state is complete at once."""
    with closing(kube.watch([], seconds=20)) as changes:
        assert next(changes).type is ChangeType.SYNCED


def test_watch_is_cancelled_at_once(kube: Kube, space: str) -> None:
    """Cancelling the scope ends a watch that waits."""
    started = time.monotonic()
    with scope.open() as inner:
        timer = threading.Timer(0.2, inner.cancel)
        timer.start()
        with pytest.raises(ShipwayError) as caught:
            list(kube.watch([Selection("v1", "ConfigMap", space)], seconds=30))

    timer.join()
    assert caught.value.id == "run.cancelled"
    assert time.monotonic() - started < 2


def test_logs_of_nothing(kube: Kube, space: str) -> None:
    """A pod that is not there has said nothing."""
    assert kube.logs(space, "none", "web") == ""


def test_log_streams_of_nothing(kube: Kube, space: str) -> None:
    """A pod that is not there, and one that no node has taken, have no lines to stream."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": space},
        "spec": {"containers": [{"name": "web", "image": "web"}]},
    }
    kube.create(pod)

    for name in ("none", "web"):
        assert list(kube.log_stream(space, name, "web", follow=True)) == []


def test_no_way_into_a_pod_that_is_not_there(kube: Kube, space: str) -> None:
    """A tunnel to nowhere is told as what is not there."""
    with pytest.raises(ShipwayError) as caught:
        kube.tunnel(space, "none", 8080)

    assert caught.value.id == "kube.not_found"


def test_the_servers_clock(kube: Kube, space: str) -> None:
    """It says some time."""
    assert space
    assert kube.date() is not None


def test_rights(kube: Kube, space: str) -> None:
    """An administrator may do everything, subresources too."""
    assert kube.may("create", "apps", "deployments", space)
    assert kube.may("get", "", "pods/log", space)


def test_version(kube: Kube) -> None:
    """The server says its version."""
    assert kube.version().startswith("v1.")
