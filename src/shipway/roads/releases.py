"""The releases of a project that a registry holds: put there, found again, and read.

``release`` puts one on the shelf, ``deploy`` finds one, ``promote`` reads the one that serves. A
registry is believed in nothing: bytes are proved by digest, channel and time by the signed link,
the version by the release that the link is about.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.evidence import artifact, release, shelf, shipped, statement
from shipway.core.evidence.policy import built_in
from shipway.core.evidence.release import Release
from shipway.core.evidence.trust import Trust
from shipway.core.evidence.walk import Walk
from shipway.core.oci import digest as digests
from shipway.core.oci.descriptor import MANIFEST
from shipway.core.run.events import Unit
from shipway.errors import Kind, ShipwayError
from shipway.stages import attest, seal
from shipway.stages.attest import AttestRequest, Said
from shipway.stages.verify import RegistrySource, drive

if TYPE_CHECKING:
    from shipway.core.evidence.link import Verified
    from shipway.core.evidence.shelf import Shelved
    from shipway.core.oci.digest import Digest
    from shipway.core.ports.hands import Hands
    from shipway.roads.opening import Opening
    from shipway.run import Run
    from shipway.stages.seal import SealRequest


def put(request: SealRequest, *, hands: Hands, run: Run, opening: Opening) -> Release:
    """Seal, sign and shelve a release; one that lies there already is left as it is.

    Only where a key that this person trusts signed it: otherwise it is signed here.
    """
    planned = seal.seal(request, content=hands.content, registry=None)
    if _shelved(planned, request.repository, hands):
        return pulled(request.repository, planned.digest, hands)
    signer = opening.signer()
    made = run.step(
        seal.seal,
        Unit(),
        request,
        summary=lambda one: one.digest,
        content=hands.content,
        registry=hands.registry,
    )
    sealed_on = statement.timestamp(hands.clock.now())
    run.sync()
    said = statement.encode(shipped.release(made, sealed_on=sealed_on))
    run.step(
        attest.sign,
        Unit(),
        AttestRequest(
            statements=(Said(payload=said, subject=made.manifest),), repository=request.repository
        ),
        summary=lambda _: "release",
        signer=signer,
        content=hands.content,
        registry=hands.registry,
        clock=hands.clock,
        links=hands.links,
    )
    place = shelf.shelved(sealed_on, made.digest, request.version)
    data = hands.content.read(made.digest)
    hands.registry.push_manifest(request.repository, data, MANIFEST, place.tag)
    return made


def find(named: str, repository: str, *, trust: Trust, hands: Hands) -> Release:
    """Return a release: the newest, or that of a version, a digest or a reference by digest.

    Raises:
        ShipwayError: ``release.none`` or ``release.unknown`` (not found), ``release.elsewhere``
            (usage) for one in another repository; integrity errors.
    """
    where, at, digest = named.rpartition("@")
    if at and where != repository:
        raise ShipwayError(
            "release.elsewhere",
            Kind.USAGE,
            f"this environment's releases lie in {repository}",
            operation="looking for",
            subject=named[:300],
            hint="shipway promote FROM TO copies a release from one registry to another",
        )
    if digest.startswith("sha256:"):
        return pulled(repository, digests.parse(digest), hands)
    for one in shelf.listed(hands.registry.tags(repository)):
        if named in {"", one.version} or shelf.word(named) == one.version:
            shown = _shown(one, repository, trust, hands)
            made = pulled(repository, shown, hands) if shown else None
            if made is not None and one.is_called(made.contents.version, named):
                return made
    if named:
        raise _unknown(named, repository)
    raise ShipwayError(
        "release.none",
        Kind.NOT_FOUND,
        "there is no release in it whose link counts here",
        operation="looking for the newest release in",
        subject=repository,
        hint="shipway release makes one of the present commit",
    )


def pulled(repository: str, digest: Digest, hands: Hands) -> Release:
    """Return the release of this digest.

    Raises:
        ShipwayError: ``release.unknown`` (not found), ``release.invalid`` (integrity).
    """
    try:
        _, data = hands.registry.pull_manifest(repository, digest)
    except ShipwayError as error:
        if error.kind is not Kind.NOT_FOUND:
            raise
        raise _unknown(digest, repository) from error
    layer = artifact.only_layer(artifact.parse(data))
    contents = release.parse(hands.registry.pull_blob(repository, layer))
    manifest = hands.content.put(data, MANIFEST)
    return Release(contents=contents, manifest=manifest, repository=repository)


def links(repository: str, digest: Digest, *, trust: Trust, hands: Hands) -> tuple[Verified, ...]:
    """Return the verified release links about a release."""
    walk = Walk(trust=trust, policy=built_in().policy)
    walk.referrers(repository, digest)
    return drive(walk, RegistrySource(hands.registry)).about(digest, "release")


def _shown(one: Shelved, repository: str, trust: Trust, hands: Hands) -> Digest | None:
    """Return what a tag shows, if a signed link says what the tag says."""
    found = hands.registry.resolve(repository, one.tag)
    if found is None:
        return None
    signed = links(repository, found.digest, trust=trust, hands=hands)
    return found.digest if any(one.is_of(link, found.digest) for link in signed) else None


def _shelved(made: Release, repository: str, hands: Hands) -> bool:
    trust = Trust(keys=hands.trusted((), own=True))
    short, version = digests.hex_of(made.digest)[:8], made.contents.version
    there = shelf.listed(hands.registry.tags(repository))
    return any(
        _shown(one, repository, trust, hands) == made.digest
        for one in there
        if one.short == short and one.is_called(version, "")
    )


def _unknown(named: str, repository: str) -> ShipwayError:
    return ShipwayError(
        "release.unknown",
        Kind.NOT_FOUND,
        f"{repository} has no such release, or none whose link counts here",
        operation="looking for the release",
        subject=named[:300],
        hint="name a version, sha256:... or REPOSITORY@sha256:...; without any, the newest counts",
    )
