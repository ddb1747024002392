"""The judgement of a trace alone: what a snapshot and evidence say, case by case."""

from __future__ import annotations

import copy
from typing import Any

import msgspec

from fakes.chain import CLUSTER, EVIDENCE, NOW, Chain, deployment
from shipway.core.evidence import shipped, tracing, verdict
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.deployed import Deployed, follow
from shipway.core.evidence.history import History
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.snapshot import Snapshot
from shipway.core.evidence.tracing import Asked, Trace
from shipway.core.evidence.walk import Evidence, Walk
from shipway.core.oci.digest import of
from shipway.stages.verify import RegistrySource, drive, verify

ASKED = Asked(project="shop", environment="dev", protected=False, policy=built_in())


class Case:
    """A delivered chain, its evidence, and a snapshot that a test may bend."""

    def __init__(self, **bend: Any) -> None:
        chain = self.chain = Chain().whole()
        judged = verify(chain.request(), registry=chain.registry, clock=chain.clock)
        said = bend.get("verdict", lambda one: one)(verdict.statement(judged))
        chain.attest("verdict", said, chain.release.manifest, EVIDENCE)
        if not bend.get("no_intent"):
            chain.intend()
            chain.end()
        workload = copy.deepcopy(chain.objects[0])
        workload["metadata"] |= {"uid": "u"}
        outcome = shipped.Applied(
            group="apps", kind="Deployment", namespace="shop-dev", name="web", uid="u"
        )
        if not bend.get("no_intent"):
            chain.end(objects=(outcome,), finished_on="2027-01-15T08:00:09Z")
        self.snapshot = Snapshot(
            subject="deployment/web", cluster=CLUSTER, workload=workload, time=NOW
        )
        walk = Walk(trust=chain.trust(), policy=built_in().policy)
        walk.release(EVIDENCE, chain.release.digest)
        walk.blob(EVIDENCE, chain.rendered.digest, chain.rendered.size)
        self.evidence = drive(walk, RegistrySource(chain.registry))

    def found(self) -> Deployed:
        """Follow the stamp."""
        named = (self.chain.release.digest, self.chain.links["intent"].payload)
        found = follow(self.evidence, named)
        assert isinstance(found, Deployed)
        return found

    def judge(self, **snapshot: Any) -> Trace:
        """Return the trace."""
        bent = msgspec.structs.replace(self.snapshot, **snapshot)
        return tracing.deployed(bent, self.evidence, History(), self.found(), ASKED)


def answers(found: Trace) -> list[Answer]:
    """Return the names of what is wrong."""
    return [one.answer for one in found.findings]


def changed(**fields: Any) -> Any:
    """Return a bend of the verdict's predicate."""
    return lambda said: msgspec.structs.replace(said, predicate={**said.predicate, **fields})


def test_newest_outcome_counts() -> None:
    """Of two outcomes the newer one counts, and the whole way holds."""
    assert answers(Case().judge()) == []


def test_failed_verdict() -> None:
    """A deploy on a failed verdict has no passed verdict."""
    found = Case(verdict=changed(verificationResult="FAILED")).judge()
    assert answers(found) == [Answer.MISSING]


def test_another_verifier() -> None:
    """A verifier that the policy does not name is not allowed."""
    found = Case(verdict=changed(verifier={"id": "https://example.com"})).judge()
    assert answers(found) == [Answer.NOT_ALLOWED]


def test_verdict_of_another_environment() -> None:
    """A verdict about another environment was copied."""
    found = Case(verdict=changed(resourceUri="https://example.com")).judge()
    assert answers(found) == [Answer.COPIED]


def test_malformed_verdict() -> None:
    """A verdict of another shape is none."""
    found = Case(verdict=lambda one: msgspec.structs.replace(one, predicate={})).judge()
    assert answers(found) == [Answer.MISSING]


def test_listed_without_digest() -> None:
    """A listed reason that names no digest lists nothing."""
    reasons = {"release": of(b"r"), "rendered": of(b"s")}
    reasons["reasons"] = [{"rule": "images", "subject": "by-tag", "outcome": "listed"}]  # type: ignore[assignment]
    found = Case(verdict=changed(**{verdict.REASONS: reasons})).judge()
    assert answers(found) == []


def test_malformed_intent() -> None:
    """An intent of another shape is an altered link, and an outcome of one counts for nothing."""
    case = Case(no_intent=True)
    chain = case.chain
    for kind, uri in (("intent", "intent/v1"), ("outcome", "outcome/v1")):
        said = msgspec.structs.replace(
            shipped.release(chain.release), predicate_type=f"https://shipway.dev/{uri}"
        )
        chain.attest(kind, said, chain.release.manifest, EVIDENCE)
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(EVIDENCE, chain.release.digest)
    evidence = drive(walk, RegistrySource(chain.registry))
    named = (chain.release.digest, chain.links["intent"].payload)
    found = follow(evidence, named)
    assert isinstance(found, Finding)
    assert found.answer is Answer.ALTERED
    chain.intend()
    named = (chain.release.digest, chain.links["intent"].payload)
    walk.link(EVIDENCE, chain.links["intent"].manifest.digest)
    again = follow(drive(walk, RegistrySource(chain.registry)), named)
    assert isinstance(again, Deployed)
    assert again.outcome is None


def test_malformed_render() -> None:
    """A render link of another shape leads to no rendered set."""
    case = Case()
    link = case.evidence.named(case.chain.links["render"].payload)
    assert link is not None
    bent = msgspec.structs.replace(
        link, statement=msgspec.structs.replace(link.statement, predicate={})
    )
    links = tuple(bent if one is link else one for one in case.evidence.links)
    case.evidence = msgspec.structs.replace(case.evidence, links=links)
    assert Answer.MISSING in answers(case.judge())


