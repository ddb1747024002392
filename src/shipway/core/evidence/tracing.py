"""From something live back to the commit: every step judged, nothing live believed by itself.

``roads.trace`` takes a snapshot of live objects and walks their evidence; :func:`deployed` compares
the two. Annotations, labels, owner references and status only say where to look: what counts are
signed links, the rendered bytes, and uids in intent and outcome. The same snapshot and links give
the same answer years later, offline.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from shipway.core.evidence import rules, shipped, steps, verdict
from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.history import Head, History  # noqa: TC001  msgspec reads types
from shipway.core.evidence.policy import Named  # noqa: TC001  msgspec reads types
from shipway.core.evidence.rules import Foreign
from shipway.core.evidence.shipped import Intent, Outcome, Rendering
from shipway.core.evidence.steps import Step  # noqa: TC001  msgspec reads types
from shipway.core.kube import live, pods, stamp
from shipway.core.kube.objects import Obj, entries, read_set, ref_of, uid_of
from shipway.core.oci import digest as digests
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.link import Verified
    from shipway.core.evidence.walk import Evidence

T = TypeVar("T", bound=msgspec.Struct)

NO_WITNESS = "no witness"
"""Nobody outside registry and cluster has seen this history: its tail may have been cut off."""
_REPLICAS = "spec.replicas"
_GOOD = frozenset(
    {"live", "derived", "verified", "pending", steps.NOT_FINISHED, "waived", "listed", "not asked"}
)


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """Live objects at one moment, as the API server gave them."""

    subject: str
    """As asked for: ``pod/web-1``."""
    cluster: str
    """Uid of the namespace ``kube-system``."""
    workload: Obj | None = None
    """What was applied: a Deployment, a Job, a bare Pod..."""
    revision: Obj | None = None
    """The ReplicaSet, ControllerRevision or Job that made the pod."""
    pod: Obj | None = None
    scaled: bool = False
    """Whether an autoscaler decides how many replicas the workload has."""
    head: Head | None = None
    history: tuple[Digest, ...] = ()
    """Manifests of the newest links of the environment's history."""
    oldest: int = 1
    """Lowest number of the history that was read."""
    time: float = 0.0

    @property
    def bare(self) -> bool:
        """Return whether the pod itself is what was applied, if anything was."""
        return self.pod is not None and uid_of(self.pod) == uid_of(self.workload or {})

    @property
    def stamp(self) -> tuple[Digest, Digest] | None:
        """Return release and intent, as the object nearest to the pod names them."""
        for obj in (self.revision, self.workload, self.pod):
            if (found := stamped(obj)) is not None:
                return found
        return None


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


class Deployed(msgspec.Struct, frozen=True, kw_only=True):
    """What the stamp leads to, as far as it is there and verified."""

    intent_link: Verified
    intent: Intent
    outcome: Outcome | None
    outcome_link: Verified | None
    rendering: Rendering | None
    verdict_link: Verified | None


def stamped(obj: Obj | None) -> tuple[Digest, Digest] | None:
    """Return release and intent that an object's annotations name; none without both."""
    notes = ((obj or {}).get("metadata") or {}).get("annotations") or {}
    try:
        found = digests.parse(str(notes[stamp.RELEASE])), digests.parse(str(notes[stamp.INTENT]))
    except (KeyError, ShipwayError):
        return None
    return found


