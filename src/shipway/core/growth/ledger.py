"""What was built and what serves, as far as it takes room: a list that never grows with time.

``roads.growth`` keeps one per person. Signed links, manifests and configs are no part of it: they
are small and stay. What is listed here is bulk, programs and layers, and the manifests in a
registry that hold on to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.oci.digest import Digest  # noqa: TC001  msgspec reads types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

NEWEST = 5
"""Builds of each service that stay, whatever else does."""
DEPLOYS = 2
"""Deploys of each target whose images stay: what serves, and what a rollback would put back."""

CONDEMNED = 1000
"""Builds that are listed, at most, for registries that may never be collected: a cluster of theirs
is stopped, or gone."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """An image of one service as it was made."""

    project: str
    service: str
    repository: str
    """Where it was pushed."""
    manifests: tuple[Digest, ...]
    """The image's own first, then those that an index lists."""
    blobs: dict[Digest, int]
    """Bulk that this build needs, with its sizes in bytes."""
    release: bool = False
    """Made by ``release``: a registry keeps it, whatever the store does."""

    @property
    def image(self) -> Digest:
        """Return its identity."""
        return self.manifests[0]

    @property
    def key(self) -> tuple[str, str, str, Digest]:
        """Return what tells it from all others."""
        return self.project, self.service, self.repository, self.image

    @property
    def host(self) -> str:
        """Return the registry it was pushed to."""
        return self.repository.partition("/")[0]


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What one target of an environment ran last."""

    project: str
    environment: str
    target: str
    images: tuple[tuple[Digest, ...], ...]
    """Of each deploy that passed, newest first."""

    @property
    def where(self) -> tuple[str, str, str]:
        """Return which target it is."""
        return self.project, self.environment, self.target


class Ledger(msgspec.Struct, frozen=True, kw_only=True):
    """Builds newest first, what serves, and what a registry still holds of builds that went."""

    schema: int = 1
    builds: tuple[Build, ...] = ()
    serving: tuple[Serving, ...] = ()
    condemned: tuple[Build, ...] = ()
    """Builds that are gone from the store, and whose manifests a registry may still have; the last
    to go are the last."""
    others: int = 0
    """Bytes of the store beside bulk, when it was last looked at."""
    looked: float = 0.0
    """When that was, in seconds since the epoch."""

    @property
    def images(self) -> frozenset[Digest]:
        """Return what serves, and what would be put back."""
        return frozenset(at for one in self.serving for images in one.images for at in images)

    def made(self, builds: Iterable[Build]) -> Ledger:
        """Return the ledger after these were made; one made again is the newest again."""
        new = {one.key: one for one in builds}
        return msgspec.structs.replace(
            self,
            builds=(*new.values(), *(one for one in self.builds if one.key not in new)),
            condemned=tuple(one for one in self.condemned if one.key not in new),
        )

    def served(self, where: tuple[str, str, str], images: Iterable[Digest]) -> Ledger:
        """Return the ledger after a deploy of these images passed."""
        now = tuple(sorted(images))
        before = next((one.images for one in self.serving if one.where == where), ())
        kept = (now, *(one for one in before if one != now))[:DEPLOYS]
        project, environment, target = where
        new = Serving(project=project, environment=environment, target=target, images=kept)
        others = tuple(one for one in self.serving if one.where != where)
        return msgspec.structs.replace(self, serving=(*others, new))

    def dropped(self, builds: Iterable[Build]) -> Ledger:
        """Return the ledger once the store has these no more, and a registry still may."""
        gone = {one.key: one for one in builds}
        condemned = (*self.condemned, *(one for one in gone.values() if not one.release))
        return msgspec.structs.replace(
            self,
            builds=tuple(one for one in self.builds if one.key not in gone),
            condemned=condemned[-CONDEMNED:],
        )

    def collected(self, builds: Iterable[Build]) -> Ledger:
        """Return the ledger once no registry of ours has the manifests of these."""
        gone = {one.key for one in builds}
        left = tuple(one for one in self.condemned if one.key not in gone)
        return msgspec.structs.replace(self, condemned=left)

    def measured(self, total: int, at: float) -> Ledger:
        """Return the ledger after the whole store was found to have ``total`` bytes."""
        others = max(0, total - sum(_bulk(self.builds).values()))
        return msgspec.structs.replace(self, others=others, looked=at)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What goes, and why not more."""

    dropped: tuple[Build, ...] = ()
    blobs: dict[Digest, int] = msgspec.field(default_factory=dict)
    """Bulk that only dropped builds need."""
    kept: int = 0
    """Bytes of the bulk that stays."""
    over: int = 0
    """Bytes above the limit that must stay all the same: what serves or is named."""

    @property
    def size(self) -> int:
        """Return how many bytes go."""
        return sum(self.blobs.values())


def plan(ledger: Ledger, *, needed: frozenset[Digest], limit: int) -> Plan:
    """Return what goes: all but what is needed, and the newest builds of each service.

    ``needed`` are images that something else names: live pods, names in the store. Where ``limit``
    (bytes of the whole store) is passed, fewer than the newest five stay, but always one.
    """
    stays = needed | ledger.images
    protected, dev = [], []
    dropped: list[Build] = []
    ranks: dict[tuple[str, str], int] = {}
    for one in ledger.builds:
        service = (one.project, one.service)
        rank = ranks[service] = ranks.get(service, 0) + 1
        if stays & set(one.manifests) or rank == 1:
            protected.append(one)
        elif rank <= NEWEST:
            dev.append(one)
        else:
            dropped.append(one)
    while dev and _size((*protected, *dev)) + ledger.others > limit:
        dropped.append(dev.pop())
    kept = _bulk((*protected, *dev))
    size = sum(kept.values())
    return Plan(
        dropped=tuple(dropped),
        blobs={digest: size for digest, size in _bulk(dropped).items() if digest not in kept},
        kept=size,
        over=max(0, size + ledger.others - limit),
    )


def _bulk(builds: Iterable[Build]) -> dict[Digest, int]:
    return {digest: size for one in builds for digest, size in one.blobs.items()}


def _size(builds: Iterable[Build]) -> int:
    return sum(_bulk(builds).values())


def manifests(condemned: Iterable[Build], kept: Iterable[Build]) -> tuple[tuple[str, Digest], ...]:
    """Return (repository, manifest) of all that condemned builds alone have."""
    stay = {(one.repository, digest) for one in kept for digest in one.manifests}
    gone = [(one.repository, digest) for one in condemned for digest in one.manifests]
    return tuple(one for one in dict.fromkeys(gone) if one not in stay)


def weight(condemned: Iterable[Build], kept: Iterable[Build]) -> int:
    """Return about how many bytes a registry could free of what these builds alone need."""
    stay = _bulk(kept)
    return sum(size for digest, size in _bulk(condemned).items() if digest not in stay)


def orphans(
    sizes: dict[Digest, int], ledger: Ledger, named: frozenset[Digest], *, little: int
) -> Iterator[Digest]:
    """Yield the big blobs that no build needs and nothing names: what killed runs left behind."""
    needed = {digest for one in ledger.builds for digest in one.blobs} | named
    for digest, size in sizes.items():
        if size > little and digest not in needed:
            yield digest
