"""Deploy: nothing without a verdict, in order, and only what is ours."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from fakes.chain import NOW, Chain, deployment
from fakes.kube import MemoryKube
from fakes.signer import MemorySigner
from shipway.core.evidence import bundle as bundles
from shipway.core.evidence import shipped, statement
from shipway.core.evidence.history import Head
from shipway.core.evidence.link import Verified
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.recheck import Restored
from shipway.core.kube import applyset
from shipway.core.kube import head as heads
from shipway.core.kube.objects import MANIFESTS, Ref, ref_of, write_set
from shipway.core.kube.plan import Plan, Standing, Verb
from shipway.core.kube.stamp import INTENT, RELEASE
from shipway.core.oci.digest import of
from shipway.errors import Failures, Kind, ShipwayError
from shipway.stages import deploy
from shipway.stages.deploy import ApplyRequest, Deployed, PlanRequest, Proof
from shipway.stages.verify import verify

SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop-dev"}}
WEB = Ref("apps/v1", "Deployment", "shop-dev", "web")
SYSTEM = Ref("v1", "Namespace", "", "shipway-system")
PARENT = Ref("v1", "ConfigMap", "shipway-system", applyset.parent_name("shop", "dev", "local"))
INTENT_DIGEST = of(b"intent")


def config(name: str, kind: str = "ConfigMap", version: str = "v1") -> dict[str, Any]:
    """Return a small object."""
    return {"apiVersion": version, "kind": kind,
            "metadata": {"name": name, "namespace": "shop-dev"}}  # fmt: skip


class World:
    """A chain that was verified, a cluster in memory, and what is done with both."""

    def __init__(self, *objects: dict[str, Any]) -> None:
        self.kube = MemoryKube()
        self.chain = Chain()
        self.again(*objects)

    def again(self, *objects: dict[str, Any]) -> None:
        """Render these objects (by default the namespace and ``web``) and get a verdict."""
        chain = self.chain
        chain.links = {}
        chain.make()
        chain.seal()
        chain.render(*(objects or (SPACE, deployment(chain.published.reference))))
        said = verify(chain.request(), registry=chain.registry, clock=chain.clock)
        assert said.passed, said.reasons
        chain.decide(said)

    def plan(self, **other: Any) -> Plan:
        """Plan."""
        request = PlanRequest(
            project="shop", environment="dev", target="local", rendered=self.chain.rendered, **other
        )
        return deploy.plan(request, kube=self.kube, content=self.chain.content)

    def proof(self, **other: Any) -> Proof:
        """Return the verdict and what it is judged by."""
        bundle = self.chain.content.read(self.chain.links["verdict"].bundle.digest)
        proof = Proof(bundle=bundle, trust=self.chain.trust(), policy=built_in())
        return msgspec.structs.replace(proof, **other)

    def apply(self, planned: Plan | None = None, **other: Any) -> Deployed:
        """Apply."""
        request = ApplyRequest(
            project="shop",
            environment="dev",
            release=self.chain.release.digest,
            rendered=self.chain.rendered,
            intent=INTENT_DIGEST,
            proof=other.pop("proof", None) or self.proof(),
            head=other.pop("head", None),
            plan=planned or self.plan(**other),
        )
        return deploy.apply(
            request, kube=self.kube, content=self.chain.content, clock=self.chain.clock
        )

    def applied(self) -> list[str]:
        """Return the names of what was applied, in order."""
        return [name for verb, name in self.kube.calls if verb == "apply"]


def test_apply_stamps_and_reports() -> None:
    """Objects carry release and intent on their own metadata, and are reported with their uids."""
    world = World()

    done = world.apply()

    live = world.kube.get(WEB) or {}
    assert live["metadata"]["annotations"] == {
        RELEASE: world.chain.release.digest,
        INTENT: INTENT_DIGEST,
    }
    assert "annotations" not in live["spec"]["template"]["metadata"]
    web = done.objects[1]
    assert (web.ref, web.uid, web.generation, web.verb) == (
        WEB, live["metadata"]["uid"], 1, Verb.CREATE,
    )  # fmt: skip
    assert web.version == live["metadata"]["resourceVersion"]
    assert done.pruned == ()


def test_order() -> None:
    """Bookkeeping comes first, then namespaces before what is in them."""
    world = World(SPACE, config("a"), config("web", "Service"), deployment_of())

    world.apply()

    assert world.applied() == [
        str(SYSTEM), str(PARENT), "namespace/shop-dev", "configmap/shop-dev/a",
        "service/shop-dev/web", str(WEB),
    ]  # fmt: skip


def deployment_of(name: str = "web") -> dict[str, Any]:
    """Return a Deployment of the chain's own image."""
    return deployment(Chain().published.reference, name)


