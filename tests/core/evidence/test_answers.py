"""Every named answer about something live, by its own name; and the whole way back."""

from __future__ import annotations

import msgspec
import pytest

from fakes.chain import EVIDENCE, SOURCE, WEB, Chain, deployment
from fakes.delivered import SPACE, World, answers, names, seen
from fakes.signer import MemorySigner
from shipway.core.evidence import shipped
from shipway.core.evidence.answer import Answer
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.rules import Foreign
from shipway.core.evidence.tracing import Asked
from shipway.core.evidence.trust import Trust
from shipway.core.oci.digest import of
from shipway.stages.verify import verify


def test_whole_way() -> None:
    """A delivered pod leads back to the commit, with every link verified and no finding."""
    found = World().trace()
    assert found.ok, found.findings
    assert names(found) == [
        "pod", "replicaset", "deployment", "intent", "outcome", "verdict", "render", "release",
        "image", "build", "sbom", "signature", "test", "commit", "tree",
    ]  # fmt: skip
    commit = next(one for one in found.steps if one.name == "commit")
    assert commit.subject == SOURCE.commit
    assert found.witness == "no witness"
    assert found.beside == ()


def test_deployment() -> None:
    """A Deployment can be traced like a pod."""
    found = World().trace("deploy/web")
    assert found.ok, found.findings
    assert names(found)[:2] == ["deployment", "intent"]


def test_pending_tests() -> None:
    """Tests that did not end are shown as pending, and the trace is whole."""
    found = World(tests="pending").trace()
    assert found.ok
    assert [one.state for one in found.steps if one.name == "test"] == ["pending"]


def test_tests_that_were_never_heard_of_again() -> None:
    """An hour after the intent, pending tests are not finished: the run that had them is gone."""
    world = World(tests="pending")
    world.chain.clock.sleep(3600)
    at_last = [one.state for one in world.trace().steps if one.name == "test"]
    world.chain.clock.sleep(60)
    found = world.trace()

    assert at_last == ["pending"]
    assert [one.state for one in found.steps if one.name == "test"] == ["not finished"]
    assert found.ok


def test_unfinished() -> None:
    """An intent without outcome is an unfinished deploy."""
    found = World(outcome=False).trace()
    assert answers(found) == [Answer.UNFINISHED]
    assert [one.state for one in found.steps if one.name == "outcome"] == ["missing"]


def test_failed_outcome() -> None:
    """A deploy whose gate said no is not a whole way."""
    world = World(outcome=False)
    world.chain.end(objects=(seen(world.workload),), result="failed")
    assert answers(world.trace()) == [Answer.UNFINISHED]


def test_abandoned_deploys_are_beside() -> None:
    """Another deploy that lost the swap is shown, and changes nothing."""
    world = World()
    kept = dict(world.chain.links)
    lost = world.chain.intend(2, follows=world.intent.payload)
    assert lost.payload != world.intent.payload
    world.chain.links.update(kept)
    found = world.trace()
    assert found.ok
    assert [one.answer for one in found.beside] == [Answer.ABANDONED]


def test_forked() -> None:
    """A second deploy with this one's number that went on is a fork of this history."""
    world = World()
    kept = dict(world.chain.links)
    world.chain.intend(1, reason="another")
    world.chain.end()
    world.chain.links.update(kept)
    found = world.trace()
    assert answers(found) == [Answer.FORKED]


def test_edited_workload() -> None:
    """A field edited with kubectl is an edited object, by its path."""
    world = World()
    world.workload["spec"]["replicas"] = 5
    found = world.trace()
    assert answers(found) == [Answer.EDITED]
    assert "spec.replicas" in found.findings[0].detail


def test_autoscaled_workload() -> None:
    """Replicas that an autoscaler decides are shown as such, and are no edit."""
    world = World()
    world.workload["spec"]["replicas"] = 5
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    world.kube.put(
        {
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "web", "namespace": SPACE},
            "spec": {"scaleTargetRef": target},
        }
    )
    found = world.trace()
    assert found.ok, found.findings
    assert found.steps[2].details["replicas"] == "by an autoscaler"


def test_edited_replicaset() -> None:
    """An edit of the ReplicaSet alone is found too."""
    world = World()
    world.revision["spec"]["template"]["spec"]["hostNetwork"] = True
    assert answers(world.trace()) == [Answer.EDITED]


def test_injected_container() -> None:
    """A container that the template does not have is injected, and its image foreign."""
    world = World()
    world.pod["spec"]["containers"].append({"name": "evil", "image": f"evil@{of(b'evil')}"})
    assert answers(world.trace()) == [Answer.INJECTED, Answer.FOREIGN_IMAGE]


def test_foreign_image_by_the_nodes_word() -> None:
    """An image that the node says it runs must be one of the verdict's."""
    world = World()
    world.pod["status"] = {"containerStatuses": [{"name": "web", "imageID": f"x@{of(b'evil')}"}]}
    assert answers(world.trace()) == [Answer.FOREIGN_IMAGE]
    world.pod["status"]["containerStatuses"][0]["imageID"] = "docker-image-without-digest"
    assert world.trace().ok


def test_image_by_its_config() -> None:
    """An imageID may be the digest of manifest or config: both are this image."""
    world = World()
    for digest in (world.chain.image.config.digest, world.chain.published.manifest.digest):
        world.pod["status"] = {"containerStatuses": [{"name": "web", "imageID": f"{WEB}@{digest}"}]}
        assert world.trace().ok


