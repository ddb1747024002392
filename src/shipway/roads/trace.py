"""Trace: from a pod, a workload or an image back to the commit, every link verified.

The CLI calls :func:`trace` for something in a cluster, :func:`trace_image` for an image, and
:func:`offline` for a file that ``--export`` wrote. All three end in the same pure judgement; the
export holds the live objects and every byte that was asked for, so it needs no network later.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import history as histories
from shipway.core.evidence import tracing
from shipway.core.evidence.answer import Finding
from shipway.core.evidence.deployed import follow
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.snapshot import Snapshot  # noqa: TC001  msgspec reads types
from shipway.core.evidence.tracing import Asked, Trace
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.evidence.walk import Walk, Want
from shipway.core.oci.digest import Digest
from shipway.core.wire import decode
from shipway.errors import Kind, ShipwayError
from shipway.roads import history
from shipway.roads.observe import observe
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.walk import Evidence
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.evidence import Source
    from shipway.core.ports.kube import Reader
    from shipway.core.ports.registry import Registry

_RECENT = 10
"""Numbers of the history that a trace reads."""
_SCHEMA = 1
_MOST_EXPORT = 512 << 20


class TraceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to trace, and under whose trust."""

    subject: str
    """``pod/NAME``, ``deployment/NAME`` or another kind, or an image reference."""
    namespaces: tuple[str, ...] = ()
    """Where to look for it, in this order."""
    target: str = ""
    repository: str = ""
    """The environment's evidence repository."""
    trust: Trust
    asked: Asked


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A trace, and the export from which it can be made again."""

    trace: Trace
    export: bytes


class _Answer(msgspec.Struct, frozen=True):
    want: Want
    data: str | None


class _Export(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    schema: int
    subject: str
    project: str
    environment: str
    target: str
    repository: str
    snapshot: Snapshot | None = None
    image: Digest | None = None
    answers: tuple[_Answer, ...]


class _Recording:
    """A source that remembers what it was asked and what it said."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.answers: dict[Want, bytes | None] = {}

    def answer(self, want: Want) -> bytes | None:
        """Return what the source says."""
        self.answers[want] = self._source.answer(want)
        return self.answers[want]


class _Replayed:
    """The answers of an export."""

    def __init__(self, answers: tuple[_Answer, ...]) -> None:
        self._answers = {one.want: one.data for one in answers}

    def answer(self, want: Want) -> bytes | None:
        """Return what was exported; nothing else can be known."""
        text = self._answers.get(want)
        return None if text is None else base64.b64decode(text)


def trace(request: TraceRequest, *, kube: Reader, registry: Registry, clock: Clock) -> Told:
    """Return the way back from a live object.

    Raises:
        ShipwayError: ``trace.not_found`` if there is no such object, ``trace.kind`` (usage) for
            a kind that cannot be traced; errors of cluster and registry. What is missing or does
            not hold is a finding, not an error.
    """
    asked = request.asked
    head = history.head(asked.project, asked.environment, request.target, kube=kube)
    listed = history.listing(
        registry,
        request.repository,
        environment=asked.environment,
        target=request.target,
        newest=_RECENT,
        head=head,
    )
    snapshot = msgspec.structs.replace(
        observe(request.subject, request.namespaces, kube=kube),
        head=head,
        history=listed.manifests,
        oldest=listed.oldest,
        time=clock.now(),
    )
    source = _Recording(RegistrySource(registry, listed.known))
    found = _judge(request, snapshot, source)
    return Told(trace=found, export=_export(request, source, snapshot=snapshot))


def trace_image(request: TraceRequest, *, registry: Registry) -> Told:
    """Return the way back from an image, by tag or digest.

    Raises:
        ShipwayError: ``trace.not_found`` if the registry has no such image.
    """
    repository, digest = resolved(request.subject, registry)
    placed = msgspec.structs.replace(request, repository=repository)
    source = _Recording(RegistrySource(registry))
    found = _judge_image(placed, digest, source)
    return Told(trace=found, export=_export(placed, source, image=digest))