def follow(evidence: Evidence, named: tuple[Digest, Digest]) -> Deployed | Finding:
    """Return what the release and intent of a stamp lead to, or why they lead nowhere."""
    sealed, payload = named
    link = evidence.named(payload)
    if link is None or link.kind != "intent":
        return Finding(Answer.MISSING, f"intent {payload}", "the stamp names it")
    intent = _read(link, Intent)
    if intent is None:
        return Finding(Answer.ALTERED, f"intent {payload}", "it has another shape")
    if intent.release != sealed:
        return Finding(Answer.COPIED, f"intent {payload}", "it speaks of another release")
    ended, ended_link = _outcome(evidence, payload)
    return Deployed(
        intent_link=link,
        intent=intent,
        outcome=ended,
        outcome_link=ended_link,
        rendering=_rendering(evidence, intent),
        verdict_link=evidence.named(intent.verdict.payload),
    )


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
        *_live(snapshot, evidence, found, objects),
        *_images(snapshot, evidence, said),
        *_failed(judged, evidence),
    ]
    mine = {shipped.tag(asked.environment, found.intent.target, found.intent.sequence, "intent")}
    findings += [one for one in history.findings if one.subject in mine and one not in findings]
    way = (
        *steps.live_steps(snapshot),
        *steps.deploy_steps(found),
        *steps.image_steps(evidence, judged, since=found.intent.signed_on),
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


def _outcome(evidence: Evidence, intent: Digest) -> tuple[Outcome | None, Verified | None]:
    """Return the newest outcome of an intent: one that was interrupted may be closed later."""
    found: list[tuple[Outcome, Verified]] = []
    for link in evidence.links:
        ended = _read(link, Outcome) if link.kind == "outcome" else None
        if ended is not None and ended.intent.payload == intent:
            found.append((ended, link))
    return max(found, key=lambda one: one[0].finished_on, default=(None, None))


def _read(link: Verified, into: type[T]) -> T | None:
    try:
        return shipped.read(link.statement, into)
    except ShipwayError:
        return None


def _rendering(evidence: Evidence, intent: Intent) -> Rendering | None:
    link = evidence.named(intent.render.payload)
    return None if link is None or link.kind != "render" else _read(link, Rendering)


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
    named = ((one, _pinned(one.subject)) for one in listed)
    return tuple(
        Foreign(digest=digest, reference=one.subject, reason=one.detail)
        for one, digest in named
        if digest is not None
    )


def _live(
    snapshot: Snapshot, evidence: Evidence, found: Deployed, objects: tuple[Obj, ...] | None
) -> Iterator[Finding]:
    """Compare what is live with what was rendered, planned and seen at the end."""
    if objects is None or found.rendering is None:
        yield Finding(Answer.MISSING, f"rendered set {found.intent.rendered}")
        return
    if snapshot.workload is None:
        yield Finding(Answer.EDITED, snapshot.subject, "what was applied is gone")
        return
    ref = ref_of(snapshot.workload)
    rendered = next((one for one in objects if ref_of(one).identity == ref.identity), None)
    planned = next((one for one in found.intent.objects if one.identity == ref.identity), None)
    held = {one.ref.identity: one.digest for one in entries(evidence.blobs[found.intent.rendered])}
    if rendered is None or planned is None:
        kind = Answer.BARE_POD if snapshot.bare else Answer.COPIED
        yield Finding(kind, str(ref), "the intent does not speak of it")
        return
    if held[ref.identity] != planned.digest:
        yield Finding(Answer.ALTERED, str(ref), "the intent names other bytes")
    yield from _identity(snapshot.workload, found.outcome)
    yield from _compared(snapshot, rendered)


def _identity(workload: Obj, outcome: Outcome | None) -> Iterator[Finding]:
    """The object is the very one that the outcome saw."""
    ref = ref_of(workload)
    if outcome is None:
        return
    seen = next((one for one in outcome.objects if one.identity == ref.identity), None)
    if seen is None or seen.uid != uid_of(workload):
        yield Finding(Answer.COPIED, str(ref), "the outcome saw another object of this name")


def _compared(snapshot: Snapshot, rendered: Obj) -> Iterator[Finding]:
    workload, revision, pod = snapshot.workload, snapshot.revision, snapshot.pod
    template = pods.template(rendered)
    current = stamped(revision) in {None, stamped(workload)}
    if workload is not None and not snapshot.bare and current:
        found = live.compare(rendered, workload)
        kept = tuple(one for one in found if not snapshot.scaled or one.path != _REPLICAS)
        yield from _named(ref_of(workload), kept)
    if template is None:
        return
    if revision is not None and (made := pods.template(revision)) is not None:
        wanted = {"spec": {"template": template}}
        yield from _named(ref_of(revision), live.compare(wanted, {"spec": {"template": made}}))
    if pod is not None:
        owner = str((revision or workload or {}).get("kind", ""))
        owner = str((workload or {}).get("kind", "")) if owner == "ControllerRevision" else owner
        yield from _named(ref_of(pod), live.compare_pod(template, pod, owner=owner))


def _named(ref: Any, found: tuple[live.Difference, ...]) -> Iterator[Finding]:  # noqa: ANN401  a Ref
    for one in found:
        answer = Answer.INJECTED if one.kind == live.INJECTED else Answer.EDITED
        detail = f"{one.path}: {one.detail}" if one.detail else one.path
        yield Finding(answer, str(ref), detail)


def _images(
    snapshot: Snapshot, evidence: Evidence, said: verdict.Summary | None
) -> Iterator[Finding]:
    """Every image that a pod names or runs is one of the verdict's."""
    if snapshot.pod is None or said is None:
        return
    covered = _covered(evidence, said.subjects)
    for name, reference in _running(snapshot.pod):
        digest = _pinned(reference)
        if digest is not None and digest not in covered:
            yield Finding(Answer.FOREIGN_IMAGE, f"container {name}", reference)


def _covered(evidence: Evidence, subjects: frozenset[Digest]) -> frozenset[Digest]:
    """Return the verdict's images, with the children and configs that stand for them."""
    known = set(subjects)
    for digest in subjects:
        manifest = evidence.manifests.get(digest)
        if manifest is not None:
            known.update(one.digest for one in manifest.manifests)
            known.update({manifest.config.digest} if manifest.config else ())
    return frozenset(known)


def _running(pod: Obj) -> Iterator[tuple[str, str]]:
    """Yield container and image, as the spec names it and as the node says it runs."""
    for one in pods.images(pod.get("spec") or {}):
        yield one.container, one.reference
    status = pod.get("status") or {}
    for key in ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"):
        for one in status.get(key) or ():
            if one.get("imageID"):
                yield str(one.get("name", "")), str(one["imageID"])


def _pinned(reference: str) -> Digest | None:
    try:
        return digests.parse(reference.rpartition("@")[2])
    except ShipwayError:
        return None


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
