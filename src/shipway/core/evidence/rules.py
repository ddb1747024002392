"""The rules of a verdict, one small function each: evidence and case in, reasons out.

A rule never stops at its first failure and never looks at another rule's result, so that a verdict
lists everything that was missing, pending or waived at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import made, shipped
from shipway.core.evidence.link import Edge  # noqa: TC001  msgspec reads types
from shipway.core.evidence.policy import Named  # noqa: TC001  msgspec reads types
from shipway.core.kube import pods
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import ShipwayError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.link import Verified
    from shipway.core.evidence.release import Contents, Service
    from shipway.core.evidence.walk import Evidence

PASSED = "passed"
FAILED = "failed"
PENDING = "pending"
WAIVED = "waived"
NOT_ASKED = "not asked"
LISTED = "listed"


class Foreign(msgspec.Struct, frozen=True, kw_only=True):
    """An image that somebody else made and that the lock lists by digest."""

    digest: Digest
    reference: str
    reason: str = ""
    owner: str = ""
    expires: float | None = None
    """Seconds since the epoch; none where the lock says none."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be judged, and under which policy."""

    project: str
    environment: str
    protected: bool
    release: Digest
    rendered: Digest
    objects: tuple[dict[str, object], ...] | None
    """The objects of the rendered set, as its bytes say; none if the bytes are not there."""
    policy: Named
    foreign: tuple[Foreign, ...] = ()
    time: float = 0.0


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one rule said about one thing."""

    rule: str
    subject: str
    outcome: str
    """``passed``, ``failed``, ``pending``, ``waived``, ``listed`` or ``not asked``."""
    detail: str = ""


def apply(evidence: Evidence, case: Case) -> tuple[Reason, ...]:
    """Return what every rule of the policy says."""
    contents = evidence.releases.get(case.release)
    if contents is None:
        return (Reason("release", case.release, FAILED, "the release is not there"),)
    asked = case.policy.policy
    found = [*_project(contents, case)]
    for service in contents.services:
        found += _sealed(evidence, service)
        for image in _with_children(evidence, service.image):
            found += _image(evidence, case, contents.tests, service.name, image)
    found += [_LINKS[kind](evidence, case) for kind in asked.release if kind in _LINKS]
    found += _images(evidence, case, contents)
    found.append(Reason("scan", case.release, NOT_ASKED, asked.scan))
    return tuple(found)


def of_image(
    evidence: Evidence, policy: Named, image: Digest, *, protected: bool
) -> tuple[Reason, ...]:
    """Return what the rules say of an image or index, without a release: nothing may be pending."""
    case = Case(
        project="",
        environment="",
        protected=protected,
        release=image,
        rendered=image,
        objects=None,
        policy=policy,
    )
    return tuple(
        reason
        for one in _with_children(evidence, image)
        for reason in _image(evidence, case, "", "image", one)
    )


def inputs(evidence: Evidence, case: Case) -> tuple[Edge, ...]:
    """Return the edges of every verified link about the release and its images, sorted."""
    contents = evidence.releases.get(case.release)
    subjects = {case.release}
    for service in contents.services if contents else ():
        subjects.update(_with_children(evidence, service.image))
    judged = {one.edge for one in evidence.links if one.subject in subjects and _counts(one, case)}
    return tuple(sorted(judged, key=lambda edge: (edge.predicate_type, edge.payload)))


def all_images(case: Case) -> tuple[Digest, ...]:
    """Return the digests of every image that the rendered set names, sorted."""
    named = (image.digest for obj in case.objects or () for image in pods.images(obj))
    return tuple(sorted({one for one in named if one is not None}))


def _counts(link: Verified, case: Case) -> bool:
    """Leave out what other environments and later steps said about the same release."""
    if link.kind in {"verdict", "intent", "outcome"}:
        return False
    return link.kind != "render" or _rendering(link, case) is not None


def _project(contents: Contents, case: Case) -> Iterator[Reason]:
    if contents.project != case.project:
        why = f"it is a release of {contents.project}"
        yield Reason("project", case.release, FAILED, why)


def _with_children(evidence: Evidence, image: Digest) -> tuple[Digest, ...]:
    """Return an image, or an index and all that it lists, indexes within it too."""
    found = [image]
    for one in found:
        manifest = evidence.manifests.get(one)
        listed = (child.digest for child in manifest.manifests) if manifest else ()
        found += [child for child in dict.fromkeys(listed) if child not in found]
    return tuple(found)


def _sealed(evidence: Evidence, service: Service) -> Iterator[Reason]:
    """Every link that the release names about this image is there and verified."""
    subjects = _with_children(evidence, service.image)
    for edge in service.links:
        found = evidence.named(edge.payload)
        if found is None or found.subject not in subjects:
            why = f"the release names a link {edge.payload} that is not there, or does not count"
            yield Reason("sealed links", f"{service.name} {edge.predicate_type}", FAILED, why)


def _image(
    evidence: Evidence, case: Case, announced: str, name: str, image: Digest
) -> Iterator[Reason]:
    subject = f"{name}@{image}"
    index = bool(_listing(evidence, image))
    for kind in case.policy.policy.image:
        if kind == "sbom" and index:  # an SBOM is about one platform's manifest
            continue
        links = evidence.about(image, kind)
        if kind == "test":
            yield _tests(links, case, announced, subject)
        elif not links:
            yield Reason(kind, subject, FAILED, "missing link")
        elif kind == "build":
            yield _build(links, case, subject, _listing(evidence, image))
        else:
            yield Reason(kind, subject, PASSED)


def _listing(evidence: Evidence, image: Digest) -> frozenset[str]:
    """Return the manifests of an index as its bytes name them; none for an image."""
    manifest = evidence.manifests.get(image)
    return frozenset(one.digest for one in manifest.manifests) if manifest else frozenset()


def _build(
    links: tuple[Verified, ...], case: Case, subject: str, listing: frozenset[str]
) -> Reason:
    problems = [_build_problem(link, case) or _unlisted(link, listing) for link in links]
    if "" in problems:
        return Reason("build", subject, PASSED)
    return Reason("build", subject, FAILED, problems[0])


def _build_problem(link: Verified, case: Case) -> str:
    """Return why a build link does not satisfy the policy; empty if it does."""
    asked = case.policy.policy
    definition = _mapping(link.statement.predicate.get("buildDefinition"))
    details = _mapping(link.statement.predicate.get("runDetails"))
    builder = _mapping(details.get("builder")).get("id")
    if builder not in asked.builders:
        return f"builder {builder} is not one of the policy's"
    if definition.get("buildType") not in asked.build_types:
        return f"build type {definition.get('buildType')} is not one of the policy's"
    unknown = set(_mapping(definition.get("externalParameters"))) - made.EXTERNAL_PARAMETERS
    if unknown:
        return f"unknown external parameters: {', '.join(sorted(unknown))}"
    if case.protected and _for_debugging(_mapping(definition.get("externalParameters"))):
        return "it was built for debugging, which no protected environment takes"
    return ""


def _for_debugging(parameters: dict[str, object]) -> bool:
    """Return whether a build says so; whatever it says but false counts."""
    return parameters.get("debug", False) is not False


def _unlisted(link: Verified, listing: frozenset[str]) -> str:
    """Return how an index differs from what its build link lists; empty if it does not."""
    listed = made.children(link.statement)
    if extra := sorted(listing - listed):
        return f"unlisted manifest: {', '.join(extra)}"
    if gone := sorted(listed - listing):
        return f"its index has not the manifest that its build link lists: {', '.join(gone)}"
    return ""


def _tests(links: tuple[Verified, ...], case: Case, announced: str, subject: str) -> Reason:
    results = {str(link.statement.predicate.get("result")) for link in links}
    if "PASSED" in results:
        return Reason("test", subject, PASSED)
    if case.protected:
        why = f"tests {', '.join(sorted(results)).lower()}" if results else "missing link"
        return Reason("test", subject, FAILED, why)
    if results:
        why = f"tests {', '.join(sorted(results)).lower()}, in an unprotected environment"
        return Reason("test", subject, WAIVED, why)
    if announced == "off":
        return Reason("test", subject, WAIVED, "tests are off, in an unprotected environment")
    if announced == PENDING and case.policy.policy.pending_tests == "unprotected":
        return Reason("test", subject, PENDING, "tests: pending")
    return Reason("test", subject, FAILED, "missing link")


def _release(evidence: Evidence, case: Case) -> Reason:
    if evidence.about(case.release, "release"):
        return Reason("release", case.release, PASSED)
    return Reason("release", case.release, FAILED, "missing link")


def _render(evidence: Evidence, case: Case) -> Reason:
    links = evidence.about(case.release, "render")
    if any(_rendering(link, case) is not None for link in links):
        return Reason("render", case.rendered, PASSED)
    why = "no render link speaks of these bytes and this environment" if links else "missing link"
    return Reason("render", case.rendered, FAILED, why)


def _rendering(link: Verified, case: Case) -> shipped.Rendering | None:
    try:
        said = shipped.read(link.statement, shipped.Rendering)
    except ShipwayError:
        return None
    spoken = (said.project, said.environment, said.rendered)
    return said if spoken == (case.project, case.environment, case.rendered) else None


def _images(evidence: Evidence, case: Case, contents: Contents) -> Iterator[Reason]:
    """Every image of the rendered set is ours, or listed by digest."""
    ours: set[Digest] = set()
    for service in contents.services:
        ours.update(_with_children(evidence, service.image))
    if case.objects is None:
        yield Reason("images", case.rendered, FAILED, "the rendered set is not there")
    listed = {one.digest: one for one in case.foreign}
    named = {image.reference: image for obj in case.objects or () for image in pods.images(obj)}
    for reference, image in sorted(named.items()):
        if image.digest is None:
            yield Reason("images", reference, FAILED, "it is not named by digest")
        elif image.digest in ours:
            yield Reason("images", reference, PASSED, "ours")
        elif (known := listed.get(image.digest)) is None:
            yield Reason("images", reference, FAILED, "foreign image")
        elif known.expires is not None and known.expires < case.time:
            yield Reason("images", reference, FAILED, "its entry in the lock has expired")
        else:
            yield Reason("images", reference, LISTED, known.reason or "listed in the lock")


def _mapping(value: object) -> dict[str, object]:
    return value if isinstance(value, dict) else {}


_LINKS = {"release": _release, "render": _render}
"""The links that a policy may ask of a release."""
