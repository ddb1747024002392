"""Plans: what a deploy would do, from what was asked and what was found."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from shipway.core.kube import applyset, autoscale, belonging, diff, order
from shipway.core.kube.objects import ref_of
from shipway.core.kube.plan import Observed, Plan, Standing, Verb, backwards, plan
from shipway.core.kube.stamp import INTENT, RELEASE, Stamp
from shipway.core.oci.digest import of
from shipway.errors import ShipwayError

SET = applyset.parent_name("shop", "dev", "local")
ID = applyset.identifier(SET)


def obj(kind: str, name: str, version: str = "v1", **fields: Any) -> dict[str, Any]:
    """Return an object in namespace shop-dev."""
    metadata = {"name": name, "namespace": "shop-dev"}
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def web(**spec: Any) -> dict[str, Any]:
    """Return a Deployment."""
    return obj("Deployment", "web", "apps/v1", spec={"replicas": 2, **spec})


def scaler(scaler_kind: str = "HorizontalPodAutoscaler", **target: str) -> dict[str, Any]:
    """Return an autoscaler of ``web``."""
    return obj(
        scaler_kind, "web", "autoscaling/v2", spec={"scaleTargetRef": {"name": "web", **target}}
    )


def live(found: dict[str, Any], *, uid: str = "u-1", ours: bool = True, **more: Any) -> Any:
    """Return ``found`` as it would be live."""
    found = copy.deepcopy(found)
    found["metadata"] |= {"uid": uid, **more}
    if ours:
        found["metadata"]["labels"] = {applyset.MEMBER: ID}
    return found


def planned(
    *objects: dict[str, Any], found: tuple[Any, ...] = (), adopt: bool = False, **other: Any
) -> Plan:
    """Return the plan for these objects over these live ones."""
    observed = Observed(
        live={ref_of(one).identity: one for one in found}, scalers=other.get("scalers", frozenset())
    )
    return plan(
        objects,
        observed,
        rendered=of(b"set"),
        set_name=SET,
        standing=other.get("standing", ()),
        adopt=adopt,
        only=other.get("only", frozenset()),
        stays=other.get("stays", frozenset()),
    )


def test_create() -> None:
    """What is not there is created."""
    found = planned(web())

    assert [str(one) for one in found.actions] == ["create deployment/shop-dev/web"]
    assert found.changes


def test_configure_names_the_fields() -> None:
    """What is ours and differs is configured, and each field that moves is named."""
    found = planned(web(), found=(live(web(replicas=1)),))

    assert found.actions[0].verb is Verb.CONFIGURE
    assert [str(one) for one in found.actions[0].changes] == ["spec.replicas: 1 -> 2"]
    assert found.actions[0].uid == "u-1"


def test_unchanged() -> None:
    """What is as asked, but for defaults of the server, only gets its stamp."""
    found = planned(web(), found=(live(web(progressDeadlineSeconds=600)),))

    assert found.actions[0].verb is Verb.UNCHANGED
    assert not found.changes


def test_what_others_made_is_refused() -> None:
    """Objects of others are named together, with the flag that takes them over."""
    others = (live(web(), ours=False), live(obj("Service", "web"), ours=False))

    with pytest.raises(ShipwayError) as caught:
        planned(web(), obj("Service", "web"), obj("ConfigMap", "new"), found=others)

    assert caught.value.id == "kube.not_ours"
    assert caught.value.subject == "deployment/shop-dev/web, service/shop-dev/web"
    assert "--adopt" in caught.value.hint


def test_adopt() -> None:
    """With adopt they are taken over."""
    found = planned(web(), found=(live(web(), ours=False),), adopt=True)

    assert found.actions[0].verb is Verb.ADOPT


def test_another_set_is_not_ours() -> None:
    """A member of another environment's set is not ours either."""
    other = live(web())
    other["metadata"]["labels"] = {applyset.MEMBER: "applyset-other-v1"}

    with pytest.raises(ShipwayError, match="did not make it"):
        planned(web(), found=(other,))


