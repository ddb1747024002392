"""From something live back to the commit: every step judged, nothing live believed by itself.

``roads.trace`` takes a snapshot of live objects and walks their evidence; :func:`deployed` compares
the two. Annotations, labels, owner references and status only say where to look: what counts are
signed links, the rendered bytes, and uids in intent and outcome. The same snapshot and links give
the same answer years later, offline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import likeness, rules, shipped, steps, verdict
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.policy import Named  # noqa: TC001  msgspec reads types
from shipway.core.evidence.rules import Foreign
from shipway.core.evidence.steps import Step
from shipway.core.kube.objects import read_set
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.deployed import Deployed
    from shipway.core.evidence.history import History
    from shipway.core.evidence.revision import Revision
    from shipway.core.evidence.snapshot import Snapshot
    from shipway.core.evidence.walk import Evidence
    from shipway.core.kube.objects import Obj
    from shipway.core.oci.digest import Digest

NO_WITNESS = "no witness"
"""Nobody outside registry and cluster has seen this history: its tail may have been cut off."""
_GOOD = frozenset(
    {"live", "derived", "verified", "pending", steps.NOT_FINISHED, "waived", "listed", "not asked"}
)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Under what a trace is judged."""

    project: str
    environment: str
    protected: bool
    policy: Named
    foreign: tuple[Foreign, ...] = ()


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The way back from a live object or an image."""

    subject: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    """What is wrong; empty if ``ok``."""
    beside: tuple[Finding, ...] = ()
    """What else was seen and changes nothing: unsigned junk, other deploys of this history."""
    ok: bool
    witness: str = NO_WITNESS


def deployed(
    snapshot: Snapshot, evidence: Evidence, history: History, found: Deployed, asked: Asked
) -> Trace:
    """Return the trace of something live, once its evidence was walked."""
    objects = _objects(evidence, found.intent.rendered)
    said = _summary(found)
    case = rules.Case(
        project=asked.project,
        environment=asked.environment,
        protected=asked.protected,
        release=found.intent.release,
        rendered=found.intent.rendered,
        objects=objects,
        policy=asked.policy,
        foreign=(*asked.foreign, *_listed(said)),
        time=snapshot.time,
    )
    judged = verdict.decide(evidence, case, time=snapshot.time)
    findings = [
        *_deploy(snapshot, found, asked),
        *_verdict(found, said, asked),
        *likeness.compare(snapshot, evidence, found, objects),
        *likeness.images(snapshot, evidence, said),
        *_failed(judged, evidence),
    ]
    mine = {shipped.tag(asked.environment, found.intent.target, found.intent.sequence, "intent")}
    findings += [one for one in history.findings if one.subject in mine and one not in findings]
    way = (
        *steps.live_steps(snapshot),
        *steps.deploy_steps(found),
        *steps.image_steps(evidence, judged, snapshot, since=found.intent.signed_on),
    )
    rest = [one for one in (*history.findings, *evidence.findings) if one not in findings]
    return Trace(
        subject=snapshot.subject,
        steps=way,
        findings=tuple(findings),
        beside=tuple(rest),
        ok=not findings and all(step.state in _GOOD for step in way),
    )


def image(subject: str, evidence: Evidence, digest: Digest, asked: Asked) -> Trace:
    """Return the trace of an image alone: its own links, back to the commit."""
    reasons = rules.of_image(evidence, asked.policy, digest, protected=asked.protected)
    findings = tuple(_finding(one, evidence) for one in reasons if one.outcome == rules.FAILED)
    way = tuple(steps.link_steps(evidence, digest))
    beside = tuple(one for one in evidence.findings if one not in findings)
    return Trace(subject=subject, steps=way, findings=findings, beside=beside, ok=not findings)


def revision(evidence: Evidence, found: Revision) -> Trace:
    """Return what is known of a commit or tree of which no image was made: the links about it."""
    place = Step(
        name=found.algorithm.removeprefix("git").lower(), subject=found.id, state="derived"
    )
    way = (place, *steps.link_steps(evidence, found.descriptor.digest))
    return Trace(subject=found.id, steps=way, findings=evidence.findings, ok=not evidence.findings)


def lost(snapshot: Snapshot, evidence: Evidence, why: Finding) -> Trace:
    """Return the trace of something that leads nowhere."""
    return Trace(
        subject=snapshot.subject,
        steps=tuple(steps.live_steps(snapshot)),
        findings=(why, *(one for one in evidence.findings if one != why)),
        ok=False,
    )


def unstamped(snapshot: Snapshot) -> Finding:
    """Return what an object without our annotations is."""
    if snapshot.bare:
        return Finding(Answer.BARE_POD, snapshot.subject, "nothing owns it, and it has no stamp")
    return Finding(Answer.MISSING, snapshot.subject, "it names no release and no intent")


def _objects(evidence: Evidence, rendered: Digest) -> tuple[Obj, ...] | None:
    data = evidence.blobs.get(rendered)
    try:
        return None if data is None else read_set(data)
    except ValueError:
        return None


def _deploy(snapshot: Snapshot, found: Deployed, asked: Asked) -> Iterator[Finding]:
    """Judge intent, outcome, verdict and where all this happened."""
    intent = found.intent
    name = shipped.tag(intent.environment, intent.target, intent.sequence, "intent")
    if intent.cluster != snapshot.cluster:
        yield Finding(Answer.COPIED, snapshot.subject, f"{name} is about another cluster")
    if (intent.project, intent.environment) != (asked.project, asked.environment):
        where = f"{intent.project}/{intent.environment}"
        yield Finding(Answer.COPIED, snapshot.subject, f"{name} is about {where}")
    if found.outcome is None:
        yield Finding(Answer.UNFINISHED, name)
    elif found.outcome.result != "passed":
        yield Finding(Answer.UNFINISHED, name, f"its outcome is {found.outcome.result}")


def _summary(found: Deployed) -> verdict.Summary | None:
    """Return what the verdict link says; none if it is not there or has another shape."""
    if found.verdict_link is None or found.verdict_link.kind != "verdict":
        return None
    try:
        return verdict.read(found.verdict_link.statement)
    except ShipwayError:
        return None


def _verdict(found: Deployed, said: verdict.Summary | None, asked: Asked) -> Iterator[Finding]:
    """Judge the verdict that the intent names."""
    intent = found.intent
    name = f"verdict {intent.verdict.payload}"
    if said is None:
        yield Finding(Answer.MISSING, name, "the intent names it")
        return
    if said.verification_result != "PASSED":
        yield Finding(Answer.MISSING, name, f"its result is {said.verification_result}")
    if said.verifier.id not in asked.policy.policy.verifiers:
        yield Finding(Answer.NOT_ALLOWED, name, f"its verifier is {said.verifier.id}")
    wanted = verdict.resource_uri(intent.project, intent.environment)
    if said.resource_uri != wanted or not {intent.release, intent.rendered} <= said.subjects:
        yield Finding(Answer.COPIED, name, "it is about another release, set or environment")


def _listed(said: verdict.Summary | None) -> tuple[Foreign, ...]:
    """Return the images of others that the verdict let in because the lock listed them."""
    listed = (one for one in (said.reasons if said else ()) if one.outcome == rules.LISTED)
    named = ((one, likeness.pinned(one.subject)) for one in listed)
    return tuple(
        Foreign(digest=digest, reference=one.subject, reason=one.detail)
        for one, digest in named
        if digest is not None
    )


def _failed(judged: verdict.Verdict, evidence: Evidence) -> Iterator[Finding]:
    """Yield what a verdict made now would refuse."""
    for reason in judged.of(rules.FAILED):
        yield _finding(reason, evidence)


def _finding(reason: rules.Reason, evidence: Evidence) -> Finding:
    """Return a failed rule by the name of its cause."""
    if "foreign image" in reason.detail:
        return Finding(Answer.FOREIGN_IMAGE, reason.subject, reason.detail)
    causes = [one for one in evidence.findings if one.subject.startswith(f"{reason.rule} link")]
    if causes:  # a wrong link in its place tells more than that the right one is gone
        return min(causes, key=lambda one: one.answer is Answer.MISSING)
    detail = "" if reason.detail == Answer.MISSING.value else f"{reason.rule}: {reason.detail}"
    return Finding(Answer.MISSING, f"{reason.rule} of {reason.subject}", detail)
