"""Pins: names of images that others made become digests once, and stay what they are in the lock.

``up`` asks for base images, ``deliver`` for foreign images of the manifests; ``up`` writes what was
resolved into ``shipway.lock``. A pin that is there is never looked up again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shipway.core.oci import reference as references
from shipway.core.oci.digest import parse as parse_digest
from shipway.core.project import lockfile
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.oci.descriptor import Platform
    from shipway.core.oci.digest import Digest
    from shipway.core.oci.image import BaseImage
    from shipway.core.ports.files import Files
    from shipway.core.ports.hands import Hands
    from shipway.core.project.lockfile import Lock


def resolved(reference: str, hands: Hands) -> str:
    """Return the digest reference of a tag, as its registry has it now.

    Raises:
        ShipwayError: ``image.unknown`` (not found), and what the registry raises.
    """
    named = references.parse(reference)
    found = hands.registry.resolve(named.repository, named.tag or "latest")
    if found is None:
        raise ShipwayError(
            "image.unknown",
            Kind.NOT_FOUND,
            "its registry has no such image",
            operation="pinning",
            subject=reference,
            hint="name an image that is there, with its registry and tag",
        )
    return f"{untagged(reference)}@{found.digest}"


def base(reference: str, lock: Lock, hands: Hands) -> tuple[str, Lock]:
    """Return a base image by digest, and the lock that pins it; nothing for no base."""
    if not reference or references.parse(reference).digest is not None:
        return reference, lock
    if reference in lock.bases:
        return f"{untagged(reference)}@{lock.bases[reference]}", lock
    found = resolved(reference, hands)
    return found, lockfile.pinned(lock, "bases", {reference: digest_of(found)})


def pulled(written: str, pinned: str, platform: Platform, hands: Hands) -> BaseImage:
    """Return the base image that ``written`` is pinned to.

    Raises:
        ShipwayError: ``base.moved`` (conflict) where the registry no longer has what the lock
            pins, because the tag moved on; and what the hands raise.
    """
    try:
        return hands.bases.pulled(pinned, platform)
    except ShipwayError as error:
        named = references.parse(written)
        if error.id != "registry.not_found" or named.digest is not None:
            raise
        now = hands.registry.resolve(named.repository, named.target)
        if now is None or now.digest == digest_of(pinned):
            raise
        raise ShipwayError(
            "base.moved",
            Kind.CONFLICT,
            f"its registry has no {digest_of(pinned)} any more; the tag is {now.digest} now",
            operation="taking the pinned base image",
            subject=written,
            hint=f"to take what it is now: delete {written!r} under [bases] in shipway.lock",
        ) from error


def images(new: Mapping[str, str], lock: Lock) -> Lock:
    """Return the lock with foreign images that were looked up: tag to digest reference."""
    return lockfile.pinned(lock, "images", {name: digest_of(found) for name, found in new.items()})


def keep(lock: Lock, before: Lock, files: Files) -> bool:
    """Write ``shipway.lock`` if it has pins that it had not before; return whether it has."""
    if lock == before:
        return False
    files.replace(lockfile.FILE, lockfile.dump(lock))
    return True


def listed(lock: Lock) -> dict[str, str]:
    """Return the lock's foreign images: tag reference to digest reference."""
    return {name: f"{untagged(name)}@{digest}" for name, digest in lock.images.items()}


def digest_of(reference: str) -> Digest:
    """Return the digest of a reference by digest."""
    return parse_digest(reference.rpartition("@")[2])


def untagged(reference: str) -> str:
    """Return a reference without its tag."""
    head, slash, last = reference.rpartition("/")
    return f"{head}{slash}{last.partition(':')[0]}"
