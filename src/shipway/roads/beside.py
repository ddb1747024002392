"""Tests that run beside a deploy: joined when everything serves, and attached to their image.

``up`` comes here last. Nothing waits for these tests; what they came to is a link of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from shipway.core.evidence import made as statements
from shipway.core.oci.digest import of
from shipway.core.run.events import Unit
from shipway.roads.proving import told
from shipway.roads.signing import sign
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