def test_what_is_being_deleted_is_refused() -> None:
    """An object on its way out cannot be applied."""
    with pytest.raises(ShipwayError) as caught:
        planned(web(), found=(live(web(), deletionTimestamp="2026-01-01T00:00:00Z"),))

    assert caught.value.id == "kube.terminating"


@pytest.mark.parametrize(
    ("spec", "verb"),
    [
        ({"template": {"a": 2}}, Verb.RECREATE),
        ({"template": {"a": 1}, "parallelism": 2}, Verb.CONFIGURE),
        ({"template": {"a": 1}}, Verb.UNCHANGED),
    ],
)
def test_job(spec: dict[str, Any], verb: Verb) -> None:
    """A Job whose pods change is made anew, since its template is immutable."""
    before = obj("Job", "migrate", "batch/v1", spec={"template": {"a": 1}})

    found = planned(obj("Job", "migrate", "batch/v1", spec=spec), found=(live(before),))

    assert found.actions[0].verb is verb


def test_prune_only_what_stood() -> None:
    """Only what stood in the last outcome, with the same uid and still ours, is pruned."""
    gone = [obj("ConfigMap", f"c{number}") for number in range(5)]
    standing = tuple(Standing(ref_of(one), "u-1") for one in gone)
    found = planned(
        web(),
        found=(
            live(gone[0]),
            live(gone[1], uid="u-2"),
            live(gone[2], ours=False),
            live(obj("ConfigMap", "stranger")),
            live(gone[4]),
        ),
        standing=(*standing, Standing(ref_of(web()), "u-1")),
    )

    assert [str(one) for one in found.removals] == [
        "prune configmap/shop-dev/c4",
        "keep configmap/shop-dev/c3 (it is gone already)",
        "keep configmap/shop-dev/c2 (somebody took it out of this set)",
        "keep configmap/shop-dev/c1 (another object took its name)",
        "prune configmap/shop-dev/c0",
    ]
    assert found.removals[0].uid == "u-1"


def test_prune_by_the_stamp_of_a_broken_attempt() -> None:
    """What only intents name is pruned if it carries the stamp of one, and else not spoken of."""
    made, other, ours, lost, never = (obj("ConfigMap", f"c{number}") for number in range(5))
    one, two = of(b"one"), of(b"two")
    found = planned(
        found=(
            live(made, uid="u-7", annotations={INTENT: two}),
            live(other, annotations={INTENT: of(b"three")}),
            live(ours),
            live(lost, ours=False, annotations={INTENT: one}),
        ),
        standing=tuple(
            Standing(ref_of(each), intents=(one, two)) for each in (made, other, ours, lost, never)
        ),
    )

    assert [str(each) for each in found.removals] == [
        "keep configmap/shop-dev/c3 (somebody took it out of this set)",
        "prune configmap/shop-dev/c0",
    ]
    assert found.removals[1].uid == "u-7"


def test_prune_only_of_the_services_that_are_delivered() -> None:
    """Where a service is not delivered, only what is labelled as one that is, is pruned."""
    found = [live(obj("ConfigMap", name), uid=name, generation=3) for name in ("a", "b", "c")]
    for one in found[:2]:
        one["metadata"]["labels"][belonging.LABEL] = one["metadata"]["name"]
    standing = tuple(Standing(ref_of(one), one["metadata"]["uid"]) for one in found)

    made = planned(found=tuple(found), standing=standing, only=frozenset({"a"}))

    removals = {one.ref.name: (one.verb, one.generation) for one in made.removals}
    assert removals == {"a": (Verb.PRUNE, 0), "b": (Verb.LEAVE, 3), "c": (Verb.LEAVE, 3)}
    left = planned(found=tuple(found[1:]), standing=standing[1:], only=frozenset({"a"}))
    assert not left.changes


