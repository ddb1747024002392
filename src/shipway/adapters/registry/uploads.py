"""Sending a blob (distribution-spec v1.1.1, Pushing blobs): mounted, at once, or in pieces.

Called by :mod:`.client` only. Each try is an upload of its own, so all of it may be repeated; the
registry takes a blob only if its digest is right.
"""

from __future__ import annotations

import os
import urllib.parse
from pathlib import Path
from typing import IO, TYPE_CHECKING

from shipway.adapters.registry import faults
from shipway.core.oci import challenge
from shipway.core.oci.digest import parse as parse_digest
from shipway.errors import Kind, ShipwayError

if TYPE_CHECKING:
    from shipway.adapters.http.client import Answer
    from shipway.adapters.registry.session import Session
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.reference import Reference

PIECE = 8 << 20
"""Bytes of a piece where a blob does not go at once."""
LOOPBACK = 1 << 40
"""Bytes that go at once to a registry of this machine: any blob. Through the embedded cluster's
door one request took a third to a half less time than pieces did (12, 30 and 64 MiB)."""
_CREATED = frozenset({201})
_BEGUN = frozenset({201, 202})
_TAKEN = frozenset({202})
_OPERATION = "pushing a blob to"


def upload(  # noqa: PLR0917  what one push takes
    session: Session, at: Reference, descriptor: Descriptor, path: str, mount: str, most: int
) -> int:
    """Send the file at ``path`` as one blob; return the bytes sent, 0 if it could be mounted.

    A blob of more than ``most`` bytes, or one that the registry finds too large, goes in pieces.
    """
    place, least = _begin_cheaply(session, at, descriptor, mount)
    if not place:
        return 0
    with Path(path).open("rb", buffering=0) as file:
        if descriptor.size > most:
            _in_pieces(session, at, descriptor, place, max(PIECE, least), file)
            return descriptor.size
        try:
            _whole(session, at, descriptor, place, file)
        except ShipwayError as error:
            if error.id != "registry.too_large" or descriptor.size <= PIECE:
                raise
            place, least = begin(session, at, descriptor, "")
            _in_pieces(session, at, descriptor, place, max(PIECE, least), file)
    return descriptor.size


def _begin_cheaply(
    session: Session, at: Reference, descriptor: Descriptor, mount: str
) -> tuple[str, int]:
    """Return what :func:`begin` does; who may not read the neighbour does without it."""
    try:
        return begin(session, at, descriptor, mount)
    except ShipwayError as error:
        if not mount or error.kind is not Kind.DENIED:
            raise
    return begin(session, at, descriptor, "")


def begin(session: Session, at: Reference, descriptor: Descriptor, mount: str) -> tuple[str, int]:
    """Return where to send the blob and the least size of a piece; nowhere if it is mounted."""
    asked = {"mount": descriptor.digest, "from": mount} if mount else {}
    query = "?" + urllib.parse.urlencode(asked) if asked else ""
    scope = challenge.scope_of(at.path, "pull", "push")
    both = f"{scope} {challenge.scope_of(mount, 'pull')}" if mount else scope
    with session.send(
        "POST", at, f"blobs/uploads/{query}", expect=_BEGUN, operation=_OPERATION, scope=both,
        headers={"Content-Length": "0"},
    ) as answer:  # fmt: skip
        answer.read(1 << 16)
    if answer.status in _CREATED:
        return "", 0
    least = answer.headers.get("OCI-Chunk-Min-Length", "")
    return _location(answer, at), int(least) if least.isdecimal() else 0


def _whole(
    session: Session, at: Reference, descriptor: Descriptor, place: str, file: IO[bytes]
) -> None:
    headers = {
        "Content-Type": "application/octet-stream",
        "Content-Length": str(descriptor.size),
    }
    _finish(session, at, descriptor, place, headers, file if descriptor.size else b"")


def _in_pieces(  # noqa: PLR0917  what several PATCHes take
    session: Session,
    at: Reference,
    descriptor: Descriptor,
    place: str,
    size: int,
    file: IO[bytes],
) -> None:
    """Send the blob by PATCH, piece by piece; the last one goes with the PUT that closes it."""
    start = 0
    while descriptor.size - start > size:
        data = os.pread(file.fileno(), size, start)
        with session.send(
            "PATCH", at, place, expect=_TAKEN, operation=_OPERATION, push=True,
            headers=_piece_headers(start, data), body=data,
        ) as answer:  # fmt: skip
            answer.read(1 << 16)
        place = _location(answer, at)
        start += len(data)
    data = os.pread(file.fileno(), size, start)
    _finish(session, at, descriptor, place, _piece_headers(start, data), data)


def _piece_headers(start: int, data: bytes) -> dict[str, str]:
    return {
        "Content-Type": "application/octet-stream",
        "Content-Range": f"{start}-{start + len(data) - 1}",
    }


def _finish(  # noqa: PLR0917  what one PUT takes
    session: Session,
    at: Reference,
    descriptor: Descriptor,
    place: str,
    headers: dict[str, str],
    body: bytes | IO[bytes],
) -> None:
    """Close the upload with the digest, and compare the registry's own."""
    glue = "&" if "?" in place else "?"
    url = f"{place}{glue}{urllib.parse.urlencode({'digest': descriptor.digest})}"
    try:
        with session.send(
            "PUT", at, url, expect=_CREATED, operation=_OPERATION, push=True,
            headers=headers, body=body,
        ) as answer:  # fmt: skip
            answer.read(1 << 16)
    except ShipwayError as error:
        raise (_expired(at) if error.id == "registry.not_found" else error) from error.__cause__
    found = answer.headers.get("Docker-Content-Digest", descriptor.digest)
    if found != parse_digest(descriptor.digest):
        raise faults.wrong_digest(f"{at.repository}", descriptor.digest, found[:100])


def _location(answer: Answer, at: Reference) -> str:
    place = answer.headers.get("Location", "")
    if not place:
        raise ShipwayError(
            "registry.refused",
            Kind.REJECTED,
            "it does not say where to send the blob",
            operation=_OPERATION,
            subject=at.repository,
            hint="the registry breaks the distribution specification",
        )
    return urllib.parse.urljoin(answer.url, place)


def _expired(at: Reference) -> ShipwayError:
    return ShipwayError(
        "registry.upload_expired",
        Kind.TRANSIENT,
        "the registry forgot the upload before it was complete",
        operation=_OPERATION,
        subject=at.repository,
        hint="run it again",
    )
