"""The steps of a trace as people read them: from the pod to the commit, one line each.

``tracing`` calls these once everything was judged; nothing is decided here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from shipway.core.evidence import likeness, rules, statement
from shipway.core.kube.objects import ref_of, uid_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.deployed import Deployed
    from shipway.core.evidence.link import Verified
    from shipway.core.evidence.snapshot import Snapshot
    from shipway.core.evidence.verdict import Verdict
    from shipway.core.evidence.walk import Evidence
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest


NOT_FINISHED = "not finished"
"""The state of tests that were announced and never told of."""
PATIENCE = 3600.0
"""Seconds after an intent in which its tests may still run; go ends each package's after 600."""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One step of the way back, for people and for ``--json``."""

    name: str
    subject: str
    state: str
    """``live``, ``derived``, ``verified``, ``pending``, ``not finished``, ``waived``, ``listed`` or
    ``missing``."""
    signer: str = ""
    details: dict[str, Any] = msgspec.field(default_factory=dict)


def live_steps(snapshot: Snapshot) -> Iterator[Step]:
    """Yield the live objects; their status is the word of the API server."""
    shown: list[str] = []
    for obj in (snapshot.pod, snapshot.revision, snapshot.workload):
        if obj is not None and uid_of(obj) not in shown:
            shown.append(uid_of(obj))
            kind = str(obj.get("kind", "")).lower()
            details = {"uid": uid_of(obj), "word of": "the API server"}
            if snapshot.scaled and obj is snapshot.workload:
                details["replicas"] = "by an autoscaler"
            yield Step(name=kind, subject=str(ref_of(obj)), state="live", details=details)


def deploy_steps(found: Deployed) -> Iterator[Step]:
    """Yield intent, outcome and verdict."""
    intent, outcome = found.intent, found.outcome
    details: dict[str, Any] = {
        "environment": intent.environment,
        "target": intent.target,
        "sequence": intent.sequence,
        "kind": intent.kind,
        "signed on": intent.signed_on,
        "follows": intent.follows,
    }
    yield _step("intent", found.intent_link, details)
    if outcome is not None and found.outcome_link is not None:
        ended = {"result": outcome.result, "finished on": outcome.finished_on}
        yield _step("outcome", found.outcome_link, ended)
    else:
        yield Step(name="outcome", subject="", state="missing")
    if found.verdict_link is not None:
        said = found.verdict_link.statement.predicate
        told = {"result": said.get("verificationResult"), "policy": _policy(said.get("policy"))}
        yield _step("verdict", found.verdict_link, told)


def image_steps(
    evidence: Evidence, judged: Verdict, snapshot: Snapshot, *, since: str
) -> Iterator[Step]:
    """Yield the steps from the rendered set and the release to every image and its commit.

    Of an index that the pod runs, only the manifest that it runs.

    ``since`` is when the intent was signed (RFC 3339): tests that are pending for more than
    :data:`PATIENCE` after it are shown as not finished.
    """
    pending = judged.of(rules.PENDING)
    late = bool(pending) and judged.time - statement.seconds(since) > PATIENCE
    for kind in ("render", "release"):
        for link in evidence.about(judged.release, kind)[:1]:
            yield _step(kind, link, {})
    for reason in (*pending, *judged.of(rules.WAIVED), *judged.of(rules.LISTED)):
        details = {"reason": reason.detail}
        state = NOT_FINISHED if late and reason.outcome == rules.PENDING else reason.outcome
        yield Step(name=reason.rule, subject=reason.subject, state=state, details=details)
    contents = evidence.releases.get(judged.release)
    for service in contents.services if contents else ():
        yield Step(
            name="image",
            subject=f"{service.name}@{service.image}",
            state="derived",
            details={"from": "the pod's image and the release"},
        )
        ran = likeness.chosen(snapshot, evidence, service.image)
        yield from link_steps(evidence, service.image, ran)


def link_steps(
    evidence: Evidence, digest: Digest, ran: tuple[Descriptor, str] | None = None
) -> Iterator[Step]:
    """Yield every link about an image, and the revision it was built from.

    Of an index the same for each manifest, or for the one that ``ran``, and how that is known.
    """
    yield from _about(evidence, digest)
    manifest = evidence.manifests.get(digest)
    told = [(one, "the index") for one in manifest.manifests] if manifest else []
    for child, how in [ran] if ran else told:
        yield Step(
            name="image",
            subject=child.digest,
            state="derived",
            details={"from": how, "platform": str(child.platform or "")},
        )
        yield from _about(evidence, child.digest)


def _about(evidence: Evidence, digest: Digest) -> Iterator[Step]:
    for link in sorted(evidence.about(digest), key=lambda one: one.kind):
        yield _step(link.kind, link, _told(link))
    for link in evidence.about(digest, "build")[:1]:
        for subject, kind in _revisions(link):
            yield Step(name=kind, subject=subject, state="verified", signer=link.signer)


def _told(link: Verified) -> dict[str, Any]:
    said = link.statement.predicate
    if link.kind == "test":
        failed = said.get("failedTests")
        names = [str(one) for one in failed[:5]] if isinstance(failed, list) else []
        more = {"failed": ", ".join(names)} if names else {}
        return {"result": said.get("result"), **more}
    if link.kind == "build":
        return {"builder": _mapping(_mapping(said.get("runDetails")).get("builder")).get("id")}
    return {}


def _revisions(build: Verified) -> Iterator[tuple[str, str]]:
    definition = _mapping(build.statement.predicate.get("buildDefinition"))
    dependencies = definition.get("resolvedDependencies")
    for one in dependencies if isinstance(dependencies, list) else ():
        digest = _mapping(_mapping(one).get("digest"))
        if "gitCommit" in digest:
            yield str(digest["gitCommit"]), str(one.get("name") or "commit")
        elif "gitTree" in digest:
            yield str(digest["gitTree"]), "tree"


def _step(name: str, link: Verified, details: dict[str, Any]) -> Step:
    return Step(
        name=name,
        subject=str(link.edge.payload),
        state="verified",
        signer=link.signer,
        details=details,
    )


def _policy(value: object) -> str:
    """Return what a verdict says of its policy: where it is described, and its digest."""
    digest = _mapping(_mapping(value).get("digest")).get("sha256")
    return f"{_mapping(value).get('uri')} sha256:{digest}"


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
