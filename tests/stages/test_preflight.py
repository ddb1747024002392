"""Preflight: the server judges every object, stores none, and what it cannot judge is told."""

from __future__ import annotations

from typing import Any

import pytest

from fakes.content import MemoryContent
from fakes.kube import MemoryKube
from shipway.core.kube import plan as plans
from shipway.core.kube.objects import MANIFESTS, Ref, ref_of, write_set
from shipway.core.kube.plan import Observed
from shipway.errors import Kind, ShipwayError
from shipway.stages import preflight

SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-dev"}}
METADATA = {"name": "web", "namespace": "shop-dev"}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": METADATA, "data": {"a": "b"}}
REF = ref_of(CONFIG)
ELSEWHERE = "configmap/default/web"


def judge(kube: MemoryKube, *wanted: dict[str, Any]) -> tuple[str, ...]:
    """Judge a set against a cluster."""
    content = MemoryContent()
    kept = content.put(write_set(wanted), MANIFESTS)
    live = {ref_of(one).identity: found for one in wanted if (found := kube.get(ref_of(one)))}
    planned = plans.plan(
        wanted, Observed(live=live), rendered=kept.digest, set_name="x", adopt=True
    )
    return preflight.judge(planned, kube=kube, content=content)


def refuses(kube: MemoryKube, name: str, error: str, kind: Kind = Kind.REJECTED) -> None:
    """Have the server refuse an object."""
    kube.refusals["dry-run", name] = ShipwayError(error, kind, "it says no", subject=name)


def test_nothing_is_stored() -> None:
    """What can be judged is, and the cluster is as it was."""
    kube = MemoryKube()
    kube.put(SPACE)
    before = dict(kube.objects)

    assert judge(kube, SPACE, CONFIG) == ()
    assert kube.objects == before
    assert ("dry-run", str(REF)) in kube.calls


def test_a_refusal_is_raised() -> None:
    """A refusal of the server comes before anything is applied."""
    kube = MemoryKube()
    kube.put(SPACE)
    refuses(kube, str(REF), "kube.admission")

    with pytest.raises(ShipwayError) as caught:
        judge(kube, CONFIG)

    assert caught.value.id == "kube.admission"


def test_without_its_namespace_the_form_is_judged() -> None:
    """The object is tried where there is a namespace, and it is said that no more is known."""
    kube = MemoryKube()
    before = dict(kube.objects)

    assert judge(kube, SPACE, CONFIG) == (
        f"{REF}: its namespace is not there; only its form was judged",
    )
    assert kube.objects == before


def test_a_bad_form_is_refused_without_its_namespace() -> None:
    """The refusal names the object that was asked for."""
    kube = MemoryKube()
    refuses(kube, ELSEWHERE, "kube.invalid", Kind.CONFIG)

    with pytest.raises(ShipwayError) as caught:
        judge(kube, CONFIG)

    assert (caught.value.id, caught.value.subject) == ("kube.invalid", str(REF))


def test_what_another_namespace_forbids_does_not_count() -> None:
    """Quota and rights there say nothing about here: it stays open."""
    kube = MemoryKube()
    refuses(kube, ELSEWHERE, "kube.quota")

    assert judge(kube, CONFIG) == (f"{REF}: its namespace is not there",)


def test_an_object_of_another_namespace_is_not_compared_with() -> None:
    """Where the name is taken there, nothing is tried."""
    kube = MemoryKube()
    kube.put({**CONFIG, "metadata": {**METADATA, "namespace": "default"}})

    assert judge(kube, CONFIG) == (f"{REF}: its namespace is not there",)
    assert ("dry-run", ELSEWHERE) not in kube.calls


def test_a_kind_that_is_not_served_stays_open() -> None:
    """Its definition may come with the same set."""
    thing = {"apiVersion": "x.test/v1", "kind": "Thing", "metadata": {"name": "one"}}
    ref = Ref("x.test/v1", "Thing", "", "one")

    assert judge(MemoryKube(), thing) == (f"{ref}: does not serve this kind",)
