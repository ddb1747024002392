"""Growth: after a run, and by ``shipway gc``, what nobody needs any more goes.

What is deployed or named stays, and the newest builds of each service; so do signed links,
manifests and configs, which are small. The store goes first. Manifests in the registry of the
embedded cluster follow in batches, and then it is asked to collect (``cluster.parts.registry``).
A registry of others is never changed. Killed at any moment, nothing that is needed is gone, and
the next time completes it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec

from shipway import scope
from shipway.core.evidence import artifact, shelf
from shipway.core.growth import ledger as ledgers
from shipway.core.growth.ledger import Build
from shipway.core.kube import pods
from shipway.core.kube.objects import read_set
from shipway.core.oci import digest as digests
from shipway.core.oci import manifest
from shipway.core.oci.descriptor import MANIFEST
from shipway.core.oci.reference import is_loopback
from shipway.core.ports.kube import Selection
from shipway.errors import Kind, ShipwayError
from shipway.roads import releases

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shipway.core.growth.ledger import Ledger
    from shipway.core.kube.objects import Obj
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.hands import Ground, Hands
    from shipway.roads.destination import Destination
    from shipway.roads.make import Made
    from shipway.run import Run

BATCH = 256 << 20
"""Bytes that a registry could free before it is asked to."""
LITTLE = 64 << 10
"""Bytes up to which a blob counts as evidence, and stays."""
COLLECT, NOW = "shipway/collect", "now"
"""The tag that asks the embedded cluster's registry to collect; it removes the tag when it did."""
_DAY = 86400.0
_PART = 20
"""Which part of the store's limit the results that stages remember may have beside it."""


class Collected(msgspec.Struct, frozen=True, kw_only=True):
    """What went, or would go."""

    builds: tuple[str, ...]
    """As ``PROJECT/SERVICE@DIGEST``."""
    freed: int
    """Bytes of the store."""
    left: int
    """Bytes that it has now."""
    limit: int
    registry: int
    """Bytes that the embedded cluster's registry can free, about."""
    place: str
    remembered: int = 0
    """Bytes of what stages remember of earlier runs."""
    over: int = 0
    """Bytes above the limit, all of which must stay."""
    dry: bool = False

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        would = "would be " if self.dry else ""
        for one in self.builds:
            yield f"{one} {would}removed"
        yield f"{size(self.freed)} {would}freed in {self.place}"
        if self.registry:
            yield f"about {size(self.registry)} {would}freed in the embedded cluster's registry"
        if self.remembered:
            yield f"{size(self.remembered)} {would}freed of what stages remember"
        yield f"store: {size(self.left)} of {size(self.limit)}"
        if self.over:
            yield f"{size(self.over)} above the limit: all of it is deployed, named or evidence"


def size(count: int) -> str:
    """Return a number of bytes as people read it: ``1.5 GiB``."""
    value, unit = float(count), "B"
    for bigger in ("KiB", "MiB", "GiB"):
        if value < 1024:  # noqa: PLR2004  the unit's own factor
            break
        value, unit = value / 1024, bigger
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"


def made(project: str, services: Iterable[Made], *, release: bool, hands: Hands) -> None:
    """Note what was made, before it is deployed."""
    builds = tuple(
        Build(
            project=project,
            service=one.name,
            repository=one.published.repository,
            manifests=tuple(
                dict.fromkeys((one.published.manifest.digest, *(at.digest for at in one.manifests)))
            ),
            blobs=one.bulk,
            release=release,
        )
        for one in services
    )
    hands.keeping.note(lambda known: known.made(builds))


def served(destination: Destination, rendered: Digest, *, hands: Hands) -> None:
    """Note the images of the rendered set that a target serves now."""
    objects = read_set(hands.content.read(rendered))
    images = {one for obj in objects for one in _digests(obj)}
    where = (destination.project, destination.environment, destination.target)
    hands.keeping.note(lambda known: known.served(where, images))


def after(name: str, *, hands: Hands, run: Run) -> None:
    """Remove what a run made superfluous; nothing is done while another process uses the store.

    Costs nothing where nothing was made. What goes wrong is a remark, never the run's failure.
    """
    try:
        known = hands.keeping.ledger()
        plan = ledgers.plan(known, needed=frozenset(), limit=hands.keeping.limit)
        heavy = ledgers.weight(known.condemned, known.builds) >= BATCH
        ground = _running(name, hands) if plan.dropped or heavy else None
        if plan.dropped or ledgers.weight(_ours(known, ground), known.builds) >= BATCH:
            with hands.keeping.alone() as alone:
                if alone:
                    _collect(ground, hands, least=BATCH)
    except ShipwayError as error:
        if error.kind is Kind.CANCELLED:
            raise
        run.remark(f"old builds were not removed: {error}", fix="shipway gc")


def gc(name: str, *, dry: bool, hands: Hands) -> Collected:
    """Remove what nobody needs, what killed runs left behind too; ``dry`` only says what.

    Raises:
        ShipwayError: ``store.busy`` (transient) while another run uses the store, and what store,
            cluster and registry say.
    """
    with hands.keeping.alone() as alone:
        if not alone and not dry:
            raise ShipwayError(
                "store.busy",
                Kind.TRANSIENT,
                "another run uses it now",
                operation="collecting in the store",
                subject=hands.keeping.place,
                hint="wait for it to end, then: shipway gc",
            )
        return _collect(_running(name, hands), hands, least=1, whole=True, dry=dry)


def room(hands: Hands) -> str:
    """Return in one line how much room the store takes of what it may."""
    total = sum(hands.keeping.sizes().values())
    return f"store: {size(total)} of {size(hands.keeping.limit)} in {hands.keeping.place}"


