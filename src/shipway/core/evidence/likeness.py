"""Live objects against the evidence of their deploy: fields, uids, and the images that run.

``tracing`` asks once the evidence was walked; what is alike yields nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shipway.core.evidence.answer import Answer, Finding
from shipway.core.evidence.snapshot import stamped
from shipway.core.kube import live, pods
from shipway.core.kube.objects import Obj, entries, ref_of, uid_of
from shipway.core.oci import digest as digests
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence import verdict
    from shipway.core.evidence.deployed import Deployed
    from shipway.core.evidence.shipped import Outcome
    from shipway.core.evidence.snapshot import Snapshot
    from shipway.core.evidence.walk import Evidence
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.digest import Digest

_REPLICAS = "spec.replicas"


def compare(
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


def images(
    snapshot: Snapshot, evidence: Evidence, said: verdict.Summary | None
) -> Iterator[Finding]:
    """Every image that a pod names or runs is one of the verdict's."""
    if snapshot.pod is None or said is None:
        return
    covered = _covered(evidence, said.subjects)
    for name, reference in _running(snapshot.pod):
        digest = pinned(reference)
        if digest is not None and digest not in covered:
            yield Finding(Answer.FOREIGN_IMAGE, f"container {name}", reference)


def chosen(snapshot: Snapshot, evidence: Evidence, image: Digest) -> tuple[Descriptor, str] | None:
    """Return the one manifest of an index that a pod runs, and how that is known.

    An ``imageID`` may be the manifest itself, its configuration, or the index, as its runtime has
    it; of an index the node took the manifest of its own architecture. None where ``image`` is no
    index, the pod does not name it, or nothing tells.
    """
    index = evidence.manifests.get(image)
    if snapshot.pod is None or index is None or not index.manifests:
        return None
    named = {pinned(reference) for _, reference in _running(snapshot.pod)}
    for child in index.manifests:
        found = evidence.manifests.get(child.digest)
        if child.digest in named:
            return child, "the pod's imageID"
        if found is not None and found.config is not None and found.config.digest in named:
            return child, "the pod's imageID, which is its configuration"
    fits = [
        one
        for one in index.manifests
        if one.platform is not None and one.platform.architecture == snapshot.architecture
    ]
    if image not in named or len(fits) != 1:
        return None
    return fits[0], "the architecture of the pod's node"


def _covered(evidence: Evidence, subjects: frozenset[Digest]) -> frozenset[Digest]:
    """Return the verdict's images, with the children and configs that stand for them."""
    known = list(subjects)
    for digest in known:
        manifest = evidence.manifests.get(digest)
        if manifest is not None:
            named = (*manifest.manifests, *((manifest.config,) if manifest.config else ()))
            known += [one.digest for one in named if one.digest not in known]
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


def pinned(reference: str) -> Digest | None:
    """Return the digest at the end of a reference; none where it names none."""
    try:
        return digests.parse(reference.rpartition("@")[2])
    except ShipwayError:
        return None
