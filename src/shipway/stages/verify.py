"""Verify: from the registry, as a stranger would, one verdict about one release and environment.

Nothing is taken from this run's memory: every link, manifest and byte is fetched by digest and
proved. The verdict is a value; a failed one is signed and kept like a passed one. The same driver,
:func:`drive`, walks for ``trace`` over the registry, the store or an export.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import verdict
from shipway.core.evidence.policy import Named, built_in
from shipway.core.evidence.rules import Case, Foreign
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.evidence.walk import Evidence, Walk, Want
from shipway.core.kube.objects import read_set
from shipway.core.oci.descriptor import OCTETS, Descriptor
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.evidence.verdict import Verdict
    from shipway.core.ports.clock import Clock
    from shipway.core.ports.content import Content
    from shipway.core.ports.evidence import Links, Source
    from shipway.core.ports.registry import Registry


class VerifyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which bytes may go where, and whose word counts."""

    project: str
    environment: str
    repository: str
    """Where release and links of the environment lie, ``HOST[:PORT]/NAME``."""
    release: Digest
    rendered: Descriptor
    """The rendered set; its bytes lie in the same repository."""
    trust: Trust
    """Keys, roles, and whether the environment is protected."""
    foreign: tuple[Foreign, ...] = ()
    """Images of others, from the lock."""
    policy: Named = msgspec.field(default_factory=built_in)


def verify(request: VerifyRequest, *, registry: Registry, clock: Clock) -> Verdict:
    """Return the verdict of the policy on what the registry holds.

    Raises:
        ShipwayError: errors of the registry; ``evidence.flooded`` (rejected). What is missing or
            altered is no error but part of the verdict.
    """
    walk = Walk(trust=request.trust, policy=request.policy.policy)
    walk.release(request.repository, request.release)
    walk.blob(request.repository, request.rendered.digest, request.rendered.size)
    found = drive(walk, RegistrySource(registry))
    now = clock.now()
    case = Case(
        project=request.project,
        environment=request.environment,
        protected=request.trust.protected,
        release=request.release,
        rendered=request.rendered.digest,
        objects=_objects(found, request.rendered.digest),
        policy=request.policy,
        foreign=request.foreign,
        time=now,
    )
    return verdict.decide(found, case, time=now)


def drive(walk: Walk, source: Source) -> Evidence:
    """Feed ``walk`` from ``source``, a frontier at a time, until it wants nothing."""
    while wants := walk.wants():
        answers = scope.current().each(source.answer, wants)
        walk.feed(dict(zip(wants, answers, strict=True)))
    return walk.evidence()


class RegistrySource:
    """A registry as a source of evidence; what it alters is handed on for the walk to name.

    ``known`` are manifests that the caller has from it, by digest: they are not asked for again.
    """

    def __init__(self, registry: Registry, known: Mapping[Digest, bytes] | None = None) -> None:
        self._registry = registry
        self._known = known or {}

    def answer(self, want: Want) -> bytes | None:
        """Return what the registry holds."""
        try:
            return self._answer(want)
        except ShipwayError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            if error.kind is Kind.INTEGRITY:
                return b""
            raise

    def _answer(self, want: Want) -> bytes:
        if want.kind == "referrers":
            return msgspec.json.encode(self._registry.referrers(want.repository, want.digest))
        if want.kind == "manifest":
            if (known := self._known.get(want.digest)) is not None:
                return known
            return self._registry.pull_manifest(want.repository, want.digest)[1]
        wanted = Descriptor(OCTETS, want.digest, want.size)
        return self._registry.pull_blob(want.repository, wanted)


class StoreSource:
    """The local store as a source of evidence."""

    def __init__(self, content: Content, links: Links) -> None:
        self._content = content
        self._links = links

    def answer(self, want: Want) -> bytes | None:
        """Return what the store holds."""
        if want.kind == "referrers":
            return msgspec.json.encode(self._links.about(want.digest))
        try:
            return self._content.read(want.digest)
        except ShipwayError as error:
            if error.kind is Kind.NOT_FOUND:
                return None
            if error.kind is Kind.INTEGRITY:
                return b""
            raise


class Both:
    """Two sources: links of both, bytes from the first that has them as they should be."""

    def __init__(self, first: Source, second: Source) -> None:
        self._sources = (first, second)

    def answer(self, want: Want) -> bytes | None:
        """Return the union of the lists, or the first bytes."""
        if want.kind != "referrers":
            first, second = self._sources
            return first.answer(want) or second.answer(want)
        lists = [source.answer(want) or b"[]" for source in self._sources]
        merged = {
            one.digest: one
            for data in lists
            for one in msgspec.json.decode(data, type=tuple[Descriptor, ...])
        }
        return msgspec.json.encode(tuple(merged.values()))


def _objects(found: Evidence, rendered: Digest) -> tuple[dict[str, object], ...] | None:
    data = found.blobs.get(rendered)
    try:
        return None if data is None else read_set(data)
    except ValueError:
        return None