def offline(data: bytes, *, trust: Trust, asked: Asked | None = None) -> Trace:
    """Return the trace that an export holds, under the given trust, with no network.

    Nobody can know from a file which keys or releases were revoked later. ``asked`` is by default
    what the export says of itself, under the built-in policy.

    Raises:
        ShipwayError: ``trace.export`` (integrity) if it is no export.
    """
    held = _held(data)
    request = TraceRequest(
        subject=held.subject,
        target=held.target,
        repository=held.repository,
        trust=trust,
        asked=asked or _asked(held, trust),
    )
    source = _Replayed(held.answers)
    try:
        if held.snapshot is not None:
            return _judge(request, held.snapshot, source)
        return _judge_image(request, held.image or Digest(""), source)
    except (AttributeError, KeyError, TypeError, ValueError) as cause:
        raise _no_export("it holds objects of another shape") from cause


def asked_of(data: bytes, trust: Trust) -> Asked:
    """Return what an export says of itself, under the built-in policy.

    Raises:
        ShipwayError: ``trace.export`` (integrity) if it is no export.
    """
    return _asked(_held(data), trust)


def _asked(held: _Export, trust: Trust) -> Asked:
    return Asked(
        project=held.project,
        environment=held.environment,
        protected=trust.protected,
        policy=built_in(),
    )


def _held(data: bytes) -> _Export:
    held = decode(data, _Export, error="trace.export", subject="a trace export", limit=_MOST_EXPORT)
    if held.schema != _SCHEMA:
        raise _no_export(f"its schema is {held.schema}, and {_SCHEMA} is known")
    return held


def _no_export(why: str) -> ShipwayError:
    return ShipwayError(
        "trace.export", Kind.INTEGRITY, why, operation="reading", subject="a trace export"
    )


def _judge(request: TraceRequest, snapshot: Snapshot, source: Source) -> Trace:
    """Walk what the stamp names, then compare."""
    walk = Walk(trust=request.trust, policy=request.asked.policy.policy)
    for manifest in snapshot.history:
        walk.link(request.repository, manifest)
    stamp = snapshot.stamp
    if stamp is None:
        return tracing.lost(snapshot, walk.evidence(), tracing.unstamped(snapshot))
    walk.release(request.repository, stamp[0])
    found = follow(drive(walk, source), stamp)
    if isinstance(found, Finding):
        return tracing.lost(snapshot, walk.evidence(), found)
    if found.rendering is not None:
        walk.blob(request.repository, found.intent.rendered, found.rendering.size)
    evidence = drive(walk, source)
    told = _history(request, snapshot, evidence)
    return tracing.deployed(snapshot, evidence, told, found, request.asked)


def _history(request: TraceRequest, snapshot: Snapshot, evidence: Evidence) -> histories.History:
    return histories.read(
        evidence.links,
        environment=request.asked.environment,
        target=request.target,
        head=snapshot.head,
        oldest=snapshot.oldest,
    )


def _judge_image(request: TraceRequest, digest: Digest, source: Source) -> Trace:
    walk = Walk(trust=request.trust, policy=request.asked.policy.policy)
    walk.image(request.repository, digest)
    return tracing.image(request.subject, drive(walk, source), digest, request.asked)


def resolved(reference: str, registry: Registry) -> tuple[str, Digest]:
    """Return repository and digest of an image, by tag or digest.

    Raises:
        ShipwayError: ``trace.not_found`` if the registry has no such image.
    """
    repository, at, wanted = reference.partition("@")
    if not at:
        repository, colon, wanted = reference.rpartition(":")
        if not colon or "/" in wanted:
            repository, wanted = reference, "latest"
    found = registry.resolve(repository, wanted)
    if found is None:
        raise ShipwayError(
            "trace.not_found",
            Kind.NOT_FOUND,
            "the registry has no such image",
            operation="tracing",
            subject=reference,
        )
    return repository, found.digest


def _export(
    request: TraceRequest,
    source: _Recording,
    *,
    snapshot: Snapshot | None = None,
    image: Digest | None = None,
) -> bytes:
    answers = tuple(
        _Answer(want, None if data is None else base64.b64encode(data).decode())
        for want, data in sorted(source.answers.items())
    )
    held = _Export(
        schema=_SCHEMA,
        subject=request.subject,
        project=request.asked.project,
        environment=request.asked.environment,
        target=request.target,
        repository=request.repository,
        snapshot=snapshot,
        image=image,
        answers=answers,
    )
    return msgspec.json.encode(held)
