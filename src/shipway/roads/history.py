"""Reading the history of one environment and target from its evidence repository.

``rollback``, ``history``, deploys (what to prune) and ``trace`` ask here. Tags only say where the
links lie; numbers, order and outcomes come from the signed links and the head.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import history
from shipway.core.evidence.policy import Named, built_in
from shipway.core.evidence.trust import Trust  # noqa: TC001  msgspec reads types
from shipway.core.evidence.walk import Walk
from shipway.core.kube import head as heads
from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types
from shipway.core.patterns import late
from shipway.errors import Kind, ShipwayError
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.history import Head, History
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.ports.kube import Reader
    from shipway.core.ports.registry import Manifests, Registry

_MOST = 500
"""Numbers that are looked at for one that passed."""
_NUMBER = late(r"-(\d{6,})(?:\.[0-9a-f]{8,})?-(?:intent|outcome)\Z")


class HistoryRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which history, and how much of it."""

    project: str
    environment: str
    target: str
    repository: str
    """The environment's evidence repository."""
    trust: Trust
    policy: Named = msgspec.field(default_factory=built_in)
    newest: int = 50
    """How many numbers to read back from the newest."""


class Listed(msgspec.Struct, frozen=True):
    """Links of a history: their manifests as pulled, and the lowest number that was looked at."""

    known: dict[Digest, bytes]
    oldest: int

    @property
    def manifests(self) -> tuple[Digest, ...]:
        """Return them by digest."""
        return tuple(self.known)


def read(request: HistoryRequest, *, registry: Registry, head: Head | None) -> History:
    """Return the history as registry and head tell it; what is wrong is in its findings."""
    listed = listing(
        registry,
        request.repository,
        environment=request.environment,
        target=request.target,
        newest=request.newest,
        head=head,
    )
    walk = Walk(trust=request.trust, policy=request.policy.policy)
    for manifest in listed.manifests:
        walk.link(request.repository, manifest)
    found = drive(walk, RegistrySource(registry, listed.known))
    return history.read(
        found.links,
        environment=request.environment,
        target=request.target,
        head=head,
        oldest=listed.oldest,
    )


def recent(request: HistoryRequest, *, registry: Registry, head: Head | None) -> History:
    """Return the history back to what passed last, or all of it; ``request.newest`` is its start.

    Mostly that is near; where deploy after deploy failed, more is read, at most 500 numbers.
    """
    past = read(request, registry=registry, head=head)
    for newest in (request.newest * 10, _MOST):
        if past.newest_passed is not None or len(past.entries) < request.newest:
            break
        request = msgspec.structs.replace(request, newest=newest)
        past = read(request, registry=registry, head=head)
    return past


def listing(
    registry: Manifests,
    repository: str,
    *,
    environment: str,
    target: str,
    newest: int,
    head: Head | None = None,
) -> Listed:
    """Return the newest links of a history, found by their tags.

    ``head`` says where to begin to look, so that a long history costs no more than a short one;
    where too little is found there, all of it is looked at.
    """
    prefix = f"{environment}.{target}-"
    start = max(head.sequence - newest, 0) if head else 0
    numbered = _numbered(registry, repository, prefix, start)
    if start and len(numbered) < newest:
        start, numbered = 0, _numbered(registry, repository, prefix, 0)
    chosen = sorted(numbered, reverse=True)[:newest]
    tags = [tag for number in chosen for tag in sorted(numbered[number])]
    pulled = scope.current().each(lambda tag: _pulled(registry, repository, tag), tags)
    whole = not start and len(chosen) == len(numbered)
    return Listed(
        {found[0].digest: found[1] for found in pulled if found is not None},
        1 if whole or not chosen else min(chosen),
    )


def _pulled(registry: Manifests, repository: str, tag: str) -> tuple[Descriptor, bytes] | None:
    """Return the manifest under a tag; none where the tag is gone by now."""
    try:
        return registry.pull_manifest(repository, tag)
    except ShipwayError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        return None


def _numbered(
    registry: Manifests, repository: str, prefix: str, start: int
) -> dict[int, list[str]]:
    """Return the tags of a history by number, of those above ``start``."""
    after = f"{prefix}{start:06d}z" if start else ""  # behind all tags of that number
    found: dict[int, list[str]] = {}
    for tag in registry.tags(repository, after=after, prefix=prefix):
        number = _NUMBER.search(tag)
        if number and tag.startswith(f"{prefix}{number[1]}"):
            found.setdefault(int(number[1]), []).append(tag)
    return found


def head(project: str, environment: str, target: str, *, kube: Reader) -> Head:
    """Return the head of a history as the target's cluster keeps it; an empty one if none.

    Raises:
        ShipwayError: ``deploy.head`` (integrity) if somebody wrote something else into it.
    """
    held = kube.get(heads.ref(project, environment, target))
    return history.Head() if held is None else heads.read(held).head