def test_second_apply_is_unchanged() -> None:
    """The same release again changes nothing but stamps."""
    world = World()
    world.apply()

    assert not world.plan().changes
    assert [one.verb for one in world.apply().objects] == [Verb.UNCHANGED] * 2


def test_what_others_made_needs_adopt() -> None:
    """An object of others is refused in planning, and taken over with adopt."""
    world = World()
    world.kube.put(SPACE)
    world.kube.apply(deployment_of(), manager="someone")

    with pytest.raises(ShipwayError) as caught:
        world.plan()

    assert caught.value.id == "kube.not_ours"
    assert [one.verb for one in world.apply(adopt=True).objects] == [Verb.ADOPT] * 2


def test_prune() -> None:
    """What stood in the last outcome and is in the set no more goes, with its uid asked for."""
    world = World(SPACE, deployment_of(), config("old"))
    first = world.apply()
    standing = tuple(Standing(one.ref, one.uid) for one in first.objects)
    world.again(SPACE, deployment_of())

    done = world.apply(standing=standing)

    assert [str(ref) for ref in done.pruned] == ["configmap/shop-dev/old"]
    assert world.kube.get(ref_of(config("old"))) is None


def test_parent_covers_what_is_kept() -> None:
    """The ApplySet parent lists kinds in use: the union meanwhile, the exact set afterwards."""
    world = World(SPACE, deployment_of(), config("old"), config("w", "Service"))
    first = world.apply()
    standing = tuple(Standing(one.ref, one.uid) for one in first.objects)
    world.again(SPACE, deployment_of())
    world.kube.objects[ref_of(config("old")).identity]["metadata"]["uid"] = "another"

    world.apply(standing=standing)

    parent = world.kube.get(PARENT) or {}
    kinds = parent["metadata"]["annotations"]["applyset.kubernetes.io/contains-group-kinds"]
    assert kinds == "ConfigMap,Deployment.apps,Namespace"


def test_without_a_verdict_nothing_is_sent() -> None:
    """A verdict of a stranger, about other bytes, or too old stops it before the first call."""
    world = World()
    planned = world.plan()
    world.kube.calls.clear()
    other = World(SPACE, config("a"))

    bad = {
        "stranger": world.proof(trust=world.chain.trust(MemorySigner(7))),
        "other bytes": other.proof(),
    }
    for name, proof in bad.items():
        with pytest.raises(ShipwayError) as caught:
            world.apply(planned, proof=proof)
        assert (name, caught.value.id) == (name, "deploy.unverified")
    world.chain.clock.time = NOW + 3600
    with pytest.raises(ShipwayError, match="s old"):
        world.apply(planned)

    assert world.kube.calls == []


def test_rollback_is_judged_by_its_outcome() -> None:
    """What is put back may have an old verdict, if an outcome that passed stood on it."""
    world = World()
    chain = world.chain
    chain.intend()
    chain.end()
    chain.clock.time = NOW + 9999
    restored = Restored(intent=verified(chain, "intent"), outcome=verified(chain, "outcome"))

    assert world.apply(proof=world.proof(restored=restored)).objects

    failed = Restored(
        intent=restored.intent,
        outcome=msgspec.structs.replace(restored.outcome, statement=ended(chain, "failed")),
    )
    with pytest.raises(ShipwayError, match="was failed"):
        world.apply(proof=world.proof(restored=failed))


def verified(chain: Chain, kind: str) -> Verified:
    """Return one of the chain's links as the walk would."""
    link = chain.links[kind]
    payload = bundles.parse(chain.content.read(link.bundle.digest)).envelope.payload
    return Verified(
        statement=statement.parse(payload),
        edge=link.edge,
        subject=link.subject,
        repository=chain.evidence,
        signer=chain.signer.fingerprint,
        bundle=link.bundle.digest,
    )


def ended(chain: Chain, result: str) -> statement.Statement:
    """Return the statement of an outcome with this result."""
    chain.end(result=result)
    return verified(chain, "outcome").statement


