"""``trace`` and ``verify`` for an environment: live, by image, and offline from an export."""

from __future__ import annotations

import pytest

from fakes.git import ROOT
from fakes.shop import SIDE, WEB, WHERE, Shop
from fakes.signer import MemorySigner
from shipway.core.evidence.policy import BUILT_IN
from shipway.errors import Kind, ShipwayError
from shipway.roads.tracing import Shown, judge, walk_back
from shipway.roads.where import WhereRequest

EXPORT = f"{ROOT}/trace.json"


def delivered() -> Shop:
    """Return a project that serves."""
    shop = Shop()
    shop.carry()
    return shop


def pod(shop: Shop) -> None:
    """Let the Deployment's controllers make a pod."""
    web = shop.cluster.objects[WEB.identity]
    template = web["spec"]["template"]
    owner = {"controller": True, "uid": web["metadata"]["uid"]}
    shop.cluster.put(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": "shop-1",
                "namespace": "shop-dev",
                "ownerReferences": [
                    {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop", **owner}
                ],
            },
            "spec": {"template": template},
        }
    )
    between = shop.cluster.objects["apps", "ReplicaSet", "shop-dev", "shop-1"]["metadata"]["uid"]
    shop.cluster.put(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                **template["metadata"],
                "name": "shop-1-a",
                "namespace": "shop-dev",
                "ownerReferences": [
                    {
                        "apiVersion": "apps/v1",
                        "kind": "ReplicaSet",
                        "name": "shop-1",
                        "controller": True,
                        "uid": between,
                    }
                ],
            },
            "spec": template["spec"],
        }
    )


def test_a_deployment_leads_back_to_its_commit() -> None:
    """Every step is proved, and the last line says that the chain holds."""
    shown = walk_back("deployment/shop", WHERE, hands=delivered())
    lines = list(shown.lines())

    assert shown.exit_kind is None
    assert lines[-1] == "the chain holds"
    assert any("  by SHA256:" in line for line in lines)
    assert any(line.startswith("witness: ") for line in lines)


def test_a_pod_leads_back_too() -> None:
    """A pod is followed by its owners to the same release, here in a namespace that is named."""
    shop = delivered()
    pod(shop)
    shown = walk_back("pod/shop-1-a", WHERE, hands=shop, namespace="shop-dev")

    assert shown.trace.steps
    with pytest.raises(ShipwayError, match="not in other"):
        walk_back("pod/shop-1-a", WHERE, hands=shop, namespace="other")


def test_an_image_leads_back() -> None:
    """An image by tag or digest is traced from the registry alone, and judged so too."""
    shop = delivered()
    (reference,) = {shop.cluster.image(WEB)}
    for shown in (
        walk_back(reference, WHERE, hands=shop),
        judge(reference, WHERE, hands=shop),
    ):
        assert shown.exit_kind is None, list(shown.lines())


def test_a_bare_word_is_no_subject() -> None:
    """What is neither live, nor an image, nor a file says what would be one."""
    with pytest.raises(ShipwayError) as caught:
        walk_back("shop", WHERE, hands=delivered())

    assert (caught.value.id, caught.value.hint) == ("trace.kind", "shipway trace deployment/shop")


def test_an_edited_object_breaks_the_chain() -> None:
    """An edit behind the deploy is found, and makes the exit code of integrity."""
    shop = delivered()
    live = shop.cluster.objects[WEB.identity]
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "evil.test/shop:1"
    shown = walk_back("deployment/shop", WHERE, hands=shop)

    assert shown.exit_kind is Kind.INTEGRITY
    assert any(line.startswith("! ") for line in shown.lines())
    assert list(shown.lines())[-1] == "the chain does not hold"


def test_what_is_beside_the_chain_is_said() -> None:
    """Findings that do not break this chain stand apart."""
    shown = walk_back("deployment/shop", WHERE, hands=delivered())
    told = Shown(trace=shown.trace, exported="x.json")

    assert "exported to x.json" in list(told.lines())


def exported() -> Shop:
    """Return a project whose trace was exported, and whose registry and cluster are gone."""
    shop = delivered()
    shown = walk_back("deployment/shop", WHERE, hands=shop, export=EXPORT)
    assert shown.exported == EXPORT
    shop.registries.manifests.clear()
    shop.cluster.objects.clear()
    shop.running = False
    return shop


def test_an_export_needs_no_network() -> None:
    """The file alone gives the same answer, by the own key and by a named one."""
    shop = exported()
    own = walk_back(EXPORT, WHERE, hands=shop)
    named = walk_back(EXPORT, WHERE, hands=shop, trusted_root="key.pem")

    assert own.exit_kind is None
    assert named.trace == own.trace


def test_an_export_under_other_keys_does_not_hold() -> None:
    """Who does not trust the signer is told so."""
    shop = exported()
    shop.trust = [MemorySigner(2)]
    asked = WhereRequest(directory=ROOT, keys=("other.pem",))
    shown = walk_back(EXPORT, asked, hands=shop)

    assert shown.exit_kind is Kind.INTEGRITY
    assert any("signer not allowed" in line for line in shown.lines())


def test_an_export_is_judged_by_a_policy_file() -> None:
    """The built-in policy from a file says the same; without the file nothing is judged."""
    shop = exported()
    shop.files("/elsewhere").files["policy.json"] = BUILT_IN
    shown = walk_back(EXPORT, WHERE, hands=shop, policy="/elsewhere/policy.json")
    assert shown.exit_kind is None

    with pytest.raises(ShipwayError) as caught:
        walk_back(EXPORT, WHERE, hands=shop, policy="/elsewhere/none.json")
    assert (caught.value.id, caught.value.kind) == ("policy.missing", Kind.NOT_FOUND)


def test_a_pinned_image_is_listed() -> None:
    """A foreign image of the lock is no fault of the chain."""
    shop = Shop()
    shop.image(SIDE)
    shop.overlay({"name": "side", "image": SIDE})
    shop.carry()
    shown = walk_back("deployment/shop", WHERE, hands=shop)

    assert not [one for one in shown.trace.findings if "foreign" in str(one)]
