"""The road of a trace: finding the object, the image, and the export that tells it again."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.chain import NOW, WEB
from fakes.delivered import SPACE, World, answers, names
from fakes.files import MemoryFiles
from fakes.hands import FakeHands
from fakes.kube import MemoryKube
from shipway.core.evidence.answer import Answer
from shipway.core.evidence.trust import Trust
from shipway.core.kube.objects import Ref
from shipway.errors import Kind, ShipwayError
from shipway.roads import observe
from shipway.roads.trace import asked_of, offline, trace, trace_image
from shipway.roads.tracing import walk_back
from shipway.roads.where import WhereRequest

WORLD = World()
EXPORT = msgspec.json.decode(
    trace(
        WORLD.request(), kube=WORLD.kube, registry=WORLD.chain.registry, clock=WORLD.chain.clock
    ).export
)


def test_older_pod_of_a_statefulset() -> None:
    """A pod of an older ControllerRevision is traced by that revision, not by the newer set."""
    kube = MemoryKube()
    owner = {"apiVersion": "apps/v1", "kind": "StatefulSet", "name": "db", "uid": "sts"}
    owned = [{**owner, "controller": True}]
    kube.put(_object("apps/v1", "StatefulSet", "db", "sts"))
    pod = _object("v1", "Pod", "db-0", "p", ownerReferences=owned)
    pod["metadata"]["labels"] = {"controller-revision-hash": "db-1"}
    kube.put(pod)
    for number in (1, 2):
        revision = _object(
            "apps/v1", "ControllerRevision", f"db-{number}", f"cr-{number}", ownerReferences=owned
        )
        kube.put({**revision, "revision": number})
    found = observe.observe("pod/db-0", (SPACE,), kube=kube)
    assert found.revision is not None
    assert found.revision["metadata"]["name"] == "db-1"
    kube.objects["", "Pod", SPACE, "db-0"]["metadata"]["labels"] = {
        "controller-revision-hash": "db-2"
    }
    assert observe.observe("pod/db-0", (SPACE,), kube=kube).revision is None


def test_what_can_be_named() -> None:
    """Kinds and their short forms are live; an image reference is not; others are refused."""
    assert observe.is_live("pod/x")
    assert observe.is_live("deploy/x")
    assert observe.is_live("service/x")
    assert not observe.is_live("127.0.0.1:5000/shop/web")
    assert not observe.is_live("web")
    with pytest.raises(ShipwayError) as caught:
        observe.observe("secret/x", (SPACE,), kube=MemoryKube())
    assert caught.value.id == "trace.kind"
    with pytest.raises(ShipwayError) as caught:
        observe.observe("pod/x", (SPACE,), kube=MemoryKube())
    assert caught.value.id == "trace.not_found"


def test_a_bare_word_is_no_image() -> None:
    """What is neither live, nor an image with its registry, nor a file goes to no registry."""

    class Hands(FakeHands):
        """In an empty folder."""

        def files(self, root: str) -> MemoryFiles:
            """Return no file."""
            del root
            return MemoryFiles()

    hands = Hands()
    with pytest.raises(ShipwayError) as caught:
        walk_back("nonsense", WhereRequest(directory="/shop"), hands=hands)

    assert (caught.value.id, caught.value.kind) == ("trace.kind", Kind.USAGE)
    assert caught.value.hint == "shipway trace deployment/nonsense"
    assert not hands.calls


@pytest.mark.parametrize("form", ["@", ":v1", ""])
def test_image(form: str) -> None:
    """An image leads back to its commit by digest, tag, or the tag ``latest``."""
    world = World()
    chain = world.chain
    manifest = chain.published.manifest
    for tag in ("v1", "latest"):
        data = (
            chain.content.blobs.get(manifest.digest)
            or chain.registry.manifests[WEB, manifest.digest][1]
        )
        chain.registry.push_manifest(WEB, data, manifest.media_type, tag)
    subject = chain.published.reference if form == "@" else f"{WEB}{form}"
    told = trace_image(world.request(subject), registry=chain.registry)
    assert told.trace.ok, told.trace.findings
    assert names(told.trace) == ["build", "sbom", "signature", "test", "commit", "tree"]
    assert offline(told.export, trust=world.trust()) == told.trace


def test_image_without_a_link() -> None:
    """An image whose link was deleted is not a whole way; an unknown one is not found."""
    world = World()
    link = world.chain.links["sbom"]
    del world.chain.registry.manifests[WEB, link.manifest.digest]
    told = trace_image(
        world.request(world.chain.published.reference), registry=world.chain.registry
    )
    assert Answer.MISSING in answers(told.trace)
    with pytest.raises(ShipwayError) as caught:
        trace_image(world.request(f"{WEB}:none"), registry=world.chain.registry)
    assert caught.value.id == "trace.not_found"


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff"])
def test_bad_exports(data: bytes) -> None:
    """What is no export is refused by name."""
    with pytest.raises(ShipwayError) as caught:
        offline(data, trust=Trust(keys=()))
    assert caught.value.id == "trace.export"


def test_export_of_another_schema() -> None:
    """A newer export is refused by name."""
    world = World()
    told = trace(
        world.request(), kube=world.kube, registry=world.chain.registry, clock=world.chain.clock
    )
    newer = told.export.replace(b'"schema":1', b'"schema":2')
    with pytest.raises(ShipwayError, match="schema"):
        offline(newer, trust=world.trust())


def test_tampered_export() -> None:
    """An export cannot be bent either: its bytes are proved like a registry's."""
    world = World()
    told = trace(
        world.request(), kube=world.kube, registry=world.chain.registry, clock=world.chain.clock
    )
    assert asked_of(told.export, world.trust()) == world.request().asked
    held = msgspec.json.decode(told.export)
    held["snapshot"]["workload"]["spec"]["replicas"] = 9
    assert answers(offline(msgspec.json.encode(held), trust=world.trust())) == [Answer.EDITED]
    for one in held["answers"]:
        if one["want"]["kind"] == "blob" and one["data"]:
            one["data"] = "AAAA"
    assert not offline(msgspec.json.encode(held), trust=world.trust()).ok


@given(st.data())
def test_hostile_exports(data: st.DataObject) -> None:
    """An export with anything bent in it ends in a trace or in a ShipwayError."""
    held = copy.deepcopy(EXPORT)
    place: Any = held
    while isinstance(place, dict | list) and place:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or data.draw(st.booleans()):
            place[key] = data.draw(st.sampled_from([None, 3, "x", [], {}, [3], {"a": [{}]}]))
            break
        place = place[key]
    try:
        offline(msgspec.json.encode(held), trust=WORLD.trust())
    except ShipwayError:
        return


def test_time_of_the_snapshot() -> None:
    """The time of a trace is that of its snapshot, so that it judges the same for ever."""
    world = World()
    told = trace(
        world.request(), kube=world.kube, registry=world.chain.registry, clock=world.chain.clock
    )
    assert msgspec.json.decode(told.export)["snapshot"]["time"] == NOW


def _object(version: str, kind: str, name: str, uid: str, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": SPACE, "uid": uid, **metadata},
    }


def test_reference() -> None:
    """The fake keeps what it was given under its name."""
    assert World().kube.get(Ref("apps/v1", "Deployment", SPACE, "web")) is not None