def test_plan_of_another_set() -> None:
    """A plan that was made for other bytes is not carried out."""
    world = World()
    planned = msgspec.structs.replace(world.plan(), rendered=of(b"other"))

    with pytest.raises(ShipwayError) as caught:
        world.apply(planned)

    assert caught.value.id == "deploy.plan"


def test_unpinned_image() -> None:
    """A set with an image by tag cannot have been verified."""
    world = World()
    planned = world.plan()
    objects = (SPACE, deployment("redis:8"))
    world.chain.rendered = world.chain.content.put(write_set(objects), MANIFESTS)

    with pytest.raises(ShipwayError, match="redis:8 is not pinned") as caught:
        world.apply(planned)

    assert caught.value.id == "deploy.unverified"


def test_definitions_are_awaited() -> None:
    """An object of a kind that the set defines waits until its definition is established."""
    group = "example.com"
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"things.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"kind": "Thing", "plural": "things"},
            "versions": [{"name": "v1", "served": True}, {"name": "v0"}],
        },
    }
    world = World(SPACE, crd, config("one", "Thing", f"{group}/v1"))
    real, asked = world.kube.get, []

    def slowly(ref: Ref) -> Any:
        found = real(ref)
        if found and ref.kind == "CustomResourceDefinition":
            asked.append(ref)
            if len(asked) < 3:
                found["status"] = {"conditions": [{"type": "Established", "status": "False"}]}
        return found

    world.kube.get = slowly  # type: ignore[method-assign]

    world.apply()

    assert len(asked) == 3
    assert world.applied().index(
        f"customresourcedefinition/things.{group}"
    ) < world.applied().index("thing/shop-dev/one")


def test_definition_that_never_is() -> None:
    """A definition that is not established in time stops the deploy, by name."""
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "things.example.com"},
        "spec": {"group": "example.com", "versions": [], "names": {"kind": "Thing"}},
    }
    world = World(SPACE, crd)
    real = world.kube.get
    world.kube.get = lambda ref: real(ref) and {**(real(ref) or {}), "status": {}}  # type: ignore[method-assign]

    with pytest.raises(ShipwayError, match="not Established") as caught:
        world.apply()

    assert (caught.value.id, caught.value.kind) == ("deploy.stuck", Kind.TRANSIENT)


def job(number: int) -> dict[str, Any]:
    """Return a Job whose template says this number."""
    pod = deployment_of()["spec"]["template"]["spec"] | {"priority": number}
    return config("migrate", "Job", "batch/v1") | {"spec": {"template": {"spec": pod}}}


def test_job_is_made_anew() -> None:
    """A Job that changed is deleted first, and is another object afterwards."""
    world = World(SPACE, job(1))
    before = world.apply().objects[1]
    world.again(SPACE, job(2))

    after = world.apply().objects[1]

    assert after.verb is Verb.RECREATE
    assert after.uid != before.uid


def test_replicas_are_handed_over_without_a_drop() -> None:
    """When an autoscaler comes, the live number stays while we let go of it."""
    world = World()
    world.apply()
    live = world.kube.get(WEB) or {}
    live["spec"]["replicas"] = 7
    world.kube.put(live)
    scaler = config("web", "HorizontalPodAutoscaler", "autoscaling/v2")
    scaler["spec"] = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    bare = deployment_of()
    del bare["spec"]["replicas"]
    world.again(SPACE, bare, scaler)
    seen: list[int] = []
    real = world.kube.apply

    def watching(obj: Any, **other: Any) -> Any:
        found = real(obj, **other)
        if obj["kind"] == "Deployment":
            seen.append(found["spec"].get("replicas"))
        return found

    world.kube.apply = watching  # type: ignore[method-assign]
    world.apply()

    assert seen == [7, 7]
    managers = [one["manager"] for one in (world.kube.get(WEB) or {})["metadata"]["managedFields"]]
    assert managers == ["shipway", "shipway-autoscaled"]


def test_live_autoscaler_keeps_its_number() -> None:
    """An autoscaler that is only in the cluster is respected as well."""
    world = World()
    world.apply()
    scaler = config("web", "HorizontalPodAutoscaler", "autoscaling/v2")
    scaler["spec"] = {"scaleTargetRef": {"kind": "Deployment", "name": "web"}}
    world.kube.put(scaler)
    live = world.kube.get(WEB) or {}
    live["spec"]["replicas"] = 7
    world.kube.put(live)

    world.apply()

    assert (world.kube.get(WEB) or {})["spec"]["replicas"] == 7


