"""The two commands that judge evidence: ``trace`` and ``verify``, for one environment.

The CLI calls them through wiring. They find out where the environment lives and whose word counts,
and leave the judging to ``roads.trace`` and the policy.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import revision, tracing
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.rules import Foreign
from shipway.core.evidence.tracing import Asked, Trace  # noqa: TC001  msgspec reads types
from shipway.core.evidence.walk import Walk
from shipway.errors import Kind, ShipwayError
from shipway.roads import outset, trace, where
from shipway.roads.observe import is_live
from shipway.stages.verify import StoreSource, drive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.ports.hands import Hands
    from shipway.roads.destination import Destination


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A trace as a person reads it."""

    trace: Trace
    exported: str = ""
    exit_kind: Kind | None = None

    def lines(self) -> Iterator[str]:
        """Yield the way back, a step a line, then what is wrong."""
        for step in self.trace.steps:
            signer = f"  by {step.signer[:19]}" if step.signer else ""
            yield f"{step.state:9} {step.name:10} {step.subject}{signer}"
            for name, value in step.details.items():
                yield f"{'':9} {'':10}   {name}: {value}"
        for finding in self.trace.findings:
            yield f"! {finding}"
        for finding in self.trace.beside:
            yield f"beside: {finding}"
        yield f"witness: {self.trace.witness}"
        if self.exported:
            yield f"exported to {self.exported}"
        yield "the chain holds" if self.trace.ok else "the chain does not hold"


def walk_back(
    subject: str,
    request: where.WhereRequest,
    *,
    hands: Hands,
    namespace: str = "",
    export: str = "",
    trusted_root: str = "",
    policy: str = "",
) -> Shown:
    """Return the way back from a live object, an image, or a file that an earlier trace wrote.

    Of a commit it is what runs that made no image left in the local store.

    Raises:
        ShipwayError: ``trace.*``, and what cannot be reached. A broken chain is no error: it is
            shown, and makes the exit code.
    """
    if not is_live(subject):
        data = _exported(subject, hands)
        if data is not None:
            return _offline(data, request, trusted_root, policy, hands)
        if found := revision.named(subject):
            if export:
                raise _usage(subject, "only what runs, or an image, can be exported", "")
            return _revision(found, request, hands)
        if "/" not in subject:
            raise _usage(
                subject,
                "it is no pod/NAME or other live object, no image with its registry, no full id of"
                " a commit, and no file",
                f"shipway trace deployment/{subject}",
            )
    (target, *_) = where.destinations(request, hands=hands)
    spaces = (namespace,) if namespace else target.namespaces
    told = _trace(subject, target, spaces, request, hands)
    if export:
        folder, file = posixpath.split(posixpath.abspath(export))
        hands.files(folder).replace(file, told.export)
    return _shown(told.trace, export)


def _revision(
    found: tuple[revision.Revision, ...], request: where.WhereRequest, hands: Hands
) -> Shown:
    """Return what the local store has about a commit or tree; no cluster is asked."""
    trust = where.trust(request, hands=hands)
    for one in found:
        walk = Walk(trust=trust, policy=built_in().policy)
        walk.referrers("", one.descriptor.digest)
        evidence = drive(walk, StoreSource(hands.content, hands.links))
        if evidence.links or evidence.findings:
            return _shown(tracing.revision(evidence, one))
    raise ShipwayError(
        "trace.not_found",
        Kind.NOT_FOUND,
        "this machine keeps no link about this commit",
        operation="tracing",
        subject=found[0].id,
        hint="where an image was made, the links are beside it: shipway trace IMAGE",
    )


def _usage(subject: str, why: str, hint: str) -> ShipwayError:
    return ShipwayError(
        "trace.kind", Kind.USAGE, why, operation="tracing", subject=subject, hint=hint
    )


def judge(reference: str, request: where.WhereRequest, *, hands: Hands) -> Shown:
    """Return what the registry alone proves about an image."""
    (target, *_) = where.destinations(request, hands=hands)
    asked = trace.TraceRequest(
        subject=reference, trust=target.trust, asked=_asked(target, hands, request.directory)
    )
    return _shown(trace.trace_image(asked, registry=hands.registry).trace)


def _trace(
    subject: str,
    target: Destination,
    namespaces: tuple[str, ...],
    request: where.WhereRequest,
    hands: Hands,
) -> trace.Told:
    asked = trace.TraceRequest(
        subject=subject,
        namespaces=namespaces,
        target=target.target,
        repository=target.evidence,
        trust=target.trust,
        asked=_asked(target, hands, request.directory),
    )
    if is_live(subject):
        return trace.trace(
            asked, kube=hands.kube(target.context), registry=hands.registry, clock=hands.clock
        )
    return trace.trace_image(asked, registry=hands.registry)


def _asked(target: Destination, hands: Hands, directory: str) -> Asked:
    """Return what a trace is judged by: what the environment asks, and what the lock lists."""
    lock = outset.project(directory, hands=hands).lock
    listed = tuple(Foreign(digest=one, reference=name) for name, one in lock.images.items())
    return msgspec.structs.replace(target.asked, foreign=listed)


def _exported(subject: str, hands: Hands) -> bytes | None:
    folder, file = posixpath.split(posixpath.abspath(subject))
    return hands.files(folder).read(file) if file else None


def _offline(
    data: bytes, request: where.WhereRequest, trusted_root: str, policy: str, hands: Hands
) -> Shown:
    """Judge an export by keys from files, and with no network."""
    from shipway.core.evidence.policy import parse  # noqa: PLC0415  exports only
    from shipway.core.evidence.trust import Trust  # noqa: PLC0415

    paths = (*request.keys, *((trusted_root,) if trusted_root else ()))
    keys = hands.trusted(paths, own=not paths)
    trust = Trust(keys=keys)
    asked = None
    if policy:
        text = _exported(policy, hands)
        if text is None:
            raise ShipwayError(
                "policy.missing", Kind.NOT_FOUND, "there is no such file", subject=policy
            )
        asked = msgspec.structs.replace(trace.asked_of(data, trust), policy=parse(text))
    return _shown(trace.offline(data, trust=trust, asked=asked))


def _shown(found: Trace, exported: str = "") -> Shown:
    return Shown(trace=found, exported=exported, exit_kind=None if found.ok else Kind.INTEGRITY)