def test_prune_goes_backwards() -> None:
    """Removal is in the reverse order of applying."""
    gone = [obj("Service", "a"), obj("ConfigMap", "a"), obj("Job", "a", "batch/v1")]

    found = planned(
        found=tuple(live(one) for one in gone),
        standing=tuple(Standing(ref_of(one), "u-1") for one in gone),
    )

    assert [one.ref.kind for one in found.removals] == ["Job", "Service", "ConfigMap"]


@pytest.mark.parametrize("kind", ["Namespace", "CustomResourceDefinition", "PersistentVolumeClaim"])
def test_lasting_kinds_are_kept(kind: str) -> None:
    """What holds data of others, or of time, is never pruned."""
    gone = obj(kind, "a")

    found = planned(found=(live(gone),), standing=(Standing(ref_of(gone), "u-1"),))

    assert [one.verb for one in found.removals] == [Verb.KEEP]


def owned(found: dict[str, Any], manager: str = "shipway", fields: Any = None) -> Any:
    """Return it live, with ``spec.replicas`` applied by a manager."""
    entry = {
        "manager": manager,
        "operation": "Apply",
        "fieldsV1": {"f:spec": {"f:replicas": {}} if fields is None else fields},
    }
    return live(found, managedFields=[entry])


def test_replicas_are_handed_over() -> None:
    """What we owned and an autoscaler decides now is handed over before we let go."""
    found = planned(web(), scaler(), found=(owned(web(replicas=7)),))

    action = found.actions[0]
    assert action.hand_over
    assert action.changes == ()
    assert found.scalers == {("Deployment", "shop-dev", "web")}


@pytest.mark.parametrize(
    "before",
    [owned(web(), "someone"), owned(web(), fields={}), live(web()), live(web(), ours=True)],
)
def test_nothing_to_hand_over(before: Any) -> None:
    """What we never owned is left to its owner."""
    assert not planned(web(), scaler(), found=(before,)).actions[0].hand_over


def test_live_autoscaler_counts() -> None:
    """An autoscaler that is only in the cluster decides as well."""
    target = ("Deployment", "shop-dev", "web")

    assert planned(web(), found=(owned(web()),), scalers=frozenset({target})).actions[0].hand_over


def test_autoscale_targets() -> None:
    """HorizontalPodAutoscalers and KEDA's ScaledObjects name what they scale."""
    found = autoscale.targets((scaler(), scaler("ScaledObject", kind="StatefulSet"), web()))

    assert found == {("Deployment", "shop-dev", "web"), ("StatefulSet", "shop-dev", "web")}


def test_release_and_handover() -> None:
    """Replicas are left out where they are scaled, and the heir applies the live number only."""
    scalers = autoscale.targets((scaler(),))
    bare = obj("Deployment", "web", "apps/v1")

    assert autoscale.release(web(), scalers)["spec"] == {}
    assert autoscale.release(web(), frozenset()) == web()
    assert autoscale.release(bare, scalers) == bare
    assert autoscale.handover(live(web(replicas=7))) == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop-dev"},
        "spec": {"replicas": 7},
    }


def test_applyset_parent() -> None:
    """The parent names tool, kinds and namespaces as KEP-3659 wants them."""
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-dev"}}

    found = applyset.parent(SET, [ref_of(web()), ref_of(space)], "shipway/v1")

    assert found["metadata"] == {
        "name": "applyset.shop.dev.local",
        "namespace": "shipway-system",
        "labels": {"applyset.kubernetes.io/id": ID},
        "annotations": {
            "applyset.kubernetes.io/tooling": "shipway/v1",
            "applyset.kubernetes.io/contains-group-kinds": "Deployment.apps,Namespace",
            "applyset.kubernetes.io/additional-namespaces": "shop-dev",
        },
    }
    assert ID.startswith("applyset-")
    assert ID.endswith("-v1")
    assert len(ID) <= 63


