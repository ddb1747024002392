"""Tests that run beside a deploy: joined when everything serves, and attached to their image.

``up`` comes here last. Nothing waits for these tests; what they came to is a link of its own. Where
a run fails, :func:`leave` signs what is known by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import made as statements
from shipway.core.evidence import revision, statement
from shipway.core.oci.descriptor import MANIFEST
from shipway.core.oci.digest import of, parse
from shipway.core.run.events import Unit
from shipway.errors import ShipwayError
from shipway.roads.proving import told
from shipway.roads.signing import sign
from shipway.stages import attest
from shipway.stages.attest import AttestRequest, Said
from shipway.stages.test import PASSED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shipway.core.golang.binary import TestReport
    from shipway.core.ports.hands import Hands
    from shipway.core.project.source import Source
    from shipway.roads.make import Made
    from shipway.roads.opening import Opening
    from shipway.roads.proving import Proof
    from shipway.run import Run


def reports(
    base: Source,
    services: Mapping[str, Made],
    proof: Proof,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> list[TestReport]:
    """Join all tests, attach what those beside came to, and return a report for each run of them.

    Raises:
        ShipwayError: what the tests' stage, the key or the registry raises.
    """
    found = []
    for names, task in proof.runs.items():
        report = task.join()
        found.append(report)
        for made in (services[name] for name in names):
            if made.report is None:
                _attach(base, made, report, hands=hands, run=run, opening=opening)
        if report.result != PASSED:
            run.remark(f"tests of {', '.join(names)}: {told(report)}", loud=True)
    return found


def leave(
    base: Source,
    services: Mapping[str, Made],
    proof: Proof,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> None:
    """Sign what the tests of a run that failed came to, if they have ended and a key is at hand.

    The link is about the images that were made; without any it is about the commit (or tree), in
    the local store alone. What goes wrong here is said and never raised: it is not why the run
    failed.
    """
    for names, report in proof.ended.items():
        made = [services[name] for name in names if name in services]
        if made and all(one.report is not None for one in made):
            continue
        if not hands.at_hand():
            run.remark("what the tests came to is not signed: no key is at hand")
            return
        try:
            for one in made:
                _attach(base, one, report, hands=hands, run=run, opening=opening)
            if not made:
                _keep(base, names, report, hands=hands, run=run, opening=opening)
        except ShipwayError as error:
            run.remark(f"what the tests came to is not signed: {error}")


def _keep(
    base: Source,
    names: tuple[str, ...],
    report: TestReport,
    *,
    hands: Hands,
    run: Run,
    opening: Opening,
) -> None:
    """Keep a link about the revision in the store, unless it has one that says just that."""
    about = revision.of(base)
    said = statements.tests(report, base, about.descriptor.digest)
    key = of(msgspec.json.encode(["test", said, hands.fingerprint()]))
    known = hands.cache.get(key)
    if known is None or not hands.content.has(parse(known.decode())):
        hands.content.put(about.layer, revision.MEDIA_TYPE)
        hands.content.put(about.manifest, MANIFEST)
        run.sync()
        (link,) = run.step(
            attest.sign,
            Unit(service=", ".join(names)),
            AttestRequest(
                statements=(Said(payload=statement.encode(said), subject=about.descriptor),)
            ),
            summary=lambda _: f"test, about {about.id[:12]}",
            signer=opening.signer(),
            content=hands.content,
            registry=None,
            clock=hands.clock,
            links=hands.links,
        )
        hands.cache.put(key, link.manifest.digest.encode())
    run.remark(f"what the tests came to is signed: shipway trace {about.id}")


def _attach(
    base: Source, made: Made, report: TestReport, *, hands: Hands, run: Run, opening: Opening
) -> None:
    """Attach what the tests came to, unless the image has links that say just that."""
    said = [(one, statements.tests(report, base, one.digest)) for one in made.manifests]
    repository = made.published.repository
    key = of(msgspec.json.encode(["test", said, repository, hands.fingerprint()]))
    known = hands.cache.get(key)
    if known is not None and all(
        hands.registry.resolve(repository, one) is not None
        for one in msgspec.json.decode(known, type=list[str])
    ):
        return
    links = sign(
        Unit(service=made.name),
        repository,
        said,
        hands=hands,
        run=run,
        signer=opening.signer(),
    )
    hands.cache.put(key, msgspec.json.encode([link.manifest.digest for link in links]))