def _running(name: str, hands: Hands) -> Ground | None:
    ground = hands.ground(name)
    return ground if ground is not None and ground.running else None


def _collect(
    ground: Ground | None, hands: Hands, *, least: int, whole: bool = False, dry: bool = False
) -> Collected:
    """Remove from the store, then from the registry, and note it; ``whole`` looks at every blob."""
    keeping = hands.keeping
    known, now = keeping.ledger(), hands.clock.now()
    sizes = keeping.sizes() if whole or now - known.looked > _DAY else {}
    if sizes:
        known = known.measured(sum(sizes.values()), now)
    remembered = hands.cache.trim(keeping.limit // _PART, dry=dry) if sizes else 0
    needed = _needed(ground, hands)
    plan = ledgers.plan(known, needed=needed, limit=keeping.limit)
    lost = set(ledgers.orphans(sizes, known, keeping.named(), little=LITTLE)) if whole else set()
    gone = set(plan.blobs) | lost
    freed = sum(sizes.get(one, plan.blobs.get(one, 0)) for one in gone)
    left = plan.kept + known.others - sum(sizes[one] for one in lost)
    after = known.dropped(plan.dropped)
    if not dry:
        freed = keeping.remove(gone)
        if whole:
            keeping.tidy()

        def edit(noted: Ledger) -> Ledger:
            noted = noted.dropped(plan.dropped)
            return noted.measured(left, now) if sizes else noted

        after = keeping.note(edit)
    weight = _registry(after, ground, needed, hands, least=least, dry=dry)
    return Collected(
        builds=tuple(f"{one.project}/{one.service}@{one.image}" for one in plan.dropped),
        freed=freed,
        left=left,
        limit=keeping.limit,
        registry=weight,
        place=keeping.place,
        remembered=remembered,
        over=max(0, left - keeping.limit),
        dry=dry,
    )


def _needed(ground: Ground | None, hands: Hands) -> frozenset[Digest]:
    """Return images that the store names, and those of all pods of the embedded cluster."""
    pinned = hands.keeping.pinned()
    if ground is None:
        return pinned
    live = hands.kube(ground.context).list(Selection("v1", "Pod"))
    return pinned | {digest for obj in live for digest in _digests(obj)}


def _digests(obj: Obj) -> Iterator[Digest]:
    for one in pods.images(obj):
        with contextlib.suppress(ShipwayError):
            yield digests.parse(one.reference.rpartition("@")[2])


def _registry(
    known: Ledger,
    ground: Ground | None,
    needed: frozenset[Digest],
    hands: Hands,
    *,
    least: int,
    dry: bool,
) -> int:
    """Delete the manifests of condemned builds, and ask for a collection; return what that frees.

    An image that a release on the shelf has stays, though ``up`` made it as well. Builds in the
    registry of another embedded cluster wait for a run on that one; those in registries of others
    are forgotten: nothing of ours is to be done there.
    """
    ours = _ours(known, ground)
    others = [one for one in known.condemned if not is_loopback(one.host)]
    weight = ledgers.weight(ours, known.builds)
    due = bool(ours) and weight >= least
    if dry or not (due or others):
        return weight if dry else 0
    if ground is not None and due:
        stay = needed | known.images
        released = _released(ours, hands)
        going = [one for one in ours if one.image not in released]
        kept = (*known.builds, *(one for one in ours if one.image in released))
        for repository, digest in ledgers.manifests(going, kept):
            if digest not in stay:
                _delete(repository, digest, hands)
        _ask(ground.registry, hands)
    hands.keeping.note(lambda noted: noted.collected([*others, *(ours if due else ())]))
    return weight if due else 0


def _ours(known: Ledger, ground: Ground | None) -> list[Build]:
    """Return the condemned builds that the registry of this embedded cluster may have."""
    return [one for one in known.condemned if ground and one.host == ground.registry]


def _released(builds: Iterable[Build], hands: Hands) -> frozenset[Digest]:
    """Return the images of all releases that lie beside these builds, whoever made them.

    A release that cannot be read holds nothing: nobody could deploy it.
    """
    shelves = {f"{one.repository.rpartition('/')[0]}/evidence" for one in builds}

    def images(place: tuple[str, str]) -> frozenset[Digest]:
        repository, tag = place
        at = hands.registry.resolve(repository, tag)
        try:
            made = releases.pulled(repository, at.digest, hands) if at else None
        except ShipwayError as error:
            if error.kind not in {Kind.NOT_FOUND, Kind.INTEGRITY}:
                raise
            return frozenset()
        return frozenset(one.image for one in made.contents.services) if made else frozenset()

    places = [
        (repository, one.tag)
        for repository in sorted(shelves)
        for one in shelf.listed(hands.registry.tags(repository, prefix=f"{shelf.RELEASE}."))
    ]
    return frozenset().union(*scope.each(images, places))


def _delete(repository: str, digest: Digest, hands: Hands) -> None:
    try:
        hands.registry.delete(repository, digest)
    except ShipwayError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise


def _ask(host: str, hands: Hands) -> None:
    """Set the tag that the embedded cluster's prober looks for."""
    repository = f"{host}/{COLLECT}"
    empty = hands.content.put(artifact.EMPTY_BYTES, artifact.EMPTY_CONFIG.media_type)
    hands.registry.push_blob(repository, empty, hands.content)
    data = manifest.artifact("application/vnd.shipway.collect", (), subject=None, annotations={})
    hands.registry.push_manifest(repository, data, MANIFEST, NOW)
