"""Who owns which field after an object was taken over, as a table of former makers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.kube import autoscale
from shipway.core.kube.ownership import Fields, taken_over, union

SPEC: Fields = {"f:spec": {"f:a": {}}}
META: Fields = {"f:metadata": {"f:labels": {"f:l": {}}, "f:finalizers": {}}}


def entry(manager: str, fields: Fields, operation: str = "Update", **more: str) -> dict[str, Any]:
    """Return an entry of managedFields."""
    return {"manager": manager, "operation": operation, "fieldsV1": fields, **more}


def live(*entries: dict[str, Any], kind: str = "Service") -> dict[str, Any]:
    """Return an object with these owners."""
    metadata = {"name": "x", "managedFields": list(entries)}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata}


def owners(*entries: dict[str, Any], kind: str = "Service") -> dict[str, Fields] | None:
    """Return who owns what afterwards."""
    found = taken_over(live(*entries, kind=kind), "me")
    if found is None:
        return None
    return {one["manager"]: one["fieldsV1"] for one in found["metadata"]["managedFields"]}


LABELS: Fields = {"f:metadata": {"f:labels": {"f:l": {}}}}
FINALIZERS: Fields = {"f:metadata": {"f:finalizers": {}}}
STATUS: Fields = {"f:status": {"f:b": {}}}
ROWS: list[tuple[str, tuple[Any, ...], dict[str, Fields] | None]] = [
    ("nobody", (), None),
    ("ours alone", (entry("me", SPEC, "Apply"),), None),
    ("kubectl's", (entry("kubectl-client-side-apply", SPEC | META),),
     {"me": SPEC | LABELS, "kubectl-client-side-apply": FINALIZERS}),
    ("somebody's", (entry("python", SPEC | META | STATUS),),
     {"me": SPEC, "python": META | STATUS}),
    ("somebody's who applies", (entry("them", SPEC, "Apply"),), {"me": SPEC}),
    ("ours by another operation", (entry("me", SPEC),), {"me": SPEC}),
    ("both", (entry("me", {"f:spec": {"f:b": {}}}, "Apply"), entry("helm", SPEC)),
     {"me": {"f:spec": {"f:a": {}, "f:b": {}}}}),
    ("a controller's", (entry("kube-controller-manager", SPEC),), None),
    ("a controller's beside", (entry("kube-controller-manager", STATUS), entry("helm", SPEC)),
     {"me": SPEC, "kube-controller-manager": STATUS}),
    ("an autoscaler's", (entry(autoscale.HEIR, SPEC, "Apply"),), None),
    ("a subresource's", (entry("kubectl", SPEC, subresource="scale"),), None),
    ("somebody's labels", (entry("python", LABELS),), None),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "expected"), [pytest.param(*r[1:], id=r[0]) for r in ROWS])
def test_owners(entries: tuple[Any, ...], expected: dict[str, Fields] | None) -> None:
    """What makers wrote is ours, but for finalizers, status and other people's labels."""
    assert owners(*entries) == expected


@pytest.mark.parametrize("kind", ["PersistentVolumeClaim", "Job"])
def test_what_cannot_change_is_left(kind: str) -> None:
    """A spec that is fixed holds what the server put there, which must not go."""
    assert owners(entry("kubectl", SPEC), kind=kind) is None


def test_time() -> None:
    """The entry is as old as its newest part; without any time it names none."""
    at = [entry("helm", SPEC, time="1"), entry("me", SPEC, "Apply", time="2")]
    found, bare = taken_over(live(*at), "me"), taken_over(live(entry("helm", SPEC)), "me")

    assert found
    assert bare
    assert found["metadata"]["managedFields"][0]["time"] == "2"
    assert "time" not in bare["metadata"]["managedFields"][0]


def test_nothing_is_changed_in_place() -> None:
    """The live object stays as it was read."""
    one = live(entry("helm", SPEC), entry("me", LABELS, "Apply"))
    before = repr(one)
    taken_over(one, "me")

    assert repr(one) == before


sets: st.SearchStrategy[Fields] = st.recursive(
    st.just({}),
    lambda inner: st.dictionaries(st.sampled_from(["f:a", "f:b", ".", 'k:{"n":1}']), inner,
                                  max_size=3),
    max_leaves=8,
)  # fmt: skip


def members(fields: Fields, path: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    """Return the paths that are members of a set of fields."""
    found = set()
    for key, inner in fields.items():
        here = path if key == "." else (*path, key)
        if not inner:
            found.add(here)
        else:
            found |= members({k: v for k, v in inner.items() if k != "."}, here)
            found |= {here} if "." in inner else set()
    return found - {()}


@given(sets, sets)
def test_union(one: Fields, other: Fields) -> None:
    """A union has the members of both, whichever comes first, and no others."""
    assert members(union(one, other)) == members(one) | members(other)
    assert members(union(other, one)) == members(one) | members(other)