def test_rendered_set_that_is_none() -> None:
    """Bytes that hold no objects are judged like none."""
    case = Case()
    blobs = {case.chain.rendered.digest: b"{"}
    case.evidence = msgspec.structs.replace(case.evidence, blobs=blobs)
    assert answers(case.judge()) == [Answer.MISSING, Answer.MISSING]


def test_workload_is_gone() -> None:
    """A pod whose workload is gone is not what was applied."""
    pod = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "p", "uid": "p"}}
    assert answers(Case().judge(workload=None, pod=pod)) == [Answer.EDITED]


def test_object_without_pods() -> None:
    """An object that makes no pods is compared as it stands."""
    case = Case()
    chain = case.chain
    account: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web", "namespace": "shop-dev"},
        "automountServiceAccountToken": False,
    }
    chain.render(account)
    chain.decide(verify(chain.request(), registry=chain.registry, clock=chain.clock))
    chain.intend(2)
    live = {**account, "metadata": {**account["metadata"], "uid": "a"}}
    seen = shipped.Applied(
        group="", kind="ServiceAccount", namespace="shop-dev", name="web", uid="a"
    )
    chain.end(2, objects=(seen,))
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(EVIDENCE, chain.release.digest)
    walk.blob(EVIDENCE, chain.rendered.digest, chain.rendered.size)
    case.evidence = drive(walk, RegistrySource(chain.registry))
    assert answers(case.judge(workload=live)) == []
    edited = {**live, "automountServiceAccountToken": True}
    assert answers(case.judge(workload=edited)) == [Answer.EDITED]


def test_revision_without_template() -> None:
    """A ControllerRevision has no template: the pod is compared with the rendered one."""
    case = Case()
    pod = copy.deepcopy(case.chain.objects[0]["spec"]["template"])
    pod |= {"apiVersion": "v1", "kind": "Pod"}
    pod["metadata"] |= {"name": "web-0", "uid": "p"}
    revision = {"kind": "ControllerRevision", "apiVersion": "apps/v1", "metadata": {"uid": "r"}}
    pod["status"] = {"containerStatuses": [{"name": "web", "imageID": ""}]}
    assert answers(case.judge(pod=pod, revision=revision)) == []
    pod["spec"]["hostname"] = "x"
    assert answers(case.judge(pod=pod, revision=revision)) == [Answer.EDITED]


def test_no_evidence() -> None:
    """A trace of nothing says what is missing."""
    found = tracing.image("x", Evidence(), of(b"image"), ASKED)
    assert not found.ok
    assert {one.answer for one in found.findings} == {Answer.MISSING}


def test_altered_link_is_named() -> None:
    """A required link that was altered is named so, and not only missed."""
    case = Case()
    chain = case.chain
    link = chain.links["sbom"]
    key = (link.repository, link.bundle.digest)
    chain.registry.blobs[key] = b"x" * link.bundle.size
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(EVIDENCE, chain.release.digest)
    walk.blob(EVIDENCE, chain.rendered.digest, chain.rendered.size)
    case.evidence = drive(walk, RegistrySource(chain.registry))
    found = case.judge()
    assert Answer.ALTERED in answers(found)
    assert any(one.subject.startswith("sbom link sha256:") for one in found.findings)


def test_foreign_image_that_no_verdict_lists() -> None:
    """An image of others is foreign unless the verdict says that the lock listed it."""
    case = Case()
    chain = case.chain
    foreign = f"example.com/redis@{of(b'redis')}"
    chain.render(chain.objects[0], deployment(foreign, "redis"))
    judged = verify(chain.request(), registry=chain.registry, clock=chain.clock)
    said = verdict.statement(judged)
    passed = {**said.predicate, "verificationResult": "PASSED"}
    del passed[verdict.REASONS]
    bent = msgspec.structs.replace(said, predicate=passed)
    chain.attest("verdict", bent, chain.release.manifest, EVIDENCE)
    chain.intend(2)
    seen = shipped.Applied(
        group="apps", kind="Deployment", namespace="shop-dev", name="web", uid="u"
    )
    chain.end(2, objects=(seen,))
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(EVIDENCE, chain.release.digest)
    walk.blob(EVIDENCE, chain.rendered.digest, chain.rendered.size)
    case.evidence = drive(walk, RegistrySource(chain.registry))
    assert answers(case.judge()) == [Answer.FOREIGN_IMAGE]


def test_bare_pod_that_was_rendered() -> None:
    """A Pod that the rendered set itself holds is compared like a template."""
    case = Case()
    chain = case.chain
    pod = copy.deepcopy(chain.objects[0]["spec"]["template"])
    pod |= {"apiVersion": "v1", "kind": "Pod"}
    pod["metadata"] |= {"name": "one", "namespace": "shop-dev"}
    chain.render(pod)
    chain.decide(verify(chain.request(), registry=chain.registry, clock=chain.clock))
    chain.intend(2)
    live = {**pod, "metadata": {**pod["metadata"], "uid": "p"}}
    seen = shipped.Applied(group="", kind="Pod", namespace="shop-dev", name="one", uid="p")
    chain.end(2, objects=(seen,))
    walk = Walk(trust=chain.trust(), policy=built_in().policy)
    walk.release(EVIDENCE, chain.release.digest)
    walk.blob(EVIDENCE, chain.rendered.digest, chain.rendered.size)
    case.evidence = drive(walk, RegistrySource(chain.registry))
    assert answers(case.judge(workload=live, pod=live)) == []
    debugged = {**live, "spec": {**live["spec"], "ephemeralContainers": [{"name": "x"}]}}
    assert answers(case.judge(workload=debugged, pod=debugged)) == [Answer.INJECTED]
