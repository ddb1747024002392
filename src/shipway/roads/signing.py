"""Signing what ``make`` made: signature, provenance, SBOM and tests, about every manifest.

An index has a signature, a build link and a test link of its own beside those of each image that
it lists. ``roads.make`` and ``roads.beside`` come here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from shipway import __version__, scope
from shipway.core.evidence import made as statements
from shipway.core.evidence import statement
from shipway.core.evidence.link import Link
from shipway.core.oci.digest import of
from shipway.core.run.events import Unit
from shipway.stages import attest
from shipway.stages.attest import AttestRequest, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shipway.core.evidence.statement import Statement
    from shipway.core.golang.binary import TestReport
    from shipway.core.oci.descriptor import Descriptor
    from shipway.core.oci.image import Placed, Published
    from shipway.core.ports.hands import Hands
    from shipway.core.ports.signer import Signer
    from shipway.core.supply.bom import Sbom
    from shipway.roads.make import MakeRequest
    from shipway.roads.opening import Opening
    from shipway.run import Run
    from shipway.scope import Task


class Part(NamedTuple):
    """One platform's image, on its way into the registry and not yet signed."""

    told: statements.Build
    document: Sbom
    sending: Task[Published]


def links(
    request: MakeRequest,
    published: Placed,
    built: list[Part],
    report: TestReport | None,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> tuple[Link, ...]:
    """Return the links about the image; those of an earlier run that say the same stay as they are.

    Links are reused only where image, source, tests, signer and Shipway are the same ones, so that
    a run in which nothing changed makes the same release.
    """
    image_digest = published.manifest.digest
    key = of(
        msgspec.json.encode(
            ["links", __version__, image_digest, request.source, report, hands.fingerprint()]
        )
    )
    known = hands.cache.get(key)
    if known is not None:
        kept = msgspec.json.decode(known, type=tuple[Link, ...])
        if _listed(kept, published, hands):
            return kept
    done = [one for part in built for one in _said(request, part, report, hands)]
    if len(built) > 1:
        told = statements.Joined(index=image_digest, builds=tuple(one.told for one in built))
        done += _about(published.manifest, statements.joined(told), request, report)
    signer = opening.signer()
    unit = request.unit if len(built) == 1 else Unit(service=request.name)
    signed = sign(
        unit,
        published.repository,
        done,
        hands=hands,
        run=run,
        signer=signer,
        there=lambda: [part.sending.join() for part in built],
    )
    hands.cache.put(key, msgspec.json.encode(signed))
    return signed


def _said(
    request: MakeRequest, part: Part, report: TestReport | None, hands: Hands
) -> list[tuple[Descriptor, Statement]]:
    """Return what is said of one platform's image."""
    image = part.told.published.manifest
    data = hands.content.read(part.document.document.digest)
    said = _about(image, statements.provenance(part.told), request, report)
    return [*said, (image, statements.sbom(data, image.digest))]


def _about(
    manifest: Descriptor, build: Statement, request: MakeRequest, report: TestReport | None
) -> list[tuple[Descriptor, Statement]]:
    """Return what is said of images and indexes alike."""
    found = [(manifest, statements.signature(manifest.digest)), (manifest, build)]
    if report is not None:
        found.append((manifest, statements.tests(report, request.source, manifest.digest)))
    return found


def _listed(kept: tuple[Link, ...], published: Placed, hands: Hands) -> bool:
    """Return whether the registry lists all of these links, and the store holds them too."""
    wanted = {link.manifest.digest for link in kept}
    if not all(hands.content.has(digest) for digest in wanted):
        return False
    subjects = {link.subject for link in kept}
    there = scope.each(
        lambda subject: hands.registry.referrers(published.repository, subject), subjects
    )
    return wanted <= {one.digest for listed in there for one in listed}


def sign(
    unit: Unit,
    repository: str,
    done: Sequence[tuple[Descriptor, Statement]],
    *,
    hands: Hands,
    run: Run,
    signer: Signer,
    there: Callable[[], object] | None = None,
) -> tuple[Link, ...]:
    """Sign statements, each about its manifest in the repository, and push them beside it.

    ``there`` waits for manifests that are still on their way.
    """
    synced = run.syncing()

    def ready() -> None:
        synced()
        if there is not None:
            there()

    said = tuple(Said(payload=statement.encode(one), subject=manifest) for manifest, one in done)
    return run.step(
        attest.sign,
        unit,
        AttestRequest(statements=said, repository=repository),
        summary=lambda links: f"{len(links)} links",
        signer=signer,
        content=hands.content,
        registry=hands.registry,
        clock=hands.clock,
        links=hands.links,
        there=ready,
    )
