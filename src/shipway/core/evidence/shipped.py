"""The statements of ``deliver``: release, render, intent and outcome, and how they are read back.

Each has the release as its subject and lives in the environment's evidence repository; the
verdict has a module of its own. Field names are those of ``docs/evidence.md``.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from shipway.core.evidence import predicate as types
from shipway.core.evidence.link import Edge  # noqa: TC001  msgspec reads types
from shipway.core.evidence.release import Release  # noqa: TC001  msgspec reads types
from shipway.core.evidence.statement import Statement, resource
from shipway.core.oci.digest import Digest, hex_of
from shipway.errors import Kind, ShipwayError

RELEASE_DETAILS = f"{types.OWN}/release/v1"
"""Extension field of a release link: channel, state of the tests, services with their edges."""

T = TypeVar("T", bound=msgspec.Struct)


class Rendering(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Predicate of a render link: which objects a release becomes in one environment."""

    project: str
    environment: str
    rendered: Digest
    """Of the rendered set's bytes, before our annotations."""
    media_type: str
    size: int
    overlay: str = ""
    """The folder in the repository; empty for what is rendered in memory."""
    commit: str = ""
    """Commit of the environment's files; for a dirty tree its tree id."""
    renderer: str = ""
    """Name and version, as in ``kustomize v5.8.1``."""
    images: dict[str, str] = msgspec.field(default_factory=dict)
    """Service name to image digest, as replaced."""


class Planned(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object that will be applied: its name, and its bytes before our annotations."""

    group: str
    kind: str
    namespace: str
    name: str
    digest: Digest

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return group, kind, namespace and name."""
        return (self.group, self.kind, self.namespace, self.name)


class Intent(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Predicate of an intent: what will be applied, signed before anything is."""

    project: str
    environment: str
    target: str
    cluster: str
    """Uid of the namespace ``kube-system``."""
    sequence: int
    follows: Digest | None = None
    """Payload digest of the intent that was head; none for the first."""
    kind: str
    """``deploy``, ``rollback`` or ``delete``."""
    release: Digest
    rendered: Digest
    render: Edge
    verdict: Edge
    objects: tuple[Planned, ...]
    reason: str = ""
    waives: tuple[str, ...] = ()
    """What a rollback is not asked for (``age``, ``policy``)."""
    restores: Edge | None = None
    """For a rollback, the outcome whose release it puts back."""
    signed_on: str
    """RFC 3339."""


class Applied(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One object as it was live when the gate ended."""

    group: str
    kind: str
    namespace: str
    name: str
    uid: str
    generation: int = 0

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """Return group, kind, namespace and name."""
        return (self.group, self.kind, self.namespace, self.name)


class Outcome(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Predicate of an outcome: how an intent ended."""

    project: str
    environment: str
    target: str
    cluster: str
    sequence: int
    intent: Edge
    release: Digest
    result: str
    """``passed``, ``failed`` or ``abandoned``."""
    objects: tuple[Applied, ...] = ()
    causes: tuple[str, ...] = ()
    """Named causes (``CrashLoopBackOff``), never what a container wrote."""
    started_on: str
    finished_on: str
    seconds: float | None = None
    """For a rollback, from the gate's answer to the old pods serving."""


def release(sealed: Release, *, sealed_on: str = "") -> Statement:
    """Return the release link; ``sealed_on`` (RFC 3339) is when, where that counts."""
    said = sealed.contents
    services = [
        {
            "name": one.name,
            "image": msgspec.to_builtins(resource(one.image, media_type=one.media_type)),
            "links": msgspec.to_builtins(one.links),
        }
        for one in said.services
    ]
    details: dict[str, Any] = {"channel": said.channel, "tests": said.tests, "services": services}
    if sealed_on:
        details["sealedOn"] = sealed_on
    return Statement(
        subject=(resource(sealed.digest),),
        predicate_type=types.RELEASE,
        predicate={
            "purl": f"pkg:generic/{said.project}@{said.version}",
            "releaseId": sealed.digest,
            RELEASE_DETAILS: details,
        },
    )


def render(rendering: Rendering, release_digest: Digest) -> Statement:
    """Return the render link."""
    return _own(types.RENDER, rendering, release_digest)


def intent(planned: Intent) -> Statement:
    """Return the intent."""
    return _own(types.INTENT, planned, planned.release)


def outcome(ended: Outcome) -> Statement:
    """Return the outcome."""
    return _own(types.OUTCOME, ended, ended.release)


def read(statement: Statement, into: type[T]) -> T:
    """Return a statement's predicate as one of this module's records.

    Raises:
        ShipwayError: ``statement.invalid`` (integrity) if it has another shape, or if its
            subject is not the release that it speaks of.
    """
    try:
        record = msgspec.convert(statement.predicate, into)
    except (msgspec.ValidationError, ValueError, RecursionError) as cause:
        raise _invalid(statement.kind, str(cause)[:200]) from cause
    spoken: Digest | None = getattr(record, "release", None)
    if spoken is not None and not statement.about(spoken):
        raise _invalid(statement.kind, "its subject is not the release it speaks of")
    return record


def tag(
    environment: str, target: str, sequence: int, kind: str, payload: Digest | None = None
) -> str:
    """Return the tag under which one link of a history lies: ``dev.TARGET-000042.1f3a5c7e-intent``.

    The first digits of its payload's digest keep two deploys that race for one number apart;
    without ``payload`` it is the number's name for people.
    """
    own = f".{hex_of(payload)[:8]}" if payload else ""
    return f"{environment}.{target}-{sequence:06d}{own}-{kind}"


def _own(predicate_type: str, record: msgspec.Struct, subject: Digest) -> Statement:
    content: dict[str, Any] = msgspec.to_builtins(record)
    return Statement(subject=(resource(subject),), predicate_type=predicate_type, predicate=content)


def _invalid(kind: str, why: str) -> ShipwayError:
    return ShipwayError(
        "statement.invalid",
        Kind.INTEGRITY,
        why,
        operation="reading",
        subject=f"the predicate of the {kind} link",
    )