def test_refusals_of_a_rank_come_together() -> None:
    """Objects of one rank are sent side by side, and their failures arrive together."""
    world = World(SPACE, config("a"), config("b"))
    for name in ("a", "b"):
        why = ShipwayError("kube.quota", Kind.REJECTED, name)
        world.kube.refusals["apply", f"configmap/shop-dev/{name}"] = why

    with pytest.raises((ShipwayError, Failures)):
        world.apply()


def test_head_is_made_and_moved() -> None:
    """A history begins empty, moves by a swap, and is read back."""
    kube = MemoryKube()
    held = deploy.read_head("shop", "dev", "local", kube=kube)
    new = Head(sequence=1, intent=INTENT_DIGEST, state="open")

    moved = deploy.swap_head(held, new, kube=kube)

    assert held.head == Head()
    assert moved.head == new
    assert deploy.read_head("shop", "dev", "local", kube=kube).head == new
    assert (kube.get(SYSTEM) or {})["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == (
        "restricted"
    )


def test_loser_of_the_swap() -> None:
    """Of two who read the same head one wins; the other is told, and has applied nothing."""
    kube = MemoryKube()
    first = deploy.read_head("shop", "dev", "local", kube=kube)
    second = deploy.read_head("shop", "dev", "local", kube=kube)
    deploy.swap_head(first, Head(sequence=1, intent=of(b"a"), state="open"), kube=kube)

    with pytest.raises(ShipwayError) as caught:
        deploy.swap_head(second, Head(sequence=1, intent=of(b"b"), state="open"), kube=kube)

    assert caught.value.id == "deploy.lost_swap"
    assert deploy.read_head("shop", "dev", "local", kube=kube).head.intent == of(b"a")


def test_swap_after_an_uncertain_answer() -> None:
    """What the server could not say is no lost swap."""
    kube = MemoryKube()
    held = deploy.read_head("shop", "dev", "local", kube=kube)
    name = str(ref_of(held.object))
    kube.refusals["replace", name] = ShipwayError("kube.unreachable", Kind.TRANSIENT, "gone")

    with pytest.raises(ShipwayError) as caught:
        deploy.swap_head(held, Head(sequence=1, intent=INTENT_DIGEST, state="open"), kube=kube)

    assert caught.value.id == "kube.unreachable"


def test_two_make_the_head_at_once() -> None:
    """Who comes second to make the head reads the first one's."""
    kube = MemoryKube()
    real = kube.create

    def beaten(obj: Any) -> Any:
        real(obj)
        return real(obj)

    kube.create = beaten  # type: ignore[method-assign]

    assert deploy.read_head("shop", "dev", "local", kube=kube).head == Head()


def test_head_that_cannot_be_made() -> None:
    """Any other refusal of making the head is passed on."""
    kube = MemoryKube()
    name = "configmap/shipway-system/head.shop.dev.local"
    kube.refusals["create", name] = ShipwayError("kube.forbidden", Kind.DENIED, "no")

    with pytest.raises(ShipwayError) as caught:
        deploy.read_head("shop", "dev", "local", kube=kube)

    assert caught.value.id == "kube.forbidden"


def test_cluster_identity() -> None:
    """A cluster is known by the uid of its namespace kube-system."""
    kube = MemoryKube()
    name = Ref("v1", "Namespace", "", "kube-system")

    assert deploy.cluster(kube) == (kube.get(name) or {})["metadata"]["uid"]
    kube.drop(name)
    with pytest.raises(ShipwayError):
        deploy.cluster(kube)


def test_standing_of_an_outcome() -> None:
    """What an outcome names is asked for in the served version; kinds that are gone are not."""
    kube = MemoryKube()
    said = [
        shipped.Applied(group="apps", kind="Deployment", namespace="ns", name="web", uid="u"),
        shipped.Applied(group="gone.example.com", kind="Thing", namespace="ns", name="x", uid="v"),
    ]

    assert deploy.standing(said, kube=kube) == (
        Standing(Ref("apps/v1", "Deployment", "ns", "web"), "u"),
    )


