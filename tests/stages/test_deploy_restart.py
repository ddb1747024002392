"""A real API server in the middle of an apply: started anew, or refusing a definition."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from fakes import apiserver
from shipway.adapters.kube.client import Cluster
from shipway.core.kube.objects import Ref, ref_of
from shipway.errors import Kind, ShipwayError
from stages.test_deploy_server import SPACE, Environment, config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fakes.apiserver import ApiServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Return a server of this module's own."""
    with apiserver.running(tmp_path_factory.mktemp("server")) as one:
        yield one


@pytest.fixture
def environment(server: ApiServer) -> Iterator[Environment]:
    """Return an environment on it."""
    cluster = Cluster(server.access())
    yield Environment(cluster)
    cluster.close()


def test_restart_in_the_middle_of_an_apply(environment: Environment, server: ApiServer) -> None:
    """What is being applied when the server goes away is applied when it is back, and once."""
    names = [f"c{number}" for number in range(60)]
    planned = environment.plan(SPACE, *(config(name, a="1") for name in names))
    begun = threading.Event()
    restarted: list[bool] = []

    def restart() -> None:
        begun.wait(30)
        server.halt()
        server.resume()
        restarted.append(True)

    def seen(applied: Any) -> None:
        if applied.ref.name == "c0":
            begun.set()

    other = threading.Thread(target=restart)
    other.start()
    done = environment.carry(planned, on_applied=seen)
    other.join(60)

    assert restarted
    assert {one.ref.name for one in done.objects} >= set(names)
    assert len({one.uid for one in done.objects}) == len(done.objects)


def test_a_definition_whose_names_are_taken(environment: Environment) -> None:
    """It is said at once, with the server's words, and is not waited for."""
    first, second = definition("widgets", "Widget"), definition("gadgets", "Widget")
    environment.kube.apply(first)

    with pytest.raises(ShipwayError) as caught:
        environment.carry(environment.plan(SPACE, second))

    assert (caught.value.id, caught.value.kind) == ("deploy.definition", Kind.CONFLICT)
    assert "is already in use" in caught.value.message
    for name in ("widgets", "gadgets"):
        ref = Ref("apiextensions.k8s.io/v1", "CustomResourceDefinition", "", f"{name}.example.com")
        environment.kube.delete(ref)


NEVER = "never-established"
POLICIES = "admissionregistration.k8s.io/v1"
STATUS = {
    "apiGroups": ["apiextensions.k8s.io"],
    "apiVersions": ["v1"],
    "operations": ["UPDATE"],
    "resources": ["customresourcedefinitions/status"],
}


def test_a_definition_that_is_never_established(environment: Environment) -> None:
    """The server's own controller may not write the status: that is said, after its time."""
    kube = environment.kube
    policy = {
        "matchConstraints": {"resourceRules": [STATUS]},
        "validations": [{"expression": "false", "message": "not on Fridays"}],
    }
    binding = {"policyName": NEVER, "validationActions": ["Deny"]}
    made = {"ValidatingAdmissionPolicy": policy, "ValidatingAdmissionPolicyBinding": binding}
    for kind, spec in made.items():
        name = {"name": NEVER}
        kube.apply({"apiVersion": POLICIES, "kind": kind, "metadata": name, "spec": spec})
    tries = (f"things{number}" for number in range(99))
    assert not all(established(kube, name) for name in tries), "the policy is not heeded"

    with pytest.raises(ShipwayError) as caught:
        environment.carry(environment.plan(SPACE, definition("lates", "Late")))

    assert (caught.value.id, caught.value.kind) == ("deploy.stuck", Kind.TRANSIENT)
    assert str(caught.value).endswith("lates.example.com: it is not Established after 30 s")
    assert "kubectl describe customresourcedefinition lates.example.com" in caught.value.hint
    for kind in made:
        kube.delete(Ref(POLICIES, kind, "", NEVER))


def established(kube: Cluster, plural: str) -> bool:
    """Make a definition, and return whether the server wrote its status within a second."""
    found = kube.apply(definition(plural, plural.title()))
    until = time.monotonic() + 1
    while time.monotonic() < until:
        conditions = ((kube.get(ref_of(found)) or {}).get("status") or {}).get("conditions")
        if conditions:
            return True
        time.sleep(0.05)
    return False


def definition(plural: str, kind: str) -> dict[str, Any]:
    """Return a definition."""
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": kind},
            "versions": [version],
        },
    }
