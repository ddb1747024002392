"""What an object looks like while a debugger may hold its program."""

from __future__ import annotations

from typing import Any

from shipway.core.golang import delve
from shipway.core.kube.debugging import held
from shipway.core.project import workload
from shipway.core.project.workload import Workload

OURS = "r.test/shop/web@sha256:" + "a" * 64
PORTS = {OURS: 40_000}
PROBE = {"httpGet": {"path": "/ready", "port": 80}, "periodSeconds": 2}


def object_of(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """Return a Deployment of these containers."""
    template = {"spec": {"containers": list(containers)}}
    return {
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {**spec, "template": template},
    }


def changed(**container: Any) -> dict[str, Any]:
    """Return our container as it becomes."""
    found = held(object_of({"name": "web", "image": OURS, **container}), PORTS)
    (one,) = found["spec"]["template"]["spec"]["containers"]
    return dict(one)


def test_no_probe_ends_or_leaves_out_what_is_held() -> None:
    """Liveness and readiness go; the startup probe stays, and is patient."""
    found = changed(startupProbe=PROBE, readinessProbe={"exec": {}}, livenessProbe={"exec": {}})

    assert "livenessProbe" not in found
    assert "readinessProbe" not in found
    assert found["startupProbe"] == PROBE | {"failureThreshold": 3600}


def test_readiness_is_asked_until_it_served_once() -> None:
    """Without a startup probe that of readiness tells when it serves, and then no more."""
    found = changed(readinessProbe=PROBE | {"successThreshold": 3, "failureThreshold": 1})

    assert found["startupProbe"] == PROBE | {"failureThreshold": 3600}
    assert "startupProbe" not in changed()


def test_a_memory_limit_leaves_room() -> None:
    """The debugger reads the debug information into memory, within the same limit."""
    found = changed(resources={"requests": {"cpu": "1"}, "limits": {"memory": "256Mi", "cpu": "1"}})

    assert found["resources"]["limits"] == {"memory": str((256 << 20) + (1 << 30)), "cpu": "1"}
    assert found["resources"]["requests"] == {"cpu": "1"}
    assert changed(resources={"limits": {"cpu": "1"}})["resources"] == {"limits": {"cpu": "1"}}


def test_a_command_of_its_own_runs_under_it() -> None:
    """Where the object says what runs, that is what is debugged; arguments stay where they are."""
    found = changed(command=["/app/web", "serve"], args=["-v"])

    assert found["command"] == list(delve.command(("/app/web", "serve"), 40_000))
    assert found["args"] == ["-v"]


def test_there_is_one_pod() -> None:
    """Of several the request would meet any; no number stays none."""
    assert held(object_of({"image": OURS}, replicas=3), PORTS)["spec"]["replicas"] == 1
    probed = {"image": OURS, "livenessProbe": PROBE}
    assert held(object_of(probed, replicas=3), PORTS)["spec"]["replicas"] == 1
    assert held(object_of(probed, replicas=0), PORTS)["spec"]["replicas"] == 0
    assert "replicas" not in held(object_of(probed), PORTS)["spec"]


def test_others_stay_as_they_are() -> None:
    """Another image, an object without pods, and what is no container are not touched."""
    other = {"image": "r.test/other", "livenessProbe": PROBE}
    for one in (
        object_of(other, replicas=3),
        object_of("odd", replicas=3),  # type: ignore[arg-type]
        {"kind": "ConfigMap", "data": {"containers": [OURS], "image": OURS}},
        {"kind": "Odd", "spec": OURS},
    ):
        assert held(one, PORTS) == one
    mixed = held(object_of({"image": OURS, "livenessProbe": PROBE}, other), PORTS)
    assert mixed["spec"]["template"]["spec"]["containers"][1] == other


def test_what_it_may_do_does_not_change() -> None:
    """The hardened default stays hardened: the same security, the same root, no capability."""
    *_, before = workload.objects(Workload(name="web", image=OURS), "shop")
    after = held(before, PORTS)
    was, now = (one["spec"]["template"]["spec"] for one in (before, after))

    assert was != now
    assert now["securityContext"] == was["securityContext"]
    assert now["containers"][0]["securityContext"] == was["containers"][0]["securityContext"]