def test_nothing_is_sent_once_another_moved_the_head() -> None:
    """A head that names another intent stops the apply before its first object."""
    world = World()
    name = heads.ref("shop", "dev", "local")
    held = deploy.read_head("shop", "dev", "local", kube=world.kube)
    deploy.swap_head(held, Head(sequence=7, intent=of(b"theirs"), state="open"), kube=world.kube)
    world.kube.calls.clear()
    with pytest.raises(ShipwayError, match="number 7 began") as caught:
        world.apply(head=name)

    assert (caught.value.id, caught.value.kind) == ("deploy.overtaken", Kind.CONFLICT)
    assert world.applied() == []


def test_a_rank_is_not_sent_once_another_moved_the_head() -> None:
    """What the head says is known before the first object of each rank is sent."""
    world = World(SPACE, config("a"), config("b"))
    name = heads.ref("shop", "dev", "local")
    held = deploy.read_head("shop", "dev", "local", kube=world.kube)
    mine = Head(sequence=1, intent=INTENT_DIGEST, state="open")
    won = deploy.swap_head(held, mine, kube=world.kube)

    def hook() -> object:
        theirs = Head(sequence=2, intent=of(b"theirs"), state="open")
        world.kube.hooks.clear()
        world.kube.hooks["get", str(name)] = lambda: time.sleep(0.05)  # whoever goes beside is seen
        return deploy.swap_head(won, theirs, kube=world.kube)

    world.kube.hooks["apply", "namespace/shop-dev"] = hook
    with pytest.raises(ShipwayError, match="number 2 began") as caught:
        world.apply(head=name)

    assert caught.value.id == "deploy.overtaken"
    assert world.applied()[-1] == "namespace/shop-dev"


def test_what_is_pruned_goes_rank_by_rank() -> None:
    """A head that moves while objects are removed keeps those of the ranks that follow."""
    account, old = config("a", "ServiceAccount"), config("old")
    world = World(SPACE, account, old)
    first = world.apply()
    world.again(SPACE)
    planned = world.plan(standing=tuple(Standing(one.ref, one.uid) for one in first.objects))
    name = heads.ref("shop", "dev", "local")
    held = deploy.read_head("shop", "dev", "local", kube=world.kube)
    mine = Head(sequence=1, intent=INTENT_DIGEST, state="open")
    won = deploy.swap_head(held, mine, kube=world.kube)

    def hook() -> object:
        theirs = Head(sequence=2, intent=of(b"theirs"), state="open")
        return deploy.swap_head(won, theirs, kube=world.kube)

    world.kube.hooks["delete", str(ref_of(old))] = hook
    with pytest.raises(ShipwayError) as caught:
        world.apply(planned, head=name)

    assert caught.value.id == "deploy.overtaken"
    assert ref_of(old).identity not in world.kube.objects
    assert ref_of(account).identity in world.kube.objects


def test_nothing_is_pruned_once_another_moved_the_head() -> None:
    """The head is looked at once more before anything is deleted."""
    old = config("old")
    world = World(SPACE, old)
    first = world.apply()
    world.again(SPACE)
    standing = tuple(Standing(one.ref, one.uid) for one in first.objects)
    planned = world.plan(standing=standing)
    name = heads.ref("shop", "dev", "local")
    held = deploy.read_head("shop", "dev", "local", kube=world.kube)
    mine = Head(sequence=1, intent=INTENT_DIGEST, state="open")
    won = deploy.swap_head(held, mine, kube=world.kube)

    def hook() -> object:
        theirs = Head(sequence=2, intent=of(b"theirs"), state="open")
        world.kube.hooks.clear()
        return deploy.swap_head(won, theirs, kube=world.kube)

    world.kube.hooks["apply", "namespace/shop-dev"] = hook
    with pytest.raises(ShipwayError) as caught:
        world.apply(planned, head=name)

    assert caught.value.id == "deploy.overtaken"
    assert ref_of(old).identity in world.kube.objects


def test_what_does_not_carry_the_stamp_was_written_over() -> None:
    """Objects that are gone, or that another intent stamped, are named."""
    world = World(SPACE, config("a"), config("b"), config("c"))
    done = world.apply()
    live = world.kube.objects[ref_of(config("b")).identity]
    live["metadata"]["annotations"][INTENT] = "sha256:other"
    world.kube.drop(ref_of(config("c")))

    found = deploy.overwritten(done.objects, INTENT_DIGEST, kube=world.kube)
    assert [one.name for one in found] == ["b", "c"]