def test_bare_pod() -> None:
    """A pod that nothing owns and nothing names is a bare pod, with or without a copied stamp."""
    world = World()
    world.pod["metadata"]["ownerReferences"] = [{"kind": "Other", "controller": False}]
    assert answers(world.trace()) == [Answer.BARE_POD]
    world.pod["metadata"]["annotations"] = dict(world.stamp)
    assert Answer.BARE_POD in answers(world.trace())


def test_owner_of_another_uid() -> None:
    """An owner reference to a name that was used again leads nowhere."""
    world = World()
    world.pod["metadata"]["ownerReferences"][0]["uid"] = "older"
    assert answers(world.trace()) == [Answer.BARE_POD]


def test_copied_to_another_object() -> None:
    """A stamp copied onto another object is named, for the intent does not speak of it."""
    world = World()
    world.put(deployment(f"{WEB}@{of(b'x')}", "other"), "other-uid", world.stamp)
    found = world.trace("deployment/other")
    assert answers(found) == [Answer.COPIED]


def test_copied_to_a_new_object_of_that_name() -> None:
    """An object deleted and made again has another uid than the outcome saw."""
    world = World()
    world.workload["metadata"]["uid"] = "again"
    assert answers(world.trace("deployment/web")) == [Answer.COPIED]


def test_copied_to_another_cluster() -> None:
    """A stamp copied with its objects to another cluster is named."""
    assert answers(World(cluster="another-cluster").trace()) == [Answer.COPIED]


def test_copied_to_another_environment() -> None:
    """A stamp of another environment is named, and nothing of it passes here."""
    world = World()
    asked = Asked(project="shop", environment="prod", protected=False, policy=built_in())
    assert Answer.COPIED in answers(world.trace(asked=asked))


def test_stamp_of_another_release() -> None:
    """Release and intent of a stamp must belong together."""
    world = World()
    other = Chain().whole()
    for obj in (world.revision, world.workload):
        notes = obj["metadata"]["annotations"]
        notes["shipway.dev/release"] = other.links["sbom"].manifest.digest
    assert answers(world.trace())[0] is Answer.COPIED


@pytest.mark.parametrize("stamp", [{}, {"shipway.dev/release": "x", "shipway.dev/intent": "y"}])
def test_no_stamp(stamp: dict[str, str]) -> None:
    """An object without a readable stamp names no link."""
    world = World()
    for obj in (world.revision, world.workload):
        obj["metadata"]["annotations"] = stamp
    assert answers(world.trace()) == [Answer.MISSING]


@pytest.mark.parametrize("kind", ["verdict", "render", "build", "release", "intent"])
def test_missing_link(kind: str) -> None:
    """Each link that the way needs is missed by name."""
    world = World()
    link = world.chain.links[kind]
    del world.chain.registry.manifests[link.repository, link.manifest.digest]
    found = world.trace()
    assert not found.ok
    assert Answer.MISSING in answers(found)


@pytest.mark.parametrize("kind", ["verdict", "render", "build", "sbom", "release", "intent"])
def test_altered_link(kind: str) -> None:
    """Each altered link is found, by that name."""
    world = World()
    link = world.chain.links[kind]
    key = (link.repository, link.bundle.digest)
    data = world.chain.registry.blobs[key]
    world.chain.registry.blobs[key] = bytes((*data[:60], data[60] ^ 1, *data[61:]))
    found = world.trace()
    assert not found.ok
    assert Answer.ALTERED in [one.answer for one in (*found.findings, *found.beside)]


def test_signer_not_allowed() -> None:
    """Under another trust nothing of the way is believed, and the signer is named."""
    found = World().trace(trust=World().trust(MemorySigner(2)))
    assert not found.ok
    assert Answer.NOT_ALLOWED in answers(found)


def test_intent_by_another_role() -> None:
    """A key that may only sign tests cannot have signed the intent."""
    world = World()
    trust = world.trust()
    tester = msgspec.structs.replace(trust.keys[0], roles=("tester",))
    assert Answer.NOT_ALLOWED in answers(world.trace(trust=Trust(keys=(tester,))))


def test_rendered_set_is_gone() -> None:
    """Without the rendered bytes nothing can be compared."""
    world = World()
    del world.chain.registry.blobs[EVIDENCE, world.chain.rendered.digest]
    assert Answer.MISSING in answers(world.trace())


def test_intent_names_other_bytes() -> None:
    """The rendered object must have the digest that the intent names."""
    planned = shipped.Planned(
        group="apps", kind="Deployment", namespace=SPACE, name="web", digest=of(b"other")
    )
    assert Answer.ALTERED in answers(World(objects=(planned,)).trace())


def test_listed_foreign_image() -> None:
    """An image of others that the lock lists is shown as listed."""
    world = World()
    redis = f"example.com/redis@{of(b'redis')}"
    chain = world.chain
    chain.render(deployment(chain.published.reference), deployment(redis, "redis"))
    listed = Foreign(digest=of(b"redis"), reference=redis, reason="cache")
    chain.decide(
        verify(chain.request(foreign=(listed,)), registry=chain.registry, clock=chain.clock)
    )
    world.intent = chain.intend(2, follows=world.intent.payload)
    world.stamp["shipway.dev/intent"] = world.intent.payload
    live = world.put(chain.objects[1], "redis-uid", world.stamp)
    chain.end(2, objects=(seen(live),))
    world.head(2, "passed")
    found = world.trace("deployment/redis")
    assert found.ok, found.findings
    assert "listed" in [one.state for one in found.steps]