def test_stamp_is_on_metadata_only() -> None:
    """Two annotations and a label, on the object's own metadata; the pod template is untouched."""
    template = {"metadata": {"labels": {"a": "b"}}}
    before = web(template=template)
    before["metadata"]["annotations"] = {"mine": "1"}

    found = Stamp(of(b"release"), of(b"intent"), ID).on(before)

    assert found["metadata"]["annotations"] == {
        "mine": "1", RELEASE: of(b"release"), INTENT: of(b"intent"),
    }  # fmt: skip
    assert found["metadata"]["labels"] == {applyset.MEMBER: ID}
    assert found["spec"] == before["spec"]
    assert before["metadata"]["annotations"] == {"mine": "1"}


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, []),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, ["a.b: 2 -> 1"]),
        ({"a": {}}, {}, []),
        ({"a": False}, {}, ["a: None -> False"]),
        ({"a": 0}, {}, ["a: None -> 0"]),
        ({"a": "1000m"}, {"a": "1"}, []),
        ({"a": "1Gi"}, {"a": "1024Mi"}, []),
        ({"a": "1Gi"}, {"a": "1G"}, ["a: 1G -> 1Gi"]),
        ({"a": [1, 2]}, {"a": [1, 3]}, ["a[1]: 3 -> 2"]),
        ({"a": [1]}, {"a": [1, 2]}, ["a: [1, 2] -> [1]"]),
        ({"a": [{"name": "x", "v": 1}]}, {"a": [{"name": "w"}, {"name": "x", "v": 1}]}, []),
        ({"a": [{"name": "x", "v": 1}]}, {"a": []}, ["a[x]: None -> {'name': 'x', 'v': 1}"]),
        ({"a": [{"b": 1}, {"b": 1}]}, {"a": [{"b": 1}]}, ["a: [{'b': 1}] -> [{'b': 1}, {'b': 1}]"]),
        ({"a": [{"name": "x"}, {"name": "x"}]}, {"a": [{"name": "x"}, {"name": "y"}]},
         ["a[1].name: y -> x"]),
        ({"a": "x" * 99}, {}, ["a: None -> " + "x" * 57 + "..."]),
    ],
)  # fmt: skip
def test_departures(wanted: Any, found: Any, expected: list[str]) -> None:
    """Every field we set and the live object lacks is named, and no other."""
    assert [str(one) for one in diff.departures(wanted, found)] == expected


def test_order_key_is_total() -> None:
    """Names are ordered by rank, then by identity."""
    assert order.key(ref_of(web())) > order.key(ref_of(obj("Service", "web")))


def test_a_rollback_leaves_what_time_has_filled() -> None:
    """Jobs are not run again; claims and definitions that are there stay; what is gone is made."""
    claim, job = obj("PersistentVolumeClaim", "data"), obj("Job", "move", "batch/v1")
    there = obj("PersistentVolumeClaim", "old", spec={"size": 1})
    same = obj("PersistentVolumeClaim", "same")
    wanted = (web(), job, claim, {**there, "spec": {"size": 2}}, same)
    done, left = backwards(
        planned(*wanted, found=(live(there, generation=1), live(same, generation=1)))
    )

    assert [one.ref.name for one in done.actions] == ["web", "data"]
    assert [(one.ref.name, one.verb) for one in left] == [
        ("move", Verb.CREATE),
        ("old", Verb.CONFIGURE),
    ]
    assert [(one.ref.name, one.verb, one.generation) for one in done.removals] == [
        ("old", Verb.LEAVE, 1),
        ("same", Verb.LEAVE, 1),
    ]
    assert not done.changes or done.actions


def test_what_is_to_stay_is_left() -> None:
    """An object outside of the set that is named stays; another one is pruned."""
    gone = [obj("Service", "a"), obj("Service", "b")]
    found = planned(
        found=tuple(live(one) for one in gone),
        standing=tuple(Standing(ref_of(one), "u-1") for one in gone),
        stays=frozenset({ref_of(gone[0]).identity}),
    )

    assert [(one.ref.name, one.verb) for one in found.removals] == [
        ("b", Verb.PRUNE),
        ("a", Verb.LEAVE),
    ]
