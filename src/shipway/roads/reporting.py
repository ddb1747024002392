"""Reporting: what a scanner of distributions said of an image, attached to that image.

The CLI calls :func:`report`. The report is proved to be about the very image, and is not judged.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import scanned
from shipway.core.vulns import packages
from shipway.errors import Kind, ShipwayError
from shipway.roads import outset, scanlinks
from shipway.roads.opening import Opening
from shipway.roads.trace import resolved

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from shipway.core.oci.digest import Digest
    from shipway.core.ports.hands import Hands
    from shipway.core.run.events import Event
    from shipway.core.vulns.packages import Report


class ReportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the person asked for."""

    directory: str
    reference: str
    """Of the image, by tag or digest."""
    path: str
    """Of the report, from the directory."""


class Attached(msgspec.Struct, frozen=True, kw_only=True):
    """What was attached to what."""

    image: str
    scanner: str
    system: str
    known: int

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        yield f"{self.image}: {self.known} known in packages of {self.system or 'no distribution'}"
        yield f"by {self.scanner}, not judged here"


def report(request: ReportRequest, *, hands: Hands, emit: Callable[[Event], None]) -> Attached:
    """Attach a report to its image.

    Raises:
        ShipwayError: ``scan.report`` and ``scan.another`` (integrity), ``trace.not_found``; errors
            of key and registry.
    """
    path = posixpath.normpath(posixpath.join(request.directory, request.path))
    folder, file = posixpath.split(path)
    said = packages.read(hands.files(folder).read(file) or b"")
    repository, digest = resolved(request.reference, hands.registry)
    if digest not in said.digests:
        raise _another(said, digest, request.reference)
    image = hands.registry.resolve(repository, digest)
    with outset.run("scan", request.reference, hands=hands, emit=emit) as run:
        link = scanned.reported(said, digest, hands.clock.now())
        scanlinks.attach(
            posixpath.basename(repository),
            repository,
            [(image, link)] if image else [],
            [digest, said],
            hands=hands,
            run=run,
            opening=Opening(hands),
        )
    return Attached(
        image=f"{repository}@{digest}",
        scanner=f"{said.scanner} {said.version}".rstrip(),
        system=said.system,
        known=len(said.findings),
    )


def _another(said: Report, digest: Digest, reference: str) -> ShipwayError:
    named = ", ".join(sorted(said.digests)) or "an image without a digest"
    return ShipwayError(
        "scan.another",
        Kind.INTEGRITY,
        f"the report is about {named}, and the image is {digest}",
        operation="attaching a report to",
        subject=reference,
        hint="let the scanner look at the image by its digest",
    )
