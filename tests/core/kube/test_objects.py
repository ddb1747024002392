"""Objects: how they are named and written down, and in which order they are applied."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shipway.core.kube import kinds, objects, order
from shipway.core.kube.objects import Entry, Ref, ref_of
from shipway.core.oci.digest import of

WEB: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "uid": "u-1"},
}


def test_ref() -> None:
    """An object's name says group, kind, namespace and name, for people in lower case."""
    ref = ref_of(WEB)

    assert ref == Ref("apps/v1", "Deployment", "shop", "web")
    assert ref.group == "apps"
    assert ref.identity == ("apps", "Deployment", "shop", "web")
    assert str(ref) == "deployment/shop/web"
    assert objects.uid_of(WEB) == "u-1"


def test_ref_of_nearly_nothing() -> None:
    """What is missing is empty."""
    assert ref_of({"metadata": None}) == Ref("", "", "", "")
    assert objects.uid_of({}) == ""
    assert str(Ref("v1", "Namespace", "", "shop")) == "namespace/shop"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), json_values, min_size=1), max_size=4))
def test_set_is_read_back(found: list[dict[str, Any]]) -> None:
    """Whatever texts are in it, a set is read back as it was written, object by object."""
    data = objects.write_set(tuple(found))

    assert objects.read_set(data) == tuple(found)
    assert [one.digest for one in objects.entries(data)] == [
        of(objects.canonical(obj)) for obj in found
    ]


def test_set_is_deterministic() -> None:
    """The order of keys does not matter to the bytes."""
    turned = dict(reversed(WEB.items()))

    assert objects.write_set((WEB,)) == objects.write_set((turned,))
    assert objects.write_set((WEB,)) == b"---\n" + objects.canonical(WEB) + b"\n"
    assert objects.entries(objects.write_set((WEB,))) == (
        Entry(ref_of(WEB), of(json.dumps(WEB, sort_keys=True, separators=(",", ":")).encode())),
    )


def obj(kind: str, name: str = "x", version: str = "v1") -> dict[str, Any]:
    """Return a bare object."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def test_order() -> None:
    """Namespaces come first, webhooks last, unknown kinds before what may read them."""
    wanted = [
        "Namespace",
        "CustomResourceDefinition",
        "PriorityClass",
        "ServiceAccount",
        "Role",
        "RoleBinding",
        "NetworkPolicy",
        "ConfigMap",
        "ExternalSecret",
        "Service",
        "Deployment",
        "HorizontalPodAutoscaler",
        "APIService",
        "ValidatingWebhookConfiguration",
    ]

    found = order.ordered(tuple(obj(kind) for kind in reversed(wanted)))

    assert [one["kind"] for one in found] == wanted


def test_order_within_a_rank() -> None:
    """Equal ranks are ordered by name."""
    found = order.ordered((obj("Service", "b"), obj("Service", "a")))

    assert [one["metadata"]["name"] for one in found] == ["a", "b"]


def test_known_kinds() -> None:
    """Kubernetes' own kinds are known with plural and scope; others are not."""
    pod = kinds.known("v1", "Pod")
    role = kinds.known("rbac.authorization.k8s.io/v1", "ClusterRole")
    scaler = kinds.preferred("autoscaling", "HorizontalPodAutoscaler")
    node = kinds.preferred("", "Node")

    assert pod is not None
    assert (pod.plural, pod.namespaced) == ("pods", True)
    assert role is not None
    assert (role.plural, role.namespaced) == ("clusterroles", False)
    assert scaler is not None
    assert scaler.api_version == "autoscaling/v2"
    assert node is not None
    assert node.api_version == "v1"
    assert kinds.known("example.com/v1", "Pod") is None
