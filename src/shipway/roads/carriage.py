"""Carriage: a release is copied to the registry of another environment, and keeps its digests.

``promote`` comes here. Only links that verify under the keys of where it comes from go along: about
its images all that count, about the release its own. What an environment said of it stays there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.evidence import release as sealed
from shipway.core.evidence import shelf
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.walk import Walk
from shipway.core.run.events import Unit
from shipway.stages import transfer
from shipway.stages.transfer import Moving
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shipway.core.evidence.release import Release
    from shipway.core.evidence.trust import Trust
    from shipway.core.evidence.walk import Evidence
    from shipway.core.ports.hands import Hands
    from shipway.run import Run

_STAYS = frozenset({"render", "verdict", "intent", "outcome"})
"""What an environment says of a release."""


def copy(release: Release, evidence: str, *, trust: Trust, hands: Hands, run: Run) -> None:
    """Copy a release, as it lies in its repository, to the repository ``evidence`` and beside it.

    Raises:
        ShipwayError: ``transfer.gone`` (not found), and what the registries say.
    """
    walk = Walk(trust=trust, policy=built_in().policy)
    walk.release(release.repository, release.digest)
    found = drive(walk, RegistrySource(hands.registry))
    moving = (
        *_images(release, evidence),
        Moving(origin=release.repository, destination=evidence, digest=release.digest),
        *_links(release, evidence, found),
        *_places(release, evidence, found, hands),
    )
    run.step(
        transfer.transfer,
        Unit(),
        transfer.TransferRequest(moving=moving),
        summary=lambda done: f"{done.sent / 1e6:.1f} MB copied",
        content=hands.content,
        registry=hands.registry,
    )


def _images(release: Release, evidence: str) -> Iterator[Moving]:
    for one in release.contents.services:
        origin = sealed.absolute(one.repository, release.repository)
        destination = sealed.absolute(one.repository, evidence)
        yield Moving(origin=origin, destination=destination, digest=one.image)


def _links(release: Release, evidence: str, found: Evidence) -> Iterator[Moving]:
    for link in found.links:
        if link.kind in _STAYS:
            continue
        place = sealed.relative(link.repository, release.repository)
        at = evidence if link.repository == release.repository else sealed.absolute(place, evidence)
        yield Moving(
            origin=link.repository,
            destination=at,
            digest=link.edge.manifest,
            subject=link.subject,
            tag=f"{link.kind}-{link.edge.payload.rpartition(':')[2]}",
        )


def _places(release: Release, evidence: str, found: Evidence, hands: Hands) -> Iterator[Moving]:
    """Yield the release once more, under the tags by which ``deploy`` finds it."""
    signed = found.about(release.digest, "release")
    for one in shelf.listed(hands.registry.tags(release.repository)):
        called = one.is_called(release.contents.version, "")
        if called and any(one.is_of(link, release.digest) for link in signed):
            yield Moving(
                origin=release.repository,
                destination=evidence,
                digest=release.digest,
                tag=one.tag,
            )
