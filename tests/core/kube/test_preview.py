"""What a plan shows: every object and field that would change, and no secret."""

from __future__ import annotations

from typing import Any

import pytest

from shipway.core.kube.diff import Departure
from shipway.core.kube.objects import Ref
from shipway.core.kube.plan import Action, Plan, Verb
from shipway.core.kube.preview import HIDDEN, lines
from shipway.core.oci.digest import of

WEB = Ref("apps/v1", "Deployment", "ns", "web")
ENV = "spec.template.spec.containers[web].env[{}].value"


def plan_of(*actions: Action, removals: tuple[Action, ...] = ()) -> Plan:
    """Return a plan of these actions."""
    return Plan(
        rendered=of(b"set"),
        set_name="s",
        actions=actions,
        removals=removals,
        scalers=frozenset(),
    )


def shown(change: Departure, ref: Ref = WEB) -> str:
    """Return the line of one field."""
    _, line = lines(plan_of(Action(verb=Verb.CONFIGURE, ref=ref, changes=(change,))))
    return line


def test_every_object_that_changes_and_what_is_left() -> None:
    """Objects with their fields, then prunes and what is kept; what stays the same is not told."""
    field = Departure("spec.replicas", 3, 2)
    found = lines(
        plan_of(
            Action(verb=Verb.CREATE, ref=Ref("v1", "Service", "ns", "web")),
            Action(verb=Verb.CONFIGURE, ref=WEB, changes=(field,)),
            Action(verb=Verb.UNCHANGED, ref=Ref("v1", "ConfigMap", "ns", "same")),
            removals=(Action(verb=Verb.KEEP, ref=Ref("v1", "Namespace", "", "ns"), why="ours"),),
        )
    )
    assert list(found) == [
        "create service/ns/web",
        "configure deployment/ns/web",
        "  spec.replicas: 2 -> 3",
        "keep namespace/ns (ours)",
    ]


@pytest.mark.parametrize(
    ("path", "wanted", "found", "kind"),
    [
        ("data.password", "aGlkZGVu", None, "Secret"),
        ("stringData.x", "hidden", "before", "Secret"),
        (ENV.format("DB_PASSWORD"), "hunter2-is-long", "hunter1-is-long", "Deployment"),
        ("data.API_TOKEN", None, "abcdefgh-1234", "ConfigMap"),
        ("spec.args[0]", "--key=AKIA" + "Q" * 16, "", "Deployment"),
    ],
)
def test_values_that_may_be_secret_are_hidden(
    path: str, wanted: Any, found: Any, kind: str
) -> None:
    """By the object's kind, the setting's name or the value's form; that it changed is said."""
    line = shown(Departure(path, wanted, found), Ref("v1", kind, "ns", "x"))

    assert line == f"  {path}: {HIDDEN} -> {HIDDEN}"


def test_plain_settings_are_shown() -> None:
    """A variable that is no credential is shown as it is."""
    assert shown(Departure(ENV.format("MODE"), "fast", "slow")).endswith("slow -> fast")
